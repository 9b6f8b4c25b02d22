//! Datasets: fields of files, a sample an entry of their first axis.

use super::super::constant::{Evaluator, enum_variants};
use super::super::scope::similar;
use super::super::types::{Axis, Classes, Type, count, show_shape};
use super::super::{Checked, Context, Outcome, Reported, at};
use super::list_names;
use super::reading::{index_text, no_number, open, quantize, sizes_text, unreadable};
use crate::db::{Db, ItemId, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::{Element, FileContents, FileData, FileTensor};
use qnn_ir::interrupt::work;
use qnn_ir::rational::show;
use qnn_ir::real::NUMBER;
use qnn_syntax::Span;
use qnn_syntax::ast::{DatasetField, ItemKind};
use std::sync::Arc;

/// A dataset: fields of the same number of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The number of samples.
    pub len: usize,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Arc<str>,
    /// The type of one sample's field.
    pub ty: Type,
    /// Its samples.
    pub data: Samples,
}

/// All samples of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Samples {
    /// raw − zero point; as many numbers for each sample as its type has elements.
    Numbers {
        /// All samples' numbers.
        numbers: Numbers,
        /// Numbers in one sample.
        each: usize,
    },
    /// Classes.
    Classes(Arc<[u32]>),
}

/// Integers, as many bytes each as they need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// 0 to 255: the pixels of images, as their file holds them.
    Bytes(Arc<[u8]>),
    /// Any.
    Words(Arc<[i64]>),
}

impl Numbers {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Numbers::Bytes(bytes) => bytes.len(),
            Numbers::Words(words) => words.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of them, from an index on; `None` beyond the end.
    pub fn part(&self, start: usize, len: usize) -> Option<Arc<[i64]>> {
        let range = start..start.checked_add(len)?;
        Some(match self {
            Numbers::Bytes(bytes) => bytes.get(range)?.iter().map(|n| i64::from(*n)).collect(),
            Numbers::Words(words) => words.get(range)?.into(),
        })
    }

    /// The least and the greatest; `None` if there is none.
    pub fn range(&self) -> Option<(i64, i64)> {
        match self {
            Numbers::Bytes(bytes) => Some((i64::from(*bytes.iter().min()?), i64::from(*bytes.iter().max()?))),
            Numbers::Words(words) => Some((*words.iter().min()?, *words.iter().max()?)),
        }
    }
}

