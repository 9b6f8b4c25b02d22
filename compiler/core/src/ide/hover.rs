//! Hover: what a name, a format or a layer is.
//!
//! In: an offset. Out: Markdown and pictures about what stands there. Verdicts are not known here: whoever verifies adds them.

use super::names::{Definition, LocalKind, at_offset};
use super::{FileRange, builtin_docs, item_at, moved, networks, text, touches};
use crate::check::Context;
use crate::check::constant::{Constant, Evaluator};
use crate::check::data::{ParamsFile, Samples, dataset};
use crate::check::network::{Layer, Network};
use crate::check::spec::family;
use crate::check::types::{Type, show_shape};
use crate::db::{Db, ItemId, SourceFile, contents, tree};
use crate::files::file::FileContents;
use crate::number_format::Format;
use crate::report::image::{Picture, single};
use qnn_ir::rational::show;
use qnn_syntax::Span;
use qnn_syntax::ast::{Expr, ExprKind, Item, ItemKind, Params, TypeExpr};
use qnn_syntax::builtins;
use qnn_syntax::walk::{self, Visit};
use std::fmt::Write;

/// What is said.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// What it is said of.
    pub range: FileRange,
    /// In Markdown.
    pub markdown: String,
    /// Pictures, to be shown below.
    pub pictures: Vec<Picture>,
    /// The property or measure whose name it is, if it is one.
    pub property: Option<String>,
}

/// What is to be said at an offset.
pub fn hover(db: &dyn Db, file: SourceFile, offset: u32) -> Option<Hover> {
    let (item, start) = item_at(db, file, offset)?;
    let found = tree(db, item).as_ref()?;
    let relative = offset.checked_sub(start)?;
    if let Some(hover) = attribute(found, relative, file, start) {
        return Some(hover);
    }
    let Some((_, range, definition)) = at_offset(db, file, offset) else {
        return at_file(db, item, found, relative, file, start);
    };
    let mut pictures = Vec::new();
    let mut property = None;
    let span = Span::new(range.span.start - start, range.span.end - start);
    let markdown = match &definition {
        Definition::Item(target) => {
            let kind = tree(db, *target).as_ref().map(|t| &t.kind);
            if matches!(kind, Some(ItemKind::Property(_) | ItemKind::Measure(_))) {
                property = Some(target.name(db).to_owned());
            }
            if let Some(ItemKind::Dataset(_)) = kind
                && let Some(picture) = sample(db, *target, None, sample_index(db, item, found, span))
            {
                pictures.push(picture);
            }
            about_item(db, *target, file)?
        }
        Definition::Local { item: owner, span, kind } => about_local(db, *owner, *span, *kind, file)?,
        Definition::Field(owner, index) => {
            let outcome = dataset(db, *owner);
            let field = outcome.value.as_ref().and_then(|data| data.fields.get(*index));
            let name = match &tree(db, *owner).as_ref()?.kind {
                ItemKind::Dataset(d) => d.fields.get(*index).map(|f| f.name.text.clone())?,
                _ => return None,
            };
            let wanted = sample_index(db, item, found, span);
            pictures.extend(sample(db, *owner, Some(*index), wanted));
            match field {
                Some(field) => format!(
                    "{}{}",
                    code(&format!("{}.{}: {}", owner.name(db), field.name, field.ty.show(db))),
                    samples(db, field, wanted)
                ),
                None => code(&format!("{}.{name}", owner.name(db))),
            }
        }
        Definition::Variant(owner, index) => {
            let variants = super::names::variants(db, *owner);
            format!(
                "{}\nEntry {index} of {}.\n",
                code(&format!("{}.{}", owner.name(db), variants.get(*index)?)),
                variants.len()
            )
        }
        Definition::Tensor { item: owner, params, path } => about_tensor(db, *owner, *params, path)?,
        Definition::Builtin(name) => {
            let (signature, meaning) = builtin_docs(name)?;
            let mut text = format!("{}\n{meaning}\n", code(&signature));
            if let Some(ty) = type_at(found, span) {
                text.push_str(&about_type(db, item, ty).unwrap_or_default());
            }
            text
        }
        Definition::Option(name) => about_option(name)?.to_owned(),
        Definition::Unknown => return None,
    };
    Some(Hover { range, markdown, pictures, property })
}

