use super::*;

fn refusal(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn an_unusable_dockerfile_is_refused_in_dockers_words() {
    for (text, reason) in [
        ("", "dockerfile parse error: file with no instructions"),
        ("# only a comment\n\n", "dockerfile parse error: file with no instructions"),
        ("RUN true\n", "dockerfile parse error on line 1: no build stage in current context"),
        ("ARG A\n", "dockerfile parse error on line 1: no build stage in current context"),
        (
            "FROM a\n\nFRM b\n",
            "dockerfile parse error on line 3: unknown instruction: FRM (did you mean FROM?)",
        ),
        ("FROM a\nINSTALL b\n", "dockerfile parse error on line 2: unknown instruction: INSTALL"),
        ("hello world\n", "dockerfile parse error on line 1: unknown instruction: hello"),
        ("FROM\n", "dockerfile parse error on line 1: FROM requires either one or three arguments"),
        ("FROM a b\n", "dockerfile parse error on line 1: FROM requires either one or three arguments"),
        (
            "FROM a\nCOPY b\n",
            "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided",
        ),
        ("FROM a\nCOPY --form=b c d\n", "dockerfile parse error on line 2: unknown flag: --form"),
        (
            "FROM a\nCOPY --chmod=999 c d\n",
            "dockerfile parse error on line 2: invalid chmod parameter: '999'",
        ),
        ("FROM a\nENV A\n", "dockerfile parse error on line 2: ENV must have two arguments"),
        (
            "FROM a\nSHELL bash\n",
            "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form",
        ),
        ("FROM a\nRUN <<END\ntrue\n", "dockerfile parse error on line 2: unterminated heredoc: END"),
    ] {
        assert_eq!(refusal(text), reason, "{text:?}");
    }
}

#[test]
fn lines_are_joined_and_comments_left_out() {
    let file = parse(
        "# syntax=docker/dockerfile:1\n\
         FROM rust:1 AS Build\n\
         run apt-get update \\\n\
         # a comment inside\n\
         \n  && apt-get install git\n\
         COPY a b \\\n  c/\n\
         from scratch\n",
    )
    .unwrap();
    assert_eq!(file.stages.len(), 2);
    let build = &file.stages[0];
    assert_eq!((build.base.as_str(), build.name.as_deref()), ("rust:1", Some("build")));
    assert_eq!(build.steps[0].text, "run apt-get update   && apt-get install git");
    assert_eq!((build.steps[0].line, &build.steps[0].instruction), (3, &Instruction::Run));
    let Instruction::Copy(copy) = &build.steps[1].instruction else { panic!("{:?}", build.steps[1]) };
    assert_eq!(
        (copy.sources.as_slice(), copy.target.as_str()),
        (&["a".to_owned(), "b".to_owned()][..], "c/")
    );
    assert_eq!(file.stages[1].base, "scratch");
}

#[test]
fn a_directive_changes_the_escape_character() {
    let file = parse("# escape=`\nFROM a\nCOPY b `\n c:\\\n").unwrap();
    let Instruction::Copy(copy) = &file.stages[0].steps[0].instruction else { panic!() };
    assert_eq!(copy.target, "c:\\");
}

#[test]
fn here_documents_belong_to_their_instruction() {
    let file = parse(
        "FROM a\nRUN <<END bash\nFROM nowhere\nEND\nCOPY <<-one <<'two' /etc/\n\ta\n\tone\nb\ntwo\nRUN echo $((1<<2))\n",
    )
    .unwrap();
    assert_eq!(file.stages.len(), 1);
    let steps = &file.stages[0].steps;
    assert_eq!(steps.len(), 3);
    let Instruction::Copy(copy) = &steps[1].instruction else { panic!() };
    assert!(copy.sources.is_empty());
    let documents: Vec<_> =
        copy.documents.iter().map(|one| (one.name.as_str(), one.content.as_str())).collect();
    assert_eq!(documents, [("one", "a\n"), ("two", "b\n")]);
}

#[test]
fn the_build_images_own_dockerfile_is_one() {
    let file = parse(include_str!("../../../../build-image/Dockerfile")).unwrap();
    assert_eq!(file.arguments[0].0, "BASE");
    let [stage] = &file.stages[..] else { panic!("{:?}", file.stages) };
    assert_eq!(stage.base, "${BASE}");
    let [run, copy, volume] = &stage.steps[..] else { panic!("{:?}", stage.steps) };
    // What the buildspecs of template.yaml and stacks/pipeline.yaml call.
    assert_eq!(run.instruction, Instruction::Run);
    let installed = run.text.split("&&").next().unwrap_or_default();
    for package in ["awscli-2", "docker"] {
        assert!(installed.split_whitespace().any(|word| word == package), "{package} is not in {installed}");
    }
    let Instruction::Copy(copy) = &copy.instruction else { panic!("{copy:?}") };
    assert_eq!(
        (copy.sources.as_slice(), copy.target.as_str()),
        (&["start-docker".to_owned()][..], "/usr/local/bin/start-docker")
    );
    assert_eq!(volume.text, "VOLUME /var/lib/docker");
}

#[test]
fn arguments_are_read() {
    let file = parse(
        "ARG BASE=debian\nFROM --platform=linux/amd64 $BASE\nENV A=1 B=\"two words\"\nENV C three four\n\
         COPY --from=build --chmod=0755 --chown=1:1 [\"a b\", \"/bin/\"]\nCMD [\"run\", \"-x\"]\nENTRYPOINT run -y\n",
    )
    .unwrap();
    assert_eq!(file.arguments, [("BASE".to_owned(), Some("debian".to_owned()))]);
    let stage = &file.stages[0];
    assert_eq!(stage.platform.as_deref(), Some("linux/amd64"));
    let instructions: Vec<&Instruction> = stage.steps.iter().map(|step| &step.instruction).collect();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        instructions[0],
        &Instruction::Image(Image::Env(vec![pair("A", "1"), pair("B", "\"two words\"")]))
    );
    assert_eq!(instructions[1], &Instruction::Image(Image::Env(vec![pair("C", "three four")])));
    let Instruction::Copy(copy) = instructions[2] else { panic!() };
    assert_eq!(
        (copy.from.as_deref(), copy.mode, copy.sources[0].as_str()),
        (Some("build"), Some(0o755), "a b")
    );
    assert_eq!(
        instructions[3],
        &Instruction::Image(Image::Cmd(Shape::Exec(vec!["run".into(), "-x".into()])))
    );
    assert_eq!(instructions[4], &Instruction::Image(Image::Entrypoint(Shape::Line("run -y".into()))));
}

#[test]
fn variables_are_expanded_as_docker_does() {
    let value = |name: &str| match name {
        "A" => Some("one".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    for (word, expected) in [
        ("$A/$A", "one/one"),
        ("${A}b", "oneb"),
        ("$AB", ""),
        ("${B:-two}", "two"),
        ("${EMPTY:-$A}", "one"),
        ("${A:+three}", "three"),
        ("${B:+three}", ""),
        ("\\$A", "$A"),
        ("'$A'", "$A"),
        ("\"$A b\"", "one b"),
        ("\"a\\nb\"", "a\\nb"),
        ("a$", "a$"),
        ("${A", "${A"),
        ("größe-$A", "größe-one"),
    ] {
        assert_eq!(expand(word, &value), expected, "{word}");
    }
}
