//! Completion: what could stand at the cursor.
//!
//! In: an offset. Out: candidates, and the word that they replace. What may stand there is told by the tokens before the cursor alone, so that
//! it works in text that does not parse, as text under a cursor rarely does; what names mean comes from the items that do parse.

use super::text;
use crate::check::scope::scope;
use crate::db::{Db, Entry, ItemId, SourceFile, contents, tree};
use crate::files::file::FileContents;
use crate::number_format::Overflow;
use qnn_ir::Rounding;
use qnn_syntax::Span;
use qnn_syntax::ast::{ItemKind, Params};
use qnn_syntax::builtins::{ATTRIBUTES, FUNCTIONS, TYPES};
use qnn_syntax::scan::{Kind, Scan, Token, is_keyword, scan};
use qnn_syntax::split::split;
use std::path::Path;

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum CompletionKind {
    Keyword,
    Snippet,
    Type,
    Enum,
    Variant,
    Network,
    Function,
    Property,
    Dataset,
    Field,
    Constant,
    Variable,
    Tensor,
    File,
    Folder,
    Value,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What is shown and, without `insert`, inserted.
    pub label: String,
    /// What it is.
    pub kind: CompletionKind,
    /// A few words beside it.
    pub detail: String,
    /// What is inserted instead, with `$1`, `${1:name}` and `$0` for places to fill in.
    pub snippet: Option<String>,
    /// Its documentation, in Markdown.
    pub docs: String,
    /// How near it is; what is nearer comes first.
    pub rank: u8,
}

/// The candidates at an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completions {
    /// What they replace.
    pub replace: Span,
    /// They.
    pub items: Vec<Completion>,
}

/// What could stand at an offset.
pub fn complete(db: &dyn Db, file: SourceFile, offset: u32) -> Completions {
    let source = text(db, file);
    let offset = offset.min(source.len() as u32);
    if !source.is_char_boundary(offset as usize) {
        return Completions::default();
    }
    let scan = scan(source);
    if scan.comments.iter().any(|c| c.start < offset && offset <= c.end) {
        return Completions::default();
    }
    // The word under the cursor is what is replaced; what stands before it says what may stand here.
    let word = scan.tokens.iter().find(|t| t.start < offset && offset <= t.end);
    let inside_text = word.is_some_and(|t| matches!(t.kind, Kind::Text { closed } if offset < t.end || !closed));
    let word = word.filter(|t| t.kind == Kind::Word || inside_text);
    if scan.tokens.iter().any(|t| t.kind == Kind::Number && t.start < offset && offset <= t.end) {
        return Completions::default();
    }
    let start = word.map_or(offset, |t| t.start);
    let before: Vec<Token> = scan.tokens.iter().copied().take_while(|t| t.end <= start).collect();
    let pieces = split(source, &scan);
    let piece = pieces.iter().rev().find(|p| p.start <= start);
    let first = piece.map_or(0, |p| p.keyword.unwrap_or(p.first));
    let mut completer = Completer { db, file, source, tokens: &scan, before, first, items: Vec::new() };
    let replace = if inside_text {
        let opening = start + 1;
        let line = source[opening as usize..].find(['"', '\n']).map_or(source.len(), |n| n + opening as usize);
        let path = completer.in_text(source.get(opening as usize..offset as usize).unwrap_or_default());
        Span::new(opening + path, (line as u32).max(offset))
    } else {
        completer.in_code();
        Span::new(start, word.map_or(offset, |t| t.end))
    };
    let mut items = completer.items;
    items.sort_by(|a, b| (a.rank, &a.label).cmp(&(b.rank, &b.label)));
    items.dedup_by(|a, b| a.label == b.label);
    Completions { replace, items }
}