fn code(text: &str) -> String {
    format!("```qnn\n{text}\n```\n")
}

/// Attributes explain themselves.
fn attribute(found: &Item, relative: u32, file: SourceFile, start: u32) -> Option<Hover> {
    let attribute = found.attributes.iter().find(|a| touches(a.name.span, relative))?;
    let known = builtins::attribute(&attribute.name.text)?;
    let mut meaning = format!("`#[{}]`: {}", known.usage, known.docs);
    if known.name == "engine" {
        let names: Vec<String> = qnn_engine::NAMES.iter().map(|name| format!("`{name}`")).collect();
        meaning.push_str(&format!(", one of {}", names.join(", ")));
    }
    meaning.push('.');
    let range = FileRange { file, span: moved(attribute.name.span, start) };
    Some(Hover { range, markdown: meaning, pictures: Vec::new(), property: None })
}

fn about_option(name: &str) -> Option<&'static str> {
    Some(match name {
        "round" => {
            "`round =` how a cast rounds: `half_up` (the default), `half_even`, `half_away`, `floor`, `toward_zero`."
        }
        "overflow" => {
            "`overflow =` what a cast does beyond the format's ends: `saturate` (the default), `wrap`, `error` (the checker proves that it can't happen)."
        }
        "stride" => "`stride =` how far the window moves at each step.",
        "padding" => "`padding =` how many zeros are put around the image.",
        "groups" => "`groups =` into how many independent convolutions the channels are divided.",
        _ => return None,
    })
}

