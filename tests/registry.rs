//! What is written by hand in other languages names the same words as the registry of the language: the tables of the manual, the grammars of editors.
//!
//! `QNN_UPDATE=1 cargo test --workspace --test registry -- --test-threads 1` writes them anew.

use qnn::check::spec::Expectation;
use qnn::engine::{ENGINES, NAMES};
use qnn::syntax::builtins::{ATTRIBUTES, FUNCTIONS, Function, FunctionOption, OPTIONS, TYPES};
use qnn::syntax::lexer::KEYWORDS;
use qnn::{ir::Rounding, number_format::Overflow};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in the workspace").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The part of a file from after `begin` to before `end` is to be `wanted`.
fn holds(path: &str, begin: &str, end: &str, wanted: &str) {
    let text = read(path);
    let start = text.find(begin).unwrap_or_else(|| panic!("{path} has no {begin}")) + begin.len();
    let length = text[start..].find(end).unwrap_or_else(|| panic!("{path} has no {end} after {begin}"));
    let found = &text[start..start + length];
    if found == wanted {
        return;
    }
    if std::env::var_os("QNN_UPDATE").is_some() {
        let new = format!("{}{wanted}{}", &text[..start], &text[start + length..]);
        std::fs::write(root().join(path), new).expect("the file can be written");
        return;
    }
    panic!("{path} is older than the registry; QNN_UPDATE=1 writes it anew\nfound: {found}\nwanted: {wanted}");
}

fn table(heading: &str, functions: impl Iterator<Item = &'static Function>) -> String {
    let mut text = format!("\n| {heading} | of | is |\n| --- | --- | --- |\n");
    for function in functions {
        let usage: Vec<String> = function.usage.iter().map(|usage| format!("`{usage}`")).collect();
        text.push_str(&format!("| {} | {} | {} |\n", usage.join(", "), function.takes, function.docs));
    }
    text
}

#[test]
fn the_manual_has_every_function() {
    let (page, end) = ("docs/language.md", "<!-- end -->");
    holds(
        page,
        "<!-- functions of networks -->",
        end,
        &table("operation", FUNCTIONS.iter().filter(|f| f.in_networks())),
    );
    let of_properties = FUNCTIONS.iter().filter(|f| f.in_properties());
    holds(page, "<!-- functions of properties -->", end, &table("function", of_properties));
}

#[test]
fn the_manual_has_every_option() {
    let row = |option: &FunctionOption| {
        let of = FUNCTIONS.iter().filter(|f| f.options().any(|name| name == option.name));
        let of: Vec<String> = of.map(|f| format!("`{}`", f.name)).collect();
        let mut docs = option.docs.chars();
        let capital: String = docs.next().into_iter().flat_map(char::to_uppercase).chain(docs).collect();
        format!("| `{}` | {} | {capital}. |\n", option.name, of.join(", "))
    };
    let table = format!("\n| option | of | is |\n| --- | --- | --- |\n{}", OPTIONS.iter().map(row).collect::<String>());
    holds("docs/language.md", "<!-- options of functions -->", "<!-- end -->", &table);
}

#[test]
fn the_manual_has_every_type_and_attribute() {
    let page = read("docs/language.md");
    for ty in TYPES {
        assert!(page.contains(&format!("| `{}", ty.name)), "no row of `{}`", ty.name);
    }
    for attribute in ATTRIBUTES {
        assert!(page.contains(&format!("#[{}(", attribute.name)), "no `{}`", attribute.name);
    }
}

#[test]
fn editors_know_every_function_and_type() {
    let functions: Vec<&str> = FUNCTIONS.iter().map(|f| f.name).collect();
    let types: Vec<&str> = TYPES.iter().map(|t| t.name).collect();
    let vim = "editors/vim/syntax/qnn.vim";
    holds(vim, "syntax keyword qnnFunction ", "\n", &functions.join(" "));
    holds(vim, "syntax keyword qnnType ", "\n", &types.join(" "));
    let (open, close) = ("\"match\": \"\\\\b(dense|", ")\\\\b");
    holds("editors/vscode/syntaxes/qnn.tmLanguage.json", open, close, &functions[1..].join("|"));
    let quoted: Vec<String> = types.iter().map(|name| format!("\"{name}\"")).collect();
    holds("editors/emacs/qnn-mode.el", "(regexp-opt '(\"fixed\" ", ")", &quoted[1..].join(" "));
    // Types with arguments are told by the `<` after them.
    let grammar = read("editors/vscode/syntaxes/qnn.tmLanguage.json");
    for ty in TYPES {
        let mut lists = grammar.split("\\\\b(").filter_map(|rest| rest.split(')').next());
        let known = lists.any(|list| list.split('|').any(|word| word == ty.name));
        assert!(known || grammar.contains(&format!("\\\\b{}\\\\b", ty.name)), "`{}` in qnn.tmLanguage.json", ty.name);
    }
}

