//! Data: datasets and parameter files, their tensors turned into raw integers of the formats that the spec gives them.

use super::constant::{Evaluator, enum_variants};
use super::scope::similar;
use super::types::{Axis, Classes, Shape, Type, count, show_shape};
use super::{Checked, Context, Outcome, Reported, at};
use crate::db::{Db, ItemId, contents, tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::files::table::is_number;
use crate::files::{Element, FileContents, FileData, FileError, FileTensor};
use crate::number_format::{Format, Overflow};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{integer, show, to_f64};
use qnn_ir::real::{NUMBER, Values};
use qnn_syntax::Span;
use qnn_syntax::ast::{DatasetField, ItemKind, Params, Text};
use std::path::Path;
use std::sync::Arc;

/// One value for all elements, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerElement<T> {
    /// The same for all.
    All(T),
    /// As many as elements.
    Each(Arc<[T]>),
}

impl<T: Clone + PartialEq> PerElement<T> {
    /// The value of an element.
    pub fn get(&self, element: usize) -> &T {
        match self {
            PerElement::All(value) => value,
            PerElement::Each(values) => &values[element],
        }
    }

    /// The values of the picked elements.
    pub fn pick(&self, elements: impl Iterator<Item = usize>) -> PerElement<T> {
        match self {
            PerElement::All(value) => PerElement::All(value.clone()),
            PerElement::Each(values) => {
                PerElement::from_each(elements.inspect(|_| work(NUMBER)).map(|i| values[i].clone()).collect())
            }
        }
    }

    /// From one value for each element; equal values become one.
    pub fn from_each(values: Vec<T>) -> PerElement<T> {
        match values.split_first() {
            Some((first, rest)) if rest.iter().inspect(|_| work(1)).all(|v| v == first) => {
                PerElement::All(first.clone())
            }
            _ => PerElement::Each(values.into()),
        }
    }

    /// Each value mapped.
    pub fn map<U: Clone + PartialEq>(&self, f: impl Fn(&T) -> U) -> PerElement<U> {
        match self {
            PerElement::All(value) => PerElement::All(f(value)),
            PerElement::Each(values) => PerElement::Each(values.iter().inspect(|_| work(NUMBER)).map(f).collect()),
        }
    }
}

/// The scale and zero point of each element of a tensor of this format. Channels run along the first axis.
pub fn scales(format: &Format, shape: &[Axis]) -> PerElement<Rational> {
    per_channel(format, shape, |channel| format.lsb(channel))
}

/// The raw integer that stands for 0, of each element.
pub fn zeros(format: &Format, shape: &[Axis]) -> PerElement<i64> {
    per_channel(format, shape, |channel| format.zero(channel))
}

/// The raw integer that stands for 0, of one element.
pub fn zero(format: &Format, shape: &[Axis], element: usize) -> i64 {
    let inner = || count(shape.get(1..).unwrap_or_default());
    format.zero(if format.channels() == 1 { 0 } else { element / inner() })
}

fn per_channel<T: Clone + PartialEq>(format: &Format, shape: &[Axis], f: impl Fn(usize) -> T) -> PerElement<T> {
    if format.channels() == 1 {
        return PerElement::All(f(0));
    }
    let inner: usize = count(shape.get(1..).unwrap_or_default());
    PerElement::from_each((0..count(shape)).inspect(|_| work(NUMBER)).map(|i| f(i / inner)).collect())
}

/// A constant tensor as a network uses it: value = number · scale (zero points are subtracted already).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstantTensor {
    /// The axes.
    pub shape: Shape,
    /// raw − zero point, row-major.
    pub numbers: Arc<[i64]>,
    /// The value of one step.
    pub scale: PerElement<Rational>,
    /// The format, where it has one.
    pub format: Option<Format>,
    /// How many elements saturated when they were quantized.
    pub saturated: usize,
    /// In a real-valued reading: the elements' values before any format. `numbers` is then empty.
    pub exact: Option<Values>,
}

impl ConstantTensor {
    /// A tensor of exact values, of a real-valued reading.
    pub fn exact(shape: Shape, values: Values) -> ConstantTensor {
        let scale = PerElement::All(num_traits::One::one());
        ConstantTensor { shape, numbers: Arc::new([]), scale, format: None, saturated: 0, exact: Some(values) }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.exact.as_ref().map_or(self.numbers.len(), Values::len)
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An element's value.
    pub fn value(&self, i: usize) -> Rational {
        match &self.exact {
            Some(values) => values.get(i),
            None => integer(i128::from(self.numbers[i])) * self.scale.get(i),
        }
    }

    /// All values.
    pub fn values(&self) -> Vec<Rational> {
        (0..self.len()).inspect(|_| work(NUMBER)).map(|i| self.value(i)).collect()
    }

    /// All values, over one denominator.
    pub fn over_one(&self) -> Values {
        match (&self.exact, &self.scale) {
            (Some(values), _) => values.clone(),
            (None, PerElement::All(scale)) => Values::scaled(&self.numbers, scale),
            (None, PerElement::Each(_)) => Values::new(&self.values()),
        }
    }
}

/// What quantizing a tensor lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loss {
    /// Elements whose value is not one of the format's.
    pub inexact: usize,
    /// Elements beyond the format's range.
    pub saturated: usize,
    /// The one farthest beyond: its index and value.
    pub worst: Option<(usize, f64)>,
}

