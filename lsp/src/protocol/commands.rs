//! The arguments and results of commands and requests.

use super::counterexample::CounterexampleStatus;
use super::status::Status;
use qnn::report::error_pages::{PAGES, title};
use serde::{Deserialize, Serialize};
use tower_lsp::lsp_types::Url;

/// The request for the page on a diagnostic's code.
pub const EXPLAIN: &str = "qnn/explain";
/// The request for how all specs of the workspace stand.
pub const VERDICTS: &str = "qnn/verdicts";

/// The argument of `qnn.verify`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct VerifyArguments {
    /// The spec; all open ones where it may be left out.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub uri: Option<Url>,
    /// Of one property only.
    pub property: Option<String>,
    /// These instances only.
    pub instances: Option<Vec<String>>,
    /// Seconds for each instance.
    pub budget: Option<f64>,
    /// Also what has a current verdict.
    pub force: bool,
}

/// The result of what starts verification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The runs, one for each document that has something to do.
    pub runs: Vec<u64>,
    /// How many instances they hold.
    pub jobs: usize,
}

/// The result of `qnn.cancel`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cancelled {
    /// How many instances were queued or running.
    pub cancelled: usize,
}

/// The argument of `qnn.showCounterexample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ShowArguments {
    /// The spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// Of this instance.
    #[serde(default)]
    pub instance: Option<String>,
    /// The first one of this property.
    #[serde(default)]
    pub property: Option<String>,
}

/// The argument of `qnn.report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ReportArguments {
    /// The spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// Of this property alone.
    #[serde(default)]
    pub property: Option<String>,
}

/// The result of `qnn.report`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Reported {
    /// The page: a file of HTML that needs nothing else.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
    /// How many instances it reports.
    pub instances: usize,
}

/// The result of `qnn.showCounterexample`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// The instance.
    pub instance: String,
    /// All of it.
    pub counterexample: CounterexampleStatus,
    /// For people.
    pub text: String,
}

/// The result of `qnn/verdicts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Verdicts {
    /// Whether all specs are listed, and all that is known of them was looked up in time.
    pub complete: bool,
    /// The specs by path, as notifications tell of them.
    pub specs: Vec<Status>,
}

/// The argument of `qnn.explain`, and the parameters of `qnn/explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct ExplainArguments {
    /// The code: `E0402`.
    pub code: String,
}

/// The page on a diagnostic's code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The code.
    pub code: String,
    /// What it means, in a few words.
    pub title: String,
    /// The page, in Markdown.
    pub text: String,
}

impl Explained {
    /// The page on a code.
    ///
    /// # Errors
    /// There is none.
    pub fn of(code: &str) -> Result<Explained, String> {
        let wanted = code.to_uppercase();
        let page = PAGES.iter().find(|(known, _)| *known == wanted);
        let (code, text) = page.ok_or_else(|| format!("there is no page on `{code}`"))?;
        Ok(Explained { code: (*code).to_owned(), title: title(code, text).to_owned(), text: (*text).to_owned() })
    }

    /// The URI by which a client that can explain opens the page on a code.
    pub fn uri(code: &str) -> Option<Url> {
        PAGES.iter().any(|(known, _)| *known == code).then(|| Url::parse(&format!("qnn-error:{code}")).ok())?
    }
}

/// The argument of `qnn.status`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct StatusArguments {
    /// The spec.
    #[cfg_attr(test, schemars(with = "String"))]
    pub uri: Url,
}

/// The result of `qnn.clearCache`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// The entries removed.
    pub removed: usize,
}
