//! Code actions: the changes that diagnostics and verdicts suggest.
//!
//! In: a span of a file, and what verification said of its properties. Out: titled edits.

use super::{Edit, FileRange, file_range, text};
use crate::check::spec::{attributes, diagnostics};
use crate::db::{Db, ItemId, SourceFile, items, offset, tree};
use crate::diagnostic::Diagnostic;
use crate::verify::verdict::{InstanceResult, VariableValue, Verdict};
use qnn_syntax::Span;
use qnn_syntax::ast::{BinderRange, Expr, ExprKind, ItemKind};
use std::fmt::Write;
use std::time::Duration;

/// A change that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// What it does.
    pub title: String,
    /// The edits, all in one.
    pub edits: Vec<Edit>,
    /// The diagnostic that it mends, if it mends one.
    pub diagnostic: Option<Diagnostic>,
}

/// The diagnostics whose primary place touches a span of a file.
pub fn found_at(db: &dyn Db, file: SourceFile, within: Span) -> impl Iterator<Item = &Diagnostic> {
    diagnostics(db, file).iter().filter(move |diagnostic| {
        let first = diagnostic.labels.first().map(|label| file_range(db, label.place));
        first.is_some_and(|r| r.file == file && r.span.start <= within.end && within.start <= r.span.end)
    })
}