/// The file at a path relative to an item's file, read; its problem reported at the path's text.
fn open<'db>(context: &Context<'db>, item: ItemId, path: &Text) -> Checked<&'db FileContents> {
    contents_of(context, item, path).as_ref().map_err(|problem| unreadable(context, item, path, problem))
}

/// What is at a path relative to an item's file.
fn contents_of<'db>(context: &Context<'db>, item: ItemId, path: &Text) -> &'db Result<FileContents, FileError> {
    let db = context.db;
    let folder = item.file(db).path(db).parent().unwrap_or(Path::new(""));
    let file = db.data(&folder.join(&*path.text));
    contents(db, file)
}

/// Reports the problem of a file, or of a tensor in it.
fn unreadable(context: &Context<'_>, item: ItemId, path: &Text, problem: &FileError) -> Reported {
    let message = format!("`{}` {}", path.text, problem.message);
    let mut diagnostic = Diagnostic::error("E0501", message, at(item, path.span), "this file");
    diagnostic.help.clone_from(&problem.help);
    context.report(diagnostic)
}

/// Quantizes a file's numbers to a format. `channel_size` is the number of elements of one channel.
#[expect(clippy::too_many_arguments, reason = "datasets and parameters say the same things about their tensors")]
fn quantize(
    context: &Context<'_>,
    place: Place,
    what: &str,
    tensor: &FileTensor,
    format: &Format,
    raw: Option<Place>,
    channel_size: usize,
    channels: usize,
) -> Checked<(Vec<i64>, Loss)> {
    let place_of = |i: usize| format!("element {} of {what}", index_text(&tensor.shape, i));
    let mut numbers = Vec::with_capacity(tensor.data.len());
    let mut loss = Loss::default();
    let channel_of = |i: usize| if channels == 1 { 0 } else { i / channel_size % channels };
    if let Some(raw_place) = raw {
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
                        format!("{} is {n}, but `{format}` holds {min} to {max}", place_of(i)),
                        place,
                        "raw integers beyond the format",
                    )
                    .help("widen the format, or remove `raw` if the file holds values"),
                ));
            }
            numbers.push(n - format.zero(channel_of(i)));
        }
        return Ok((numbers, loss));
    }
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
        let channel = channel_of(i);
        let number = match &tensor.data {
            FileData::Floats(values) => {
                let value = values[i];
                let Some((number, overflowed, inexact)) = format.quantize_f64(value, channel) else {
                    return Err(context.report(
                        Diagnostic::error(
                            "E0504",
                            format!("{} is {value}", place_of(i)),
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
                            format!("{} is {is}, not a number", place_of(i)),
                            place,
                            "numbers are needed here",
                        )
                        .help("write a number there, or leave the row out"),
                    ));
                };
                let quantized = format.quantize(&value, channel);
                note(&mut loss, i, to_f64(&value), quantized.overflowed, !num_traits::Zero::is_zero(&quantized.error));
                quantized.raw
            }
        };
        numbers.push(number - format.zero(channel));
    }
    if let (Overflow::Error, Some((i, value))) = (format.overflow, loss.worst) {
        return Err(context.report(
            Diagnostic::error(
                "E0402",
                format!("{} is {value}, beyond `{format}`", place_of(i)),
                place,
                format!("`overflow = error` forbids this; it is so for {} of {}", loss.saturated, numbers.len()),
            )
            .help("use fewer fraction bits or more bits in all"),
        ));
    }
    Ok((numbers, loss))
}

/// The first element that is no number, with its text.
fn no_number(data: &FileData) -> Option<(usize, &str)> {
    let FileData::Text(texts) = data else { return None };
    let mut all = texts.iter().inspect(|text| work(1 + text.len())).enumerate();
    all.find(|(_, text)| !is_number(text)).map(|(i, text)| (i, text.as_str()))
}

