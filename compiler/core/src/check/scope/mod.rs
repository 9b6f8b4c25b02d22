//! Names: which item a name means in a file, and what is wrong with the names themselves.

mod foreign;
mod resolve;

pub use resolve::{lookup, lookup_beside};

use super::{Context, Outcome, at};
use crate::db::{Db, ItemId, SourceFile, items, parsed, tree, whole_file};
use crate::diagnostic::Diagnostic;
use qnn_syntax::builtins::is_builtin;
use qnn_syntax::split_items::ITEM_KEYWORDS;
use qnn_syntax::{Span, ast, walk};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// The longest chain of definitions, each by means of the next.
const MAX_HEIGHT: usize = 64;

/// The items that a file can name: its own and those of the files that it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Name to item.
    pub names: BTreeMap<Arc<str>, ItemId>,
    /// Items whose definition leads back to themselves, or through too many others.
    pub cyclic: BTreeSet<ItemId>,
    /// Names of items that could not be parsed: they mean something, but what is not known.
    pub broken: BTreeSet<Arc<str>>,
    /// All files that the file uses, those that used files use too, each once.
    pub used: Vec<SourceFile>,
}

/// The scope of a file.
#[salsa::tracked]
pub fn scope(db: &dyn Db, file: SourceFile) -> Arc<Outcome<Scope>> {
    let context = Context::new(db);
    let mut scope = Scope::default();
    let mut visited = BTreeSet::from([file]);
    gather(&context, file, &mut scope, &mut visited, 0);
    find_cycles(&context, file, &mut scope);
    Arc::new(context.outcome(Ok(scope)))
}

/// What a name means among the items of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// An item.
    Item(ItemId),
    /// An item whose definition leads back to itself.
    Cyclic,
    /// An item that could not be parsed.
    Broken,
    /// Nothing.
    Unknown,
}

/// What one name means in a file. A query that depends on one name depends on no other: other names may come and go.
#[salsa::tracked]
pub fn meaning(db: &dyn Db, file: SourceFile, name: Arc<str>) -> Meaning {
    match &scope(db, file).value {
        Some(scope) => match scope.names.get(&name) {
            Some(item) if scope.cyclic.contains(item) => Meaning::Cyclic,
            Some(item) => Meaning::Item(*item),
            None if scope.broken.contains(&name) => Meaning::Broken,
            None => Meaning::Unknown,
        },
        None => Meaning::Unknown,
    }
}

/// Whether an item's definition leads back to itself.
#[salsa::tracked]
pub fn is_cyclic(db: &dyn Db, item: ItemId) -> bool {
    scope(db, item.file(db)).value.as_ref().is_some_and(|scope| scope.cyclic.contains(&item))
}

/// Adds a file's items, then those of the files that it uses.
fn gather(
    context: &Context<'_>,
    file: SourceFile,
    scope: &mut Scope,
    visited: &mut BTreeSet<SourceFile>,
    depth: usize,
) {
    let db = context.db;
    let mut uses = Vec::new();
    let mut own_broken = BTreeSet::new();
    broken_names(db, file, &mut own_broken);
    for item in items(db, file) {
        let Some(tree) = tree(db, *item) else { continue };
        if let ast::ItemKind::Use(path) = &tree.kind {
            uses.push((*item, path.clone()));
            continue;
        }
        let Some(name) = tree.name() else { continue };
        if is_builtin(&name.text) {
            context.report(
                Diagnostic::error(
                    "E0206",
                    format!("`{}` is a name of the language itself", name.text),
                    at(*item, name.span),
                    "can't be defined again",
                )
                .help("choose another name"),
            );
            continue;
        }
        match scope.names.get(&name.text) {
            Some(first) if depth == 0 || first.file(db) == file => {
                context.report(
                    Diagnostic::error(
                        "E0202",
                        format!("`{}` is defined twice", name.text),
                        at(*item, name.span),
                        "defined again here",
                    )
                    .label(name_place(db, *first), "first defined here")
                    .help("rename one of them"),
                );
            }
            // The using file's own definitions hide those of the files that it uses.
            Some(_) => {}
            // Nor is another's definition what an own one means that could not be parsed.
            None if scope.broken.contains(&name.text) && !own_broken.contains(&name.text) => {}
            None => {
                scope.names.insert(name.text.clone(), *item);
            }
        }
    }
    scope.broken.extend(own_broken);
    for (item, path) in uses {
        let folder = file.path(db).parent().unwrap_or(Path::new(""));
        let used = db.source(&folder.join(&*path.text));
        match used.text(db) {
            Err(problem) => {
                let mut diagnostic = Diagnostic::error(
                    "E0203",
                    format!("`{}` {}", path.text, problem.message),
                    at(item, path.span),
                    "used here",
                );
                diagnostic.help = problem.help.clone();
                context.report(diagnostic);
            }
            Ok(_) => {
                if visited.insert(used) {
                    scope.used.push(used);
                    gather(context, used, scope, visited, depth + 1);
                }
            }
        }
    }
}

/// Adds the names that stand after an item's keyword where no item could be parsed.
fn broken_names(db: &dyn Db, file: SourceFile, names: &mut BTreeSet<Arc<str>>) {
    let parsed = parsed(db, file);
    let Ok(text) = file.text(db) else { return };
    if parsed.errors.is_empty() {
        return;
    }
    let mut from = 0;
    let ends = parsed.items.iter().map(|i| (i.start as usize, i.end as usize)).chain([(text.len(), text.len())]);
    for (start, end) in ends {
        let gap = text.get(from..start).unwrap_or_default();
        let mut words = gap.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).peekable();
        while let Some(word) = words.next() {
            // `use` is followed by no name.
            if word != "use"
                && ITEM_KEYWORDS.contains(&word)
                && let Some(name) = words.peek()
            {
                names.insert((*name).into());
            }
        }
        from = end;
    }
}

