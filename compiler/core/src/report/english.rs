//! A property in English.
//!
//! In: a property, measure or definition as a tree, and its text. Out: a sentence; what is code in it stands between backticks. It is a reading aid: what counts is the
//! spec's own text, which every report shows beside it.

use super::sentences::{and, capitalised};
use qnn_syntax::ast::{
    BinaryOp, Binder, BinderRange, Expr, ExprKind, FamilyParam, Item, ItemKind, MeasureBody, PropertyItem, Quantifier,
    QuantifierKind, Span, UnaryOp,
};

/// How deeply expressions are put into words; what is deeper stays code.
const MOST_DEPTH: usize = 40;

/// The sentence. `text` is that of the item, from its start.
pub(super) fn words(text: &str, item: &Item) -> String {
    let speaker = Speaker { text };
    let sentence = match &item.kind {
        ItemKind::Property(p) => {
            let family = speaker.family(&p.params, p.filter.as_ref());
            match searched(p) {
                Some((search, goal)) => format!("{family}{}", speaker.search(search, goal)),
                None => family + &speaker.expr(&p.body, 0),
            }
        }
        ItemKind::Measure(m) => {
            let family = speaker.family(&m.params, m.filter.as_ref());
            match &m.body {
                MeasureBody::Optimize { maximize, objective, over, condition, within } => {
                    let most = if *maximize { "greatest" } else { "least" };
                    let given = condition.as_ref().map(|c| format!(" such that {}", speaker.statement(c)));
                    let within = within.as_ref().map(|w| format!(", within {}", speaker.code(w.span)));
                    format!(
                        "{family}the {most} value of {}, over every {}{}{}",
                        speaker.expr(objective, 0),
                        speaker.binders(over),
                        given.unwrap_or_default(),
                        within.unwrap_or_default()
                    )
                }
                MeasureBody::Share { over, condition, goal } => {
                    let given = condition.as_ref().map(|c| format!(" where {}", speaker.statement(c)));
                    let (over, given) = (speaker.binders(over), given.unwrap_or_default());
                    format!("{family}the share of every {over}{given} for which {}", speaker.statement(goal))
                }
                MeasureBody::Average { value, over, condition } => {
                    let given = condition.as_ref().map(|c| format!(" where {}", speaker.statement(c)));
                    let (over, given) = (speaker.binders(over), given.unwrap_or_default());
                    format!("{family}the average of {} over every {over}{given}", speaker.expr(value, 0))
                }
                MeasureBody::Largest { name, domain, goal } => {
                    let (name, domain) = (&name.text, speaker.code(domain.span));
                    format!("{family}the largest `{name}` in {domain} such that {}", speaker.statement(goal))
                }
            }
        }
        ItemKind::Def(d) => {
            let list: Vec<&str> = d.params.iter().map(|p| &*p.name.text).collect();
            format!("`{}({})`: {}", d.name.text, list.join(", "), speaker.expr(&d.body, 0))
        }
        _ => return String::new(),
    };
    capitalised(&sentence) + "."
}

/// What a `find` ranges over, and what it looks for.
fn searched(property: &PropertyItem) -> Option<(&Quantifier, &Expr)> {
    let ExprKind::Quantifier(search) = &property.body.kind else { return None };
    let ExprKind::Unary(UnaryOp::Not, goal) = &search.body.kind else { return None };
    property.find.then_some((search, goal))
}

/// What a property takes for granted: where its variables range, and the conditions on them.
pub(super) fn assumptions(text: &str, item: &Item) -> Vec<String> {
    let speaker = Speaker { text };
    let mut all = Vec::new();
    let mut of = |binders: &[Binder], condition: Option<&Expr>| {
        all.extend(binders.iter().map(|binder| speaker.binder(binder)));
        all.extend(condition.map(|c| speaker.statement(c)));
    };
    let mut body = match &item.kind {
        ItemKind::Property(p) => Some(&p.body),
        ItemKind::Measure(m) => match &m.body {
            MeasureBody::Optimize { over, condition, .. } => {
                of(over, condition.as_ref());
                None
            }
            MeasureBody::Share { over, condition, goal } => {
                of(over, condition.as_ref());
                Some(goal)
            }
            MeasureBody::Average { over, condition, .. } => {
                of(over, condition.as_ref());
                None
            }
            MeasureBody::Largest { goal, .. } => Some(goal),
        },
        _ => None,
    };
    while let Some(Expr { kind: ExprKind::Quantifier(q), .. }) = body
        && q.kind == QuantifierKind::Forall
    {
        of(&q.binders, q.condition.as_ref());
        body = Some(&q.body);
    }
    all
}