/// The items of a file with their places to fill in: what is inserted, and what it is.
const ITEMS: [(&str, &str, &str); 17] = [
    ("use", "use \"${1:other.qnn}\";", "another spec's items"),
    ("type", "type ${1:Name} = ${2|ufixed,fixed|}<${3:8}, ${4:6}>;", "a format or a tensor by name"),
    ("enum", "enum ${1:Name} { ${2:first}, ${3:second} }", "names of an axis or of classes"),
    ("const", "const ${1:name} = $0;", "a constant"),
    (
        "dataset",
        "dataset ${1:test} {\n    ${2:image}: ${3:Pixel}[${4:28, 28}] from \"${5:images.npy}\" raw;\n    label: class<${6:10}> from \"${7:labels.npy}\";\n}",
        "samples from files",
    ),
    (
        "params",
        "params ${1:p} = \"${2:model.npz}\" {\n    *.weight: fixed<${3:8}, ${4:6}>;\n    *.bias:   fixed<${3:8}, ${4:6}>;\n}",
        "weights from a file",
    ),
    ("network", "network ${1:name}(${2:x}: ${3:Type}) -> ${4:Type} {\n    $0\n}", "what computes in bits"),
    (
        "network of any width",
        "network ${1:name}<bits>(${2:x}: ${3:Input}[${4:4}]) -> fixed<bits, bits - ${5:3}>[${6:2}] {\n    $0\n}",
        "a network whose formats have a parameter",
    ),
    (
        "network from a file",
        "network ${1:classifier}(${2:image}: ${3:Pixel}[${4:28, 28}]) -> ${5:Logit}[${6:10}] {\n    params ${7:p} = \"${8:model.npz}\" {\n        *.weight: fixed<${9:6}, ${10:5}>;\n        *.bias:   fixed<${9:6}, ${10:5}>;\n    }\n    let x = flatten(${2:image});\n    let h = relu(dense(x, ${7:p}.fc1)) as ${11:Act};\n    dense(h, ${7:p}.fc2) as ${5:Logit}\n}",
        "a network with its weights",
    ),
    ("def", "def ${1:name}(${2:x}: ${3:Type}) -> ${4|bool,real|} = $0;", "a condition or a number by name"),
    (
        "property",
        "property ${1:name} =\n    forall ${2:x in ball(${3:center}, ${4:1 lsb})}:\n        $0;",
        "what must hold",
    ),
    (
        "property family",
        "property ${1:name}(${2:i in 0..10}) =\n    forall ${3:x in ball(${4:center}, ${5:1 lsb})}:\n        $0;",
        "one verdict for each parameter",
    ),
    (
        "property robust",
        "property ${1:robust}(i in 0..${2:100}, eps in ${3:1..=2}) =\n    forall x in ball(${4:test}[i].${5:image}, eps lsb):\n        argmax(${6:classifier}(x)) == ${4:test}[i].label;",
        "robustness, by sample and radius",
    ),
    (
        "property fair",
        "property ${1:fair} =\n    forall a: ${2:Person}, b: ${2:Person}\n        where forall f in ${3:Feature}, f != ${3:Feature}.${4:gender}: a[f] == b[f]:\n        abs(${5:score}(a) - ${5:score}(b)) <= ${6:1};",
        "two inputs that differ in one field are treated alike",
    ),
    (
        "property close",
        "property ${1:close}(i in 0..${2:100}) =\n    forall x in ball(${3:test}[i].${4:image}, ${5:2} lsb):\n        maximum(abs(${6:first}(x) - ${7:second}(x))) <= ${8:0.25};",
        "two networks stay within a distance",
    ),
    (
        "measure",
        "measure ${1:name} =\n    ${2|maximize,minimize|} ${3:objective}\n    over ${4:x}: ${5:Type};",
        "the greatest or the least value",
    ),
    (
        "measure largest",
        "measure ${1:name} =\n    largest ${2:eps} in ${3:0..=32} such that\n        $0;",
        "the largest integer for which something holds",
    ),
];

struct Completer<'a> {
    db: &'a dyn Db,
    file: SourceFile,
    source: &'a str,
    tokens: &'a Scan,
    /// The tokens before the word at the cursor.
    before: Vec<Token>,
    /// The keyword of the piece that the cursor stands in.
    first: usize,
    items: Vec<Completion>,
}

