//! `textDocument/hover`

use super::Target;
use crate::protocol::{MeasureStatus, PropertyStatus};
use crate::snapshot::Snapshot;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use qnn::db::SourceFile;
use qnn::ide::hover::hover;
use qnn::ide::neurons::{layers, markdown, obligation};
use qnn::ide::{counterexample_text, duration};
use qnn::report::image::Picture;
use qnn::verify::{Filter, InstanceResult, Options, STACK, Verdict, plan};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::jsonrpc::Result;
use tower_lsp::lsp_types::{Hover, HoverContents, HoverParams, MarkupContent, MarkupKind};

/// The instances whose verdicts are told.
const MOST_INSTANCES: usize = 8;
/// How long a hover waits for what it can do without.
const MOST_WAIT: Duration = Duration::from_millis(40);

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
        if let Some(name) = shown(status, &target.view.results).first().map(|result| result.name.clone()) {
            value.push_str(&neurons(snapshot, target.file, name).unwrap_or_default());
        }
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
    format!("\n![{}](data:image/png;base64,{})\n", picture.description, STANDARD.encode(&png))
}

/// What verification says of a property, with its first counterexample.
fn verdicts(
    status: &PropertyStatus,
    results: &[Arc<InstanceResult>],
    pictures: &mut Vec<Picture>,
    images: bool,
) -> String {
    let mut text = format!("\n---\n**{}**\n\n", status.detail);
    let shown = shown(status, results);
    for result in shown.iter().take(MOST_INSTANCES) {
        let value = result.measure.as_ref().map(|measure| MeasureStatus::new(result.kind, measure).text);
        let value = value.filter(|value| !value.is_empty());
        if status.family {
            let said = value.unwrap_or_else(|| result.verdict.to_string());
            let _ = writeln!(text, "- `{}`: {said} {}", result.name, provenance(result));
        } else {
            let said = value.map(|value| format!("{value} ")).unwrap_or_default();
            let _ = writeln!(text, "{said}{}", provenance(result));
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

/// The results that are told of: those that are not as expected, or else all.
fn shown<'a>(status: &PropertyStatus, results: &'a [Arc<InstanceResult>]) -> Vec<&'a InstanceResult> {
    let own = || results.iter().map(|r| &**r).filter(|r| r.property == status.name);
    let unexpected: Vec<&InstanceResult> = own().filter(|r| !r.as_expected).collect();
    if unexpected.is_empty() { own().collect() } else { unexpected }
}

/// How many neurons of an instance's networks are stable, and their ranges; `None` if that can't be had at once.
///
/// It needs the instance lowered: on a thread of its own, so that no hover waits for a large network. What is late is left out, and while it works no other begins.
fn neurons(snapshot: &Snapshot, file: SourceFile, name: String) -> Option<String> {
    let permit = snapshot.neurons.clone().try_acquire_owned().ok()?;
    let (sender, answer) = std::sync::mpsc::channel();
    let db = snapshot.db.clone();
    let work = move || {
        let _permit = permit;
        let asked = catch_unwind(AssertUnwindSafe(|| {
            db.until_changed(|| {
                let plan = plan(&db, file, &Filter::default(), &Options::default());
                let job = plan.jobs.iter().find(|job| job.name == name)?;
                obligation(&db, job.item, job.instance)
            })
        }));
        // From here on no edit has to wait.
        drop(db);
        if let Ok(Some(Some(asked))) = asked {
            let table = markdown(&layers(&asked));
            let intro = format!("\nNeurons for the inputs of `{name}`, by exact intervals:\n\n");
            let _ = sender.send(if table.is_empty() { String::new() } else { intro + &table });
        }
    };
    std::thread::Builder::new().name("neurons".to_owned()).stack_size(STACK).spawn(work).ok()?;
    answer.recv_timeout(MOST_WAIT).ok()
}

/// Which engine decided it, on what, in what time.
fn provenance(result: &InstanceResult) -> String {
    let mut parts = Vec::new();
    parts.extend(result.engine.as_ref().map(|engine| format!("by `{engine}`")));
    if matches!(result.verdict, Verdict::Proved | Verdict::None) {
        parts.extend(result.trust.as_ref().map(|trust| format!("on {trust}")));
    }
    parts.push(format!("in {}", duration(result.time)));
    if result.cached {
        parts.push("remembered".to_owned());
    }
    parts.extend(result.key.as_ref().map(|key| format!("key `{}`", key.get(..12).unwrap_or(key))));
    parts.push(format!("qnn {}", env!("CARGO_PKG_VERSION")));
    format!("({})", parts.join(", "))
}