#[test]
fn the_manual_and_the_editor_know_every_engine() {
    let code: Vec<String> = ENGINES.iter().map(|engine| format!("`{}`", engine.name)).collect();
    let others = code[1..].join(", ");
    let described: Vec<String> =
        ENGINES.iter().map(|engine| format!("`{}` ({})", engine.name, engine.summary)).collect();
    holds("docs/language.md", "names the engine: ", "; `#[expect", &described.join(", "));
    holds("docs/benchmarks.md", "| `--engine NAME` | `auto` (the default), ", ", as in `qnn verify`", &others);
    holds("docs/protocol.md", "| `verification.engine` | ", " | who", &code.join(", "));
    holds("editors/vscode/README.md", "| `qnn.verification.engine` | `auto` | ", " win over", &others);
    let rows: String = ENGINES.iter().map(|engine| format!("| `{}` | {} |\n", engine.name, engine.summary)).collect();
    let table = format!("\n| engine | what it is |\n| --- | --- |\n{rows}");
    holds("docs/engines.md", "<!-- engines -->", "<!-- end -->", &table);
    let lines = |words: &mut dyn Iterator<Item = String>| -> String {
        let quoted: Vec<String> = words.map(|word| format!("\n              \"{word}\"")).collect();
        quoted.join(",")
    };
    let (settings, setting) = ("editors/vscode/package.json", "\"qnn.verification.engine\": {\n            ");
    let names = lines(&mut ENGINES.iter().map(|engine| engine.name.to_owned()));
    let enumeration = format!("{setting}\"order\": 4,\n            \"type\": \"string\",\n            \"enum\": [");
    let end = "\n            ]";
    holds(settings, &enumeration, end, &names);
    let sentence = |summary: &str| summary[..1].to_uppercase() + &summary[1..] + ".";
    let spec = "What the spec says with #[engine]; where it says nothing, ";
    let summaries = lines(&mut ENGINES.iter().map(|engine| match engine.name {
        "auto" => format!("{spec}{}.", engine.summary),
        _ => sentence(engine.summary),
    }));
    holds(settings, "\"default\": \"auto\",\n            \"enumDescriptions\": [", end, &summaries);
}

#[test]
fn the_grammar_knows_every_attribute_verdict_and_engine() {
    let grammar = "editors/vscode/syntaxes/qnn.tmLanguage.json";
    let attributes: Vec<&str> = ATTRIBUTES.iter().map(|a| a.name).collect();
    let [first, verdicts @ ..] = Expectation::ALL.map(Expectation::name);
    let (open, close) = ("\"match\": \"\\\\b(", ")\\\\b");
    holds(grammar, &format!("{open}{}|", attributes[0]), close, &attributes[1..].join("|"));
    holds(grammar, &format!("{open}{first}|"), close, &[&verdicts[..], NAMES].concat().join("|"));
}

#[test]
fn the_manual_has_every_mode_of_a_cast() {
    let text = read("docs/language.md");
    for name in Rounding::ALL.iter().map(|r| r.name()).chain(Overflow::ALL.iter().map(|o| o.name())) {
        assert!(text.contains(&format!("`{name}`")), "no `{name}`");
    }
}

/// The words of a text that are as keywords are: lower case.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_lowercase()).collect()
}

#[test]
fn editors_know_every_keyword() {
    for path in [
        "editors/vim/syntax/qnn.vim",
        "editors/vscode/syntaxes/qnn.tmLanguage.json",
        "editors/emacs/qnn-mode.el",
        "editors/tree-sitter/grammar.js",
        "editors/zed/languages/qnn/highlights.scm",
    ] {
        // In JSON, a word's boundary is `\\b`.
        let text = read(path).replace(r"\\b", " ");
        let known = words(&text);
        // `import` is reserved, and means nothing yet; booleans are a node of their own for tree-sitter.
        let missing: Vec<_> = KEYWORDS
            .iter()
            .filter(|word| !known.contains(**word) && !matches!(**word, "import"))
            .filter(|word| !(path.ends_with(".scm") && matches!(**word, "true" | "false")))
            .collect();
        assert!(missing.is_empty(), "{path} lacks {missing:?}");
    }
}