/// What to do about reals where `raw` integers are meant.
fn instead_of_raw(data: &FileData, format: &Format) -> String {
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
fn index_text(shape: &[usize], index: usize) -> String {
    let mut rest = index;
    let mut parts: Vec<String> = Vec::new();
    for size in shape.iter().rev() {
        parts.push((rest % size.max(&1)).to_string());
        rest /= size.max(&1);
    }
    parts.reverse();
    format!("[{}]", parts.join(", "))
}

fn sizes_text(sizes: &[usize]) -> String {
    format!("[{}]", sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))
}

/// What the tensor of a file is called that holds one, without a name.
const VALUE: &str = "value";

/// A `params` file in a scope: its tensors by name, and the format of each.
#[derive(Clone)]
pub struct ParamsFile {
    /// Its name in the spec.
    pub name: Arc<str>,
    item: ItemId,
    file: Text,
    rules: Vec<(globset::GlobMatcher, Format, Option<Place>, Place)>,
}

impl ParamsFile {
    /// Reads a `params` declaration; formats may depend on the generics that the evaluator knows.
    pub fn new(evaluator: &Evaluator<'_>, params: &Params) -> Checked<ParamsFile> {
        let context = evaluator.context;
        let mut rules = Vec::new();
        for rule in &params.rules {
            let place = at(evaluator.item, rule.pattern.span);
            let glob = globset::GlobBuilder::new(&rule.pattern.text).literal_separator(false).build();
            let Ok(glob) = glob else {
                return context.error(
                    "E0509",
                    place,
                    format!("`{}` is no pattern of tensor names", rule.pattern.text),
                    "`*` stands for any text, `?` for one character, `[…]` for one of several",
                );
            };
            let format = evaluator.format(&rule.ty)?;
            rules.push((glob.compile_matcher(), format, rule.raw.map(|span| at(evaluator.item, span)), place));
        }
        open(context, evaluator.item, &params.file)?;
        Ok(ParamsFile { name: params.name.text.clone(), item: evaluator.item, file: params.file.clone(), rules })
    }

    /// Whether the file has a tensor of this name.
    pub fn has(&self, context: &Context<'_>, name: &str) -> bool {
        self.known(context).is_ok_and(|names| names.contains(&name))
    }