/// Finds the items of this file that are defined in terms of themselves.
fn find_cycles(context: &Context<'_>, file: SourceFile, scope: &mut Scope) {
    let db = context.db;
    // Edges by name; local variables that happen to share an item's name would be false edges, so only kinds that can recurse count.
    let edges = |item: ItemId| -> Vec<ItemId> {
        let Some(tree) = tree(db, item) else { return Vec::new() };
        walk::mentions(tree).into_iter().filter_map(|(name, _)| scope.names.get(&name.text).copied()).collect()
    };
    let mut state: BTreeMap<ItemId, bool> = BTreeMap::new();
    // How many definitions lie on the longest way down from an item.
    let mut height: BTreeMap<ItemId, usize> = BTreeMap::new();
    let mut deep = BTreeSet::new();
    let mut cyclic = BTreeSet::new();
    for root in scope.names.values() {
        if state.contains_key(root) {
            continue;
        }
        // Iterative depth-first search: (item, its edges, next edge).
        let mut stack = vec![(*root, edges(*root), 0usize)];
        state.insert(*root, true);
        while let Some((_, targets, next)) = stack.last_mut() {
            if let Some(target) = targets.get(*next).copied() {
                *next += 1;
                match state.get(&target) {
                    None => {
                        state.insert(target, true);
                        stack.push((target, edges(target), 0));
                    }
                    Some(true) => {
                        let from = stack.iter().position(|(item, ..)| *item == target).unwrap_or(0);
                        cyclic.extend(stack[from..].iter().map(|(item, ..)| *item));
                    }
                    Some(false) => {}
                }
            } else if let Some((done, targets, _)) = stack.pop() {
                state.insert(done, false);
                let below = targets.iter().filter_map(|target| height.get(target)).max().copied().unwrap_or(0);
                height.insert(done, below + 1);
                if below >= MAX_HEIGHT {
                    deep.insert(done);
                }
            }
        }
    }
    for item in &cyclic {
        if item.file(db) == file {
            context.report(
                Diagnostic::error(
                    "E0205",
                    format!("`{}` is defined in terms of itself", item.name(db)),
                    name_place(db, *item),
                    "leads back to itself",
                )
                .note("Items of a spec are expanded where they are used; one that needs itself would never end.")
                .help("break the circle; if a variable merely has the same name as the item, rename the variable"),
            );
        }
    }
    for item in deep.difference(&cyclic) {
        if item.file(db) == file && height.get(item) == Some(&(MAX_HEIGHT + 1)) {
            context.report(
                Diagnostic::error(
                    "E0205",
                    format!(
                        "`{}` is defined through more than {MAX_HEIGHT} other items, one by the next",
                        item.name(db)
                    ),
                    name_place(db, *item),
                    "too long a chain",
                )
                .help("shorten the chain of definitions"),
            );
        }
    }
    cyclic.extend(deep);
    scope.cyclic = cyclic;
}

/// Where an item's name stands.
pub fn name_place(db: &dyn Db, item: ItemId) -> crate::diagnostic::Place {
    let span = tree(db, item).as_ref().and_then(|t| t.name().map(|n| n.span)).unwrap_or_default();
    at(item, span)
}

/// What is wrong with a file before any item is checked: that it can't be read, its syntax errors, its names.
pub fn file_diagnostics(db: &dyn Db, file: SourceFile) -> Vec<Diagnostic> {
    let whole = whole_file(db, file);
    let mut all = Vec::new();
    if let Err(problem) = file.text(db) {
        let name = file.path(db).display();
        let mut diagnostic =
            Diagnostic::error("E0501", format!("`{name}` {}", problem.message), at(whole, Span::default()), "");
        diagnostic.help = problem.help.clone();
        all.push(diagnostic);
    }
    for error in &parsed(db, file).errors {
        let mut diagnostic =
            Diagnostic::error(error.code, error.message.clone(), at(whole, error.span), error.label.clone());
        if let Some((span, label)) = &error.secondary {
            diagnostic = diagnostic.label(at(whole, *span), label.clone());
        }
        diagnostic.help = error.help.clone();
        if let Some(fix) = &error.fix {
            diagnostic = diagnostic.fix(fix.title.clone(), at(whole, fix.span), fix.replacement.clone());
        }
        all.push(diagnostic);
    }
    all.extend(scope(db, file).diagnostics.iter().cloned());
    all
}

/// The name in `known` that is most like `name`, if one is like it at all.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(near, _)| *near <= limit)
        .min_by_key(|(near, candidate)| (*near, distance(name, candidate)))
        .map(|(_, candidate)| candidate)
}

/// The edit distance of two short texts (insertions, deletions, replacements, neighbours that changed places).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = rows[i][j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(row[j] + 1).min(rows[i][j + 1] + 1);
            if i > 0 && j > 0 && (a[i], a[i - 1]) == (b[j - 1], b[j]) {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::similar;
    use qnn_syntax::builtins::{FUNCTIONS, TYPES};

    #[test]
    fn near_names_are_found_whatever_their_case() {
        let known = || TYPES.iter().map(|ty| ty.name).chain(FUNCTIONS.iter().map(|function| function.name));
        for (name, near) in
            [("ReLU", "relu"), ("RELU", "relu"), ("unit", "uint"), ("Fixed", "fixed"), ("argmxa", "argmax")]
        {
            assert_eq!(similar(name, known()), Some(near));
        }
        assert_eq!(similar("A", ["b", "a", "A"]), Some("A"), "what is the same in its case comes first");
        assert_eq!(similar("softplus", known()), None);
    }
}
