//! Signature help: the function around the cursor and which of its parameters is being written. By tokens, so it also helps in broken text.

use super::{builtin_docs, networks, text};
use crate::check::network::network;
use crate::check::scope::scope;
use crate::db::{Db, SourceFile, tree};
use qnn_syntax::ast::ItemKind;
use qnn_syntax::lexer::{Kind, scan};

/// A function's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// As a whole: `dense(x, weight, bias)`.
    pub label: String,
    /// Each parameter as bytes of the label.
    pub parameters: Vec<(usize, usize)>,
    /// The parameter that is being written.
    pub active: usize,
    /// What it does.
    pub docs: String,
}

/// The signature of the innermost call or format that an offset stands in.
pub fn signature(db: &dyn Db, file: SourceFile, offset: u32) -> Option<Signature> {
    let source = text(db, file);
    let scan = scan(source);
    let tokens: Vec<_> = scan.tokens.iter().take_while(|t| t.end <= offset).collect();
    // Backwards to the bracket that is still open, counting commas.
    let (mut depth, mut commas) = (0i32, 0usize);
    let mut angle = 0i32;
    for (index, token) in tokens.iter().enumerate().rev() {
        let word = token.text(source);
        match word {
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" if depth > 0 => depth -= 1,
            ">" if depth == 0 => angle += 1,
            "<" if depth == 0 && angle > 0 => angle -= 1,
            "," if depth == 0 && angle == 0 => commas += 1,
            ";" if depth == 0 => return None,
            "{" => return None,
            "(" | "<" => {
                let mut at = index.checked_sub(1)?;
                // `f<6>(`: the name stands before the angle brackets.
                if word == "(" && tokens[at].text(source) == ">" {
                    at = tokens[..at].iter().rposition(|t| t.text(source) == "<")?.checked_sub(1)?;
                }
                let callee = tokens.get(at).filter(|t| t.kind == Kind::Word)?.text(source);
                // The head of a declaration is no call.
                let before = at.checked_sub(1).and_then(|b| tokens.get(b)).map_or("", |t| t.text(source));
                let declares = matches!(before, "network" | "def" | "property" | "find" | "measure" | "type");
                if let Some(found) = (!declares).then(|| of(db, file, callee, word == "<", commas)).flatten() {
                    return Some(found);
                }
                (commas, angle) = (0, 0);
            }
            "[" => (commas, angle) = (0, 0),
            _ => {}
        }
    }
    None
}

fn of(db: &dyn Db, file: SourceFile, name: &str, generics: bool, active: usize) -> Option<Signature> {
    let item = scope(db, file).value.as_ref().and_then(|scope| scope.names.get(name).copied());
    let (label, docs) = match item {
        Some(item) => {
            let found = tree(db, item).as_ref()?;
            let source = text(db, item.file(db));
            let start = crate::db::offset(db, item);
            let written = |span: qnn_syntax::Span| {
                source.get((span.start + start) as usize..(span.end + start) as usize).unwrap_or_default()
            };
            let (names, params, result) = match &found.kind {
                ItemKind::Network(n) => (&n.generics, &n.params, written(n.result.span)),
                ItemKind::Def(d) => (&d.generics, &d.params, written(d.result.span)),
                ItemKind::Type(t) if generics => {
                    let list: Vec<&str> = t.generics.iter().map(|g| &*g.text).collect();
                    return Some(parts(format!("{name}<{}>", list.join(", ")), '<', active, found.docs.to_string()));
                }
                ItemKind::Import(_) if !generics => {
                    let network = network(db, item, Vec::new()).value.clone()?;
                    let label = format!("{name}{}", networks::signature(db, &network));
                    return Some(parts(label, '(', active, found.docs.to_string()));
                }
                ItemKind::Property(p) => {
                    let list: Vec<String> =
                        p.params.iter().map(|p| format!("{} in {}", p.name.text, written(p.domain.span))).collect();
                    return Some(parts(format!("{name}({})", list.join(", ")), '(', active, found.docs.to_string()));
                }
                _ => return None,
            };
            let list: Vec<String> = names.iter().map(|g| g.text.to_string()).collect();
            let generic = if list.is_empty() { String::new() } else { format!("<{}>", list.join(", ")) };
            let inputs: Vec<String> =
                params.iter().map(|p| format!("{}: {}", p.name.text, written(p.ty.span))).collect();
            (format!("{name}{generic}({}) -> {result}", inputs.join(", ")), found.docs.to_string())
        }
        None => {
            let (signature, docs) = builtin_docs(name)?;
            (signature, docs.to_owned())
        }
    };
    Some(parts(label, if generics { '<' } else { '(' }, active, docs))
}

/// Finds the parameters in a label: what stands between commas within the first such bracket.
fn parts(label: String, open: char, active: usize, docs: String) -> Signature {
    let close = if open == '<' { '>' } else { ')' };
    let mut parameters = Vec::new();
    if let Some(first) = label.find(open) {
        let (mut depth, mut start) = (0i32, first + 1);
        for (at, c) in label.char_indices().skip_while(|(at, _)| *at <= first) {
            match c {
                _ if c == close && depth == 0 => {
                    parameters.push((start, at));
                    break;
                }
                ',' if depth == 0 => {
                    parameters.push((start, at));
                    start = at + 1;
                }
                '<' | '(' | '[' => depth += 1,
                '>' | ')' | ']' => depth -= 1,
                _ => {}
            }
        }
    }
    for (start, end) in &mut parameters {
        *start += label[*start..*end].len() - label[*start..*end].trim_start().len();
    }
    parameters.retain(|(start, end)| start < end);
    let active = active.min(parameters.len().saturating_sub(1));
    Signature { label, parameters, active, docs }
}
