//! The commands of `workspace/executeCommand`: their names, and reading their arguments.

use crate::protocol::{
    CreateSpecArguments, ExplainArguments, NetworkArguments, ReportArguments, ShowArguments, StatusArguments,
    VerifyArguments,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// All of them.
pub const NAMES: [&str; 11] = [
    "qnn.verify",
    "qnn.verifyAll",
    "qnn.verifyFailed",
    "qnn.cancel",
    "qnn.showCounterexample",
    "qnn.report",
    "qnn.explain",
    "qnn.showNetwork",
    "qnn.createSpec",
    "qnn.status",
    "qnn.clearCache",
];

/// A command, by the part of the server that executes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// The owner.
    Owner(Command),
    /// A thread with a snapshot: make the page that reports a document's verdicts.
    Report(ReportArguments),
    /// The handler of the request: show the page on a diagnostic's code.
    Explain(ExplainArguments),
    /// A thread with a snapshot: show the layers of a network.
    Network(NetworkArguments),
    /// A thread: write a first spec beside a model.
    CreateSpec(CreateSpecArguments),
}

/// A command of the owner's with its argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Verify something.
    Verify(VerifyArguments),
    /// Verify what has no current verdict.
    VerifyAll(VerifyArguments),
    /// Verify again what is not as it should be.
    VerifyFailed(VerifyArguments),
    /// Cancel something.
    Cancel(VerifyArguments),
    /// Show a counterexample.
    Show(ShowArguments),
    /// Tell the state of a document.
    Status(StatusArguments),
    /// Empty the store.
    ClearCache,
}

impl Request {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(name: &str, arguments: Vec<Value>) -> Result<Request, String> {
        let mut arguments = arguments.into_iter();
        let argument = arguments.next().filter(|a| !a.is_null());
        if arguments.next().is_some() {
            return Err(format!("`{name}` takes one argument, an object"));
        }
        fn parse<T: DeserializeOwned>(name: &str, argument: Option<Value>) -> Result<T, String> {
            let object = argument.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
            serde_json::from_value(object).map_err(|error| format!("the argument of `{name}` is wrong: {error}"))
        }
        let verify = |argument| -> Result<VerifyArguments, String> {
            let read: VerifyArguments = parse(name, argument)?;
            match read.budget {
                Some(budget) if !(budget > 0.0 && budget <= 1e6) => {
                    Err(format!("the budget of `{name}` is a number of seconds, not {budget}"))
                }
                _ => Ok(read),
            }
        };
        let command = match name {
            "qnn.verify" => match verify(argument)? {
                VerifyArguments { uri: None, .. } => return Err("`qnn.verify` needs the `uri` of a spec".to_owned()),
                arguments => Command::Verify(arguments),
            },
            "qnn.verifyAll" => Command::VerifyAll(verify(argument)?),
            "qnn.verifyFailed" => Command::VerifyFailed(verify(argument)?),
            "qnn.cancel" => Command::Cancel(verify(argument)?),
            "qnn.showCounterexample" => Command::Show(parse(name, argument)?),
            "qnn.report" => return Ok(Request::Report(parse(name, argument)?)),
            "qnn.explain" => return Ok(Request::Explain(parse(name, argument)?)),
            "qnn.showNetwork" => return Ok(Request::Network(parse(name, argument)?)),
            "qnn.createSpec" => return Ok(Request::CreateSpec(parse(name, argument)?)),
            "qnn.status" => Command::Status(parse(name, argument)?),
            "qnn.clearCache" => Command::ClearCache,
            _ => return Err(format!("there is no command `{name}`; the commands are {}", NAMES.join(", "))),
        };
        Ok(Request::Owner(command))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_commands_say_what_is_wrong() {
        for (name, arguments, expected) in [
            ("qnn.fly", vec![], "there is no command `qnn.fly`"),
            ("qnn.verify", vec![], "needs the `uri`"),
            ("qnn.verify", vec![json!({ "uri": "no uri" })], "is wrong"),
            ("qnn.verify", vec![json!({ "uri": "file:///a.qnn", "budget": -1.0 })], "a number of seconds"),
            ("qnn.status", vec![json!({})], "missing field `uri`"),
            ("qnn.report", vec![json!({ "property": "p" })], "missing field `uri`"),
            ("qnn.explain", vec![json!({})], "missing field `code`"),
            ("qnn.createSpec", vec![json!({ "kernel": "tflm" })], "missing field `uri`"),
            ("qnn.cancel", vec![json!({}), json!({})], "one argument"),
        ] {
            let error = Request::read(name, arguments).expect_err(name);
            assert!(error.contains(expected), "{error}");
        }
        let cancel = Request::Owner(Command::Cancel(VerifyArguments::default()));
        assert_eq!(Request::read("qnn.cancel", vec![json!(null)]), Ok(cancel));
    }
}