/// What is said of a file's name: its tensors.
fn at_file(db: &dyn Db, item: ItemId, found: &Item, relative: u32, file: SourceFile, start: u32) -> Option<Hover> {
    let texts = match &found.kind {
        ItemKind::Dataset(d) => d.fields.iter().map(|f| &f.file).collect(),
        ItemKind::Params(p) => vec![&p.file],
        ItemKind::Network(n) => n.files.iter().map(|p| &p.file).collect::<Vec<_>>(),
        _ => return None,
    };
    let text = texts.into_iter().find(|t| touches(t.span, relative))?;
    let folder = item.file(db).path(db).parent()?;
    let data = db.data(&folder.join(&*text.text));
    let mut markdown = format!("`{}`\n\n", text.text);
    match contents(db, data).as_ref() {
        Err(problem) => _ = write!(markdown, "It {}.", problem.message),
        Ok(FileContents::Tensor(tensor)) => {
            _ = write!(markdown, "One tensor: {}", tensor.describe());
        }
        Ok(FileContents::Tensors(tensors)) => {
            for name in tensors.names().take(40) {
                let _ = writeln!(markdown, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
            }
        }
        Ok(FileContents::Table(columns)) => {
            for (name, tensor) in columns.iter().take(40) {
                let _ = writeln!(markdown, "- column `{name}`: {}", tensor.describe());
            }
        }
        Ok(FileContents::Folder(_)) => markdown.push_str("A folder of images."),
    }
    let range = FileRange { file, span: moved(text.span, start) };
    Some(Hover { range, markdown, pictures: Vec::new(), property: None })
}

/// The first line of an item, up to its block or value.
fn head(db: &dyn Db, item: ItemId, found: &Item) -> String {
    let source = text(db, item.file(db));
    let span = moved(found.span, crate::db::offset(db, item));
    let written = source.get(span.start as usize..span.end as usize).unwrap_or_default();
    let end = match &found.kind {
        ItemKind::Network(_) | ItemKind::Dataset(_) | ItemKind::Params(_) => written.find('{').unwrap_or(written.len()),
        _ => written.len(),
    };
    let text = written[..end].trim_end();
    // A long value is cut at a line's end.
    let mut lines: Vec<&str> = text.lines().take(13).collect();
    if lines.len() > 12 {
        lines.truncate(12);
        lines.push("…");
    }
    lines.join("\n")
}

fn about_item(db: &dyn Db, target: ItemId, from: SourceFile) -> Option<String> {
    let found = tree(db, target).as_ref()?;
    let mut text = code(&head(db, target, found));
    if !found.docs.is_empty() {
        let _ = writeln!(text, "\n{}\n", found.docs);
    }
    match &found.kind {
        ItemKind::Type(alias) if alias.generics.is_empty() => {
            text.push_str(&about_type(db, target, &alias.ty).unwrap_or_default());
        }
        ItemKind::Const(declaration) => {
            if let Some(value @ (Constant::Number(_) | Constant::Bool(_))) =
                networks::constant(db, target, &declaration.value)
            {
                let _ = writeln!(text, "\n= `{}`", value.text(db));
            }
        }
        ItemKind::Enum(declaration) => _ = writeln!(text, "\n{} entries.", declaration.variants.len()),
        ItemKind::Dataset(_) => {
            if let Some(data) = &dataset(db, target).value {
                let _ = writeln!(text, "\n{} samples:\n", data.len);
                for field in &data.fields {
                    let _ = writeln!(text, "- `{}: {}`", field.name, field.ty.show(db));
                }
            }
        }
        ItemKind::Network(_) => {
            let all = networks::instances(db, target, from);
            for network in all.iter().take(2) {
                text.push_str(&about_network(db, network));
            }
            if all.len() > 2 {
                let names: Vec<&str> = all[2..].iter().map(|n| &*n.name).collect();
                let _ = writeln!(text, "\nAlso used as {}.", names.join(", "));
            }
        }
        ItemKind::Property(_) | ItemKind::Measure(_) => {
            if let Some(family) = &family(db, target).value
                && !family.names.is_empty()
            {
                let _ = writeln!(text, "\n{} instances.", family.instances.len());
            }
        }
        _ => {}
    }
    Some(text)
}

/// A network's layers as a table.
fn about_network(db: &dyn Db, network: &Network) -> String {
    let mut text = format!("\n`{}{}`\n\n", network.name, networks::signature(db, network));
    text.push_str("| layer | shape | format | bits | integers |\n| --- | --- | --- | ---: | --- |\n");
    for layer in network.layers.iter().take(40) {
        let name = if layer.port.name.starts_with('#') { String::new() } else { format!("{} = ", layer.port.name) };
        let _ = writeln!(
            text,
            "| {name}{} | {} | {} | {} | {} to {} |",
            layer.operation,
            show_shape(db, &layer.port.shape),
            layer.port.format.as_ref().map_or_else(|| "exact".to_owned(), ToString::to_string),
            width(layer),
            layer.stored.lo,
            layer.stored.hi,
        );
    }
    let (count, bits) = network
        .layers
        .iter()
        .fold((0, 0), |(count, bits), layer| (count + layer.parameters.count, bits + layer.parameters.bits));
    let _ = writeln!(text, "\n{count} parameters in {} bytes.", bits.div_ceil(8));
    text
}

/// The bits that a layer's result takes.
pub(super) fn width(layer: &Layer) -> u32 {
    layer.port.format.as_ref().map_or_else(|| layer.range.signed_width(), |format| format.width)
}

/// A type's range and resolution, if it can be evaluated where no integer is known.
fn about_type(db: &dyn Db, item: ItemId, ty: &TypeExpr) -> Option<String> {
    let context = Context::new(db);
    let ty = Evaluator { context: &context, item, locals: &|_| None }.ty(ty).ok()?;
    Some(match &ty {
        Type::Stored(format, _) => format!("\n`{}`: {}\n", ty.show(db), about_format(format)),
        Type::Class(classes) => format!("\n{} classes.\n", classes.count),
        _ => String::new(),
    })
}

/// `−2 to 1.9375 in steps of 0.0625; rounds half_up, saturates`.
pub(super) fn about_format(format: &Format) -> String {
    let mut text = format!(
        "{} to {} in steps of {}; raw integers {} to {}, {} bits; rounds `{}`, on overflow `{}`",
        show(&format.value(format.min_raw(), 0)),
        show(&format.value(format.max_raw(), 0)),
        show(&format.lsb(0)),
        format.min_raw(),
        format.max_raw(),
        format.width,
        format.rounding.name(),
        format.overflow.name(),
    );
    if format.channels() > 1 {
        let _ = write!(text, " (the first of {} channels)", format.channels());
    }
    text
}

/// The innermost type whose head stands at a span.
fn type_at(found: &Item, span: Span) -> Option<&TypeExpr> {
    let mut at = None;
    walk::item(found, &mut |visit| {
        if let Visit::Type(ty) = visit
            && ty.head.span == span
        {
            at = Some(ty);
        }
    });
    at
}

fn about_local(db: &dyn Db, owner: ItemId, span: Span, kind: LocalKind, from: SourceFile) -> Option<String> {
    let found = tree(db, owner).as_ref()?;
    let source = text(db, owner.file(db));
    let written = |span: Span| {
        let span = moved(span, crate::db::offset(db, owner));
        source.get(span.start as usize..span.end as usize).unwrap_or_default()
    };
    let name = written(span);
    let typed = |ty: &TypeExpr| {
        format!("{}{}", code(&format!("{name}: {}", written(ty.span))), about_type(db, owner, ty).unwrap_or_default())
    };
    Some(match (kind, &found.kind) {
        (LocalKind::Generic, _) => format!("{}An integer that each use gives.\n", code(&format!("<{name}>"))),
        (LocalKind::Parameter, ItemKind::Network(n)) => typed(&n.params.iter().find(|p| p.name.span == span)?.ty),
        (LocalKind::Parameter, ItemKind::Def(d)) => typed(&d.params.iter().find(|p| p.name.span == span)?.ty),
        (LocalKind::FamilyParameter, ItemKind::Property(_) | ItemKind::Measure(_)) => {
            let params = match &found.kind {
                ItemKind::Property(p) => &p.params,
                ItemKind::Measure(m) => &m.params,
                _ => return None,
            };
            let domain = params.iter().find(|p| p.name.span == span)?.domain.span;
            let count = family(db, owner).value.as_ref().map(|f| f.instances.len());
            let count = count.map(|n| format!("{n} instances in all.\n")).unwrap_or_default();
            format!("{}{count}", code(&format!("{name} in {}", written(domain))))
        }
        (LocalKind::Let, ItemKind::Network(n)) => {
            let statement = n.lets.iter().find(|l| l.name.span == span)?;
            let mut text = code(&format!("let {name} = {}", written(statement.value.span)));
            for network in networks::instances(db, owner, from) {
                text.push_str(&about_let(db, &network, name));
            }
            text
        }
        (LocalKind::Params, ItemKind::Network(n)) => {
            let params = n.files.iter().find(|p| p.name.span == span)?;
            about_params(db, owner, params)
        }
        _ => {
            // Variables and `let` of properties: as they are bound.
            let mut bound = None;
            walk::item(found, &mut |visit| {
                if let Visit::Expr(e) = visit {
                    match &e.kind {
                        ExprKind::Quantifier(q) => {
                            bound = bound.or(q.binders.iter().find(|b| b.name.span == span).map(binder_span));
                        }
                        ExprKind::Let(l) if l.name.span == span => bound = Some(l.name.span.to(l.value.span)),
                        _ => {}
                    }
                }
            });
            if let ItemKind::Measure(m) = &found.kind
                && let qnn_syntax::ast::MeasureBody::Optimize { over, .. } = &m.body
            {
                bound = bound.or(over.iter().find(|b| b.name.span == span).map(binder_span));
            }
            match bound {
                Some(bound) => code(written(bound)),
                None => code(name),
            }
        }
    })
}

fn binder_span(binder: &qnn_syntax::ast::Binder) -> Span {
    use qnn_syntax::ast::BinderRange;
    match &binder.range {
        BinderRange::Type(ty) => binder.name.span.to(ty.span),
        BinderRange::Set(set) => binder.name.span.to(set.span),
    }
}

/// What a `let` is in one instance of its network.
fn about_let(db: &dyn Db, network: &Network, name: &str) -> String {
    let Some(layer) = network.layers.iter().find(|l| &*l.port.name == name) else { return String::new() };
    let format = layer.port.format.as_ref();
    let shown = format.map_or_else(|| "exact".to_owned(), ToString::to_string);
    let mut text = format!(
        "\n`{}`: {shown}{}, {} bits, integers {} to {}\n",
        network.name,
        show_shape(db, &layer.port.shape),
        width(layer),
        layer.stored.lo,
        layer.stored.hi
    );
    if let Some(ranges) = network.ranges.get(layer.port.node.index()) {
        let constant = ranges.iter().filter(|range| range.is_point()).count();
        if constant > 0 {
            let _ = writeln!(text, "\n{constant} of its {} numbers are the same for all inputs.", ranges.len());
        }
    }
    if let Some((lowest, highest)) = worst(layer, network) {
        let _ = writeln!(
            text,
            "\nThe accumulator before it: {} bits, worst case {lowest} to {highest}.",
            accumulator(layer, network)
        );
    }
    text
}

/// The layer whose exact result a cast takes.
pub(super) fn before<'a>(layer: &Layer, network: &'a Network) -> Option<&'a Layer> {
    layer.port.format.as_ref()?;
    let span = layer.place.span;
    let inside = |other: &&Layer| {
        other.place.item == layer.place.item
            && span.start <= other.place.span.start
            && other.place.span.end <= span.end
            && other.place.span != span
            && other.port.format.is_none()
            && other.port.node.index() < layer.port.node.index()
    };
    network.layers.iter().filter(inside).max_by_key(|other| other.range.signed_width())
}