struct Speaker<'a> {
    text: &'a str,
}

impl Speaker<'_> {
    /// The spec's own text of a span, on one line.
    fn source(&self, span: Span) -> String {
        let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn code(&self, span: Span) -> String {
        format!("`{}`", self.source(span))
    }

    fn family(&self, params: &[FamilyParam], filter: Option<&Expr>) -> String {
        if params.is_empty() {
            return String::new();
        }
        let list: Vec<String> =
            params.iter().map(|p| format!("`{}` in {}", p.name.text, self.code(p.domain.span))).collect();
        let filter = filter.map(|f| format!(" where {}", self.expr(f, 1))).unwrap_or_default();
        format!("for each {}{filter}: ", and(&list))
    }

    fn binder(&self, binder: &Binder) -> String {
        let name = &binder.name.text;
        match &binder.range {
            BinderRange::Type(ty) => format!("`{name}` of type {}", self.code(ty.span)),
            BinderRange::Set(Expr { kind: ExprKind::Call(call), .. })
                if &*call.callee.text == "ball" && call.arguments.len() == 2 =>
            {
                let (center, radius) = (&call.arguments[0].value, &call.arguments[1].value);
                format!("`{name}` within {} of {} in every element", self.code(radius.span), self.code(center.span))
            }
            BinderRange::Set(set) => format!("`{name}` in {}", self.code(set.span)),
        }
    }

    fn binders(&self, binders: &[Binder]) -> String {
        and(&binders.iter().map(|binder| self.binder(binder)).collect::<Vec<_>>())
    }

    /// What a `find` looks for.
    fn search(&self, search: &Quantifier, goal: &Expr) -> String {
        let given = search.condition.as_ref().map(|c| format!("{} and ", self.part(c, Some(BinaryOp::And))));
        let goal = match given {
            Some(_) => self.part(goal, Some(BinaryOp::And)),
            None => self.statement(goal),
        };
        format!("a search for {} such that {}{goal}", self.binders(&search.binders), given.unwrap_or_default())
    }

    /// A statement: a bare call of a definition or property holds.
    fn statement(&self, expr: &Expr) -> String {
        match &expr.kind {
            ExprKind::Call(_) | ExprKind::Name(_) => format!("{} holds", self.code(expr.span)),
            _ => self.expr(expr, 1),
        }
    }

    /// A part of a statement, in brackets where it is not clear how far it goes.
    fn part(&self, expr: &Expr, of: Option<BinaryOp>) -> String {
        let joined = match &expr.kind {
            ExprKind::Binary(op @ (BinaryOp::And | BinaryOp::Or), ..) => Some(*op) != of,
            ExprKind::Binary(BinaryOp::Equal | BinaryOp::NotEqual, a, b) => compares(a) || compares(b),
            _ => is_open(expr),
        };
        bracketed(self.statement(expr), joined)
    }

    /// What a statement is said under: clear but for what has no end of its own.
    fn condition(&self, expr: &Expr) -> String {
        bracketed(self.statement(expr), is_open(expr))
    }

    fn expr(&self, expr: &Expr, depth: usize) -> String {
        if depth > MOST_DEPTH {
            return self.code(expr.span);
        }
        let body = |e: &Expr| self.expr(e, depth + 1);
        // A side of a comparison, in brackets if it is a statement itself.
        let side = |e: &Expr| bracketed(body(e), compares(e));
        match &expr.kind {
            ExprKind::Quantifier(q) => {
                let condition = |of| {
                    q.condition.as_ref().map(|c| match of {
                        Some(_) => self.part(c, of),
                        None => self.condition(c),
                    })
                };
                let binders = self.binders(&q.binders);
                match q.kind {
                    QuantifierKind::Forall => {
                        let condition = condition(None).map(|c| format!(" such that {c}")).unwrap_or_default();
                        format!("for every {binders}{condition}: {}", body(&q.body))
                    }
                    QuantifierKind::Exists => match condition(Some(BinaryOp::And)) {
                        Some(condition) => {
                            let body = self.part(&q.body, Some(BinaryOp::And));
                            format!("there is {binders} such that {condition} and {body}")
                        }
                        None => format!("there is {binders} such that {}", body(&q.body)),
                    },
                }
            }
            ExprKind::Let(l) => {
                format!("with `{}` for {}, {}", l.name.text, self.code(l.value.span), body(&l.body))
            }
            ExprKind::Unary(UnaryOp::Not, inner) => format!("it is not so that {}", self.part(inner, None)),
            ExprKind::Binary(op, a, b) => match op {
                BinaryOp::And => format!("{} and {}", self.part(a, Some(*op)), self.part(b, Some(*op))),
                BinaryOp::Or => format!("{} or {}", self.part(a, Some(*op)), self.part(b, Some(*op))),
                BinaryOp::Implies => {
                    let then = if is_open(b) { self.statement(b) } else { self.part(b, None) };
                    format!("if {}, then {then}", self.condition(a))
                }
                BinaryOp::Equal => format!("{} is {}", side(a), side(b)),
                BinaryOp::NotEqual => format!("{} is not {}", side(a), side(b)),
                BinaryOp::Less => format!("{} is less than {}", side(a), side(b)),
                BinaryOp::LessEqual => format!("{} is at most {}", side(a), side(b)),
                BinaryOp::Greater => format!("{} is greater than {}", side(a), side(b)),
                BinaryOp::GreaterEqual => format!("{} is at least {}", side(a), side(b)),
                BinaryOp::In => format!("{} is in {}", side(a), side(b)),
                BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide => self.code(expr.span),
            },
            ExprKind::Call(call) => match (&*call.callee.text, call.arguments.as_slice()) {
                ("argmax", [of]) => format!("the first greatest output of {}", self.code(of.value.span)),
                ("strict_argmax", [of]) => format!("the one greatest output of {}", self.code(of.value.span)),
                ("maximum", [of]) => format!("the greatest element of {}", body(&of.value)),
                ("minimum", [of]) => format!("the least element of {}", body(&of.value)),
                ("abs", [of]) => match &of.value.kind {
                    ExprKind::Binary(BinaryOp::Subtract, a, b) => {
                        format!("the distance between {} and {}", self.code(a.span), self.code(b.span))
                    }
                    _ => format!("the magnitude of {}", body(&of.value)),
                },
                _ if depth == 0 => self.statement(expr),
                _ => self.code(expr.span),
            },
            _ => self.code(expr.span),
        }
    }
}

