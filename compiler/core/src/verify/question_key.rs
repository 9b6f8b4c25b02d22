//! The key of what is asked of engines.

use qnn_engine::portfolio::Portfolio;
use qnn_ir::Rational;

/// The kind of the question for an objective's maximum: who is content with less than the maximum asks something else.
pub(super) fn objective_kind(within: Option<&Rational>) -> String {
    within.map_or_else(|| "objective".to_owned(), |width| format!("objective within {width}"))
}

/// The key of what is asked (a kind and its content's hash) of these engines. Another version of qnn asks anew: an error in an engine, once
/// mended, must not live on in the store.
pub(super) fn question_key(portfolio: &Portfolio, kind: &str, content: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut put = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    };
    put("qnn decision");
    put(env!("CARGO_PKG_VERSION"));
    put(kind);
    put(content);
    let engines = [&portfolio.first, &portfolio.rest];
    engines.iter().for_each(|list| {
        put(&list.len().to_string());
        list.iter().for_each(|engine| put(engine.name()));
    });
    hasher.finalize().to_hex().to_string()
}
