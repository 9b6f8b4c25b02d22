//! The user's settings.
//!
//! In: whatever JSON a client sends. Out: settings, and sentences about what was wrong with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// All settings. `docs/protocol.md` documents them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Settings {
    /// Verification.
    pub verification: Verification,
    /// The lines above properties.
    pub code_lens: CodeLens,
    /// What is shown within lines.
    pub inlay_hints: InlayHints,
    /// What else is a diagnostic.
    pub diagnostics: Diagnostics,
}

/// When verification starts by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Only when asked.
    Never,
    /// When a spec is saved or opened.
    #[default]
    OnSave,
    /// When typing pauses.
    OnChange,
}

/// How verification goes about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Verification {
    /// When it starts by itself.
    pub run: When,
    /// Seconds for each instance.
    pub budget: Option<f64>,
    /// Instances at a time.
    pub jobs: Option<usize>,
    /// The engine; `auto` leaves it to the spec.
    pub engine: String,
    /// MiB for one query.
    pub memory: Option<u64>,
    /// Whether the store is used.
    pub cache: bool,
}

impl Default for Verification {
    fn default() -> Verification {
        Verification {
            run: When::default(),
            budget: None,
            jobs: None,
            engine: "auto".to_owned(),
            memory: None,
            cache: true,
        }
    }
}

/// The lines above properties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CodeLens {
    /// Whether there are any.
    pub enable: bool,
}

impl Default for CodeLens {
    fn default() -> CodeLens {
        CodeLens { enable: true }
    }
}

/// What is shown within lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InlayHints {
    /// Types of `let`.
    pub types: bool,
    /// Accumulator widths.
    pub accumulators: bool,
    /// Bits lost by casts.
    pub losses: bool,
    /// Verdicts at the ends of lines.
    pub verdicts: bool,
}

impl Default for InlayHints {
    fn default() -> InlayHints {
        InlayHints { types: true, accumulators: true, losses: true, verdicts: true }
    }
}

/// What else is a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Diagnostics {
    /// Unexpected verdicts.
    pub verdicts: bool,
}

impl Default for Diagnostics {
    fn default() -> Diagnostics {
        Diagnostics { verdicts: true }
    }
}

impl Settings {
    /// Reads settings, with or without an outer `qnn`. Each setting that can't be used takes its default and is told of.
    pub fn read(value: &Value) -> (Settings, Vec<String>) {
        let value = value.get("qnn").unwrap_or(value);
        let mut problems = Vec::new();
        let mut known = serde_json::to_value(Settings::default()).unwrap_or_default();
        if let (Some(known), Some(given)) = (known.as_object_mut(), value.as_object()) {
            for (section, defaults) in known.iter_mut() {
                let Some(given) = given.get(section).and_then(Value::as_object) else { continue };
                let Some(defaults) = defaults.as_object_mut() else { continue };
                for (name, default) in defaults.iter_mut() {
                    // `null` is the default.
                    let Some(wanted) = given.get(name).filter(|wanted| !wanted.is_null()) else { continue };
                    match Settings::acceptable(section, name, wanted) {
                        Ok(()) => default.clone_from(wanted),
                        Err(why) => problems.push(format!("The setting qnn.{section}.{name} is ignored: {why}.")),
                    }
                }
            }
        }
        match serde_json::from_value(known) {
            Ok(settings) => (settings, problems),
            Err(error) => (Settings::default(), vec![format!("The settings of qnn are ignored: {error}.")]),
        }
    }

    fn acceptable(section: &str, name: &str, wanted: &Value) -> Result<(), String> {
        let within = |low: f64, high: f64| match wanted.as_f64() {
            Some(number) if number >= low && number <= high => Ok(()),
            _ => Err(format!("it is a number from {low} to {high}, or null; not {wanted}")),
        };
        match (section, name) {
            ("verification", "run") => match wanted.as_str() {
                Some("never" | "onSave" | "onChange") => Ok(()),
                _ => Err(format!("it is \"never\", \"onSave\" or \"onChange\"; not {wanted}")),
            },
            ("verification", "budget") => within(0.001, 1e6),
            ("verification", "jobs") if wanted.is_u64() => within(1.0, 256.0),
            ("verification", "memory") if wanted.is_u64() => within(1.0, 1e9),
            ("verification", "jobs" | "memory") => Err(format!("it is a positive integer, or null; not {wanted}")),
            ("verification", "engine") => match wanted.as_str() {
                Some(engine) if qnn::engine::NAMES.contains(&engine) => Ok(()),
                _ => Err(format!("the engines are {}; not {wanted}", qnn::engine::NAMES.join(", "))),
            },
            _ if wanted.is_boolean() => Ok(()),
            _ => Err(format!("it is true or false; not {wanted}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_read_with_and_without_their_section() {
        let inner = json!({ "verification": { "run": "never", "budget": 2.5 }, "other": 1 });
        for value in [inner.clone(), json!({ "qnn": inner })] {
            let (settings, problems) = Settings::read(&value);
            assert_eq!(settings.verification.run, When::Never);
            assert_eq!(settings.verification.budget, Some(2.5));
            assert!(settings.verification.cache && problems.is_empty());
        }
    }

    #[test]
    fn what_is_wrong_is_told_and_takes_its_default() {
        let (settings, problems) = Settings::read(&json!({
            "verification": { "run": "sometimes", "jobs": 0, "budget": "10s", "engine": "magic", "cache": 1, "memory": 1.5 },
            "codeLens": { "enable": false },
        }));
        assert_eq!(settings, Settings { code_lens: CodeLens { enable: false }, ..Settings::default() });
        assert_eq!(problems.len(), 6, "{problems:#?}");
        for odd in [json!(null), json!([]), json!("qnn"), json!({ "verification": 3 })] {
            assert_eq!(Settings::read(&odd), (Settings::default(), Vec::new()));
        }
    }
}
