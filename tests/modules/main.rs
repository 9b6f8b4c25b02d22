//! The modules of each crate import one another in one direction: no circle among the files and folders of a folder.
//!
//! A path in one file counts as an import of the file where the named item is, by way of `use` and `pub use` declarations. What a file has of its own
//! folder's `mod.rs` counts for nothing: a folder and its parts are one thing to the outside. Tests are no part of it.

mod source;

use source::{Crate, Import};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The repository's folder.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in the workspace")
}

/// The crates, by their folders.
fn crates() -> Vec<String> {
    let folders = std::fs::read_dir(root().join("compiler")).expect("a readable folder");
    let names = folders.map(|folder| folder.expect("a readable folder").file_name().into_string().expect("a name"));
    let all = names.map(|name| format!("compiler/{name}")).chain(["lsp".to_owned()]);
    all.filter(|name| root().join(name).join("src").is_dir()).collect()
}

/// Circles that stay: the folder, its parts that form one, and the reason.
const EXCEPTIONS: [(&str, &[&str], &str); 1] = [(
    "compiler/core/src/check/network",
    &["builder", "ops"],
    "a function that no cast has rounded yet is a value of the builder, and defined beside the operations that make one",
)];

/// Folders whose documentation says in which order their parts build on each other: each imports only those before it.
const ORDERS: [(&str, &[&str]); 2] = [
    (
        "compiler/core/src/check",
        &[
            "context",
            "model",
            "scope",
            "constant",
            "types",
            "data",
            "index",
            "reduction",
            "network",
            "property",
            "spec",
        ],
    ),
    (
        "compiler/core/src/verify",
        &[
            "counterexample",
            "evidence",
            "verdict",
            "store",
            "question_key",
            "options",
            "filter",
            "plan",
            "schedule",
            "progress",
            "choice_table",
            "session",
            "recheck_stored",
            "decide",
            "largest",
            "counterexample_builder",
            "lowering",
            "result",
            "smallest",
            "property",
            "optimize",
            "over_indices",
            "candidates",
            "share",
            "average",
            "job",
            "turn",
            "run",
        ],
    ),
];

/// What a part imports, and what that imports, and so on.
fn reached<'a>(next: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str) -> BTreeSet<&'a str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(part) = open.pop() {
        open.extend(next.get(part).into_iter().flatten().filter(|part| found.insert(**part)));
    }
    found
}

