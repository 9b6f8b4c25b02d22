//! The properties of a file as verification sees them: where they stand, their instances, and what their verdicts depend on.
//!
//! In: a file. Out: for each property and measure its anchor, its jobs and a fingerprint of everything that its obligations are made of.
//! The fingerprint is cheap and errs on the safe side: where it is unchanged, so is every obligation; where it changed, they may still be the same.

use super::{moved, text};
use crate::check::scope::{Meaning, meaning};
use crate::check::spec::{Expectation, family, instance_name};
use crate::db::{Db, ItemId, SourceFile, items, parsed, tree};
use crate::verify::Job;
use crate::verify::verdict::Kind;
use crate::verify::{Filter, Options};
use qnn_syntax::ast::{ExprKind, Item, ItemKind, MeasureBody, MeasureItem};
use qnn_syntax::lexer::{Kind as TokenKind, scan};
use qnn_syntax::split_items::split;
use qnn_syntax::{Span, walk};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

/// A property or measure of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    /// Its name: what verdicts are anchored to.
    pub name: Arc<str>,
    /// What it is.
    pub kind: Kind,
    /// Where its name stands in the file.
    pub name_span: Span,
    /// Where it stands in the file, with its attributes.
    pub span: Span,
    /// Whether it can't be parsed: then it has no jobs.
    pub broken: bool,
    /// Whether it has parameters.
    pub family: bool,
    /// What `#[expect(…)]` says.
    pub expected: Expectation,
    /// What its verdicts depend on.
    pub fingerprint: [u8; 32],
    /// Its instances; `index` counts the file's.
    pub jobs: Vec<Job>,
    /// Where its quantified variables are bound and its calls stand, as they are written: what a counterexample speaks of.
    pub anchors: Vec<(String, Span)>,
}

/// The properties and measures of a file in the order of its text, broken ones too.
pub fn outline(db: &dyn Db, file: SourceFile, options: &Options) -> Vec<Property> {
    let plan = crate::verify::plan(db, file, &Filter::default(), options);
    let mut jobs: HashMap<ItemId, Vec<Job>> = HashMap::new();
    for job in plan.jobs {
        jobs.entry(job.item).or_default().push(job);
    }
    let mut all: Vec<Property> = Vec::new();
    for (item, slice) in items(db, file).iter().zip(&parsed(db, file).items) {
        let (params, kind) = match &slice.item.kind {
            ItemKind::Property(p) => (&p.params, if p.find { Kind::Find } else { Kind::Property }),
            ItemKind::Measure(m) => {
                (&m.params, jobs.get(item).and_then(|j| j.first()).map_or(Kind::Maximize, |j| j.kind))
            }
            _ => continue,
        };
        let first = slice.item.attributes.first().map_or(slice.item.span, |a| a.span);
        let name = slice.item.name();
        let said = crate::check::spec::attributes(db, *item);
        all.push(Property {
            name: item.name(db).into(),
            kind,
            name_span: moved(name.map_or(slice.item.span, |n| n.span), slice.start),
            span: moved(first.to(slice.item.span), slice.start),
            broken: false,
            family: !params.is_empty(),
            expected: said.value.as_ref().map_or(Expectation::Proved, |said| said.expected(kind == Kind::Find)),
            fingerprint: *fingerprint(db, *item),
            jobs: jobs.remove(item).unwrap_or_default(),
            anchors: anchors(text(db, file), slice.start, &slice.item),
        });
    }
    all.extend(
        broken(db, file).into_iter().filter(|b| !all.iter().any(|known| known.name == b.name)).collect::<Vec<_>>(),
    );
    all.sort_by_key(|property| property.span.start);
    all
}

/// The properties that can't be parsed, as far as their tokens tell.
fn broken(db: &dyn Db, file: SourceFile) -> Vec<Property> {
    let parsed = parsed(db, file);
    if parsed.errors.is_empty() {
        return Vec::new();
    }
    let text = text(db, file);
    let scan = scan(text);
    let good: BTreeSet<u32> = parsed.items.iter().map(|item| item.start).collect();
    let mut all: Vec<Property> = Vec::new();
    for piece in split(text, &scan) {
        let Some(keyword) = piece.keyword.filter(|_| !good.contains(&piece.start)) else { continue };
        let tokens = scan.tokens.get(keyword..piece.last).unwrap_or_default();
        let [word, name, ..] = tokens else { continue };
        let kind = match word.text(text) {
            "property" => Kind::Property,
            "find" => Kind::Find,
            "measure" => Kind::Maximize,
            _ => continue,
        };
        if name.kind != TokenKind::Word {
            continue;
        }
        let last = tokens.last().map_or(name.end, |t| t.end);
        let first = scan.tokens.get(piece.first).map_or(word.start, |t| t.start);
        all.push(Property {
            name: name.text(text).into(),
            kind,
            name_span: Span::new(name.start, name.end),
            span: Span::new(first, last),
            broken: true,
            family: false,
            expected: Expectation::Proved,
            fingerprint: [0; 32],
            jobs: Vec::new(),
            anchors: Vec::new(),
        });
    }
    all
}

