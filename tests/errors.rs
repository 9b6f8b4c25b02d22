//! The pages of `docs/errors/` are true: each failing example fails with its page's code, each mended one is clean, and
//! what a reader of the message sees is kept as a snapshot.

mod support;

use qnn::check::spec::diagnostics;
use qnn::db::{Database, offset};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use support::fixtures::Fixtures;
use support::{SPEC, blocks, is_code, read, root};

/// The pages, by code.
fn pages() -> BTreeSet<String> {
    let folder = std::fs::read_dir(root().join("docs/errors")).expect("docs/errors exists");
    folder
        .filter_map(|entry| {
            Some(entry.expect("a readable folder").file_name().to_str()?.strip_suffix(".md")?.to_owned())
        })
        .filter(|name| is_code(name))
        .collect()
}

#[test]
fn examples_say_what_their_pages_say() {
    let mut wrong = String::new();
    for code in pages() {
        let page = read(&format!("docs/errors/{code}.md"));
        if !page.starts_with(&format!("# {code}: ")) {
            let _ = writeln!(wrong, "{code}.md does not begin with `# {code}: …`\n");
        }
        let blocks = blocks(&page);
        let failing = blocks.iter().filter(|block| block.info.iter().any(|word| word == "error")).count();
        // A spec that is too large to parse is too large for a page.
        if code != "E0110" && (failing == 0 || failing == blocks.len()) {
            let _ = writeln!(wrong, "{code}.md needs a failing example and a mended one\n");
        }
        let mut snapshot = String::new();
        for block in blocks {
            let fails = block.info.iter().any(|word| word == "error");
            let mut expected: BTreeSet<&str> = block.announced().into_iter().collect();
            if fails {
                expected.insert(&code);
            }
            let said = block.check();
            let mut found: BTreeSet<&str> = said.codes.iter().copied().collect();
            if code.starts_with("E01") {
                // Pages on syntax show fragments: what their names mean is not the matter.
                found.retain(|code| code.starts_with("E01"));
            }
            if found != expected {
                let _ =
                    writeln!(wrong, "{code}.md:{}: expected {expected:?}, found {found:?}\n{}", block.line, said.text);
            }
            if fails {
                snapshot.push_str(&said.text);
            }
        }
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(code, snapshot));
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let mut used = BTreeSet::new();
    let mut folders = vec![root().join("compiler")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|ext| ext == "rs") {
                let text = std::fs::read_to_string(entry).expect("a text");
                used.extend(text.split('"').filter(|word| is_code(word)).map(str::to_owned));
            }
        }
    }
    assert_eq!(used.difference(&pages()).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a page");
    assert_eq!(pages().difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "pages without a code");
}

/// The texts that a spec's fixes make of it, each with the code and message that it should mend.
fn fixed(spec: &str) -> Vec<(&'static str, String, String)> {
    let mut db = Database::new(Fixtures);
    let file = db.set_text(Path::new(SPEC), Arc::from(spec));
    let mut all = Vec::new();
    for diagnostic in diagnostics(&db, file).iter() {
        for fix in &diagnostic.fixes {
            assert_eq!(fix.place.item.file(&db), file, "{}", fix.title);
            let start = offset(&db, fix.place.item);
            let mut text = spec.to_owned();
            let span = (start + fix.place.span.start) as usize..(start + fix.place.span.end) as usize;
            text.replace_range(span, &fix.replacement);
            all.push((diagnostic.code, diagnostic.message.clone(), text));
        }
    }
    all
}

fn said(spec: &str, code: &str, message: &str) -> usize {
    let mut db = Database::new(Fixtures);
    let file = db.set_text(Path::new(SPEC), Arc::from(spec));
    diagnostics(&db, file).iter().filter(|d| d.code == code && d.message == message).count()
}

#[test]
fn every_fix_of_the_pages_examples_mends_what_it_belongs_to() {
    let (mut wrong, mut codes) = (String::new(), BTreeSet::new());
    for code in pages() {
        for block in blocks(&read(&format!("docs/errors/{code}.md"))) {
            let spec = format!("{}{}", block.setup, block.text);
            for (code, message, text) in fixed(&spec) {
                codes.insert(code);
                if said(&text, code, &message) >= said(&spec, code, &message) {
                    let _ = writeln!(wrong, "{code}: {message}\n{text}\nof\n{spec}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    for code in ["E0402", "E0306", "E0303", "E0302", "E0201", "E0401", "E0502", "E0503", "E0505", "W0409"] {
        assert!(codes.contains(code), "no example of {code} has a fix; these have: {codes:?}");
    }
}
