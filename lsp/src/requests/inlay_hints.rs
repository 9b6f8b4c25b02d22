//! `textDocument/inlayHint`

use super::Target;
use crate::owner::Snapshot;
use crate::protocol::{PropertyStatus, State};
use qnn::ide::hints::{HintKind, hints};
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{InlayHint, InlayHintKind, InlayHintLabel, InlayHintParams, InlayHintTooltip, Position};

pub fn answer(snapshot: &Snapshot, params: &InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
    let target = Target::of(snapshot)?;
    let settings = snapshot.settings.inlay_hints;
    let within = target.lines.span(params.range);
    let wanted = |kind: HintKind| match kind {
        HintKind::Type => settings.types,
        HintKind::Accumulator => settings.accumulators,
        HintKind::Loss => settings.losses,
    };
    let found = hints(&snapshot.db, target.file, within).into_iter().filter(|h| wanted(h.kind));
    let mut all: Vec<InlayHint> = found
        .map(|hint| {
            let kind = (hint.kind == HintKind::Type).then_some(InlayHintKind::TYPE);
            hint_at(target.lines.position(hint.offset), hint.text, kind, hint.tooltip)
        })
        .collect();
    let status = target.view.status.as_ref().filter(|s| s.document_version == Some(target.view.version));
    if let Some(status) = status.filter(|_| settings.verdicts) {
        for property in &status.properties {
            let end = property.item_range.start.line;
            if params.range.start.line <= property.range.start.line && end <= params.range.end.line {
                // At the end of the line that names the property.
                let line = property.range.start.line;
                let position = target.lines.position(target.lines.offset(Position { line, character: u32::MAX }));
                // A space of its own: some editors give hints at a line's end no padding.
                let text = format!(" {} {}", mark(property), short(property));
                let hint = hint_at(position, text, None, property.detail.clone());
                all.push(InlayHint { padding_left: None, ..hint });
            }
        }
    }
    Ok(Some(all))
}

fn hint_at(position: Position, text: String, kind: Option<InlayHintKind>, tooltip: String) -> InlayHint {
    InlayHint {
        position,
        label: InlayHintLabel::String(text),
        padding_left: Some(kind.is_none()),
        kind,
        text_edits: None,
        tooltip: (!tooltip.is_empty()).then_some(InlayHintTooltip::String(tooltip)),
        padding_right: None,
        data: None,
    }
}

/// A property's state as one character.
pub fn mark(property: &PropertyStatus) -> &'static str {
    match property.state {
        State::Proved => "✓",
        State::Violated => "✗",
        State::Vacuous => "∅",
        State::Timeout => "⏱",
        State::Unknown => "?",
        State::Error => "!",
        State::Running | State::Queued => "…",
        State::Stale => "⟳",
        State::Unverified => "○",
    }
}

/// A property's state in a few words.
pub fn short(property: &PropertyStatus) -> String {
    if property.family {
        return property.counts.words();
    }
    match property.state {
        State::Proved if property.expected != qnn::check::spec::Expectation::Proved => "as expected".to_owned(),
        State::Timeout => "timed out".to_owned(),
        State::Unverified => "not verified".to_owned(),
        State::Error if property.counts.error == 0 => "syntax error".to_owned(),
        _ => property.counts.words().trim_start_matches("1 ").to_owned(),
    }
}
