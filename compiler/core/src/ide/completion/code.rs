//! Outside of quotes: keywords, types, expressions, names, and what a format's angle brackets hold.

use super::quoted::TensorName;
use super::{Completer, Completion, CompletionKind};
use crate::check::scope::scope;
use crate::check::spec::{Expectation, Smallness};
use crate::db::tree;
use crate::number_format::Overflow;
use qnn_ir::Rounding;
use qnn_syntax::ast::ItemKind;
use qnn_syntax::builtins::{ATTRIBUTES, FUNCTIONS, Function, TYPES, option};
use qnn_syntax::lexer::{Kind, is_keyword};

impl<'a> Completer<'a> {
    pub(super) fn in_code(&mut self) {
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
                let verdicts = Expectation::ALL;
                return verdicts.iter().for_each(|v| self.add(v.name(), CompletionKind::Value, "verdict", 0));
            }
            ("(", "counterexample") if self.word(3) == "[" => {
                let goals = Smallness::ALL;
                return goals.iter().for_each(|goal| self.add(goal.name(), CompletionKind::Value, "counterexample", 0));
            }
            ("=", "round") => {
                return Rounding::ALL.iter().for_each(|r| self.add(r.name(), CompletionKind::Value, "rounding", 0));
            }
            ("=", "overflow") => {
                return Overflow::ALL.iter().for_each(|o| self.add(o.name(), CompletionKind::Value, "overflow", 0));
            }
            ("=", name) if self.depth() > 1 && option(name).is_some_and(|option| !option.words.is_empty()) => {
                let words = option(name).map_or(&[][..], |option| option.words);
                return words.iter().for_each(|word| self.add(*word, CompletionKind::Value, name, 0));
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
        if self.import_head() || self.import_option() {
            return;
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

    pub(super) fn dataset(&mut self) {
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

    pub(super) fn params(&mut self) {
        match self.word(1) {
            ":" => self.types(),
            _ if self.at_statement() => {
                if let Some(file) = self.in_params() {
                    self.tensors(&file, "", TensorName::Rule);
                }
                self.snippet("*.weight", "*.weight: ${1:fixed<8, 6>};", "the weights of all layers", 1);
                self.snippet("*.bias", "*.bias: ${1:fixed<8, 6>};", "the biases of all layers", 1);
            }
            ">" | ")" => self.keywords(&["raw"], 0),
            "raw" => self.keywords(&["packed"], 0),
            _ => {}
        }
    }

    pub(super) fn types(&mut self) {
        self.names(&|kind| matches!(kind, ItemKind::Type(_)), 0);
        for ty in TYPES {
            self.builtin(ty.name, CompletionKind::Type, (ty.usage.to_owned(), ty.docs), ty.snippet.to_owned(), 1);
        }
        self.locals(2);
    }

    pub(super) fn expression(&mut self, network: bool) {
        let after_value = self.before.last().is_some_and(|t| {
            let word = t.text(self.source);
            matches!(t.kind, Kind::Number)
                || matches!(word, ")" | "]" | "true" | "false" | "lsb")
                || t.kind == Kind::Word && !is_keyword(word)
        });
        if after_value {
            let words: &[&str] = if network {
                &["as"]
            } else {
                &["and", "or", "in", "lsb", "where", "over", "such that", "within", "as"]
            };
            return self.keywords(words, 0);
        }
        for name in self.next_argument().into_iter().flat_map(Function::options) {
            let docs = option(name).map_or("", |option| option.docs);
            self.snippet(&format!("{name} = …"), &format!("{name} = $0"), docs, 0);
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
    pub(super) fn names(&mut self, wanted: &dyn Fn(&ItemKind) -> bool, rank: u8) {
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
                ItemKind::Import(i) => (CompletionKind::Network, i.generics.len(), true),
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
    pub(super) fn bound(&self) -> Vec<(&'a str, usize)> {
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
                // `find f = x: T`: the first of the variables.
                "=" => word(self.first) == "find" && matches!(after, ":" | "in"),
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
}
