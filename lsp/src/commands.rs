//! The commands of `workspace/executeCommand`: their names, and reading their arguments.

use crate::protocol::{ShowArguments, StatusArguments, VerifyArguments};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// All of them.
pub const NAMES: [&str; 7] = [
    "qnn.verify",
    "qnn.verifyAll",
    "qnn.verifyFailed",
    "qnn.cancel",
    "qnn.showCounterexample",
    "qnn.status",
    "qnn.clearCache",
];

/// A command with its argument.
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

impl Command {
    /// Reads a command.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(name: &str, arguments: Vec<Value>) -> Result<Command, String> {
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
        match name {
            "qnn.verify" => match verify(argument)? {
                VerifyArguments { uri: None, .. } => Err("`qnn.verify` needs the `uri` of a spec".to_owned()),
                arguments => Ok(Command::Verify(arguments)),
            },
            "qnn.verifyAll" => Ok(Command::VerifyAll(verify(argument)?)),
            "qnn.verifyFailed" => Ok(Command::VerifyFailed(verify(argument)?)),
            "qnn.cancel" => Ok(Command::Cancel(verify(argument)?)),
            "qnn.showCounterexample" => Ok(Command::Show(parse(name, argument)?)),
            "qnn.status" => Ok(Command::Status(parse(name, argument)?)),
            "qnn.clearCache" => Ok(Command::ClearCache),
            _ => Err(format!("there is no command `{name}`; the commands are {}", NAMES.join(", "))),
        }
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
            ("qnn.cancel", vec![json!({}), json!({})], "one argument"),
        ] {
            let error = Command::read(name, arguments).expect_err(name);
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(Command::read("qnn.cancel", vec![json!(null)]), Ok(Command::Cancel(VerifyArguments::default())));
    }
}
