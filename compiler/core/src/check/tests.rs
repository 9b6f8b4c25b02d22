//! The order of the modules, as `mod.rs` states it.

use std::path::{Path, PathBuf};

const ORDER: [&str; 9] = ["context", "scope", "constant", "types", "data", "index", "network", "property", "spec"];

/// The sources below a file or folder.
fn sources(path: &Path) -> Vec<PathBuf> {
    match std::fs::read_dir(path) {
        Ok(entries) => entries.flat_map(|entry| sources(&entry.expect("a readable folder").path())).collect(),
        Err(_) => vec![path.to_owned()],
    }
}

/// The modules of `check` that a line names: `crate::check::data`, or `super::super::data` in a file at that depth.
fn named(line: &str, depth: usize) -> Vec<&'static str> {
    let supers = "super::".repeat(depth);
    let starts = ["crate::check::", &*supers];
    let after = starts.iter().flat_map(|start| {
        // Not where a longer path of `super`s ends in this one.
        line.match_indices(start)
            .filter(|(at, _)| !line[..*at].ends_with("super::"))
            .map(|(at, start)| at + start.len())
    });
    let names = after.map(|at| line[at..].split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default());
    names.filter_map(|name| ORDER.iter().find(|module| **module == name).copied()).collect()
}

#[test]
fn modules_know_only_those_before_them() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check");
    let (mut wrong, mut found) = (Vec::new(), 0);
    for (place, module) in ORDER.iter().enumerate() {
        let (file, folder) = (here.join(format!("{module}.rs")), here.join(module));
        for source in sources(if file.is_file() { &file } else { &folder }) {
            let inside = source.strip_prefix(&here).expect("a source of the folder");
            // `check` is one `super` above `check/index.rs` and `check/scope/mod.rs`, and two above `check/scope/lookup.rs`.
            let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
            let text = std::fs::read_to_string(&source).expect("a text");
            for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
                for name in named(line, depth).into_iter().filter(|name| name != module) {
                    found += 1;
                    if ORDER.iter().position(|other| *other == name) > Some(place) {
                        wrong.push(format!("{}: {}", inside.display(), line.trim()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(found > 50, "the imports are found: {found}");
}
