//! The files of `verify` import each other in one direction.

/// Each file imports only those before it.
#[test]
fn imports_are_without_circles() {
    let files = [
        ("evidence", include_str!("../evidence.rs")),
        ("verdict", include_str!("../verdict.rs")),
        ("entry", include_str!("../entry.rs")),
        ("tally", include_str!("../tally.rs")),
        ("store", include_str!("../store.rs")),
        ("question_key", include_str!("../question_key.rs")),
        ("options", include_str!("../options.rs")),
        ("filter", include_str!("../filter.rs")),
        ("plan", include_str!("../plan.rs")),
        ("schedule", include_str!("../schedule.rs")),
        ("progress", include_str!("../progress.rs")),
        ("session", include_str!("../session.rs")),
        ("recall", include_str!("../recall.rs")),
        ("decide", include_str!("../decide.rs")),
        ("largest", include_str!("../largest.rs")),
        ("witness", include_str!("../witness.rs")),
        ("lowering", include_str!("../lowering.rs")),
        ("result", include_str!("../result.rs")),
        ("property", include_str!("../property.rs")),
        ("optimize", include_str!("../optimize.rs")),
        ("candidates", include_str!("../candidates.rs")),
        ("job", include_str!("../job.rs")),
        ("turn", include_str!("../turn.rs")),
        ("run", include_str!("../run.rs")),
    ];
    let listed = include_str!("../mod.rs").lines().filter(|line| line.contains("mod ")).count() - 1;
    assert_eq!(files.len(), listed, "every file but the tests is in the list");
    for (index, (name, source)) in files.iter().enumerate() {
        let code = source.split("#[cfg(test)]").next().unwrap_or_default();
        for (other, _) in &files[index..] {
            let imports =
                [format!("use super::{other};"), format!("use super::{other}::"), format!("verify::{other}::")];
            let found = code.lines().find(|line| {
                !line.trim_start().starts_with("//") && imports.iter().any(|import| line.contains(import))
            });
            assert_eq!(found, None, "{name} imports {other}");
        }
    }
}
