//! Tensors of files turned into raw integers of a format, with what that loses.

use super::super::types::{Axis, Shape};
use super::super::{Checked, Context, Reported, at};
use super::tensor::{ConstantTensor, Loss, scales};
use crate::db::{ItemId, contents};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::csv::is_number;
use crate::files::{Element, FileContents, FileData, FileError, FileTensor};
use crate::number_format::{Format, Overflow};
use qnn_ir::interrupt::work;
use qnn_ir::rational::{show, to_f64};
use qnn_syntax::ast::Text;
use std::path::Path;

/// The file at a path relative to an item's file, read; its problem reported at the path's text.
pub(super) fn open<'db>(context: &Context<'db>, item: ItemId, path: &Text) -> Checked<&'db FileContents> {
    contents_of(context, item, path).as_ref().map_err(|problem| unreadable(context, item, path, problem))
}

/// What is at a path relative to an item's file.
pub(super) fn contents_of<'db>(
    context: &Context<'db>,
    item: ItemId,
    path: &Text,
) -> &'db Result<FileContents, FileError> {
    let db = context.db;
    let folder = item.file(db).path(db).parent().unwrap_or(Path::new(""));
    let file = db.data(&folder.join(&*path.text));
    contents(db, file)
}

/// Reports the problem of a file, or of a tensor in it.
pub(super) fn unreadable(context: &Context<'_>, item: ItemId, path: &Text, problem: &FileError) -> Reported {
    let message = format!("`{}` {}", path.text, problem.message);
    let mut diagnostic = Diagnostic::error("E0501", message, at(item, path.span), "this file");
    diagnostic.help.clone_from(&problem.help);
    context.report(diagnostic)
}

/// A file's tensor that becomes raw integers of a format.
pub(super) struct Quantization<'a> {
    /// Where diagnostics go.
    pub context: &'a Context<'a>,
    /// What they point at.
    pub place: Place,
    /// What they call the tensor.
    pub what: &'a str,
    /// The tensor.
    pub tensor: &'a FileTensor,
    /// The format.
    pub format: &'a Format,
    /// Where the spec says that the integers are raw ones of the format, if it does.
    pub raw: Option<Place>,
    /// The number of elements of one channel.
    pub channel_size: usize,
}

impl Quantization<'_> {
    /// The tensor's numbers, each without its zero point, and what they lost.
    pub fn numbers(&self) -> Checked<(Vec<i64>, Loss)> {
        match self.raw {
            Some(raw) => Ok((self.raw_numbers(raw)?, Loss::default())),
            None => self.rounded(),
        }
    }

    fn channel(&self, element: usize) -> usize {
        let channels = self.format.channels();
        if channels == 1 { 0 } else { element / self.channel_size % channels }
    }

    fn name_of(&self, element: usize) -> String {
        format!("element {} of {}", index_text(&self.tensor.shape, element), self.what)
    }

    /// The file's integers, which are the format's own.
    fn raw_numbers(&self, raw_place: Place) -> Checked<Vec<i64>> {
        let Quantization { context, place, what, tensor, format, .. } = *self;
        let mut numbers = Vec::with_capacity(tensor.data.len());
        if !tensor.data.is_integer() {
            return Err(context.report(
                Diagnostic::error(
                    "E0503",
                    format!("{what} holds {} elements, but `raw` means raw integers", tensor.element_type),
                    raw_place,
                    "`raw` needs integers",
                )
                .note("`raw` says that the file's integers are the format's own. Reals are values, to be quantized.")
                .help(instead_of_raw(&tensor.data, format))
                .fix("remove `raw`", raw_place, ""),
            ));
        }
        let (min, max) = (format.min_raw(), format.max_raw());
        for i in 0..tensor.data.len() {
            work(4);
            let Some(Element::Integer(n)) = tensor.data.get(i) else { return Err(Reported) };
            if n < min || n > max {
                return Err(context.report(
                    Diagnostic::error(
                        "E0506",
                        format!("{} is {n}, but `{format}` holds {min} to {max}", self.name_of(i)),
                        place,
                        "raw integers beyond the format",
                    )
                    .help("widen the format, or remove `raw` if the file holds values"),
                ));
            }
            numbers.push(n - format.zero(self.channel(i)));
        }
        Ok(numbers)
    }

    /// Values, rounded to the format.
    fn rounded(&self) -> Checked<(Vec<i64>, Loss)> {
        let Quantization { context, place, tensor, format, .. } = *self;
        let mut numbers = Vec::with_capacity(tensor.data.len());
        let mut loss = Loss::default();
        let middle = to_f64(&(format.value(format.min_raw(), 0) + format.value(format.max_raw(), 0))) / 2.0;
        let note = |loss: &mut Loss, i: usize, value: f64, overflowed: bool, inexact: bool| {
            loss.inexact += usize::from(inexact);
            loss.saturated += usize::from(overflowed);
            let beyond = |value: f64| (value - middle).abs();
            if overflowed && loss.worst.is_none_or(|(_, worst)| beyond(value) > beyond(worst)) {
                loss.worst = Some((i, value));
            }
        };
        for i in 0..tensor.data.len() {
            work(16);
            let channel = self.channel(i);
            let number = match &tensor.data {
                FileData::Floats(values) => {
                    let value = values[i];
                    let Some((number, overflowed, inexact)) = format.quantize_f64(value, channel) else {
                        return Err(context.report(
                            Diagnostic::error(
                                "E0504",
                                format!("{} is {value}", self.name_of(i)),
                                place,
                                "holds a number that is none",
                            )
                            .note("NaN and the infinities have no quantized counterpart.")
                            .help("train or export the file again; such weights are usually a diverged training"),
                        ));
                    };
                    note(&mut loss, i, value, overflowed, inexact);
                    number
                }
                data => {
                    let Some(value) = data.get(i).and_then(|e| e.number()) else {
                        let (i, text) = no_number(data).unwrap_or((i, ""));
                        let is = if text.is_empty() { "empty".to_owned() } else { format!("the text `{text}`") };
                        return Err(context.report(
                            Diagnostic::error(
                                "E0503",
                                format!("{} is {is}, not a number", self.name_of(i)),
                                place,
                                "numbers are needed here",
                            )
                            .help("write a number there, or leave the row out"),
                        ));
                    };
                    let quantized = format.quantize(&value, channel);
                    note(
                        &mut loss,
                        i,
                        to_f64(&value),
                        quantized.overflowed,
                        !num_traits::Zero::is_zero(&quantized.error),
                    );
                    quantized.raw
                }
            };
            numbers.push(number - format.zero(channel));
        }
        if let (Overflow::Error, Some((i, value))) = (format.overflow, loss.worst) {
            return Err(context.report(
                Diagnostic::error(
                    "E0402",
                    format!("{} is {value}, beyond `{format}`", self.name_of(i)),
                    place,
                    format!("`overflow = error` forbids this; it is so for {} of {}", loss.saturated, numbers.len()),
                )
                .help("use fewer fraction bits or more bits in all"),
            ));
        }
        Ok((numbers, loss))
    }
}

