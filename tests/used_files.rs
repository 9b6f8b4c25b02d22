//! What a used file says counts: a spec means the same in one file or in many, and an error in any of them is everybody's.

#[path = "support/place.rs"]
mod place;
mod support;

use place::Place;
use qnn::check::spec::{Question, diagnostics, family, question, verifiable};
use qnn::db::{BytesContent, Database, Db, FileSystem, SourceFile};
use qnn::diagnostic::Severity;
use qnn::files::FileError;
use qnn::syntax::ast::ItemKind;
use qnn::syntax::parse;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;
use support::fixtures::Fixtures;
use support::read;

/// Texts by file name, and the fixtures for whatever else is read.
struct Texts(HashMap<String, String>);

impl FileSystem for Texts {
    fn text(&self, path: &Path) -> Result<Arc<str>, FileError> {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.0.get(name).map_or_else(|| Fixtures.text(path), |text| Ok(text.as_str().into()))
    }

    fn bytes(&self, path: &Path) -> BytesContent {
        Fixtures.bytes(path)
    }
}

fn database(texts: impl IntoIterator<Item = (String, String)>) -> (Database, SourceFile) {
    let db = Database::new(Texts(texts.into_iter().collect()));
    let main = db.source(Path::new("/specs/main.qnn"));
    (db, main)
}

/// The errors of a file: where, and what.
fn errors(db: &Database, file: SourceFile) -> BTreeSet<String> {
    let all = diagnostics(db, file).iter().filter(|d| d.severity == Severity::Error);
    all.map(|d| {
        let place = d.labels[0].place;
        format!("{:?} {:?} {}: {}", place.item.file(db).path(db), place, d.code, d.message)
    })
    .collect()
}

/// The items of the rich spec: whatever is verified, and the rest.
fn items() -> (Vec<String>, Vec<String>) {
    let text = read("tests/fixtures/rich.qnn");
    let parsed = parse(&text);
    assert_eq!(parsed.errors, []);
    let (mut verified, mut rest) = (Vec::new(), Vec::new());
    for item in &parsed.items {
        let slice = text[item.start as usize..item.end as usize].to_owned();
        match item.item.kind {
            ItemKind::Property(_) | ItemKind::Measure(_) => verified.push(slice),
            _ => rest.push(slice),
        }
    }
    (verified, rest)
}

/// What is asked of engines, instance by instance.
fn questions(db: &Database, main: SourceFile) -> Vec<String> {
    let mut all = Vec::new();
    for item in verifiable(db, main) {
        let count = family(db, item).value.as_ref().expect("a family").instances.len();
        for index in 0..count {
            let asked = question(db, item, index);
            all.push(match asked.value.as_ref().expect("a question") {
                Question::Property(statement) => format!("{} {index} {:?}", item.name(db), statement.obligation.key()),
                Question::Optimize(best) => format!("{} {index} {:?}", item.name(db), best.objective.base.key()),
                Question::Largest { domain, monotone, .. } => {
                    format!("{} {index} {domain:?} {monotone}", item.name(db))
                }
                Question::OptimizeOver(indices) => format!("{} {index} {}", item.name(db), indices.choices.len()),
                Question::Share(counted) | Question::Average(counted) => {
                    format!("{} {index} {}", item.name(db), counted.len())
                }
            });
        }
    }
    all
}

#[test]
fn a_spec_in_many_files_means_the_same() {
    let (verified, rest) = items();
    let (db, main) = database([("main.qnn".to_owned(), [&rest[..], &verified[..]].concat().join("\n"))]);
    assert_eq!(errors(&db, main), BTreeSet::new());
    let expected = questions(&db, main);
    assert!(expected.len() > 15);
    // Each item in a file of its own, which uses all others.
    let mut texts: HashMap<String, String> = HashMap::new();
    let mut uses = String::new();
    for (index, item) in rest.iter().enumerate() {
        uses += &format!("use \"part{index}.qnn\";\n");
        texts.insert(format!("part{index}.qnn"), format!("use \"all.qnn\";\n{item}\n"));
    }
    texts.insert("all.qnn".to_owned(), uses);
    texts.insert("main.qnn".to_owned(), format!("use \"all.qnn\";\n{}\n", verified.join("\n")));
    let (db, main) = database(texts);
    assert_eq!(errors(&db, main), BTreeSet::new());
    assert_eq!(questions(&db, main), expected);
}

