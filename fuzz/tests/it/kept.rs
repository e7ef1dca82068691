//! The kept corpus: what a fuzzer once broke, and small inputs from which it starts.

use std::fs;
use std::path::Path;

use fuzz::TARGETS;

#[test]
fn every_target_holds_for_its_kept_corpus() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        let kept: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(!kept.is_empty(), "{} is empty", folder.display());
        for file in kept {
            println!("{}", file.display());
            (target.check)(&fs::read(&file).unwrap());
        }
    }
}

#[test]
fn every_folder_of_the_corpus_has_a_target_and_a_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    names.sort_unstable();
    for (folder, ending) in [("corpus", ""), ("libfuzzer/fuzz_targets", ".rs")] {
        let mut found: Vec<String> = fs::read_dir(fuzz.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.strip_suffix(ending).unwrap_or(&name).to_owned())
            .collect();
        found.sort_unstable();
        assert_eq!(found, names, "{folder}");
    }
}