/// The actions for a span of a file. `verdict` gives the results of a property's instances that are not as expected.
pub fn actions(
    db: &dyn Db,
    file: SourceFile,
    within: Span,
    verdict: &dyn Fn(&str) -> Vec<std::sync::Arc<InstanceResult>>,
) -> Vec<Action> {
    let mut all = Vec::new();
    for diagnostic in diagnostics(db, file).iter() {
        let Some(first) = diagnostic.labels.first().map(|l| file_range(db, l.place)) else { continue };
        let fixes = diagnostic.fixes.iter().map(|fix| (fix, file_range(db, fix.place)));
        for (fix, range) in fixes {
            let near = |r: FileRange| r.file == file && r.span.start <= within.end && within.start <= r.span.end;
            if near(first) || near(range) {
                all.push(Action {
                    title: capitalised(&fix.title),
                    edits: vec![Edit { range, text: fix.replacement.clone() }],
                    diagnostic: Some(diagnostic.clone()),
                });
            }
        }
    }
    for item in items(db, file) {
        let Some(found) = tree(db, *item) else { continue };
        if !matches!(found.kind, ItemKind::Property(_) | ItemKind::Measure(_)) {
            continue;
        }
        let start = offset(db, *item);
        let first = found.attributes.first().map_or(found.span, |a| a.span.to(found.span));
        let span = super::moved(first, start);
        if span.end < within.start || within.end < span.start {
            continue;
        }
        let results = verdict(item.name(db));
        let family = match &found.kind {
            ItemKind::Property(p) => !p.params.is_empty(),
            _ => true,
        };
        if let Some(violated) = results.iter().find(|r| r.verdict == Verdict::Violated) {
            all.extend(pin(db, *item, violated));
            let whole = results.iter().all(|r| r.verdict == Verdict::Violated);
            if !family || whole {
                all.push(attribute(db, *item, "expect", "violated", "Expect the violation: add `#[expect(violated)]`"));
            }
        }
        if results.iter().any(|r| r.verdict == Verdict::Vacuous) && !family {
            all.push(attribute(db, *item, "expect", "vacuous", "Expect it to be vacuous: add `#[expect(vacuous)]`"));
        }
        if let Some(slow) = results.iter().filter(|r| r.verdict == Verdict::Timeout).max_by_key(|r| r.budget) {
            let said = attributes(db, *item).value.as_ref().and_then(|a| a.timeout);
            let budget = said.unwrap_or(slow.budget) * 5;
            let budget = written(budget);
            all.push(attribute(db, *item, "timeout", &budget, &format!("Raise the budget to {budget}")));
        }
    }
    all
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|c| c.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

/// A budget as an attribute writes it.
fn written(budget: Duration) -> String {
    let millis = budget.as_millis();
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

/// Adds an attribute, or gives it another argument.
fn attribute(db: &dyn Db, item: ItemId, name: &str, argument: &str, title: &str) -> Action {
    let file = item.file(db);
    let start = offset(db, item);
    let found = tree(db, item).as_ref();
    let known = found.and_then(|t| t.attributes.iter().find(|a| &*a.name.text == name));
    let edit = match known {
        Some(known) => Edit {
            range: FileRange { file, span: super::moved(known.span, start) },
            text: format!("#[{name}({argument})]"),
        },
        None => {
            let at = found.map_or(0, |t| t.span.start) + start;
            let indent = indentation(text(db, file), at);
            Edit {
                range: FileRange { file, span: Span::new(at, at) },
                text: format!("#[{name}({argument})]\n{indent}"),
            }
        }
    };
    Action { title: title.to_owned(), edits: vec![edit], diagnostic: None }
}

/// The white space before an offset on its line.
fn indentation(text: &str, at: u32) -> &str {
    let before = text.get(..at as usize).unwrap_or_default();
    let line = before.rfind('\n').map_or(0, |n| n + 1);
    let width = before[line..].len() - before[line..].trim_start().len();
    &before[line..line + width]
}

/// Writes a counterexample down as a property of its own: the same statement about the one input that breaks it.
fn pin(db: &dyn Db, item: ItemId, result: &InstanceResult) -> Option<Action> {
    let counterexample = result.counterexample.as_ref()?;
    let found = tree(db, item).as_ref()?;
    let ItemKind::Property(property) = &found.kind else { return None };
    let ExprKind::Quantifier(quantifier) = &property.body.kind else { return None };
    let file = item.file(db);
    let source = text(db, file);
    let start = offset(db, item);
    let parameters: Vec<(&str, &str)> = result.parameters.iter().map(|p| (&*p.name, p.text.as_str())).collect();
    // The statement with the family's parameters written out.
    let body = instantiated(source, start, &quantifier.body, &parameters)?;
    let mut binders = Vec::new();
    let mut conditions = Vec::new();
    for binder in &quantifier.binders {
        let value = counterexample.variables.iter().find(|v| *v.name == *binder.name.text)?;
        let (ty, equal) = fixed(value)?;
        let ty = match &binder.range {
            BinderRange::Type(ty) => slice(source, start, ty.span)?.to_owned(),
            BinderRange::Set(_) => ty,
        };
        binders.push(format!("{}: {ty}", binder.name.text));
        conditions.push(equal);
    }
    let name = unique(db, file, &format!("{}_regression", property.name.text));
    let condition = conditions.join("\n        and ");
    let mut text = String::new();
    let _ = write!(
        text,
        "\n\n/// A counterexample of `{}` that must not come back.\nproperty {name} =\n    forall {}\n        where {condition}:\n        {};\n",
        result.name,
        binders.join(", "),
        body.trim(),
    );
    let end = found.span.end + start;
    Some(Action {
        title: format!("Pin this counterexample as the regression property `{name}`"),
        edits: vec![Edit { range: FileRange { file, span: Span::new(end, end) }, text: text.trim_end().to_owned() }],
        diagnostic: None,
    })
}

fn slice(source: &str, start: u32, span: Span) -> Option<&str> {
    source.get((span.start + start) as usize..(span.end + start) as usize)
}

/// A variable's type, and the condition that it has the value.
fn fixed(variable: &VariableValue) -> Option<(String, String)> {
    let format = variable.layout.format.clone()?;
    let mut axes = Vec::new();
    for size in &variable.layout.shape {
        axes.push(size.to_string());
    }
    let ty = if axes.is_empty() { format } else { format!("{format}[{}]", axes.join(", ")) };
    let name = &variable.name;
    if variable.layout.shape.is_empty() {
        return Some((ty, format!("{name} == {}", variable.numbers.exact.first()?)));
    }
    // At most so many equations make a property that one still reads.
    let count = variable.numbers.exact.len();
    if count > 4096 {
        return None;
    }
    let list = nested(&variable.layout.shape, &variable.numbers.exact);
    Some((ty, format!("{name} == {list}")))
}

/// The values as nested lists.
fn nested(shape: &[usize], values: &[String]) -> String {
    match shape {
        [] => values.first().cloned().unwrap_or_default(),
        [_] => format!("[{}]", values.join(", ")),
        [size, inner @ ..] => {
            let each = values.len() / (*size).max(1);
            let parts: Vec<String> = values.chunks(each.max(1)).map(|part| nested(inner, part)).collect();
            format!("[{}]", parts.join(", "))
        }
    }
}

/// The text of an expression with names replaced by what they stand for. Names that it binds itself stay.
fn instantiated(source: &str, start: u32, expr: &Expr, parameters: &[(&str, &str)]) -> Option<String> {
    let text = slice(source, start, expr.span)?;
    let mut places: Vec<(Span, &str)> = Vec::new();
    let mut hidden: Vec<&str> = Vec::new();
    qnn_syntax::walk::expr(expr, &mut |visit| {
        if let qnn_syntax::walk::Visit::Expr(e) = visit {
            match &e.kind {
                ExprKind::Quantifier(q) => hidden.extend(q.binders.iter().map(|b| &*b.name.text)),
                ExprKind::Let(l) => hidden.push(&l.name.text),
                ExprKind::Name(name) => {
                    if let Some((_, value)) = parameters.iter().find(|(n, _)| *n == &*name.text) {
                        places.push((name.span, value));
                    }
                }
                _ => {}
            }
        }
    });
    if parameters.iter().any(|(name, _)| hidden.contains(name)) {
        return None;
    }
    places.sort_by_key(|(span, _)| span.start);
    let mut written = String::new();
    let mut from = expr.span.start;
    for (span, value) in places {
        written.push_str(text.get((from - expr.span.start) as usize..(span.start - expr.span.start) as usize)?);
        written.push_str(value);
        from = span.end;
    }
    written.push_str(text.get((from - expr.span.start) as usize..)?);
    Some(written)
}

/// A name that the file does not define yet.
pub(super) fn unique(db: &dyn Db, file: SourceFile, name: &str) -> String {
    let scope = crate::check::scope::scope(db, file);
    let taken =
        |name: &str| scope.value.as_ref().is_some_and(|s| s.names.contains_key(name) || s.broken.contains(name));
    let numbered = (2..).map(|n| format!("{name}_{n}"));
    std::iter::once(name.to_owned()).chain(numbered).find(|n| !taken(n)).unwrap_or_default()
}