/// The sets of parts of a folder that import one another in a circle, each with its imports.
fn circles(imports: &[Import]) -> Vec<(BTreeSet<&str>, Vec<&Import>)> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for import in imports {
        next.entry(&import.from).or_default().insert(&import.to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> = next.keys().map(|part| (*part, reached(&next, part))).collect();
    let is_within = |from: &str, to: &str| reached.get(from).is_some_and(|reached| reached.contains(to));
    let mut circles: BTreeSet<BTreeSet<&str>> = BTreeSet::new();
    for part in next.keys().filter(|part| is_within(part, part)) {
        circles.insert(reached[part].iter().copied().filter(|other| is_within(other, part)).collect());
    }
    let inside = |circle: &BTreeSet<&str>| {
        imports.iter().filter(|i| circle.contains(&*i.from) && circle.contains(&*i.to)).collect()
    };
    circles.into_iter().map(|circle| (circle.clone(), inside(&circle))).collect()
}

#[test]
fn modules_have_no_circles() {
    let (mut wrong, mut excepted, mut count) = (String::new(), BTreeSet::new(), 0);
    for name in crates() {
        let sources = root().join(&name).join("src");
        for (folder, imports) in Crate::read(&sources).imports() {
            count += imports.len();
            let place = [&[format!("{name}/src")], &folder[..]].concat().join("/");
            for (circle, imports) in circles(&imports) {
                let is_it = |(at, parts, _): &(&str, &[&str], &str)| {
                    *at == place && parts.iter().copied().eq(circle.iter().copied())
                };
                if let Some(at) = EXCEPTIONS.iter().position(is_it) {
                    excepted.insert(at);
                    continue;
                }
                wrong += &format!("\n{place}: {circle:?} import one another\n");
                for import in imports {
                    wrong += &format!("  {} imports {}: {}\n", import.from, import.to, import.path);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(count > 900, "imports are found: {count}");
    assert_eq!(excepted.len(), EXCEPTIONS.len(), "each exception is needed");
}

#[test]
fn parts_build_on_those_before_them() {
    let all = Crate::read(&root().join("compiler/core/src")).imports();
    for (place, order) in ORDERS {
        let folder = place.strip_prefix("compiler/core/src/").expect("a folder of the library").to_owned();
        let position = |part: &str| order.iter().position(|other| *other == part);
        let wrong = |import: &&Import| {
            position(&import.from).is_none() || position(&import.to).is_none_or(|to| Some(to) > position(&import.from))
        };
        let wrong: Vec<String> = all[&vec![folder]]
            .iter()
            .filter(wrong)
            .map(|i| format!("{} imports {}: {}", i.from, i.to, i.path))
            .collect();
        assert!(wrong.is_empty(), "{place}: {wrong:#?}");
    }
}

/// The imports between the parts of the folder `f` of a crate of these files.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let imports = Crate::of(files.iter().map(|(path, text)| (path.split('/').map(str::to_owned).collect(), *text)));
    let of_folder = imports.imports().remove(&vec!["f".to_owned()]).unwrap_or_default();
    of_folder.iter().map(|import| format!("{} {}", import.from, import.to)).collect()
}

#[test]
fn imports_are_found_however_they_are_written() {
    let folder = ("f/mod", "mod a; mod b; pub use b::{Deep as Other, inner::{self}}; use crate::top;");
    let b = ("f/b/mod", "pub mod inner; pub struct Deep;");
    let rest = [("lib", "mod f; mod top;"), ("top", ""), ("f/b/inner", "pub struct X;")];
    for text in [
        "use super::b::Deep;",
        "use super::{top, b::{Deep}};",
        "use crate::f::b::inner::X;",
        "use crate::{f::{b}, top};",
        "use super::Other;",
        "use crate::f::inner::X as Y;",
        "fn f() -> super::Other { todo!() }",
        "fn f() { let a = crate::f::b::inner::f(1)?; }",
        "type T<'a> = &'a super::b::Deep; const C: char = '\\''; // nothing",
    ] {
        assert_eq!(found(&[folder, b, ("f/a", text), rest[0], rest[1], rest[2]]), ["a b"], "{text}");
    }
    for text in [
        "// use super::b::Deep;",
        "/* super::b /* */ super::b */ const T: &str = \"super::b::Deep\"; const R: &str = r#\"super::b\"#;",
        "use crate::top; use std::b::c;",
        "#[cfg(test)] mod tests { use super::super::b::Deep; fn f() { {} } }",
    ] {
        assert_eq!(found(&[folder, b, ("f/a", text), rest[0], rest[1], rest[2]]), [] as [&str; 0], "{text}");
    }
    // Files of tests are none.
    let tests = [("f/mod", "#[cfg(test)] mod a; mod b;"), b, ("f/a", "use super::b::Deep;"), rest[0]];
    assert_eq!(found(&tests), [] as [&str; 0]);
}

#[test]
fn circles_are_found() {
    let import = |from: &str, to: &str| Import { from: from.into(), to: to.into(), path: String::new() };
    let line = [import("a", "b"), import("b", "c"), import("a", "c")];
    assert!(circles(&line).is_empty());
    let around = [import("a", "b"), import("b", "c"), import("c", "b"), import("d", "e"), import("e", "d")];
    let found: Vec<String> = circles(&around).iter().map(|(c, i)| format!("{c:?} {}", i.len())).collect();
    assert_eq!(found, ["{\"b\", \"c\"} 2", "{\"d\", \"e\"} 2"]);
}
