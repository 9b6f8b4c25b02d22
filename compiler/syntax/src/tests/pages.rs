//! The pages of `docs/errors/` about syntax: each example gives the error that its page is about.

use super::*;
use std::path::Path;

#[test]
fn every_code_has_a_page_whose_examples_are_true() {
    for number in 101..=123 {
        let code = format!("E0{number}");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors").join(format!("{code}.md"));
        let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(page.starts_with(&format!("# {code}: ")), "{code}");
        let mut examples = 0;
        for (index, part) in page.split("```").enumerate().filter(|(i, _)| i % 2 == 1) {
            let (fence, text) = part.split_once('\n').unwrap_or_default();
            let codes: Vec<_> = parse(text).errors.iter().map(|e| e.code).collect();
            match fence {
                "qnn,error" => assert_eq!(codes, [code.as_str()], "{code}, part {index}"),
                "qnn" => assert_eq!(codes, [] as [&str; 0], "{code}, part {index}"),
                _ => panic!("{code}: an example marked {fence}"),
            }
            examples += 1;
        }
        assert!(examples >= 2 || code == "E0110", "{code}");
    }
}

/// Every spec below a folder.
fn specs(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path());
    let found = entries.flat_map(|path| {
        if path.is_dir() {
            specs(&path)
        } else if path.extension().is_some_and(|e| e == "qnn") {
            vec![path]
        } else {
            Vec::new()
        }
    });
    found.collect()
}

#[test]
fn the_examples_parse_and_format() {
    for path in specs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        check_format(&text);
    }
}