/// The bytes at which the words, numbers, texts and signs of a spec begin and end, those of comments left out.
fn tokens(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        } else if c == '"' {
            rest[1..].find('"').map_or(rest.len(), |n| n + 2)
        } else if c.is_alphanumeric() || c == '_' {
            rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            found.push((at, at + length));
        }
        at += length;
    }
    found
}

#[test]
fn any_damage_in_a_used_file_is_told() {
    let library = items().1.join("\n") + "\nproperty spare = forall x: Tiny[2]: tiny(x)[0] <= 100;\n";
    // Nothing of what is damaged need be used, and another file defines the same names.
    let world = |library: String| {
        let main = "use \"between.qnn\";\nuse \"other.qnn\";\nproperty p = forall x: fixed<4, 2>: x <= LIMIT;\n";
        database([
            ("main.qnn".to_owned(), main.to_owned()),
            ("between.qnn".to_owned(), "use \"library.qnn\";\n".to_owned()),
            ("library.qnn".to_owned(), library),
            ("other.qnn".to_owned(), "const LIMIT = 100;\ntype Logit = fixed<9, 3>;\n".to_owned()),
        ])
    };
    let (db, file) = world(library.clone());
    assert_eq!(errors(&db, file), BTreeSet::new());
    for (start, end) in tokens(&library) {
        for (replacement, wrong) in [("", false), ("@", true)] {
            let (db, file) = world(format!("{}{replacement}{}", &library[..start], &library[end..]));
            let own = errors(&db, db.source(Path::new("/specs/library.qnn")));
            assert!(!wrong || !own.is_empty(), "{}", &library[start..end]);
            assert!(own.is_subset(&errors(&db, file)), "{} at {start}", &library[start..end]);
        }
    }
}

#[test]
fn every_command_tells_what_is_wrong_with_a_used_file() {
    let place = Place::new();
    let run = |arguments: &[&str]| {
        let (exit, output) = place.qnn(arguments);
        (exit, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    place.write(
        "main.qnn",
        "use \"near.qnn\";\nuse \"far.qnn\";\nnetwork f(x: fixed<4, 2>) -> fixed<4, 2> { x }\nproperty p = forall x: fixed<4, 2>: f(x) <= K;\n",
    );
    place.write("near.qnn", "use \"deep.qnn\";\n");
    place.write("deep.qnn", "const K = 2;\n");
    place.write("far.qnn", "const K = 100;\n");
    assert_eq!(run(&["bundle", "main.qnn", "-o", "main.zip"]).0, 0);
    assert_eq!(run(&["verify", "main.qnn", "--proof", "main.proof"]).0, 0);
    let commands: &[&[&str]] = &[
        &["check", "main.qnn"],
        &["verify", "main.qnn"],
        &["verify", "main.qnn", "--json"],
        &["eval", "main.qnn", "f"],
        &["show", "main.qnn"],
        &["export", "--smt2", "main.qnn", "-o", "out"],
        &["report", "main.qnn", "-o", "page.html"],
        &["bundle", "main.qnn", "-o", "again.zip"],
        &["check-proof", "main.qnn"],
        &["check-proof", "main.proof"],
    ];
    for broken in ["const K = 2", "const = 2;", "cnst K = 2;", "const K 2;", "const K = 2 + true;", "const J = M;"] {
        place.write("deep.qnn", broken);
        for command in commands {
            let (code, said) = run(command);
            assert_eq!(code, 3, "{broken}: {command:?}: {said}");
            assert!(said.contains("deep.qnn:1:"), "{broken}: {command:?}: {said}");
        }
    }
}
