//! What a data file holds, and the tensors that a name stands for.

use super::Hover;
use super::code;
use crate::check::Context;
use crate::check::constant::Evaluator;
use crate::check::data::ParamsFile;
use crate::check::model::{ModelError, model_summary};
use crate::db::{DataFile, Db, ItemId, SourceFile, contents, tree};
use crate::files::reader::FileContents;
use crate::ide::{FileRange, moved, touches};
use qnn_syntax::Span;
use qnn_syntax::ast::{Item, ItemKind, Params};
use std::fmt::Write;

/// What is said of a file's name: its tensors.
pub(super) fn at_file(
    db: &dyn Db,
    item: ItemId,
    found: &Item,
    relative: u32,
    file: SourceFile,
    start: u32,
) -> Option<Hover> {
    let text = found.kind.files().into_iter().find(|t| touches(t.span, relative))?;
    let folder = item.file(db).path(db).parent()?;
    let data = db.data(&folder.join(&*text.text));
    let mut markdown = format!("`{}`\n\n", text.text);
    if matches!(found.kind, ItemKind::Import(_)) {
        markdown.push_str(&about_model(db, data));
        let range = FileRange { file, span: moved(text.span, start) };
        return Some(Hover { range, markdown, pictures: Vec::new(), property: None });
    }
    match contents(db, data).as_ref() {
        Err(problem) => _ = write!(markdown, "It {}.", problem.message),
        Ok(FileContents::Tensor(tensor)) => {
            _ = write!(markdown, "One tensor: {}", tensor.describe());
        }
        Ok(FileContents::Tensors(tensors)) => {
            for name in tensors.names().take(40) {
                let _ = writeln!(markdown, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
            }
        }
        Ok(FileContents::Table(columns)) => {
            for (name, tensor) in columns.iter().take(40) {
                let _ = writeln!(markdown, "- column `{name}`: {}", tensor.describe());
            }
        }
        Ok(FileContents::Folder(_)) => markdown.push_str("A folder of images."),
    }
    let range = FileRange { file, span: moved(text.span, start) };
    Some(Hover { range, markdown, pictures: Vec::new(), property: None })
}

/// What a model file holds: inputs, outputs, operators.
fn about_model(db: &dyn Db, file: DataFile) -> String {
    let summary = match model_summary(db, file) {
        Ok(summary) => summary,
        Err(ModelError::File(problem)) => return format!("It {}.", problem.message),
        Err(ModelError::Import(problem)) => return format!("It can't be imported: {problem}."),
    };
    let mut text = String::new();
    for (role, tensors) in [("input", &summary.inputs), ("output", &summary.outputs)] {
        for tensor in tensors {
            let axes: Vec<String> =
                tensor.shape.iter().map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string())).collect();
            let _ = writeln!(text, "- {role} `{}`: {}[{}]", tensor.name, tensor.element, axes.join(", "));
        }
    }
    let operators: Vec<String> = summary
        .operators
        .iter()
        .map(|(name, count)| if *count == 1 { name.clone() } else { format!("{name} ×{count}") })
        .collect();
    let _ = writeln!(text, "\nOperators: {}.", operators.join(", "));
    text
}

pub(super) fn about_params(db: &dyn Db, owner: ItemId, params: &Params) -> String {
    let mut text = code(&format!("params {} = \"{}\"", params.name.text, params.file.text));
    let Some(folder) = owner.file(db).path(db).parent() else { return text };
    let data = db.data(&folder.join(&*params.file.text));
    if let Ok(FileContents::Tensors(tensors)) = contents(db, data).as_ref() {
        for name in tensors.names().take(40) {
            let _ = writeln!(text, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
        }
    }
    text
}

/// The `params` block whose name stands at a span.
pub(super) fn params_at(found: &Item, span: Span) -> Option<&Params> {
    match &found.kind {
        ItemKind::Params(params) => Some(params),
        ItemKind::Network(n) => n.files.iter().find(|p| p.name.span == span),
        _ => None,
    }
}

pub(super) fn about_tensor(db: &dyn Db, owner: ItemId, span: Span, path: &str) -> Option<String> {
    let params = params_at(tree(db, owner).as_ref()?, span)?;
    let folder = owner.file(db).path(db).parent()?;
    let data = db.data(&folder.join(&*params.file.text));
    let outcome = contents(db, data);
    let Ok(FileContents::Tensors(tensors)) = outcome.as_ref() else { return None };
    let group = format!("{path}.");
    let mut text = format!("{}from `{}`:\n\n", code(&format!("{}.{path}", params.name.text)), params.file.text);
    let context = Context::new(db);
    let file = ParamsFile::new(&Evaluator { context: &context, item: owner, locals: &|_| None }, params).ok();
    for name in tensors.names().filter(|name| *name == path || name.starts_with(&group)) {
        let _ = write!(text, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
        let place = crate::check::at(owner, span);
        if let Some(quantized) = file.as_ref().and_then(|file| file.tensor(&context, name, place).ok())
            && let Some(format) = &quantized.format
        {
            let _ = write!(text, " as `{format}`");
            if quantized.saturated > 0 {
                let _ = write!(text, ", {} of {} saturated", quantized.saturated, quantized.numbers.len());
            }
        }
        text.push('\n');
    }
    Some(text)
}
