//! Hover: what a name, a format or a layer is.
//!
//! In: an offset. Out: Markdown and pictures about what stands there. Verdicts are not known here: the language server adds them.

mod file;
mod format;
mod item;
mod layer;
mod sample;

use super::names::{Definition, at_offset};
use super::{FileRange, builtin_docs, item_at, moved, touches};
use crate::check::constant::variant_names;
use crate::check::data::dataset;
use crate::db::{Db, SourceFile, tree};
use crate::report::image::Picture;
use file::{about_tensor, at_file};
use format::{about_type, type_at};
use item::{about_item, about_local};
use qnn_syntax::Span;
use qnn_syntax::ast::{Item, ItemKind};
use qnn_syntax::builtins;
use sample::{sample, sample_index, samples};

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// What it is said of.
    pub range: FileRange,
    /// In Markdown.
    pub markdown: String,
    /// Pictures, to be shown below.
    pub pictures: Vec<Picture>,
    /// The property or measure whose name it is, if it is one.
    pub property: Option<String>,
}

/// What is to be said at an offset.
pub fn hover(db: &dyn Db, file: SourceFile, offset: u32) -> Option<Hover> {
    let (item, start) = item_at(db, file, offset)?;
    let found = tree(db, item).as_ref()?;
    let relative = offset.checked_sub(start)?;
    if let Some(hover) = attribute(found, relative, file, start) {
        return Some(hover);
    }
    let Some((_, range, definition)) = at_offset(db, file, offset) else {
        return at_file(db, item, found, relative, file, start);
    };
    let mut pictures = Vec::new();
    let mut property = None;
    let span = Span::new(range.span.start - start, range.span.end - start);
    let markdown = match &definition {
        Definition::Item(target) => {
            let kind = tree(db, *target).as_ref().map(|t| &t.kind);
            if matches!(kind, Some(ItemKind::Property(_) | ItemKind::Measure(_))) {
                property = Some(target.name(db).to_owned());
            }
            if let Some(ItemKind::Dataset(_)) = kind
                && let Some(picture) = sample(db, *target, None, sample_index(db, item, found, span))
            {
                pictures.push(picture);
            }
            about_item(db, *target, file)?
        }
        Definition::Local { item: owner, span, kind } => about_local(db, *owner, *span, *kind, file)?,
        Definition::Field(owner, index) => {
            let outcome = dataset(db, *owner);
            let field = outcome.value.as_ref().and_then(|data| data.fields.get(*index));
            let name = match &tree(db, *owner).as_ref()?.kind {
                ItemKind::Dataset(d) => d.fields.get(*index).map(|f| f.name.text.clone())?,
                _ => return None,
            };
            let wanted = sample_index(db, item, found, span);
            pictures.extend(sample(db, *owner, Some(*index), wanted));
            match field {
                Some(field) => format!(
                    "{}{}",
                    code(&format!("{}.{}: {}", owner.name(db), field.name, field.ty.show(db))),
                    samples(db, field, wanted)
                ),
                None => code(&format!("{}.{name}", owner.name(db))),
            }
        }
        Definition::Variant(owner, index) => {
            let variants = variant_names(db, *owner);
            format!(
                "{}\nEntry {index} of {}.\n",
                code(&format!("{}.{}", owner.name(db), variants.get(*index)?)),
                variants.len()
            )
        }
        Definition::Tensor { item: owner, params, path } => about_tensor(db, *owner, *params, path)?,
        Definition::Builtin(name) => {
            let (signature, meaning) = builtin_docs(name)?;
            let mut text = format!("{}\n{meaning}\n", code(&signature));
            if let Some(ty) = type_at(found, span) {
                text.push_str(&about_type(db, item, ty).unwrap_or_default());
            }
            text
        }
        Definition::Option(name) => about_option(name)?,
        Definition::Unknown => return None,
    };
    Some(Hover { range, markdown, pictures, property })
}

fn code(text: &str) -> String {
    format!("```qnn\n{text}\n```\n")
}

/// Attributes explain themselves.
fn attribute(found: &Item, relative: u32, file: SourceFile, start: u32) -> Option<Hover> {
    let attribute = found.attributes.iter().find(|a| touches(a.name.span, relative))?;
    let known = builtins::attribute(&attribute.name.text)?;
    let mut meaning = format!("`#[{}]`: {}", known.usage, known.docs);
    if known.name == "engine" {
        let names: Vec<String> = qnn_engine::NAMES.iter().map(|name| format!("`{name}`")).collect();
        meaning.push_str(&format!(", one of {}", names.join(", ")));
    }
    meaning.push('.');
    let range = FileRange { file, span: moved(attribute.name.span, start) };
    Some(Hover { range, markdown: meaning, pictures: Vec::new(), property: None })
}

fn about_option(name: &str) -> Option<String> {
    let meaning = match name {
        "round" => {
            "how a cast rounds: to nearest with ties `half_up` (the default), `half_even`, `half_away`, `half_down`, `half_toward_zero`; or `floor`, `ceil`, `toward_zero`, `up` (away from zero)"
        }
        "overflow" => {
            "what a cast does beyond the format's ends: `saturate` (the default), `symmetric` (which leaves out the least integer: −127 … 127), `wrap`, `error` (the checker proves that it can't happen)"
        }
        _ => builtins::import_option(name).map(|o| o.docs).or_else(|| builtins::option(name).map(|o| o.docs))?,
    };
    Some(format!("`{name} =` {meaning}."))
}