    /// Whether a tensor's name begins with `prefix.`.
    pub fn has_group(&self, context: &Context<'_>, prefix: &str) -> bool {
        self.known(context).is_ok_and(|names| {
            names.iter().any(|known| known.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')))
        })
    }

    /// The names of all tensors.
    pub fn names(&self, context: &Context<'_>) -> Vec<String> {
        self.known(context).map(|names| names.into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    fn known<'db>(&self, context: &Context<'db>) -> Checked<Vec<&'db str>> {
        Ok(match open(context, self.item, &self.file)? {
            FileContents::Tensor(_) => vec![VALUE],
            FileContents::Tensors(tensors) => tensors.names().collect(),
            FileContents::Table(table) => table.iter().map(|(name, _)| name.as_str()).collect(),
            FileContents::Folder(_) => {
                return context.error(
                    "E0503",
                    at(self.item, self.file.span),
                    format!("`{}` is a folder of images, not of parameters", self.file.text),
                    "no tensors here",
                );
            }
        })
    }

    /// A tensor as the file holds it; `None` if there is none of this name.
    fn find<'db>(&self, context: &Context<'db>, name: &str) -> Checked<Option<&'db FileTensor>> {
        Ok(match open(context, self.item, &self.file)? {
            FileContents::Tensor(tensor) => (name == VALUE).then_some(tensor),
            FileContents::Tensors(tensors) => {
                let found = tensors.get(name).transpose();
                found.map_err(|problem| unreadable(context, self.item, &self.file, problem))?
            }
            FileContents::Table(table) => table.iter().find(|(known, _)| known == name).map(|(_, tensor)| tensor),
            FileContents::Folder(_) => None,
        })
    }

    /// A tensor, quantized to its format. `used` is where the spec asks for it.
    pub fn tensor(&self, context: &Context<'_>, name: &str, used: Place) -> Checked<ConstantTensor> {
        let names = self.known(context)?;
        let Some(tensor) = self.find(context, name)? else {
            let mut diagnostic = Diagnostic::error(
                "E0502",
                format!("`{}` has no tensor `{name}`", self.file.text),
                used,
                "no such tensor",
            )
            .label(at(self.item, self.file.span), "in this file")
            .note(format!("It holds {}.", list_names(&names)));
            if let Some(candidate) = similar(name, names.iter().copied()) {
                diagnostic = diagnostic.help(format!("did you mean `{candidate}`?"));
                // The name as the spec has it, `m.fc1` of `m.fc1.weight` perhaps.
                let shown = ((used.span.end - used.span.start) as usize).checked_sub(self.name.len() + 1);
                let rest = shown.and_then(|shown| name.get(shown..)).and_then(|rest| candidate.strip_suffix(rest));
                let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
                if let Some(shown) = rest.filter(|shown| shown.chars().all(plain)) {
                    let text = format!("{}.{shown}", self.name);
                    diagnostic = diagnostic.fix(format!("write `{text}`"), used, text);
                }
            }
            return Err(context.report(diagnostic));
        };
        let Some((_, format, raw, rule)) = self.rules.iter().find(|(glob, ..)| glob.is_match(name)) else {
            return Err(context.report(
                Diagnostic::error(
                    "E0509",
                    format!("no rule of `{}` says the format of `{name}`", self.name),
                    used,
                    "this tensor has no format",
                )
                .label(at(self.item, self.file.span), "the rules belong to this file")
                .help(format!("add a rule such as `{name}: fixed<8, 6>;`")),
            ));
        };
        if tensor.data.is_empty() {
            return context.error(
                "E0503",
                used,
                format!("`{name}` holds no numbers: its shape is {}", sizes_text(&tensor.shape)),
                "an empty tensor",
            );
        }
        let shape: Shape = tensor.shape.iter().map(|size| Axis::of(*size)).collect();
        let channels = format.channels();
        let first = tensor.shape.first().copied().unwrap_or(1);
        if channels > 1 && channels != first {
            return context.error(
                "E0301",
                *rule,
                format!("this format has {channels} channels, but `{name}` has {first} along its first axis"),
                "one scale per channel",
            );
        }
        let channel_size = tensor.data.len() / first.max(1);
        let what = format!("`{name}`");
        let (numbers, loss) = quantize(context, *rule, &what, tensor, format, *raw, channel_size.max(1), channels)?;
        if let Some((index, value)) = loss.worst {
            context.report(
                Diagnostic::warning(
                    "W0405",
                    format!(
                        "{} of the {} weights of `{name}` {} when quantized to `{format}`",
                        loss.saturated,
                        tensor.data.len(),
                        if loss.saturated == 1 { "saturates" } else { "saturate" },
                    ),
                    used,
                    "used here",
                )
                .label(
                    *rule,
                    format!(
                        "holds {} to {}",
                        show(&format.value(format.min_raw(), 0)),
                        show(&format.value(format.max_raw(), 0))
                    ),
                )
                .note(format!("The worst is {} = {value}, at {}.", what, index_text(&tensor.shape, index)))
                .help("use fewer fraction bits or more bits in all, if that is not meant"),
            );
        }
        let scale = scales(format, &shape);
        Ok(ConstantTensor {
            shape,
            numbers: numbers.into(),
            scale,
            format: Some(format.clone()),
            saturated: loss.saturated,
            exact: None,
        })
    }

    /// The same tensor before any format: the numbers that the file holds, or, of a `raw` one, those that its integers stand for.
    pub fn real(&self, context: &Context<'_>, name: &str, used: Place) -> Checked<ConstantTensor> {
        let quantized = self.tensor(context, name, used)?;
        let raw = self.rules.iter().find(|(glob, ..)| glob.is_match(name)).is_some_and(|(_, _, raw, _)| raw.is_some());
        let values = if raw {
            quantized.over_one()
        } else {
            let one = Rational::from_integer(1.into());
            match &self.find(context, name)?.ok_or(Reported)?.data {
                FileData::Floats(values) => Values::floats(values).ok_or(Reported)?,
                FileData::Integers(values) => Values::scaled(values, &one),
                FileData::Bytes(bytes) => {
                    let integers: Vec<i64> = bytes.iter().inspect(|_| work(1)).map(|n| i64::from(*n)).collect();
                    Values::scaled(&integers, &one)
                }
                FileData::Decimals(values) => Values::new(values),
                FileData::Text(_) => return Err(Reported),
            }
        };
        Ok(ConstantTensor::exact(quantized.shape, values))
    }

    /// The file as the spec writes it.
    pub fn path(&self) -> &str {
        &self.file.text
    }
}

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
                    context.error("E0508", super::scope::name_place(db, item), "a dataset needs a field", "has none")
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
fn field(evaluator: &Evaluator<'_>, field: &DatasetField) -> Checked<Field> {
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

/// «`a`, `b` and `c`», shortened.
pub fn list_names(names: &[&str]) -> String {
    match names {
        [] => "nothing".to_owned(),
        [only] => format!("`{only}`"),
        [first @ .., last] if names.len() <= 8 => {
            format!("{} and `{last}`", first.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
        }
        _ => format!(
            "{} and {} more",
            names[..6].iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "),
            names.len() - 6
        ),
    }
}
