//! The grammar for editors and the compiler's agree: what the compiler parses has no error here, and its operators have the same operands.

use qnn_syntax::ast::{Expr, ExprKind};
use qnn_syntax::parse;
use qnn_syntax::walk;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tree_sitter::{Node, Parser, Query, QueryCursor, StreamingIterator, Tree};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn tree(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_qnn::LANGUAGE.into()).expect("the language is of a version that is known");
    parser.parse(text, None).expect("a tree")
}

/// All files below a folder whose names end so.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let found = entries.filter(|path| !path.ends_with("target") && !path.ends_with("node_modules")).flat_map(|path| {
        if path.is_dir() {
            files(&path, ending)
        } else if path.to_string_lossy().ends_with(ending) {
            vec![path]
        } else {
            Vec::new()
        }
    });
    found.collect()
}

/// The texts that the compiler's own tests and documentation are made of: specs, and blocks of Markdown that are specs.
fn texts() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for folder in ["examples", "compiler", "tests", "editors/vscode/test"] {
        for path in files(&root().join(folder), ".qnn") {
            all.push((path.display().to_string(), read(&path)));
        }
    }
    for path in files(&root().join("docs"), ".md").into_iter().chain(files(&root().join("examples"), ".md")) {
        for (index, block) in read(&path).split("\n```qnn").skip(1).enumerate() {
            let block = block.split_once('\n').map_or("", |(_, rest)| rest);
            let block = block.split("\n```").next().unwrap_or_default();
            all.push((format!("{}, block {}", path.display(), index + 1), format!("{block}\n")));
        }
    }
    all
}

/// Where the first error is.
fn error(tree: &Tree, text: &str) -> Option<String> {
    fn first(node: Node<'_>) -> Option<Node<'_>> {
        if node.is_error() || node.is_missing() {
            return Some(node);
        }
        let mut cursor = node.walk();
        node.children(&mut cursor).filter(Node::has_error).find_map(first)
    }
    let node = first(tree.root_node()).filter(|_| tree.root_node().has_error())?;
    let line = text.lines().nth(node.start_position().row).unwrap_or_default();
    Some(format!("line {}: {line}", node.start_position().row + 1))
}

/// The operands of each operator, as the compiler sees them: their first and last bytes.
type Operators = BTreeSet<(usize, usize, usize, usize)>;

fn of_compiler(text: &str) -> Operators {
    let mut all = Operators::new();
    for slice in &parse(text).items {
        let at = slice.start as usize;
        walk::item(&slice.item, &mut |visit| {
            let walk::Visit::Expr(Expr { kind: ExprKind::Binary(_, left, right), .. }) = visit else { return };
            // Parentheses belong to what they enclose there, and are nodes here: neither is compared.
            all.insert((
                at + left.span.start as usize,
                at + left.span.end as usize,
                at + right.span.start as usize,
                at + right.span.end as usize,
            ));
        });
    }
    all
}

fn of_editors(tree: &Tree) -> Operators {
    fn collect(node: Node<'_>, all: &mut Operators) {
        if node.kind() == "binary"
            && let (Some(left), Some(right)) = (node.child(0), node.child(node.child_count() - 1))
        {
            all.insert((left.start_byte(), left.end_byte(), right.start_byte(), right.end_byte()));
        }
        let mut cursor = node.walk();
        node.children(&mut cursor).for_each(|child| collect(child, all));
    }
    let mut all = Operators::new();
    collect(tree.root_node(), &mut all);
    all
}

#[test]
fn what_the_compiler_parses_has_no_error() {
    let (mut wrong, mut good) = (String::new(), 0);
    for (name, text) in texts() {
        let tree = tree(&text);
        if !parse(&text).errors.is_empty() {
            continue;
        }
        good += 1;
        if let Some(error) = error(&tree, &text) {
            let _ = writeln!(wrong, "{name}, {error}");
        } else if of_compiler(&text) != of_editors(&tree) {
            let (theirs, ours) = (of_editors(&tree), of_compiler(&text));
            let show = |all: &Operators, but: &Operators| -> Vec<String> {
                all.difference(but).map(|(a, b, c, d)| format!("{} | {}", &text[*a..*b], &text[*c..*d])).collect()
            };
            let _ =
                writeln!(wrong, "{name}:\n  compiler {:?}\n  editors {:?}", show(&ours, &theirs), show(&theirs, &ours));
        }
    }
    assert!(good > 100, "{good}");
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn after_any_deletion_too() {
    let text = read(&root().join("compiler/syntax/src/tests/rich.qnn"));
    let (mut wrong, mut good) = (String::new(), 0);
    for at in 0..text.len() {
        // `x as Act<bits;` compares for the compiler, which reads no arguments there; here it is an error.
        if !text.is_char_boundary(at) || !text.is_char_boundary(at + 1) || &text[at..=at] == ">" {
            continue;
        }
        let less = format!("{}{}", &text[..at], &text[at + 1..]);
        if !parse(&less).errors.is_empty() {
            continue;
        }
        good += 1;
        if let Some(error) = error(&tree(&less), &less) {
            let _ = writeln!(wrong, "without byte {at}, {error}");
        }
    }
    assert!(good > 1000, "{good}");
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_parser_is_generated_from_the_grammar() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = tempfile::tempdir().expect("a folder");
    let make = |grammar: &str| {
        let (out, grammar) = (made.path().to_str(), folder.join(grammar));
        tree_sitter_generate::generate_parser_in_directory(folder, out, grammar.to_str(), 14, None, None)
            .unwrap_or_else(|error| panic!("{error}"));
    };
    let same = |name: &str| {
        let help = "`cargo run -p tree-sitter-qnn --example generate` makes it anew";
        assert!(read(&made.path().join(name)) == read(&folder.join("src").join(name)), "src/{name} is old: {help}");
    };
    make("src/grammar.json");
    same("parser.c");
    same("node-types.json");
    // Reading grammar.js needs Node.
    if std::process::Command::new("node").arg("--version").output().is_ok() {
        make("grammar.js");
        same("grammar.json");
    }
}

#[test]
fn names_and_keywords_are_highlighted() {
    let text = "#[expect(violated)]\nproperty p(i in 0..4) =\n    forall x in ball(test[i].image, 1 lsb): argmax(net<8>(x)) == i; // why\n";
    let language = tree_sitter_qnn::LANGUAGE.into();
    let query = Query::new(&language, tree_sitter_qnn::HIGHLIGHTS).expect("a query");
    let tree = tree(text);
    let mut cursor = QueryCursor::new();
    let mut found = BTreeSet::new();
    let mut captures = cursor.captures(&query, tree.root_node(), text.as_bytes());
    while let Some((matched, index)) = captures.next() {
        let capture = matched.captures[*index];
        let name = query.capture_names()[capture.index as usize];
        found.insert((text[capture.node.byte_range()].to_owned(), name));
    }
    for (part, name) in [
        ("property", "keyword"),
        ("p", "function"),
        ("i", "variable.parameter"),
        ("forall", "keyword"),
        ("ball", "function"),
        ("image", "property"),
        ("net", "function"),
        ("lsb", "keyword"),
        ("8", "number"),
        ("==", "operator"),
        ("expect", "attribute"),
        ("// why", "comment"),
    ] {
        assert!(found.contains(&(part.to_owned(), name)), "{part} is a {name}: {found:?}");
    }
}