fn worst(layer: &Layer, network: &Network) -> Option<(i128, i128)> {
    before(layer, network).map(|l| (l.range.lo, l.range.hi))
}

fn accumulator(layer: &Layer, network: &Network) -> u32 {
    before(layer, network).map_or(0, |l| l.range.signed_width())
}

fn about_params(db: &dyn Db, owner: ItemId, params: &Params) -> String {
    let mut text = code(&format!("params {} = \"{}\"", params.name.text, params.file.text));
    let Some(folder) = owner.file(db).path(db).parent() else { return text };
    let data = db.data(&folder.join(&*params.file.text));
    if let Ok(FileContents::Tensors(tensors)) = contents(db, data).as_ref() {
        for name in tensors.names().take(40) {
            let _ = writeln!(text, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
        }
    }
    text
}

/// The `params` block whose name stands at a span.
pub(super) fn params_at(found: &Item, span: Span) -> Option<&Params> {
    match &found.kind {
        ItemKind::Params(params) => Some(params),
        ItemKind::Network(n) => n.files.iter().find(|p| p.name.span == span),
        _ => None,
    }
}

fn about_tensor(db: &dyn Db, owner: ItemId, span: Span, path: &str) -> Option<String> {
    let params = params_at(tree(db, owner).as_ref()?, span)?;
    let folder = owner.file(db).path(db).parent()?;
    let data = db.data(&folder.join(&*params.file.text));
    let outcome = contents(db, data);
    let Ok(FileContents::Tensors(tensors)) = outcome.as_ref() else { return None };
    let group = format!("{path}.");
    let mut text = format!("{}from `{}`:\n\n", code(&format!("{}.{path}", params.name.text)), params.file.text);
    let context = Context::new(db);
    let file = ParamsFile::new(&Evaluator { context: &context, item: owner, locals: &|_| None }, params).ok();
    for name in tensors.names().filter(|name| *name == path || name.starts_with(&group)) {
        let _ = write!(text, "- `{name}`: {}", tensors.describe(name).unwrap_or_default());
        let place = crate::check::at(owner, span);
        if let Some(quantized) = file.as_ref().and_then(|file| file.tensor(&context, name, place).ok())
            && let Some(format) = &quantized.format
        {
            let _ = write!(text, " as `{format}`");
            if quantized.saturated > 0 {
                let _ = write!(text, ", {} of {} saturated", quantized.saturated, quantized.numbers.len());
            }
        }
        text.push('\n');
    }
    Some(text)
}

/// The index in `test[3]` or `test[3].image` around a span, if it is a constant.
fn sample_index(db: &dyn Db, item: ItemId, found: &Item, span: Span) -> Option<usize> {
    let mut index: Option<&Expr> = None;
    walk::item(found, &mut |visit| {
        if let Visit::Expr(e) = visit {
            let indexed = match &e.kind {
                ExprKind::Field(inner, name) if name.span == span => &inner.kind,
                ExprKind::Index(inner, _) if inner.span == span => &e.kind,
                _ => return,
            };
            if let ExprKind::Index(_, indices) = indexed {
                index = index.or(indices.first());
            }
        }
    });
    match networks::constant(db, item, index?)? {
        Constant::Number(n) if n.is_integer() => usize::try_from(n.to_integer()).ok(),
        _ => None,
    }
}

/// What a field's samples hold.
fn samples(db: &dyn Db, field: &crate::check::data::Field, wanted: Option<usize>) -> String {
    let len = field.data.len();
    let mut text = format!("{len} samples");
    if let (Samples::Numbers { numbers, .. }, Type::Stored(format, _)) = (&field.data, &field.ty)
        && let Some((least, greatest)) = numbers.range()
    {
        let zero = format.zero(0);
        let value = |n: i64| show(&format.value(n.saturating_add(zero), 0));
        let _ = write!(text, ", values {} to {}; {}", value(least), value(greatest), about_format(format));
    }
    text.push_str(".\n");
    if let (Some(wanted), Samples::Classes(classes), Type::Class(known)) = (wanted, &field.data, &field.ty)
        && let Some(class) = classes.get(wanted)
    {
        let name = known.labels.map(|item| super::names::variants(db, item));
        let name = name.and_then(|names| names.get(*class as usize).cloned());
        let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
        let _ = writeln!(text, "\nSample {wanted} is of class {class}{name}.");
    }
    text
}

/// A sample as a picture: of a field, or of the first field that is an image.
fn sample(db: &dyn Db, item: ItemId, field: Option<usize>, index: Option<usize>) -> Option<Picture> {
    let outcome = dataset(db, item);
    let data = outcome.value.as_ref()?;
    let fields = match field {
        Some(field) => std::slice::from_ref(data.fields.get(field)?),
        None => data.fields.as_slice(),
    };
    let wanted = index.unwrap_or(0);
    fields.iter().find_map(|field| {
        let (Samples::Numbers { numbers, each }, Type::Stored(_, shape)) = (&field.data, &field.ty) else {
            return None;
        };
        let sample = numbers.part(wanted.checked_mul(*each)?, *each)?;
        let sizes: Vec<usize> = shape.iter().map(|axis| axis.size).collect();
        let values = sample.iter().map(|n| *n as f64).collect();
        single(&format!("{}[{wanted}].{}", item.name(db), field.name), &sizes, values)
    })
}