impl Loss {
    /// Warns of weights that saturate; `used` is where the spec asks for them, `rule` where it says their format.
    pub(super) fn warn(
        &self,
        context: &Context<'_>,
        what: &str,
        tensor: &FileTensor,
        format: &Format,
        used: Place,
        rule: Place,
    ) {
        let Some((index, value)) = self.worst else { return };
        let (least, greatest) = (format.value(format.min_raw(), 0), format.value(format.max_raw(), 0));
        context.report(
            Diagnostic::warning(
                "W0405",
                format!(
                    "{} of the {} weights of {what} {} when quantized to `{format}`",
                    self.saturated,
                    tensor.data.len(),
                    if self.saturated == 1 { "saturates" } else { "saturate" },
                ),
                used,
                "used here",
            )
            .label(rule, format!("holds {} to {}", show(&least), show(&greatest)))
            .note(format!("The worst is {what} = {value}, at {}.", index_text(&tensor.shape, index)))
            .help("use fewer fraction bits or more bits in all, if that is not meant"),
        );
    }
}

/// Floats of a model file, each rounded to a format of one channel; `used` is where the spec imports the file, `rule` where it says the format.
pub fn quantized_floats(
    context: &Context<'_>,
    (used, rule): (Place, Place),
    what: &str,
    values: &[f32],
    shape: &[usize],
    format: &Format,
) -> Checked<ConstantTensor> {
    let values = values.iter().inspect(|_| work(1)).map(|value| f64::from(*value)).collect();
    let tensor = FileTensor { shape: shape.to_vec(), data: FileData::Floats(values), element_type: "float32" };
    let quantization = Quantization { context, place: rule, what, tensor: &tensor, format, raw: None, channel_size: 1 };
    let (numbers, loss) = quantization.numbers()?;
    loss.warn(context, what, &tensor, format, used, rule);
    let shape: Shape = shape.iter().map(|size| Axis::of(*size)).collect();
    let scale = scales(format, &shape);
    let (format, saturated) = (Some(format.clone()), loss.saturated);
    Ok(ConstantTensor { shape, numbers: numbers.into(), scale, format, saturated, exact: None })
}

/// The first element that is no number, with its text.
pub(super) fn no_number(data: &FileData) -> Option<(usize, &str)> {
    let FileData::Text(texts) = data else { return None };
    let mut all = texts.iter().inspect(|text| work(1 + text.len())).enumerate();
    all.find(|(_, text)| !is_number(text)).map(|(i, text)| (i, text.as_str()))
}

/// What to do about reals where `raw` integers are meant.
pub(super) fn instead_of_raw(data: &FileData, format: &Format) -> String {
    let bits = [8, 16, 32].into_iter().find(|bits| format.width <= *bits).unwrap_or(64);
    let dtype = format!("{}int{bits}", if format.signed { "" } else { "u" });
    let reals = match data {
        FileData::Floats(values) => values,
        _ => return "remove `raw`, so that the values are quantized".to_owned(),
    };
    if reals.iter().inspect(|_| work(1)).all(|value| value.fract() == 0.0) {
        return format!(
            "all of them are whole: save them as integers, `a.astype(\"{dtype}\")`, or remove `raw` if they are values"
        );
    }
    if reals.iter().inspect(|_| work(1)).all(|value| (0.0..=1.0).contains(value)) && !format.signed {
        return format!(
            "remove `raw`, so that the values, 0 to 1, are quantized; or save the raw integers that they were made of, such as \
             `(a * {}).round().astype(\"{dtype}\")`",
            format.max_raw()
        );
    }
    "remove `raw`, so that the values are quantized".to_owned()
}

/// `[2, 5]` for a row-major index.
pub(super) fn index_text(shape: &[usize], index: usize) -> String {
    let mut rest = index;
    let mut parts: Vec<String> = Vec::new();
    for size in shape.iter().rev() {
        parts.push((rest % size.max(&1)).to_string());
        rest /= size.max(&1);
    }
    parts.reverse();
    format!("[{}]", parts.join(", "))
}

pub(super) fn sizes_text(sizes: &[usize]) -> String {
    format!("[{}]", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
}
