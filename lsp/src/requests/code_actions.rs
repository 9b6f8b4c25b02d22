//! `textDocument/codeAction`

use super::Target;
use super::rename::workspace_edit;
use crate::convert::diagnostics;
use crate::protocol::{ExplainArguments, Explained};
use crate::snapshot::Snapshot;
use qnn::db::SourceFile;
use qnn::diagnostic::Diagnostic;
use qnn::ide::code_actions::{actions, found_at};
use qnn::ide::spec_actions::spec_actions;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    self as lsp, CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse, Command,
};

/// A diagnostic as it was published.
fn as_sent(snapshot: &Snapshot, file: SourceFile, diagnostic: &Diagnostic) -> Vec<lsp::Diagnostic> {
    diagnostics(&snapshot.db, file, std::slice::from_ref(diagnostic), snapshot.encoding, snapshot.explains)
}

pub fn answer(snapshot: &Snapshot, params: &CodeActionParams) -> Result<Option<CodeActionResponse>> {
    let target = Target::of(snapshot)?;
    let only = params.context.only.as_deref();
    let wanted = |kind: &CodeActionKind| {
        only.is_none_or(|only| {
            only.iter().any(|o| kind.as_str() == o.as_str() || kind.as_str().starts_with(&format!("{}.", o.as_str())))
        })
    };
    let within = target.lines.span(params.range);
    let results = &target.view.results;
    let verdict = |property: &str| {
        let own = results.iter().filter(|r| r.property == property && !r.as_expected);
        own.cloned().collect()
    };
    let found = actions(&snapshot.db, target.file, within, &verdict);
    // A diagnostic may have several fixes, one of which is enough: the first.
    let first = |index: usize| {
        let before = index.checked_sub(1).and_then(|before| found.get(before));
        found.get(index).is_some_and(|a| a.diagnostic.is_some() && before.is_none_or(|b| b.diagnostic != a.diagnostic))
    };
    let mut all = Vec::new();
    if wanted(&CodeActionKind::QUICKFIX) {
        for (index, action) in found.iter().enumerate() {
            let mended = action.diagnostic.iter().flat_map(|d| as_sent(snapshot, target.file, d));
            all.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: action.title.clone(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: action.diagnostic.is_some().then(|| mended.collect()),
                edit: Some(workspace_edit(snapshot, &action.edits, &target.view.uri)),
                is_preferred: Some(first(index)),
                ..CodeAction::default()
            }));
        }
    }
    if wanted(&CodeActionKind::QUICKFIX) {
        for diagnostic in found_at(&snapshot.db, target.file, within) {
            let Ok(page) = Explained::of(diagnostic.code) else { continue };
            let argument = serde_json::to_value(ExplainArguments { code: page.code.clone() }).unwrap_or_default();
            let title = format!("Explain {}: {}", page.code, page.title);
            all.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: title.clone(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(as_sent(snapshot, target.file, diagnostic)),
                command: Some(Command { title, command: "qnn.explain".to_owned(), arguments: Some(vec![argument]) }),
                ..CodeAction::default()
            }));
        }
    }
    if wanted(&CodeActionKind::REFACTOR) {
        all.extend(spec_actions(&snapshot.db, target.file, within).into_iter().map(|action| {
            CodeActionOrCommand::CodeAction(CodeAction {
                edit: Some(workspace_edit(snapshot, &action.edits, &target.view.uri)),
                title: action.title,
                kind: Some(CodeActionKind::REFACTOR),
                ..CodeAction::default()
            })
        }));
    }
    if wanted(&CodeActionKind::SOURCE_FIX_ALL) && only.is_some() {
        let firsts = found.iter().enumerate().filter(|(index, _)| first(*index));
        let mut edits: Vec<_> = firsts.flat_map(|(_, action)| action.edits.clone()).collect();
        edits.sort_by_key(|e| e.range);
        edits.dedup_by_key(|e| e.range);
        if !edits.is_empty() {
            all.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: "Fix all that can be fixed".to_owned(),
                kind: Some(CodeActionKind::SOURCE_FIX_ALL),
                edit: Some(workspace_edit(snapshot, &edits, &target.view.uri)),
                ..CodeAction::default()
            }));
        }
    }
    Ok(Some(all))
}
