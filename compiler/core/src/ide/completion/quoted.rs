//! Inside quotes: files, tensors, columns.

use super::{Completer, CompletionKind};
use crate::db::{FolderEntry, contents};
use crate::files::reader::FileContents;
use qnn_syntax::lexer::{member_text, pattern_text};
use std::path::Path;

impl<'a> Completer<'a> {
    /// Inside quotes: files, tensors, columns. Returns how much of the text stays before what is replaced.
    pub(super) fn in_text(&mut self, written: &str) -> u32 {
        match self.word(1) {
            "." => {
                self.quoted_members();
                0
            }
            "tensor" | "column" => {
                if let Some(file) = self.file_of_field() {
                    self.tensors(&file, "", TensorName::Text);
                }
                0
            }
            "(" if self.word(2) == "at" && self.word(3) == "." => {
                self.quoted_members();
                0
            }
            "import" => self.paths(written, &["tflite", "onnx"]),
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

    fn paths(&mut self, written: &str, extensions: &[&str]) -> u32 {
        let (folder, kept) = match written.rfind('/') {
            Some(at) => (&written[..at], at + 1),
            None => ("", 0),
        };
        let here = self.file.path(self.db).parent().unwrap_or(Path::new("")).join(folder);
        for FolderEntry { name, folder } in self.db.list(&here).into_iter().take(2_000) {
            if name.starts_with('.') {
                continue;
            }
            if folder {
                self.add(format!("{name}/"), CompletionKind::Folder, "", 1);
                continue;
            }
            let lower = name.to_lowercase();
            let data = [".npz", ".npy", ".gz", ".csv", ".safetensors", ".png", "-ubyte"];
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

    /// The tensors of a file whose names go on after a prefix; of members, up to the next dot.
    pub(super) fn tensors(&mut self, file: &str, prefix: &str, written: TensorName) {
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
            let (member, group) = rest.split_once('.').map_or((rest, false), |(member, _)| (member, true));
            let layer = || if group { "layer".to_owned() } else { kind.clone() };
            match written {
                TensorName::Text => self.add(rest, CompletionKind::Tensor, kind, 0),
                TensorName::Rule => self.add(format!("{}: ", pattern_text(rest)), CompletionKind::Tensor, kind, 0),
                TensorName::Member => self.add(member_text(member), CompletionKind::Tensor, layer(), 0),
                TensorName::QuotedMember => self.add(member, CompletionKind::Tensor, layer(), 0),
            }
        }
    }
}

/// Where a tensor's name is to be written.
#[derive(Clone, Copy)]
pub(super) enum TensorName {
    /// Inside quotes, the whole name.
    Text,
    /// As the pattern of a rule of `params`.
    Rule,
    /// After a dot.
    Member,
    /// After a dot, inside quotes.
    QuotedMember,
}
