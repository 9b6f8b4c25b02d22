//! A query as a spec: imports, and one property that holds exactly if the query is unsatisfiable.
//!
//! In: a query and its models. Out: the text of a spec. Comparisons of inputs alone, which all of the query's assertions demand, are the property's assumptions; the
//! rest is what it denies. Of an input of floats that a file quantizes itself, the property is about the integers: a bound of the floats is the bound of the
//! integers that they become. Any other comparison with such an input is kept for floats that are an integer's own value; then a proof says nothing of the
//! others, and [`Translation::complete`] is false.

use super::bounds::Bounds;
use super::model::{Arithmetic, Meaning, Model};
use super::problem::Problem;
use super::quantizer::Quantizer;
use super::query::{Element, Formula, Query, Relation, Role, Sum};
use num_traits::{One, Signed, Zero};
use qnn_ir::Rational;
use qnn_ir::interrupt::work;
use qnn_ir::rational::{integer, written};
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::lexer::{is_keyword, member_text};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::Path;

/// How many operands stand in a row: a row of more is made of rows in brackets, since each operand takes a level of a spec's nesting.
const ROW: usize = 8;
/// The deepest nesting that is written: a spec has [`qnn_syntax::MAX_DEPTH`], and the statement around takes some.
const MAX_LEVELS: usize = qnn_syntax::MAX_DEPTH as usize - 16;

/// The property of a translation.
pub const PROPERTY: &str = "unsatisfiable";

/// A spec that answers a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Translation {
    /// Its text.
    pub text: String,
    /// For each network of the query, what the spec calls it; networks that equal one another have one name.
    pub networks: Vec<String>,
    /// For each network of the query, for each of its tensors, what the spec calls it.
    pub tensors: Vec<Vec<String>>,
    /// Whether a proof of the property is one of the query.
    pub complete: bool,
}

/// The spec of a query; `file` says how it names a model's file, and `title` what it is about, a line each.
///
/// # Errors
/// What can't be said in a spec.
pub fn translate(
    query: &Query,
    models: &[Model],
    title: &str,
    file: &dyn Fn(&Path) -> String,
) -> Result<Translation, Problem> {
    let mut names = UniqueNames::default();
    let mut translation =
        Translation { text: String::new(), networks: Vec::new(), tensors: Vec::new(), complete: true };
    for network in &query.networks {
        let same = network.equal_to.and_then(|index| translation.networks.get(index)).cloned();
        translation.networks.push(same.unwrap_or_else(|| names.take(&network.name)));
    }
    for network in &query.networks {
        translation.tensors.push(network.tensors.iter().map(|tensor| names.take(&tensor.name)).collect());
    }
    let mut writer = Writer { query, models, tensors: &translation.tensors, complete: true };
    let mut text = String::new();
    title.lines().for_each(|line| _ = writeln!(text, "//! {}", line.replace(|c: char| c.is_control(), " ")));
    text.push('\n');
    for (index, (network, model)) in query.networks.iter().zip(models).enumerate() {
        if network.equal_to.is_none() {
            let options = match &model.arithmetic {
                Arithmetic::Kernel(kernel) => format!("kernel = {}", kernel.name()),
                Arithmetic::Formats(options) => options.clone(),
            };
            let path = quoted(&file(&model.path));
            let _ = writeln!(text, "network {} = import {path} {{ {options} }};", translation.networks[index]);
        }
    }
    let (assumptions, rest) = split(query);
    let variables = writer.variables(&translation.networks);
    let _ = write!(text, "\nproperty {PROPERTY} =\n    forall {}", variables.join(", "));
    if !assumptions.is_empty() {
        let _ = write!(text, " where\n        {}", writer.all(&assumptions, "\n        and ", "true")?.text);
    }
    text.push_str(":\n");
    writer.lets(&translation.networks, &rest, &mut text);
    let denied = writer.all(&rest, "\n            and ", "true")?.text;
    let is_enclosed = matches!(rest.as_slice(), [Formula::And(parts) | Formula::Or(parts)] if parts.len() > 1);
    let _ =
        if is_enclosed { writeln!(text, "        not {denied};") } else { writeln!(text, "        not ({denied});") };
    translation.complete = writer.complete;
    translation.text = text;
    Ok(translation)
}

/// What the assertions demand: of inputs alone, and the rest.
fn split(query: &Query) -> (Vec<&Formula>, Vec<&Formula>) {
    let mut parts = Vec::new();
    for assertion in &query.assertions {
        match assertion {
            Formula::And(inner) => parts.extend(inner),
            other => parts.push(other),
        }
    }
    parts.into_iter().partition(|part| {
        let mut inputs = true;
        part.elements(&mut |element| inputs &= query.tensor(element).is_some_and(|t| t.role == Role::Input));
        inputs
    })
}

/// Names of a spec, each once.
#[derive(Default)]
struct UniqueNames(HashSet<String>);

