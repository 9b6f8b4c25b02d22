//! `textDocument/hover`

use super::Target;
use crate::convert::base64;
use crate::owner::Snapshot;
use crate::protocol::PropertyStatus;
use qnn::ide::hover::hover;
use qnn::ide::{counterexample_text, trust_text};
use qnn::report::image::Picture;
use qnn::verify::InstanceResult;
use std::fmt::Write;
use std::sync::Arc;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

/// The instances whose verdicts are told.
const MOST_INSTANCES: usize = 8;

pub fn answer(snapshot: &Snapshot, params: &HoverParams) -> Result<Option<Hover>> {
    let target = Target::of(snapshot)?;
    let offset = target.offset(params.text_document_position_params.position);
    let Some(found) = hover(&snapshot.db, target.file, offset) else { return Ok(None) };
    let mut value = found.markdown;
    let mut pictures = found.pictures;
    if let Some(name) = &found.property
        && let Some(status) = target.view.status.iter().flat_map(|s| &s.properties).find(|p| p.name == *name)
    {
        value.push_str(&verdicts(status, &target.view.results, &mut pictures, snapshot.images));
    }
    for picture in &pictures {
        value.push_str(&show(picture, snapshot.images));
    }
    let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
    Ok(Some(Hover { contents, range: Some(target.lines.range(found.range.span)) }))
}

/// A picture: as an image where the client shows it, else as characters.
fn show(picture: &Picture, images: bool) -> String {
    let png = if images { picture.png() } else { Vec::new() };
    if png.is_empty() {
        return format!("\n```text\n{}```\n", picture.text());
    }
    format!("\n![{}](data:image/png;base64,{})\n", picture.description, base64(&png))
}

/// What verification says of a property, with its first counterexample.
fn verdicts(
    status: &PropertyStatus,
    results: &[Arc<InstanceResult>],
    pictures: &mut Vec<Picture>,
    images: bool,
) -> String {
    let mut text = format!("\n---\n**{}**\n\n", status.detail);
    let own: Vec<&Arc<InstanceResult>> = results.iter().filter(|r| r.property == status.name).collect();
    let mut shown: Vec<&&Arc<InstanceResult>> = own.iter().filter(|r| !r.as_expected).collect();
    if shown.is_empty() {
        shown = own.iter().collect();
    }
    for result in shown.iter().take(MOST_INSTANCES) {
        if status.family {
            let _ = writeln!(text, "- `{}`: {} {}", result.name, result.verdict, provenance(result));
        } else {
            let _ = writeln!(text, "{}", provenance(result));
        }
    }
    if shown.len() > MOST_INSTANCES {
        let _ = writeln!(text, "- … and {} more", shown.len() - MOST_INSTANCES);
    }
    let first = shown.iter().find_map(|result| Some((result, result.counterexample.as_ref()?)));
    if let Some((result, counterexample)) = first {
        let of = if status.family { format!(" of `{}`", result.name) } else { String::new() };
        let _ = writeln!(text, "\nCounterexample{of}, replayed bit for bit:");
        let own = Picture::of(counterexample);
        if images && !own.is_empty() {
            pictures.extend(own);
            let _ = writeln!(text, "\n{}", qnn::ide::counterexample_line(counterexample));
        } else {
            let _ = writeln!(text, "```text\n{}```", counterexample_text(counterexample));
        }
    }
    text
}

/// Who decided it, how, and when.
fn provenance(result: &InstanceResult) -> String {
    let mut parts = Vec::new();
    parts.extend(result.engine.as_ref().map(|engine| format!("by `{engine}`")));
    if result.verdict == qnn::verify::Verdict::Proved {
        parts.extend(result.trust.as_ref().map(|trust| format!("on {}", trust_text(trust))));
    }
    parts.push(format!("in {:.3} s", result.time.as_secs_f64()));
    if result.cached {
        parts.push("remembered".to_owned());
    }
    parts.extend(result.key.as_ref().map(|key| format!("key `{}`", key.get(..12).unwrap_or(key))));
    parts.push(format!("qnn {}", env!("CARGO_PKG_VERSION")));
    format!("({})", parts.join(", "))
}
