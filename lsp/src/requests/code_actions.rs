//! `textDocument/codeAction`

use super::Target;
use super::rename::workspace_edit;
use crate::convert::diagnostics;
use crate::owner::Snapshot;
use qnn::ide::actions::actions;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, CodeActionResponse};

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
    let mut all = Vec::new();
    if wanted(&CodeActionKind::QUICKFIX) {
        for action in &found {
            let mended = action
                .diagnostic
                .iter()
                .flat_map(|d| diagnostics(&snapshot.db, target.file, std::slice::from_ref(d), snapshot.encoding));
            all.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: action.title.clone(),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: action.diagnostic.is_some().then(|| mended.collect()),
                edit: Some(workspace_edit(snapshot, &action.edits, &target.view.uri)),
                is_preferred: Some(action.diagnostic.is_some()),
                ..CodeAction::default()
            }));
        }
    }
    if wanted(&CodeActionKind::SOURCE_FIX_ALL) && only.is_some() {
        let mut edits: Vec<_> = found.iter().filter(|a| a.diagnostic.is_some()).flat_map(|a| a.edits.clone()).collect();
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