/// The variables and calls of an item: the first of each text.
fn anchors(source: &str, start: u32, item: &Item) -> Vec<(String, Span)> {
    let mut all: Vec<(String, Span)> = Vec::new();
    let mut add = |text: &str, span: Span| {
        if !all.iter().any(|(known, _)| known == text) {
            all.push((text.to_owned(), moved(span, start)));
        }
    };
    if let ItemKind::Measure(MeasureItem { body, .. }) = &item.kind
        && let MeasureBody::Optimize { over, .. } | MeasureBody::Share { over, .. } | MeasureBody::Average { over, .. } =
            body
    {
        over.iter().for_each(|b| add(&b.name.text, b.name.span));
    }
    walk::item(item, &mut |visit| {
        let walk::Visit::Expr(e) = visit else { return };
        match &e.kind {
            ExprKind::Quantifier(q) => q.binders.iter().for_each(|b| add(&b.name.text, b.name.span)),
            ExprKind::Call(_) => {
                let span = moved(e.span, start);
                add(source.get(span.start as usize..span.end as usize).unwrap_or_default(), e.span);
            }
            _ => {}
        }
    });
    all
}

/// Whether a job, planned earlier, is still the instance that its index means, of a property that means the same.
pub fn is_same(db: &dyn Db, job: &Job, fingerprint_then: &[u8; 32]) -> bool {
    items(db, job.item.file(db)).contains(&job.item)
        && fingerprint(db, job.item) == fingerprint_then
        && match &family(db, job.item).value {
            Some(family) => {
                // A measure or property without parameters has one instance, called like itself.
                job.instance < family.instances.len() && instance_name(db, job.item, family, job.instance) == job.name
            }
            None => job.parameters.is_empty(),
        }
}

/// A hash of all that the obligations of a property are made of, apart from the values of its parameters: its statement, the items that
/// it leads to, and the content of their files. Comments, white space, attributes and the parameters' domains don't count.
#[salsa::tracked]
pub fn fingerprint(db: &dyn Db, item: ItemId) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(own_hashes(db, item).statement.as_slice());
    let mut done: BTreeSet<ItemId> = BTreeSet::from([item]);
    let mut open = vec![item];
    while let Some(next) = open.pop() {
        let Some(tree) = tree(db, next) else { continue };
        let file = next.file(db);
        // Paths in an item are relative to the folder of its file.
        for path in tree.kind.files() {
            let folder = file.path(db).parent().unwrap_or(Path::new(""));
            let data = db.data(&folder.join(&*path.text));
            hasher.update(path.text.as_bytes()).update(&data.bytes(db).hash);
        }
        for (name, _) in walk::mentions(tree) {
            match *meaning(db, file, name.text.clone()) {
                Meaning::Item(target) => {
                    hasher.update(b"\0item").update(name.text.as_bytes());
                    hasher.update(own_hashes(db, target).all.as_slice());
                    if done.insert(target) {
                        open.push(target);
                    }
                }
                Meaning::Cyclic => _ = hasher.update(b"\0cyclic").update(name.text.as_bytes()),
                Meaning::Broken | Meaning::Unknown => _ = hasher.update(b"\0none").update(name.text.as_bytes()),
            }
        }
    }
    *hasher.finalize().as_bytes()
}

/// Hashes of an item's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
struct Own {
    /// All of them but attributes.
    all: [u8; 32],
    /// Those after the first `=` that stands in no brackets: a property's statement.
    statement: [u8; 32],
}

#[salsa::tracked]
fn own_hashes(db: &dyn Db, item: ItemId) -> Own {
    all_hashes(db, item.file(db)).get(&item).cloned().unwrap_or_default()
}

#[salsa::tracked(no_eq)]
fn all_hashes(db: &dyn Db, file: SourceFile) -> Arc<HashMap<ItemId, Own>> {
    let text = text(db, file);
    let scan = scan(text);
    let mut all = HashMap::new();
    for (item, slice) in items(db, file).iter().zip(&parsed(db, file).items) {
        let (mut whole, mut statement) = (blake3::Hasher::new(), blake3::Hasher::new());
        let start = slice.start + slice.item.span.start;
        let (mut depth, mut after) = (0i32, false);
        let from = scan.tokens.partition_point(|t| t.start < start);
        for token in scan.tokens.get(from..).unwrap_or_default().iter().take_while(|t| t.start < slice.end) {
            let written = token.text(text);
            for hasher in std::iter::once(&mut whole).chain(after.then_some(&mut statement)) {
                hasher.update(&(written.len() as u32).to_le_bytes()).update(written.as_bytes());
            }
            match written {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                "=" if depth == 0 => after = true,
                _ => {}
            }
        }
        all.insert(*item, Own { all: *whole.finalize().as_bytes(), statement: *statement.finalize().as_bytes() });
    }
    Arc::new(all)
}