impl UniqueNames {
    /// The name, or one like it that a spec can have.
    fn take(&mut self, name: &str) -> String {
        let free = |name: &str, taken: &HashSet<String>| {
            !is_keyword(name) && !is_builtin(name) && name != PROPERTY && !taken.contains(name)
        };
        let mut own = name.to_owned();
        let mut count = 1;
        while !free(&own, &self.0) {
            count += 1;
            own = format!("{name}_{count}");
        }
        self.0.insert(own.clone());
        own
    }
}

struct Writer<'a> {
    query: &'a Query,
    models: &'a [Model],
    tensors: &'a [Vec<String>],
    complete: bool,
}

/// A part of a statement.
struct Written {
    text: String,
    /// How deep it is nested.
    levels: usize,
    /// Whether an operator stands outside of all brackets.
    is_row: bool,
}

impl Written {
    fn of(text: impl Into<String>) -> Written {
        Written { text: text.into(), levels: 1, is_row: false }
    }

    fn in_brackets(self) -> Written {
        match self.is_row {
            true => Written { text: format!("({})", self.text), levels: self.levels + 1, is_row: false },
            false => self,
        }
    }
}

/// The parts with a word between them, in rows that are not too long; `None` of nothing.
fn in_rows(mut parts: Vec<Written>, word: &str) -> Option<Written> {
    while parts.len() > ROW {
        let mut rows = Vec::with_capacity(parts.len() / ROW + 1);
        let mut rest = parts.into_iter().peekable();
        while rest.peek().is_some() {
            rows.extend(row(rest.by_ref().take(ROW).collect(), word).map(Written::in_brackets));
        }
        parts = rows;
    }
    row(parts, word)
}

fn row(parts: Vec<Written>, word: &str) -> Option<Written> {
    let levels = parts.iter().map(|part| part.levels).max()? + parts.len();
    let is_row = parts.len() > 1 || parts.iter().any(|part| part.is_row);
    let text = parts.into_iter().map(|part| part.text).collect::<Vec<_>>().join(word);
    Some(Written { text, levels, is_row })
}

