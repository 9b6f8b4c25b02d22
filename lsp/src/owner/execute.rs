//! The owner's part of commands.

use super::state::Owner;
use super::wanted::{Goal, Reply, Wanted};
use crate::commands::Command;
use crate::protocol::{Cleared, ShowArguments, Started, VerifyArguments};
use crate::publisher::Message;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::oneshot;

impl Owner {
    pub(super) fn command(&mut self, command: Command, reply: oneshot::Sender<Result<Value, String>>) {
        let result = match command {
            Command::Verify(arguments) => return self.verify(arguments, Goal::Undecided, reply),
            Command::VerifyAll(arguments) => return self.verify(arguments, Goal::Undecided, reply),
            Command::VerifyFailed(arguments) => return self.verify(arguments, Goal::Failed, reply),
            Command::Cancel(arguments) => self.cancel_command(&arguments),
            Command::Show(arguments) => self.show(&arguments),
            Command::Status(arguments) => {
                let path = self.path(&arguments.uri);
                match self.status_of(&path) {
                    Some(status) => serde_json::to_value(status).map_err(|e| e.to_string()),
                    None => Err(format!("{} is not open", arguments.uri)),
                }
            }
            Command::ClearCache => match &self.options.store {
                Some(store) => store
                    .clear()
                    .map(|removed| serde_json::to_value(Cleared { removed }).unwrap_or_default())
                    .map_err(|error| format!("the store can't be emptied: {error}")),
                None => Ok(serde_json::to_value(Cleared { removed: 0 }).unwrap_or_default()),
            },
        };
        let _ = reply.send(result);
    }

    fn verify(&mut self, arguments: VerifyArguments, goal: Goal, reply: oneshot::Sender<Result<Value, String>>) {
        self.look_at_disk();
        let budget = arguments.budget.map(Duration::from_secs_f64);
        let goal = if arguments.force { Goal::Everything } else { goal };
        match &arguments.uri {
            Some(uri) => {
                let path = self.path(uri);
                if !self.documents.contains_key(&path) {
                    let _ = reply.send(Err(format!("{uri} is not open")));
                    return;
                }
                let wanted = Wanted::Some { property: arguments.property, instances: arguments.instances, goal };
                self.want(&path, wanted, budget, Some(Reply::alone(reply)));
            }
            None => {
                let paths: Vec<PathBuf> = self.documents.keys().cloned().collect();
                let shared = Reply::shared(reply, paths.len());
                for path in paths {
                    let wanted = Wanted::Some {
                        property: arguments.property.clone(),
                        instances: arguments.instances.clone(),
                        goal,
                    };
                    self.want(&path, wanted, budget, Some(shared.clone()));
                }
                shared.if_none(Started::default());
            }
        }
    }

    fn show(&mut self, arguments: &ShowArguments) -> Result<Value, String> {
        let path = self.path(&arguments.uri);
        let document = self.documents.get(&path).ok_or_else(|| format!("{} is not open", arguments.uri))?;
        let shown = document.shown(arguments.instance.as_deref(), arguments.property.as_deref());
        let Some(shown) = shown else { return Ok(Value::Null) };
        if !self.setup.shows_counterexamples {
            self.say(Message::Text(shown.instance.clone(), shown.text.clone()));
        }
        serde_json::to_value(shown).map_err(|e| e.to_string())
    }
}
