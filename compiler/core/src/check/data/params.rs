//! Parameter files: tensors by name, each in the format that the spec gives it.

use super::super::constant::Evaluator;
use super::super::scope::similar;
use super::super::types::{Axis, Shape};
use super::super::{Checked, Context, Reported, at};
use super::list_names;
use super::packed::unpack;
use super::quantize::{Quantization, open, sizes_text, unreadable};
use super::tensor::{ConstantTensor, scales};
use crate::db::ItemId;
use crate::diagnostic::{Diagnostic, Place};
use crate::files::{FileContents, FileData, FileTensor};
use crate::number_format::Format;
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::real::Values;
use qnn_syntax::ast::{Params, Text};
use qnn_syntax::lexer::{member_text, pattern_text};
use std::sync::Arc;

/// What the tensor of a file is called that holds one, without a name.
pub(super) const VALUE: &str = "value";

/// A `params` file in a scope: its tensors by name, and the format of each.
#[derive(Clone)]
pub struct ParamsFile {
    /// Its name in the spec.
    pub name: Arc<str>,
    item: ItemId,
    file: Text,
    rules: Vec<Rule>,
}

/// A rule of a `params` file.
#[derive(Clone)]
struct Rule {
    /// As written: a tensor of just this name matches, whatever the signs in it mean.
    pattern: Arc<str>,
    glob: globset::GlobMatcher,
    format: Format,
    raw: Option<Place>,
    packed: Option<Place>,
    place: Place,
}

impl Rule {
    fn matches(&self, name: &str) -> bool {
        *self.pattern == *name || self.glob.is_match(name)
    }
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
            rules.push(Rule {
                pattern: rule.pattern.text.clone(),
                glob: glob.compile_matcher(),
                format,
                raw: rule.raw.map(|span| at(evaluator.item, span)),
                packed: rule.packed.map(|span| at(evaluator.item, span)),
                place,
            });
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
                let shown = (used.span.end - used.span.start) as usize;
                let rest =
                    group_ends(name).find(|end| self.member(&name[..*end]).len() == shown).map(|end| &name[end..]);
                if let Some(meant) = rest.and_then(|rest| candidate.strip_suffix(rest)) {
                    let text = self.member(meant);
                    diagnostic = diagnostic.fix(format!("write `{text}`"), used, text);
                }
            } else if let Some(longer) = names.iter().find(|known| goes_on(known, name)) {
                diagnostic = diagnostic.help(format!("names of files stand between quotes: `{}`", self.member(longer)));
            }
            return Err(context.report(diagnostic));
        };
        let Some(Rule { format, raw, packed, place: rule, .. }) = self.rules.iter().find(|rule| rule.matches(name))
        else {
            return Err(context.report(
                Diagnostic::error(
                    "E0509",
                    format!("no rule of `{}` says the format of `{name}`", self.name),
                    used,
                    "this tensor has no format",
                )
                .label(at(self.item, self.file.span), "the rules belong to this file")
                .help(format!("add a rule such as `{}: fixed<8, 6>;`", pattern_text(name))),
            ));
        };
        let unpacked;
        let tensor = match packed {
            Some(packed) => {
                unpacked = unpack(context, name, tensor, format, *packed)?;
                &unpacked
            }
            None => tensor,
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
        let channel_size = channel_size.max(1);
        let quantization = Quantization { context, place: *rule, what: &what, tensor, format, raw: *raw, channel_size };
        let (numbers, loss) = quantization.numbers()?;
        loss.warn(context, &what, tensor, format, used, *rule);
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
        let raw = self.rules.iter().find(|rule| rule.matches(name)).is_some_and(|rule| rule.raw.is_some());
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

    /// A tensor or a group of them as a spec writes it.
    fn member(&self, name: &str) -> String {
        name.split('.').fold(self.name.to_string(), |path, member| format!("{path}.{}", member_text(member)))
    }

    /// The file as the spec writes it.
    pub fn path(&self) -> &str {
        &self.file.text
    }
}

/// Where a tensor's name and the names of the groups that it lies in end.
fn group_ends(name: &str) -> impl Iterator<Item = usize> + '_ {
    name.match_indices('.').map(|(end, _)| end).chain([name.len()])
}

/// Whether a name goes on where a spec that has it without quotes ends: `dense/kernel`, after `dense`.
fn goes_on(name: &str, beginning: &str) -> bool {
    name.strip_prefix(beginning).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('.'))
}