impl Samples {
    /// The number of samples.
    pub fn len(&self) -> usize {
        match self {
            Samples::Numbers { numbers, each } => numbers.len() / (*each).max(1),
            Samples::Classes(classes) => classes.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A dataset's samples.
#[salsa::tracked(no_eq)]
pub fn dataset(db: &dyn Db, item: ItemId) -> Arc<Outcome<Dataset>> {
    let context = Context::new(db);
    let value = match tree(db, item).as_deref().map(|t| &t.kind) {
        Some(ItemKind::Dataset(declaration)) => {
            let evaluator = Evaluator { context: &context, item, locals: &|_| None };
            let fields: Vec<Checked<Field>> = declaration.fields.iter().map(|f| field(&evaluator, f)).collect();
            fields.into_iter().collect::<Checked<Vec<Field>>>().and_then(|fields| {
                let first = fields.first().ok_or(Reported).or_else(|Reported| {
                    context.error(
                        "E0508",
                        super::super::scope::name_place(db, item),
                        "a dataset needs a field",
                        "has none",
                    )
                })?;
                let len = first.data.len();
                for (field, declared) in fields.iter().zip(&declaration.fields) {
                    if field.data.len() != len {
                        return context.error(
                            "E0508",
                            at(item, declared.file.span),
                            format!(
                                "`{}` has {} samples, but `{}` has {len}",
                                field.name,
                                field.data.len(),
                                first.name
                            ),
                            "fields of a dataset go together, sample by sample",
                        );
                    }
                }
                Ok(Dataset { len, fields })
            })
        }
        _ => Err(Reported),
    };
    Arc::new(context.outcome(value))
}

/// A field's samples.
pub(super) fn field(evaluator: &Evaluator<'_>, field: &DatasetField) -> Checked<Field> {
    let context = evaluator.context;
    let ty = evaluator.ty(&field.ty)?;
    let contents = open(context, evaluator.item, &field.file)?;
    let place = at(evaluator.item, field.file.span);
    let columns;
    let tensor: &FileTensor = match contents {
        FileContents::Tensor(tensor) => tensor,
        FileContents::Tensors(tensors) => {
            let names: Vec<&str> = tensors.names().collect();
            let read = |name: &str| {
                let found = tensors.get(name).transpose();
                found.map_err(|problem| unreadable(context, evaluator.item, &field.file, problem))
            };
            match (&field.tensor, names.as_slice()) {
                (Some(name), _) => match read(&name.text)? {
                    Some(tensor) => tensor,
                    None => {
                        let mut diagnostic = Diagnostic::error(
                            "E0502",
                            format!("`{}` has no tensor `{}`", field.file.text, name.text),
                            at(evaluator.item, name.span),
                            "no such tensor",
                        )
                        .note(format!("It holds {}.", list_names(&names)));
                        if let Some(candidate) = similar(&name.text, names.iter().copied()) {
                            diagnostic = diagnostic.fix(
                                format!("write `\"{candidate}\"`"),
                                at(evaluator.item, name.span),
                                format!("\"{candidate}\""),
                            );
                        }
                        return Err(context.report(diagnostic));
                    }
                },
                (None, [only]) => read(only)?.ok_or(Reported)?,
                (None, _) => {
                    let mut diagnostic = Diagnostic::error(
                        "E0502",
                        format!("`{}` holds {} tensors", field.file.text, names.len()),
                        place,
                        "which one?",
                    )
                    .note(format!("It holds {}.", list_names(&names)))
                    .help("add `tensor \"name\"` after the file");
                    let end = at(evaluator.item, Span::new(field.file.span.end, field.file.span.end));
                    for name in names.iter().filter(|name| !name.contains(['"', '\\'])).take(4) {
                        let text = format!(" tensor \"{name}\"");
                        diagnostic = diagnostic.fix(format!("add `{}`", text.trim_start()), end, text);
                    }
                    return Err(context.report(diagnostic));
                }
            }
        }
        FileContents::Table(table) => {
            columns = table_columns(evaluator, field, &ty, table)?;
            &columns
        }
        FileContents::Folder(folder) => match &ty {
            Type::Class(_) => &folder.labels,
            _ => &folder.images,
        },
    };
    let what = format!("`{}`", field.file.text);
    let data = match &ty {
        Type::Stored(format, shape) => {
            let declared: Vec<usize> = shape.iter().map(|axis| axis.size).collect();
            let per_sample = tensor.shape.get(1..).unwrap_or_default();
            let fits = per_sample == declared || count(shape) == 1 && per_sample.iter().product::<usize>() == 1;
            if tensor.shape.is_empty() || !fits {
                let sizes: Vec<String> = per_sample.iter().map(ToString::to_string).collect();
                let sizes = sizes.join(", ");
                let shape_fix = match (field.ty.shape.first(), field.ty.shape.last()) {
                    (Some(first), Some(last)) => Some((Span::new(first.span.start, last.span.end), sizes.clone())),
                    // An alias may have a shape of its own.
                    _ if shape.is_empty() => {
                        Some((Span::new(field.ty.span.end, field.ty.span.end), format!("[{sizes}]")))
                    }
                    _ => None,
                };
                let mut diagnostic = Diagnostic::error(
                    "E0505",
                    format!(
                        "`{}` has the shape {}, which is not samples × {}",
                        field.file.text,
                        sizes_text(&tensor.shape),
                        if shape.is_empty() { "one number".to_owned() } else { show_shape(context.db, shape) },
                    ),
                    at(evaluator.item, field.ty.span),
                    "the shape of one sample",
                )
                .label(place, format!("holds {}", sizes_text(&tensor.shape)))
                .help(format!("declare the field with the shape {}", sizes_text(per_sample)));
                if let Some((span, text)) = shape_fix.filter(|_| !sizes.is_empty()) {
                    let title = format!("declare the field with the shape [{sizes}]");
                    diagnostic = diagnostic.fix(title, at(evaluator.item, span), text);
                }
                return Err(context.report(diagnostic));
            }
            let raw = field.raw.map(|span| at(evaluator.item, span));
            let each = count(shape);
            let first = shape.first().map_or(1, |axis| axis.size);
            if format.channels() > 1 && format.channels() != first {
                return context.error(
                    "E0301",
                    at(evaluator.item, field.ty.span),
                    format!("this format has {} channels, but the first axis has {first}", format.channels()),
                    "one scale per channel",
                );
            }
            if let (Some(_), FileData::Bytes(bytes)) = (raw, &tensor.data)
                && (0..format.channels()).all(|channel| format.zero(channel) == 0)
                && bytes.iter().max().is_none_or(|n| i64::from(*n) <= format.max_raw())
                && format.min_raw() <= 0
            {
                let data = Samples::Numbers { numbers: Numbers::Bytes(bytes.clone()), each };
                return Ok(Field { name: field.name.text.clone(), ty, data });
            }
            let (numbers, loss) =
                quantize(context, place, &what, tensor, format, raw, (each / first).max(1), format.channels())?;
            if loss.inexact > 0 {
                let message = format!(
                    "{} of the {} values of {what} are not values of `{format}` and are rounded{}",
                    loss.inexact,
                    tensor.data.len(),
                    if loss.saturated > 0 { format!("; {} saturate", loss.saturated) } else { String::new() },
                );
                let mut diagnostic = Diagnostic::warning("W0409", message, place, format!("quantized to `{format}`"));
                if let Some((index, value)) = loss.worst {
                    diagnostic = diagnostic.note(format!(
                        "The farthest beyond the range is {value}, at {}.",
                        index_text(&tensor.shape, index)
                    ));
                }
                if tensor.data.is_integer() {
                    let clauses = [Some(&field.file), field.tensor.as_ref(), field.column.as_ref()];
                    let end = clauses.iter().flatten().map(|text| text.span.end).max().unwrap_or_default();
                    diagnostic = diagnostic
                        .help("add `raw` if the file's integers are the format's own raw integers")
                        .fix("add `raw`", at(evaluator.item, Span::new(end, end)), " raw");
                }
                context.report(diagnostic);
            }
            Samples::Numbers { numbers: Numbers::Words(numbers.into()), each }
        }
        Type::Class(classes) => Samples::Classes(labels(evaluator, field, tensor, classes)?.into()),
        other => {
            return context.error(
                "E0302",
                at(evaluator.item, field.ty.span),
                format!("a dataset's field can't be `{}`", other.show(context.db)),
                "a format or `class<…>` is needed",
            );
        }
    };
    Ok(Field { name: field.name.text.clone(), ty, data })
}

/// Class labels as indices.
pub(super) fn labels(
    evaluator: &Evaluator<'_>,
    field: &DatasetField,
    tensor: &FileTensor,
    classes: &Classes,
) -> Checked<Vec<u32>> {
    let context = evaluator.context;
    let place = at(evaluator.item, field.file.span);
    if tensor.shape.is_empty() || tensor.shape.iter().skip(1).product::<usize>() != 1 {
        return context.error(
            "E0505",
            place,
            format!(
                "labels are one number for each sample, but `{}` has the shape {}",
                field.file.text,
                sizes_text(&tensor.shape)
            ),
            "not one label a sample",
        );
    }
    let names: Vec<Arc<str>> = classes
        .labels
        .map(|item| enum_variants(context.db, item).into_iter().map(|v| v.1).collect())
        .unwrap_or_default();
    (0..tensor.data.len())
        .map(|i| {
            work(NUMBER);
            let element = tensor.data.get(i);
            let class = match &element {
                Some(Element::Integer(n)) => usize::try_from(*n).ok(),
                Some(Element::Real(value)) if value.is_integer() => {
                    num_traits::ToPrimitive::to_usize(&value.to_integer())
                }
                Some(Element::Text(text)) => match names.iter().position(|name| &**name == *text) {
                    Some(class) => Some(class),
                    None => text.trim().parse().ok(),
                },
                _ => None,
            };
            match class {
                Some(class) if class < classes.count => Ok(class as u32),
                _ => {
                    let shown = match element {
                        Some(Element::Integer(n)) => n.to_string(),
                        Some(Element::Real(value)) => show(&value),
                        Some(Element::NotFinite(value)) => value.to_string(),
                        Some(Element::Text(text)) => format!("`{text}`"),
                        None => "missing".to_owned(),
                    };
                    let expected = if names.is_empty() {
                        format!("0 to {}", classes.count - 1)
                    } else {
                        format!("one of {}", list_names(&names.iter().map(|n| &**n).collect::<Vec<_>>()))
                    };
                    context.error(
                        "E0507",
                        place,
                        format!("the label of sample {i} is {shown}, which is not {expected}"),
                        "a class out of range",
                    )
                }
            }
        })
        .collect()
}

/// The column that a field names, or one column for each variant of its axis.
pub(super) fn table_columns(
    evaluator: &Evaluator<'_>,
    field: &DatasetField,
    ty: &Type,
    table: &crate::files::table::Columns,
) -> Checked<FileTensor> {
    let context = evaluator.context;
    let names: Vec<&str> = table.iter().map(|(name, _)| name.as_str()).collect();
    let column = |name: &str, place: Place| -> Checked<&FileTensor> {
        match table.iter().find(|(known, _)| known == name) {
            Some((_, tensor)) => Ok(tensor),
            None => {
                let mut diagnostic = Diagnostic::error(
                    "E0502",
                    format!("`{}` has no column `{name}`", field.file.text),
                    place,
                    "no such column",
                )
                .note(format!("It has {}.", list_names(&names)));
                if let Some(candidate) = similar(name, names.iter().copied()) {
                    diagnostic = diagnostic.help(format!("did you mean `{candidate}`?"));
                }
                Err(context.report(diagnostic))
            }
        }
    };
    let only = |name: &str, place: Place| -> Checked<FileTensor> {
        let found = column(name, place)?;
        // Labels may be texts.
        if matches!(ty, Type::Stored(..))
            && let Some((row, text)) = no_number(&found.data)
        {
            return Err(no_number_in(context, &field.file.text, name, row, text, place));
        }
        Ok(found.clone())
    };
    if let Some(name) = &field.column {
        return only(&name.text, at(evaluator.item, name.span));
    }
    let axis = match ty {
        Type::Stored(_, shape) => match shape.as_slice() {
            [Axis { labels: Some(item), .. }] => Some(*item),
            _ => None,
        },
        _ => None,
    };
    let Some(axis) = axis else {
        return only(&field.name.text, at(evaluator.item, field.name.span));
    };
    let place = at(evaluator.item, field.ty.span);
    let parts: Vec<&FileTensor> =
        enum_variants(context.db, axis).iter().map(|(_, text)| column(text, place)).collect::<Checked<_>>()?;
    let rows = parts.first().map_or(0, |tensor| tensor.data.len());
    let shape = vec![rows, parts.len()];
    if parts.iter().all(|part| part.data.is_integer()) {
        let each = (0..rows).inspect(|_| work(parts.len()));
        let values = each.flat_map(|row| parts.iter().map(move |part| part.data.get(row)));
        let values: Option<Vec<i64>> = values
            .map(|element| match element {
                Some(Element::Integer(n)) => Some(n),
                _ => None,
            })
            .collect();
        let data = FileData::Integers(values.ok_or(Reported)?.into());
        return Ok(FileTensor { shape, data, element_type: "integer" });
    }
    let mut values = Vec::with_capacity(rows * parts.len());
    for row in 0..rows {
        work(NUMBER * parts.len());
        for (part, (name, _)) in parts.iter().zip(enum_variants(context.db, axis)) {
            match part.data.get(row).and_then(|e| e.number()) {
                Some(value) => values.push(value),
                None => {
                    let (row, text) = no_number(&part.data).unwrap_or((row, ""));
                    return Err(no_number_in(context, &field.file.text, &name, row, text, place));
                }
            }
        }
    }
    Ok(FileTensor { shape, data: FileData::Decimals(values.into()), element_type: "decimal" })
}

/// Reports a cell of a table that holds no number.
pub(super) fn no_number_in(
    context: &Context<'_>,
    file: &str,
    column: &str,
    row: usize,
    text: &str,
    place: Place,
) -> Reported {
    let is = if text.is_empty() { "empty".to_owned() } else { format!("`{text}`") };
    context.report(
        Diagnostic::error(
            "E0503",
            format!("row {} of the column `{column}` in `{file}` is {is}, where a number is expected", row + 1),
            place,
            "numbers are needed here",
        )
        .note("Rows are counted from 1, below the line of names. `NaN`, `inf` and digits in groups (`1_000`) are no numbers.")
        .help("write a number there, or leave the row out"),
    )
}