impl Writer<'_> {
    /// The quantified variables with their types.
    fn variables(&self, networks: &[String]) -> Vec<String> {
        let mut variables = Vec::new();
        for (index, network) in self.query.networks.iter().enumerate() {
            let single = network.of(Role::Input).count() == 1;
            for (tensor, _) in network.of(Role::Input) {
                let own = &self.models[index].ports[tensor];
                let member = if single { "input".into() } else { member_text(&own.name) };
                variables.push(format!("{}: {}.{member}", self.tensors[index][tensor], networks[index]));
            }
        }
        variables
    }

    /// A `let` for each computed tensor that the formulas speak of.
    fn lets(&self, networks: &[String], formulas: &[&Formula], text: &mut String) {
        let mut used = HashSet::new();
        for formula in formulas {
            formula.elements(&mut |element| _ = used.insert((element.network, element.tensor)));
        }
        for (index, network) in self.query.networks.iter().enumerate() {
            let ports = &self.models[index].ports;
            let mut inputs: Vec<(Option<usize>, &str)> = network
                .of(Role::Input)
                .map(|(tensor, _)| (ports[tensor].place, self.tensors[index][tensor].as_str()))
                .collect();
            inputs.sort_unstable();
            let arguments: Vec<&str> = inputs.into_iter().map(|(_, name)| name).collect();
            let computed = network.tensors.iter().enumerate().filter(|(_, tensor)| tensor.role != Role::Input);
            for (tensor, _) in computed.filter(|(tensor, _)| used.contains(&(index, *tensor))) {
                let at = match ports[tensor].place {
                    Some(0) => String::new(),
                    _ => format!(".at({})", quoted(&ports[tensor].name)),
                };
                let (name, arguments) = (&self.tensors[index][tensor], arguments.join(", "));
                let _ = writeln!(text, "        let {name} = {}{at}({arguments});", networks[index]);
            }
        }
    }

    fn formula(&mut self, formula: &Formula) -> Result<Written, Problem> {
        work(16);
        match formula {
            Formula::And(parts) => Ok(self.all(&parts.iter().collect::<Vec<_>>(), " and ", "true")?.in_brackets()),
            Formula::Or(parts) => Ok(self.all(&parts.iter().collect::<Vec<_>>(), " or ", "false")?.in_brackets()),
            Formula::Compare(relation, sum) => Ok(self.comparison(*relation, sum)),
        }
    }

    /// Whether a conjunction leaves no float to an input that a file quantizes.
    fn has_no_float(&self, parts: &[&Formula]) -> bool {
        let mut elements = BTreeMap::new();
        for part in parts {
            if let Formula::Compare(_, sum) = part
                && let Some((element, _)) = sum.terms.first_key_value().filter(|_| sum.terms.len() == 1)
                && matches!(self.meaning(*element), Meaning::Quantized(_))
            {
                elements.entry(*element).or_insert_with(Bounds::default).meet(part, *element);
            }
        }
        elements.values().any(|bounds| !Quantizer::has_float(bounds.lo.as_ref(), bounds.hi.as_ref()))
    }

    /// All of some formulas, or one of them.
    fn all(&mut self, parts: &[&Formula], word: &str, none: &str) -> Result<Written, Problem> {
        if none == "true" && self.has_no_float(parts) {
            return Ok(Written::of("false"));
        }
        let parts = parts.iter().map(|part| self.formula(part)).collect::<Result<Vec<_>, _>>()?;
        let all = in_rows(parts, word).unwrap_or_else(|| Written::of(none));
        if all.levels > MAX_LEVELS {
            let message = "the query's formulas are nested too deep in each other for a spec";
            return Err(Problem::new(message, 0..0, "").help("write its disjunctions with fewer levels"));
        }
        Ok(all)
    }

    fn meaning(&self, element: Element) -> &Meaning {
        &self.models[element.network].ports[element.tensor].meaning
    }

    fn comparison(&mut self, relation: Relation, sum: &Sum) -> Written {
        let mut entries = sum.terms.iter();
        if let (Some((element, factor)), None) = (entries.next(), entries.next())
            && let Meaning::Quantized(quantizer) = self.meaning(*element)
        {
            let (quantizer, bound) = (*quantizer, -&sum.constant / factor);
            return self.quantized(*element, &quantizer, relation, factor.is_negative(), &bound);
        }
        let (mut left, mut right, mut constant) = (Vec::new(), Vec::new(), -sum.constant.clone());
        let single = sum.terms.len() == 1;
        let unit = match sum.terms.values().next() {
            Some(factor) if single => factor.abs(),
            _ => Rational::one(),
        };
        constant /= &unit;
        for (element, factor) in &sum.terms {
            let mut factor = factor / &unit;
            match self.meaning(*element) {
                Meaning::Value => {}
                Meaning::Integer { scale, zero } => {
                    constant -= &factor * integer(i128::from(*zero));
                    factor /= scale;
                }
                // The floats between integers are left out.
                Meaning::Quantized(_) => self.complete = false,
            }
            let term = self.term(*element, &factor.abs());
            if factor.is_positive() { left.push(term) } else { right.push(term) }
        }
        let sign = |relation: Relation| match relation {
            Relation::AtLeast => (">=", "<="),
            Relation::Above => (">", "<"),
            Relation::Equal => ("==", "=="),
            Relation::Unequal => ("!=", "!="),
        };
        if left.is_empty() && right.is_empty() {
            return Written::of(relation.holds(&sum.constant).to_string());
        }
        let (forth, back) = sign(relation);
        let compared = |left: Vec<String>, sign: &str, right: Vec<String>| {
            let side = |terms: Vec<String>| in_rows(terms.into_iter().map(Written::of).collect(), " + ");
            let (left, right) = (side(left).unwrap_or(Written::of("0")), side(right).unwrap_or(Written::of("0")));
            let levels = left.levels.max(right.levels) + 2;
            Written { text: format!("{} {sign} {}", left.text, right.text), levels, is_row: false }
        };
        if left.is_empty() {
            return compared(right, back, vec![written(&-constant)]);
        }
        if constant.is_negative() && !right.is_empty() {
            left.push(written(&-constant));
        } else if !constant.is_zero() || right.is_empty() {
            right.push(written(&constant));
        }
        compared(left, forth, right)
    }

    /// X >= bound and the like, of an input that a file quantizes, as a comparison of what the spec has for it.
    fn quantized(
        &mut self,
        element: Element,
        quantizer: &Quantizer,
        relation: Relation,
        upper: bool,
        bound: &Rational,
    ) -> Written {
        let own = self.element(element);
        let least = |strict: bool| match quantizer.least(bound, strict) {
            Some(integer) => format!("{own} >= {}", written(&quantizer.value(integer))),
            None => "false".to_owned(),
        };
        let greatest = |strict: bool| match quantizer.greatest(bound, strict) {
            Some(integer) => format!("{own} <= {}", written(&quantizer.value(integer))),
            None => "false".to_owned(),
        };
        match relation {
            Relation::AtLeast | Relation::Above => {
                let strict = relation == Relation::Above;
                Written::of(if upper { greatest(strict) } else { least(strict) })
            }
            Relation::Equal => {
                Written { text: format!("({} and {})", least(false), greatest(false)), levels: 4, is_row: false }
            }
            // Floats beside the bound become the same integer.
            Relation::Unequal => Written::of("true"),
        }
    }

    fn term(&self, element: Element, factor: &Rational) -> String {
        let own = self.element(element);
        match factor.is_one() {
            true => own,
            false if factor.is_integer() => format!("{} * {own}", factor.numer()),
            false => format!("({}) * {own}", written(factor)),
        }
    }

    /// An element as the spec has it: `x[0, 3]`.
    fn element(&self, element: Element) -> String {
        let name = &self.tensors[element.network][element.tensor];
        let shape = &self.models[element.network].ports[element.tensor].shape;
        if shape.is_empty() {
            return name.clone();
        }
        let (mut indices, mut rest) = (Vec::with_capacity(shape.len()), element.index);
        for size in shape.iter().rev() {
            indices.push((rest % size).to_string());
            rest /= size;
        }
        indices.reverse();
        format!("{name}[{}]", indices.join(", "))
    }
}

/// A text as a spec writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
