//! Imported networks: the file's kernels, the options, the tensors that types and layers are named by.

use super::{Completer, Completion, CompletionKind};
use crate::check::model::{extension, model_summary};
use crate::check::network::network;
use crate::db::{ItemId, tree};
use qnn_import::Kernel;
use qnn_syntax::ast::ItemKind;
use qnn_syntax::builtins::{IMPORT_OPTIONS, ImportSetting};
use qnn_syntax::lexer::member_text;
use std::path::Path;

impl Completer<'_> {
    /// What may stand after `network name =`, or after the file that is imported; whether the cursor stands there.
    pub(super) fn import_head(&mut self) -> bool {
        let keyword = self.tokens.tokens.get(self.first).map_or("", |t| t.text(self.source));
        if keyword != "network" || self.depth() != 0 {
            return false;
        }
        if self.word(1) == "=" {
            let snippet = "import \"${1:model.tflite}\" { kernel = ${2:tflm} };";
            self.snippet("import", snippet, "the network of a .tflite or .onnx file", 0);
            return true;
        }
        if self.word(2) == "import" {
            let of_floats = self.is_float(self.word(1).trim_matches('"'));
            let (kernel, formats) = if of_floats { (1, 0) } else { (0, 1) };
            self.snippet(
                "{ kernel = … }",
                "{ kernel = $1 };",
                "whose arithmetic a quantized file is computed by",
                kernel,
            );
            let snippet = "{ weights = ${1:fixed<8, 6>}, activations = ${2:fixed<8, 4>}, input = ${3:fixed<8, 4>} };";
            self.snippet(
                "{ weights = …, activations = …, input = … }",
                snippet,
                "the formats of a network of floats",
                formats,
            );
            return true;
        }
        false
    }

    /// What may stand among the options of an import; whether the cursor stands there.
    pub(super) fn import_option(&mut self) -> bool {
        let Some(file) = self.imported_file() else { return false };
        match (self.word(1), self.word(2)) {
            ("{" | ",", _) => {
                let of_floats = self.is_float(&file);
                for option in IMPORT_OPTIONS {
                    let unsuitable = if of_floats { option.name == "kernel" } else { option.of_floats };
                    let value = if option.setting == ImportSetting::Tensor { "\"$0\"" } else { "$0" };
                    let (label, snippet) = (format!("{} = …", option.name), format!("{} = {value}", option.name));
                    self.snippet(&label, &snippet, option.docs, u8::from(unsuitable));
                }
            }
            ("=", "kernel") => {
                for (rank, kernel) in (0..).zip(Kernel::for_extension(extension(Path::new(&file)))) {
                    self.items.push(Completion {
                        label: kernel.name().to_owned(),
                        kind: CompletionKind::Value,
                        detail: String::new(),
                        snippet: None,
                        docs: kernel.summary().to_owned(),
                        rank,
                    });
                }
            }
            ("=", _) => self.types(),
            _ => {}
        }
        true
    }

    /// Whether a file beside the spec holds a network of floats.
    fn is_float(&self, file: &str) -> bool {
        let folder = self.file.path(self.db).parent().unwrap_or(Path::new(""));
        let summary = model_summary(self.db, self.db.data(&folder.join(file)));
        summary.as_ref().is_ok_and(|summary| summary.is_float())
    }

    /// The file of the import whose options the cursor stands in.
    fn imported_file(&self) -> Option<String> {
        let open = self.before.iter().rposition(|t| matches!(t.text(self.source), "{" | "}" | ";"))?;
        let [import, file, brace] = self.before.get(open.checked_sub(2)?..=open)? else { return None };
        let opens = brace.text(self.source) == "{" && import.text(self.source) == "import";
        opens.then(|| file.text(self.source).trim_matches('"').to_owned())
    }

    /// After the dot behind a network: its types where a type is expected, its readings elsewhere.
    pub(super) fn network_members(&mut self, item: ItemId) {
        if !self.types_at(3) {
            self.snippet("at", "at(\"$1\")($0)", "up to one of its layers", 0);
            if let Some(at) = self.items.last_mut() {
                at.kind = CompletionKind::Network;
            }
            if self.has_reading(item) {
                self.add("real", CompletionKind::Network, "with the files' weights, without rounding", 0);
                if let Some(real) = self.items.last_mut() {
                    real.snippet = Some("real($0)".to_owned());
                }
            }
            return;
        }
        self.add("input", CompletionKind::Type, "the type of its input", 0);
        self.add("output", CompletionKind::Type, "the type of its output", 0);
        match tree(self.db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Network(declaration)) => {
                declaration.params.iter().for_each(|p| self.add(&*p.name.text, CompletionKind::Type, "input", 1));
            }
            Some(ItemKind::Import(_)) => {
                let Some(network) = network(self.db, item, Vec::new()).value.clone() else { return };
                let outputs = std::iter::once(&network.output).chain(&network.more_outputs);
                for (port, role) in network.inputs.iter().map(|p| (p, "input")).chain(outputs.map(|p| (p, "output"))) {
                    self.add(member_text(&port.name), CompletionKind::Type, role, 1);
                }
            }
            _ => {}
        }
    }

    /// Whether a network may have a real-valued reading: one that a spec defines, or of a file of floats.
    fn has_reading(&self, item: ItemId) -> bool {
        match tree(self.db, item).as_deref().map(|t| &t.kind) {
            Some(ItemKind::Network(_)) => true,
            Some(ItemKind::Import(declaration)) => declaration.options.iter().any(|o| &*o.name.text == "weights"),
            _ => false,
        }
    }

    /// The layers of a network, between the quotes of `.at("…")`.
    pub(super) fn layers(&mut self, item: ItemId) {
        let Some(network) = network(self.db, item, Vec::new()).value.clone() else { return };
        for layer in network.layers.iter().filter(|layer| !layer.port.name.starts_with('#')) {
            self.add(layer.port.short_name(), CompletionKind::Tensor, layer.operation.clone(), 0);
        }
    }
}