/// Something with members, as tokens tell.
enum Members {
    Dataset(ItemId),
    Axis(ItemId),
    Enum(ItemId),
    Params {
        file: String,
        prefix: String,
    },
    /// A network that is not called yet.
    Network(ItemId),
}

impl<'a> Completer<'a> {
    fn word(&self, back: usize) -> &'a str {
        self.before.len().checked_sub(back).and_then(|at| self.before.get(at)).map_or("", |t| t.text(self.source))
    }

    fn add(&mut self, label: impl Into<String>, kind: CompletionKind, detail: impl Into<String>, rank: u8) {
        let (label, detail) = (label.into(), detail.into());
        self.items.push(Completion { label, kind, detail, snippet: None, docs: String::new(), rank });
    }

    fn snippet(&mut self, label: &str, snippet: &str, detail: &str, rank: u8) {
        self.items.push(Completion {
            label: label.to_owned(),
            kind: CompletionKind::Snippet,
            detail: detail.to_owned(),
            snippet: Some(snippet.to_owned()),
            docs: String::new(),
            rank,
        });
    }

    fn keywords(&mut self, words: &[&str], rank: u8) {
        words.iter().for_each(|word| self.add(*word, CompletionKind::Keyword, "", rank));
    }

    // ---- Texts

    /// Inside quotes: files, tensors, columns. Returns how much of the text stays before what is replaced.
    fn in_text(&mut self, written: &str) -> u32 {
        match self.word(1) {
            "tensor" | "column" => {
                if let Some(file) = self.file_of_field() {
                    self.tensors(&file, "", "");
                }
                0
            }
            "use" => self.paths(written, &["qnn"]),
            "from" | "=" => self.paths(written, &[]),
            _ => 0,
        }
    }

    /// The file that the field under the cursor is read from.
    fn file_of_field(&self) -> Option<String> {
        let statement = self.statement();
        let all = self.tokens.tokens.get(statement..)?;
        let from = all.iter().position(|t| t.text(self.source) == "from")?;
        if all[..from].iter().any(|t| t.text(self.source) == ";") {
            return None;
        }
        Some(all.get(from + 1)?.text(self.source).trim_matches('"').to_owned())
    }

    /// The first token of the statement under the cursor.
    fn statement(&self) -> usize {
        let boundary = |t: &Token| matches!(t.text(self.source), ";" | "{" | "}");
        self.before.iter().rposition(boundary).map_or(self.first, |at| at + 1)
    }

    fn paths(&mut self, written: &str, extensions: &[&str]) -> u32 {
        let (folder, kept) = match written.rfind('/') {
            Some(at) => (&written[..at], at + 1),
            None => ("", 0),
        };
        let here = self.file.path(self.db).parent().unwrap_or(Path::new("")).join(folder);
        for Entry { name, folder } in self.db.list(&here).into_iter().take(2_000) {
            if name.starts_with('.') {
                continue;
            }
            if folder {
                self.add(format!("{name}/"), CompletionKind::Folder, "", 1);
                continue;
            }
            let lower = name.to_lowercase();
            let data = [".npz", ".npy", ".gz", ".csv", ".safetensors", ".png", "-ubyte", ".onnx", ".tflite"];
            let wanted = match extensions {
                [] => data.iter().any(|end| lower.ends_with(end)),
                list => list.iter().any(|end| lower.ends_with(&format!(".{end}"))),
            };
            if wanted {
                self.add(name, CompletionKind::File, "", 0);
            }
        }
        kept as u32
    }

    /// The tensors of a file whose names go on after a prefix, up to the next dot.
    fn tensors(&mut self, file: &str, prefix: &str, suffix: &str) {
        let folder = self.file.path(self.db).parent().unwrap_or(Path::new(""));
        let data = self.db.data(&folder.join(file));
        let outcome = contents(self.db, data);
        let tensors: Vec<(&str, String)> = match outcome.as_ref() {
            Ok(FileContents::Tensors(tensors)) => {
                tensors.names().map(|name| (name, tensors.describe(name).unwrap_or_default())).collect()
            }
            Ok(FileContents::Table(columns)) => {
                columns.iter().map(|(name, tensor)| (name.as_str(), tensor.describe())).collect()
            }
            _ => return,
        };
        for (name, kind) in tensors {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            if suffix == "." {
                let (member, group) = rest.split_once('.').map_or((rest, false), |(member, _)| (member, true));
                self.add(member, CompletionKind::Tensor, if group { "layer".to_owned() } else { kind }, 0);
            } else {
                self.add(format!("{rest}{suffix}"), CompletionKind::Tensor, kind, 0);
            }
        }
    }

    // ---- Code

    fn in_code(&mut self) {
        let keyword = self.tokens.tokens.get(self.first).map_or("", |t| t.text(self.source));
        // The cursor may stand on the keyword itself, or before anything.
        let inside = self.first < self.before.len();
        match (self.word(1), self.word(2)) {
            (".", _) => return self.members(),
            ("[", "#") => {
                return ATTRIBUTES.iter().for_each(|a| self.snippet(a.name, a.snippet, a.docs, 0));
            }
            ("(", "timeout") if self.word(3) == "[" => {
                return ["10s", "60s", "5min", "500ms"].iter().for_each(|t| self.add(*t, CompletionKind::Value, "", 0));
            }
            ("(", "engine") if self.word(3) == "[" => {
                return qnn_engine::NAMES.iter().for_each(|n| self.add(*n, CompletionKind::Value, "engine", 0));
            }
            ("(", "expect") if self.word(3) == "[" => {
                let verdicts = ["violated", "vacuous", "proved"];
                return verdicts.iter().for_each(|v| self.add(*v, CompletionKind::Value, "verdict", 0));
            }
            ("=", "round") => {
                return Rounding::ALL.iter().for_each(|r| self.add(r.name(), CompletionKind::Value, "rounding", 0));
            }
            ("=", "overflow") => {
                return Overflow::ALL.iter().for_each(|o| self.add(o.name(), CompletionKind::Value, "overflow", 0));
            }
            ("such", _) => return self.keywords(&["that"], 0),
            _ => {}
        }
        if let Some((head, arguments)) = self.in_format() {
            return self.format_argument(head, &arguments);
        }
        if !inside || self.ended() {
            return self.items_of_file();
        }
        let depth = self.depth();
        match keyword {
            "dataset" if depth == 1 => self.dataset(),
            "params" if depth == 1 => self.params(),
            "network" if self.in_params().is_some() => self.params(),
            "network" if depth == 1 && self.at_statement() => {
                self.keywords(&["let"], 1);
                self.snippet("let …", "let ${1:h} = ${0};", "a layer's result", 1);
                self.snippet(
                    "params …",
                    "params ${1:p} = \"${2:model.npz}\" {\n    *.weight: fixed<${3:8}, ${4:6}>;\n    *.bias:   fixed<${3:8}, ${4:6}>;\n}",
                    "weights from a file",
                    1,
                );
                self.expression(true);
            }
            "use" | "enum" => {}
            "type" if self.word(1) == "=" => self.types(),
            _ if self.expects_type() => self.types(),
            _ if self.declares() => {}
            _ => self.expression(matches!(keyword, "network")),
        }
    }

    /// The format whose angle brackets the cursor stands in, with the first word of each argument before the cursor's.
    fn in_format(&self) -> Option<(&'a str, Vec<&'a str>)> {
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let mut at = self.before.len();
        let mut arguments = Vec::new();
        loop {
            at = at.checked_sub(1).filter(|at| *at > self.first)?;
            match word(at) {
                "<" => break,
                "," => arguments.push(word(at.checked_sub(1)?)),
                "+" | "-" | "*" | "=" => {}
                other => other.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_').then_some(())?,
            }
        }
        arguments.reverse();
        let head = word(at.checked_sub(1)?);
        matches!(head, "fixed" | "ufixed" | "int" | "uint" | "acc" | "class").then_some((head, arguments))
    }

    /// What may stand in a format's angle brackets: widths and fraction bits that are usual, names of integers, modes.
    fn format_argument(&mut self, head: &str, arguments: &[&str]) {
        if !matches!(self.word(1), "<" | ",") {
            return;
        }
        // Names of classes come first.
        let first = u8::from(head == "class");
        let numbers = |completer: &mut Self, list: &[u32], detail: &str| {
            for (rank, number) in (first..).zip(list) {
                completer.add(number.to_string(), CompletionKind::Value, detail, rank);
            }
        };
        let (fractional, place) = (matches!(head, "fixed" | "ufixed"), arguments.len());
        match (head, place) {
            ("class", 0) => {
                self.names(&|kind| matches!(kind, ItemKind::Enum(_)), 0);
                numbers(self, &[10, 2], "classes");
            }
            ("acc", 0) => numbers(self, &[16, 20, 24, 32], "bits"),
            (_, 0) => numbers(self, &[8, 4, 6, 16, 12, 2], "bits"),
            (_, 1) if fractional => {
                let width: Option<u32> = arguments.first().and_then(|width| width.parse().ok());
                let usual = |width: u32| match head {
                    "ufixed" => vec![width, width / 2, 0],
                    _ => vec![width.saturating_sub(2), width.saturating_sub(1), width / 2, 0],
                };
                numbers(self, &width.map_or_else(|| vec![4, 6, 8, 0], usual), "bits after the point");
            }
            ("class" | "acc", _) => return,
            _ => {
                for (name, detail) in
                    [("round", "what becomes of bits that are lost"), ("overflow", "beyond the range")]
                {
                    self.snippet(&format!("{name} = …"), &format!("{name} = $0"), detail, 0);
                }
                return;
            }
        }
        self.locals(8);
        self.names(&|kind| matches!(kind, ItemKind::Const(_)), 9);
    }

    /// Whether the item under the cursor has ended before it.
    fn ended(&self) -> bool {
        matches!(self.word(1), ";" | "}") && self.depth() == 0
    }

    /// How many brackets are open since the item's keyword.
    fn depth(&self) -> usize {
        let tokens = self.before.get(self.first..).unwrap_or_default();
        tokens.iter().fold(0usize, |depth, t| match t.text(self.source) {
            "{" | "(" | "[" => depth + 1,
            "}" | ")" | "]" => depth.saturating_sub(1),
            _ => depth,
        })
    }

    fn at_statement(&self) -> bool {
        matches!(self.word(1), ";" | "{" | "}")
    }

    /// Whether a new name is to be written here.
    fn declares(&self) -> bool {
        matches!(
            self.word(1),
            "let"
                | "forall"
                | "exists"
                | "network"
                | "property"
                | "measure"
                | "def"
                | "type"
                | "const"
                | "dataset"
                | "enum"
                | "params"
                | "largest"
        )
    }

    fn expects_type(&self) -> bool {
        match self.word(1) {
            "as" | "->" => true,
            // `x: T` in parameters and binders; not the `:` that ends a quantifier's head.
            ":" => {
                let name = self.word(3);
                matches!(name, "(" | "," | "forall" | "exists" | "over" | "let" | "{" | ";") || name == "<"
            }
            "<" => self.word(2) == "affine",
            _ => false,
        }
    }

    fn items_of_file(&mut self) {
        for (label, snippet, detail) in ITEMS {
            self.snippet(label, snippet, detail, 0);
        }
        if self.word(1) != "]" {
            self.snippet("#[timeout]", "#[timeout(${1:60s})]", "how long the engines may work", 1);
            self.snippet("#[expect]", "#[expect(${1:violated})]", "the verdict that is expected", 1);
            self.snippet("#[engine]", "#[engine(${1:smt})]", "who decides", 1);
        }
    }

    fn dataset(&mut self) {
        let statement = self.before.get(self.statement()..).unwrap_or_default();
        let has = |word: &str| statement.iter().any(|t| t.text(self.source) == word);
        if self.word(1) == ":" {
            return self.types();
        }
        if self.at_statement() {
            return self.snippet("field", "${1:image}: ${2:Type} from \"${3:file}\";", "a field of each sample", 0);
        }
        let missing: Vec<&str> = ["from", "tensor", "column", "raw"].into_iter().filter(|w| !has(w)).collect();
        if has(":") {
            self.keywords(&missing, 0);
        }
    }

    /// The file of the `params` block that the cursor stands in.
    fn in_params(&self) -> Option<String> {
        let open = self.before.iter().rposition(|t| matches!(t.text(self.source), "{" | "}"))?;
        if self.before.get(open)?.text(self.source) != "{" {
            return None;
        }
        let [params, _, _, file] = self.before.get(open.checked_sub(4)?..open)? else { return None };
        (params.text(self.source) == "params").then(|| file.text(self.source).trim_matches('"').to_owned())
    }

    fn params(&mut self) {
        match self.word(1) {
            ":" => self.types(),
            _ if self.at_statement() => {
                if let Some(file) = self.in_params() {
                    self.tensors(&file, "", ": ");
                }
                self.snippet("*.weight", "*.weight: ${1:fixed<8, 6>};", "the weights of all layers", 1);
                self.snippet("*.bias", "*.bias: ${1:fixed<8, 6>};", "the biases of all layers", 1);
            }
            ">" | ")" => self.keywords(&["raw"], 0),
            _ => {}
        }
    }

    fn types(&mut self) {
        self.names(&|kind| matches!(kind, ItemKind::Type(_)), 0);
        for ty in TYPES {
            self.builtin(ty.name, CompletionKind::Type, (ty.usage.to_owned(), ty.docs), ty.snippet.to_owned(), 1);
        }
        self.locals(2);
    }

    fn builtin(&mut self, name: &str, kind: CompletionKind, (detail, docs): (String, &str), snippet: String, rank: u8) {
        self.items.push(Completion {
            label: name.to_owned(),
            kind,
            detail,
            snippet: Some(snippet),
            docs: docs.to_owned(),
            rank,
        });
    }

    fn expression(&mut self, network: bool) {
        let after_value = self.before.last().is_some_and(|t| {
            let word = t.text(self.source);
            matches!(t.kind, Kind::Number)
                || matches!(word, ")" | "]" | "true" | "false" | "lsb")
                || t.kind == Kind::Word && !is_keyword(word)
        });
        if after_value {
            let words: &[&str] =
                if network { &["as"] } else { &["and", "or", "in", "lsb", "where", "over", "such that", "as"] };
            return self.keywords(words, 0);
        }
        self.locals(0);
        self.names(&|kind| !matches!(kind, ItemKind::Type(_) | ItemKind::Use(_)), 1);
        for function in FUNCTIONS.iter().filter(|f| if network { f.in_networks() } else { f.in_properties() }) {
            let (name, about) = (function.name, (function.signature(), function.docs));
            self.builtin(name, CompletionKind::Function, about, format!("{name}($0)"), 2);
        }
        if !network {
            self.keywords(&["forall", "exists", "let", "not", "true", "false", "maximize", "minimize", "largest"], 3);
            self.snippet(
                "forall …",
                "forall ${1:x} in ball(${2:center}, ${3:1 lsb}): $0",
                "for all inputs near one",
                3,
            );
        }
    }

    /// Items that the file knows.
    fn names(&mut self, wanted: &dyn Fn(&ItemKind) -> bool, rank: u8) {
        let outcome = scope(self.db, self.file);
        let Some(scope) = &outcome.value else { return };
        for (name, item) in &scope.names {
            let Some(found) = tree(self.db, *item) else { continue };
            if !wanted(&found.kind) {
                continue;
            }
            let (kind, generics, call) = match &found.kind {
                ItemKind::Use(_) => continue,
                ItemKind::Type(t) => (CompletionKind::Type, t.generics.len(), false),
                ItemKind::Enum(_) => (CompletionKind::Enum, 0, false),
                ItemKind::Const(_) => (CompletionKind::Constant, 0, false),
                ItemKind::Dataset(_) => (CompletionKind::Dataset, 0, false),
                ItemKind::Params(_) => (CompletionKind::Variable, 0, false),
                ItemKind::Network(n) => (CompletionKind::Network, n.generics.len(), true),
                ItemKind::Def(d) => (CompletionKind::Function, d.generics.len(), true),
                ItemKind::Property(_) | ItemKind::Measure(_) => (CompletionKind::Property, 0, true),
            };
            let mut snippet = name.to_string();
            if generics > 0 {
                let list: Vec<String> = (1..=generics).map(|n| format!("${{{n}}}")).collect();
                snippet.push_str(&format!("<{}>", list.join(", ")));
            }
            if call {
                snippet.push_str("($0)");
            }
            self.items.push(Completion {
                label: name.to_string(),
                kind,
                detail: String::new(),
                snippet: (snippet != **name).then_some(snippet),
                docs: found.docs.to_string(),
                rank,
            });
        }
    }

    /// What the item under the cursor binds before it, as far as its tokens tell.
    fn bound(&self) -> Vec<(&'a str, usize)> {
        let tokens = &self.before;
        let word = |at: usize| tokens.get(at).map_or("", |t| t.text(self.source));
        let mut all: Vec<(&str, usize)> = Vec::new();
        for (at, token) in tokens.iter().enumerate().skip(self.first) {
            let name = token.text(self.source);
            if token.kind != Kind::Word || is_keyword(name) || at == 0 {
                continue;
            }
            let (before, after) = (word(at - 1), word(at + 1));
            let binds = match before {
                "let" | "params" | "largest" => true,
                "(" | "," | "forall" | "exists" | "over" => matches!(after, ":" | "in"),
                _ => false,
            };
            // `network f<bits, n>(`: the names before the parameters.
            let generic = matches!(before, "<" | ",")
                && matches!(after, ">" | ",")
                && tokens[self.first..at].iter().all(|t| !matches!(t.text(self.source), "(" | "=" | "{"));
            if binds || generic {
                all.push((name, at));
            }
        }
        all
    }

    fn locals(&mut self, rank: u8) {
        for (name, _) in self.bound() {
            self.add(name, CompletionKind::Variable, "", rank);
        }
    }

    // ---- Members

    fn members(&mut self) {
        let dot = self.before.len() - 1;
        match self.members_of(dot, 0) {
            Some(Members::Dataset(item)) => {
                if let Some(ItemKind::Dataset(dataset)) = tree(self.db, item).as_deref().map(|t| &t.kind) {
                    let source = text(self.db, item.file(self.db));
                    let start = crate::db::offset(self.db, item);
                    for field in &dataset.fields {
                        let span = super::moved(field.ty.span, start);
                        let ty = source.get(span.start as usize..span.end as usize).unwrap_or_default();
                        self.add(&*field.name.text, CompletionKind::Field, ty, 0);
                    }
                }
            }
            Some(Members::Axis(item) | Members::Enum(item)) => {
                for name in super::names::variants(self.db, item) {
                    self.add(&*name, CompletionKind::Variant, item.name(self.db), 0);
                }
            }
            Some(Members::Params { file, prefix }) => self.tensors(&file, &prefix, "."),
            Some(Members::Network(_)) => {
                self.add("real", CompletionKind::Network, "with the files' weights, without rounding", 0);
                if let Some(item) = self.items.last_mut() {
                    item.snippet = Some("real($0)".to_owned());
                }
            }
            None => {}
        }
    }

    /// What the expression that ends before a dot has as members.
    fn members_of(&self, dot: usize, depth: usize) -> Option<Members> {
        if depth > 16 {
            return None;
        }
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let mut at = dot.checked_sub(1)?;
        // Over brackets, back to the name that they belong to.
        let (mut indexed, mut called) = (false, false);
        loop {
            let opening = match word(at) {
                "]" => "[",
                ")" => "(",
                ">" => "<",
                _ => break,
            };
            indexed |= opening == "[";
            called |= opening == "(";
            let closing = word(at);
            let mut open = 0;
            loop {
                let here = word(at);
                open += i32::from(here == closing) - i32::from(here == opening);
                if open == 0 {
                    break;
                }
                at = at.checked_sub(1)?;
            }
            at = at.checked_sub(1)?;
        }
        let name = word(at);
        if at > 0 && word(at - 1) == "." {
            return match self.members_of(at - 1, depth + 1)? {
                Members::Dataset(item) => {
                    let found = tree(self.db, item).as_ref()?;
                    let ItemKind::Dataset(dataset) = &found.kind else { return None };
                    let field = dataset.fields.iter().find(|f| &*f.name.text == name)?;
                    super::names::first_axis(self.db, item, &field.ty, 0).map(Members::Axis)
                }
                Members::Params { file, prefix } => Some(Members::Params { file, prefix: format!("{prefix}{name}.") }),
                Members::Network(item) if called && name == "real" => match &tree(self.db, item).as_ref()?.kind {
                    ItemKind::Network(n) => super::names::first_axis(self.db, item, &n.result, 0).map(Members::Axis),
                    _ => None,
                },
                Members::Axis(_) | Members::Enum(_) | Members::Network(_) => None,
            };
        }
        if let Some((_, bound)) = self.bound().into_iter().rev().find(|(known, at_)| *known == name && *at_ < at) {
            return self.members_of_local(bound, depth);
        }
        let outcome = scope(self.db, self.file);
        let item = *outcome.value.as_ref()?.names.get(name)?;
        match &tree(self.db, item).as_ref()?.kind {
            ItemKind::Dataset(_) if indexed => Some(Members::Dataset(item)),
            ItemKind::Enum(_) => Some(Members::Enum(item)),
            ItemKind::Params(params) => Some(params_members(params)),
            ItemKind::Network(n) if called => super::names::first_axis(self.db, item, &n.result, 0).map(Members::Axis),
            ItemKind::Network(_) => Some(Members::Network(item)),
            ItemKind::Def(d) if called => super::names::first_axis(self.db, item, &d.result, 0).map(Members::Axis),
            _ => None,
        }
    }

    fn members_of_local(&self, bound: usize, depth: usize) -> Option<Members> {
        let word = |at: usize| self.before.get(at).map_or("", |t| t.text(self.source));
        let outcome = scope(self.db, self.file);
        let names = &outcome.value.as_ref()?.names;
        match (bound.checked_sub(1).map(word)?, word(bound + 1)) {
            ("params", "=") => {
                Some(Members::Params { file: word(bound + 2).trim_matches('"').to_owned(), prefix: String::new() })
            }
            (_, ":") => {
                // `s: Student`, or `s: ufixed<4, 0>[Feature]`: the first name in square brackets, else the alias's.
                let ty = word(bound + 2);
                let mut at = bound + 3;
                while !matches!(word(at), "[" | "," | ")" | ":" | "" | "where" | ";") {
                    at += 1;
                }
                let axis = if word(at) == "[" { names.get(word(at + 1)).copied() } else { None };
                if let Some(axis) = axis {
                    return matches!(&tree(self.db, axis).as_ref()?.kind, ItemKind::Enum(_))
                        .then_some(Members::Axis(axis));
                }
                let alias = *names.get(ty)?;
                match &tree(self.db, alias).as_ref()?.kind {
                    ItemKind::Type(t) => super::names::first_axis(self.db, alias, &t.ty, 0).map(Members::Axis),
                    _ => None,
                }
            }
            // `let s = side(p);`, `x in ball(points[i].p, …)`: as what it is made of.
            ("let", "=") => {
                let end = (bound + 2..self.before.len()).find(|at| word(*at) == ";")?;
                self.members_of(end, depth + 1)
            }
            (_, "in") if word(bound + 2) == "ball" => {
                let mut open = 0;
                let end = (bound + 3..self.before.len()).find(|at| {
                    match word(*at) {
                        "(" | "[" => open += 1,
                        ")" | "]" => open -= 1,
                        _ => {}
                    }
                    open == 1 && word(*at) == ","
                })?;
                self.members_of(end, depth + 1)
            }
            _ => None,
        }
    }
}

fn params_members(params: &Params) -> Members {
    Members::Params { file: params.file.text.to_string(), prefix: String::new() }
}