/// Whether what follows could be read as a part of it.
fn is_open(expr: &Expr) -> bool {
    matches!(
        &expr.kind,
        ExprKind::Quantifier(_)
            | ExprKind::Let(_)
            | ExprKind::Unary(UnaryOp::Not, _)
            | ExprKind::Binary(BinaryOp::Implies, ..)
    )
}

/// Whether it is a statement of more than a name or a call.
fn compares(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary(op, ..) => !is_arithmetic(*op),
        _ => is_open(expr),
    }
}

fn is_arithmetic(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply | BinaryOp::Divide)
}

fn bracketed(text: String, wanted: bool) -> String {
    if wanted { format!("({text})") } else { text }
}

#[cfg(test)]
mod tests {
    use crate::db::{BytesContent, Database, Db, FileSystem, items, offset, tree};
    use crate::files::FileError;
    use std::path::Path;
    use std::sync::Arc;

    struct Only(&'static str);

    impl FileSystem for Only {
        fn text(&self, _: &Path) -> Result<Arc<str>, FileError> {
            Ok(self.0.into())
        }

        fn bytes(&self, _: &Path) -> BytesContent {
            BytesContent::Problem(FileError::new("does not exist"))
        }
    }

    #[test]
    fn statements_in_english() {
        let spec = "def valid(x: P[2]) -> bool = maximum(x) <= 16 and not (x[0] == 1 or x[1] > 2);
property robust(i in 0..50, bits in [6, 8]) where argmax(net<bits>(test[i].image)) == test[i].label =
    forall x in ball(test[i].image, 1 lsb) where valid(x): argmax(net<bits>(x)) == test[i].label;
property fair = forall a: S, b: S where same(a, b): abs(net(a) - net(b)) <= 1.2 => exists c: S: c < a;
measure gap(bits in 6..=10) = maximize abs(net<bits>(a) - 1) over a: S where valid(a);
measure radius(i in 0..3) = largest eps in 0..=32 such that robust(i, eps);
property grouped = (forall x: S: x < a) and (not p or q) and (not (p and q)) == r;
property conditional = (a => b) => (exists x: S where p or q: r or s) and (let y = f(x); y < 1 => y > 0);
property choice = not p and (x < 1) == (y < 1) or q;";
        let db = Database::new(Only(spec));
        let file = db.source(Path::new("/spec.qnn"));
        let said: Vec<String> = items(&db, file)
            .iter()
            .map(|item| {
                let start = offset(&db, *item) as usize;
                let found = tree(&db, *item).clone().expect("an item");
                let mut lines = vec![super::words(&spec[start..], &found)];
                lines.extend(super::assumptions(&spec[start..], &found).into_iter().map(|a| format!("  given {a}")));
                lines.join("\n")
            })
            .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
