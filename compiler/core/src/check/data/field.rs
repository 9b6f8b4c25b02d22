//! A field of a dataset: from a file to samples of the type that the field declares.

use super::list_names;
use super::quantize::{Quantization, index_text, no_number, open, sizes_text, unreadable};
use super::samples::{Field, FieldIntegers, Samples};
use crate::check::constant::{Evaluator, enum_variants};
use crate::check::scope::similar;
use crate::check::types::{Axis, Classes, Type, count, show_shape};
use crate::check::{Checked, Context, Reported, at};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::{Element, FileContents, FileData, FileTensor, Tensors};
use crate::number_format::Format;
use qnn_ir::interrupt::work;
use qnn_ir::rational::show;
use qnn_ir::real::NUMBER;
use qnn_syntax::Span;
use qnn_syntax::ast::DatasetField;
use std::sync::Arc;

/// A field's samples.
pub(super) fn field(evaluator: &Evaluator<'_>, field: &DatasetField) -> Checked<Field> {
    let context = evaluator.context;
    let ty = evaluator.ty(&field.ty)?;
    let contents = open(context, evaluator.item, &field.file)?;
    let columns;
    let tensor: &FileTensor = match contents {
        FileContents::Tensor(tensor) => tensor,
        FileContents::Tensors(tensors) => named_tensor(evaluator, field, tensors)?,
        FileContents::Table(table) => {
            columns = table_columns(evaluator, field, &ty, table)?;
            &columns
        }
        FileContents::Folder(folder) => match &ty {
            Type::Class(_) => &folder.labels,
            _ => &folder.images,
        },
    };
    let data = match &ty {
        Type::Stored(format, shape) => numbers(evaluator, field, tensor, format, shape)?,
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

/// The tensor of an archive that a field names, or its only one.
fn named_tensor<'a>(evaluator: &Evaluator<'_>, field: &DatasetField, tensors: &'a Tensors) -> Checked<&'a FileTensor> {
    let context = evaluator.context;
    let place = at(evaluator.item, field.file.span);
    let names: Vec<&str> = tensors.names().collect();
    let read = |name: &str| {
        let found = tensors.get(name).transpose();
        found.map_err(|problem| unreadable(context, evaluator.item, &field.file, problem))
    };
    match (&field.tensor, names.as_slice()) {
        (Some(name), _) => match read(&name.text)? {
            Some(tensor) => Ok(tensor),
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
                Err(context.report(diagnostic))
            }
        },
        (None, [only]) => read(only)?.ok_or(Reported),
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
            Err(context.report(diagnostic))
        }
    }
}

/// A field's numbers in its format.
fn numbers(
    evaluator: &Evaluator<'_>,
    field: &DatasetField,
    tensor: &FileTensor,
    format: &Format,
    shape: &[Axis],
) -> Checked<Samples> {
    let context = evaluator.context;
    check_shape(evaluator, field, tensor, shape)?;
    let place = at(evaluator.item, field.file.span);
    let what = format!("`{}`", field.file.text);
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
        return Ok(Samples::Numbers { numbers: FieldIntegers::Bytes(bytes.clone()), each });
    }
    let channel_size = (each / first).max(1);
    let (numbers, loss) = Quantization { context, place, what: &what, tensor, format, raw, channel_size }.numbers()?;
    if loss.inexact > 0 {
        let message = format!(
            "{} of the {} values of {what} are not values of `{format}` and are rounded{}",
            loss.inexact,
            tensor.data.len(),
            if loss.saturated > 0 { format!("; {} saturate", loss.saturated) } else { String::new() },
        );
        let mut diagnostic = Diagnostic::warning("W0409", message, place, format!("quantized to `{format}`"));
        if let Some((index, value)) = loss.worst {
            diagnostic = diagnostic
                .note(format!("The farthest beyond the range is {value}, at {}.", index_text(&tensor.shape, index)));
        }
        if tensor.data.is_integer() {
            let clauses = [Some(&field.file), field.tensor.as_ref(), field.column.as_ref()];
            let end = clauses.iter().flatten().map(|text| text.span.end).max().unwrap_or_default();
            diagnostic = diagnostic.help("add `raw` if the file's integers are the format's own raw integers").fix(
                "add `raw`",
                at(evaluator.item, Span::new(end, end)),
                " raw",
            );
        }
        context.report(diagnostic);
    }
    Ok(Samples::Numbers { numbers: FieldIntegers::Words(numbers.into()), each })
}

/// Refuses a tensor that is not samples times the shape that the field declares.
fn check_shape(evaluator: &Evaluator<'_>, field: &DatasetField, tensor: &FileTensor, shape: &[Axis]) -> Checked<()> {
    let context = evaluator.context;
    let declared: Vec<usize> = shape.iter().map(|axis| axis.size).collect();
    let per_sample = tensor.shape.get(1..).unwrap_or_default();
    let fits = per_sample == declared || count(shape) == 1 && per_sample.iter().product::<usize>() == 1;
    if tensor.shape.is_empty() || !fits {
        let sizes: Vec<String> = per_sample.iter().map(ToString::to_string).collect();
        let sizes = sizes.join(", ");
        let shape_fix = match (field.ty.shape.first(), field.ty.shape.last()) {
            (Some(first), Some(last)) => Some((Span::new(first.span.start, last.span.end), sizes.clone())),
            // An alias may have a shape of its own.
            _ if shape.is_empty() => Some((Span::new(field.ty.span.end, field.ty.span.end), format!("[{sizes}]"))),
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
        .label(at(evaluator.item, field.file.span), format!("holds {}", sizes_text(&tensor.shape)))
        .help(format!("declare the field with the shape {}", sizes_text(per_sample)));
        if let Some((span, text)) = shape_fix.filter(|_| !sizes.is_empty()) {
            let title = format!("declare the field with the shape [{sizes}]");
            diagnostic = diagnostic.fix(title, at(evaluator.item, span), text);
        }
        return Err(context.report(diagnostic));
    }
    Ok(())
}

/// Class labels as indices.
fn labels(
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
fn table_columns(
    evaluator: &Evaluator<'_>,
    field: &DatasetField,
    ty: &Type,
    table: &crate::files::csv::Columns,
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
fn no_number_in(context: &Context<'_>, file: &str, column: &str, row: usize, text: &str, place: Place) -> Reported {
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
