//! `textDocument/signatureHelp`

use super::Target;
use crate::snapshot::Snapshot;
use qnn::ide::signature_help::signature;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{
    Documentation, MarkupContent, MarkupKind, ParameterInformation, ParameterLabel, SignatureHelp, SignatureHelpParams,
    SignatureInformation,
};

pub fn answer(snapshot: &Snapshot, params: &SignatureHelpParams) -> Result<Option<SignatureHelp>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position_params.position);
    let Some(found) = signature(&snapshot.db, target.file, offset) else { return Ok(None) };
    // Offsets in a label are in UTF-16 units whatever the encoding of positions.
    let units = |byte: usize| found.label.get(..byte).map_or(0, |text| text.encode_utf16().count() as u32);
    let parameters: Vec<ParameterInformation> = found
        .parameters
        .iter()
        .map(|(start, end)| ParameterInformation {
            label: ParameterLabel::LabelOffsets([units(*start), units(*end)]),
            documentation: None,
        })
        .collect();
    let docs = MarkupContent { kind: MarkupKind::Markdown, value: found.docs.clone() };
    let signature = SignatureInformation {
        documentation: (!docs.value.is_empty()).then_some(Documentation::MarkupContent(docs)),
        parameters: Some(parameters),
        active_parameter: Some(found.active as u32),
        label: found.label,
    };
    Ok(Some(SignatureHelp {
        signatures: vec![signature],
        active_signature: Some(0),
        active_parameter: Some(found.active as u32),
    }))
}
