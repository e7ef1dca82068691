//! The ports that a Dockerfile exposes.

use super::dockerfile::{Image, Instruction, expand, parse};

/// The TCP ports that the image of the last stage exposes, in the order of the file, of a range the first; those of its
/// base are not known.
///
/// # Errors
/// When the text is no Dockerfile: why, in docker's words.
pub fn exposed_ports(dockerfile: &str) -> Result<Vec<u16>, String> {
    let file = parse(dockerfile).map_err(|unusable| unusable.to_string())?;
    let mut known: Vec<(String, String)> = Vec::new();
    let mut ports = Vec::new();
    let stage = file.stages.last();
    for step in stage.into_iter().flat_map(|stage| &stage.steps) {
        let value = |name: &str| known.iter().rev().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        match &step.instruction {
            Instruction::Arg(arguments) => {
                // `ARG name` alone takes the value given before the first `FROM`.
                let global = |name: &str| {
                    file.arguments.iter().find(|(n, _)| n == name).and_then(|(_, default)| default.clone())
                };
                let given = |(name, default): &(String, Option<String>)| {
                    let text = default.clone().or_else(|| global(name))?;
                    Some((name.clone(), expand(&text, &value)))
                };
                let more: Vec<_> = arguments.iter().filter_map(given).collect();
                known.extend(more);
            }
            Instruction::Image(Image::Env(pairs)) => {
                let more: Vec<_> =
                    pairs.iter().map(|(name, text)| (expand(name, &value), expand(text, &value))).collect();
                known.extend(more);
            }
            Instruction::Image(Image::Expose(words)) => {
                let port = |word: &String| first_port(&expand(word, &value));
                ports.extend(words.iter().filter_map(port).filter(|port| *port != 0));
            }
            Instruction::Run
            | Instruction::Copy(_)
            | Instruction::Image(
                Image::Cmd(_)
                | Image::Entrypoint(_)
                | Image::Shell(_)
                | Image::Label(_)
                | Image::Volume(_)
                | Image::User(_)
                | Image::WorkDir(_)
                | Image::StopSignal(_)
                | Image::Author(_)
                | Image::Noted,
            ) => {}
        }
    }
    Ok(ports)
}

/// Of `8080`, `8080/tcp` or `8080-8090`.
fn first_port(exposed: &str) -> Option<u16> {
    let ports = exposed.strip_suffix("/tcp").unwrap_or(exposed);
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let (first, last) = (first.parse::<u16>().ok()?, last.parse::<u16>().ok()?);
    (first <= last).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_of_the_last_stage_are_found() {
        for (dockerfile, expected) in [
            ("FROM a\nEXPOSE 8080\n", &[8080][..]),
            ("FROM a\nEXPOSE 3000/tcp 53/udp 9000\n", &[3000, 9000]),
            ("FROM a AS build\nEXPOSE 1\nFROM b\nCOPY --from=build /x /x\n", &[]),
            ("FROM a\nARG PORT=5000\nEXPOSE $PORT\n", &[5000]),
            ("ARG PORT=5000\nFROM a\nARG PORT\nEXPOSE ${PORT}\n", &[5000]),
            ("FROM a\nENV PORT=4000\nEXPOSE ${PORT:-1}\n", &[4000]),
            ("FROM a\nEXPOSE 3000-3005 9000-9001/tcp 53-54/udp\n", &[3000, 9000]),
            ("FROM a\nEXPOSE 3005-3000 3000- -3000\n", &[]),
            ("FROM a\nEXPOSE $UNKNOWN 0 70000 eighty\n", &[]),
            ("FROM a\n", &[]),
        ] {
            assert_eq!(exposed_ports(dockerfile).unwrap(), expected, "{dockerfile}");
        }
        assert!(exposed_ports("EXPOSE 80").is_err());
    }
}
