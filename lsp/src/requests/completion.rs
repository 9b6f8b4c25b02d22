//! `textDocument/completion`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::completion::{CompletionKind, complete};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionParams, CompletionResponse, CompletionTextEdit,
    Documentation, InsertTextFormat, MarkupContent, MarkupKind, TextEdit,
};

pub fn answer(snapshot: &Snapshot, params: &CompletionParams) -> Result<Option<CompletionResponse>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position.position);
    let found = complete(&snapshot.db, target.file, offset);
    let range = target.lines.range(found.replace);
    let items = found
        .items
        .into_iter()
        // Without snippets, what a snippet would insert is its label: of several that begin alike, the first word's.
        .filter(|item| {
            let plain = item.label.trim_end_matches(" …");
            snapshot.snippets || item.kind != CompletionKind::Snippet || !plain.contains(' ') || plain.ends_with('=')
        })
        .map(|item| {
            let snippet = item.snippet.filter(|_| snapshot.snippets);
            let format = if snippet.is_some() { InsertTextFormat::SNIPPET } else { InsertTextFormat::PLAIN_TEXT };
            let new_text = snippet.unwrap_or_else(|| item.label.trim_end_matches(" …").to_owned());
            let docs = MarkupContent { kind: MarkupKind::Markdown, value: item.docs };
            CompletionItem {
                kind: Some(kind(item.kind)),
                detail: (!item.detail.is_empty()).then_some(item.detail),
                documentation: (!docs.value.is_empty()).then_some(Documentation::MarkupContent(docs)),
                sort_text: Some(format!("{}{}", item.rank, item.label)),
                filter_text: Some(item.label.clone()),
                insert_text_format: Some(format),
                text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text })),
                label: item.label,
                ..CompletionItem::default()
            }
        })
        .collect();
    Ok(Some(CompletionResponse::List(CompletionList { is_incomplete: false, items })))
}

fn kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Keyword => CompletionItemKind::KEYWORD,
        CompletionKind::Snippet => CompletionItemKind::SNIPPET,
        CompletionKind::Type => CompletionItemKind::STRUCT,
        CompletionKind::Enum => CompletionItemKind::ENUM,
        CompletionKind::Variant => CompletionItemKind::ENUM_MEMBER,
        CompletionKind::Network => CompletionItemKind::MODULE,
        CompletionKind::Function => CompletionItemKind::FUNCTION,
        CompletionKind::Property => CompletionItemKind::EVENT,
        CompletionKind::Dataset => CompletionItemKind::CLASS,
        CompletionKind::Field | CompletionKind::Tensor => CompletionItemKind::FIELD,
        CompletionKind::Constant => CompletionItemKind::CONSTANT,
        CompletionKind::Variable => CompletionItemKind::VARIABLE,
        CompletionKind::File => CompletionItemKind::FILE,
        CompletionKind::Folder => CompletionItemKind::FOLDER,
        CompletionKind::Value => CompletionItemKind::VALUE,
    }
}
