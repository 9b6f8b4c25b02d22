//! `--with proved-checker`: each certificate goes through `qnn-proved-checker`, too, whose soundness is a theorem (`compiler/proof/rocq`).
//!
//! In: obligations and certificates, in any order, from any thread. Out: whether the proved checker accepts each one. It is one process that answers
//! line by line; where it ends before it answered, nothing was checked, and the next certificate starts it anew.

use super::export::Line;
use crate::output::Failure;
use qnn::ir::obligation::Obligation;
use qnn::proof::Certificate;
use qnn::review::Refusal;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The program. The environment variable names another place.
const PROGRAM: &str = "qnn-proved-checker";
const PLACE: &str = "QNN_PROVED_CHECKER";

/// The proved checker, while it runs.
pub struct ProvedChecker(Mutex<Option<Running>>);

struct Running {
    child: Child,
    lines: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Running {
    fn start() -> std::io::Result<Running> {
        let program = std::env::var_os(PLACE).unwrap_or_else(|| PROGRAM.into());
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let gone = || std::io::Error::other("its streams are not there");
        let lines = BufWriter::new(child.stdin.take().ok_or_else(gone)?);
        let answers = BufReader::new(child.stdout.take().ok_or_else(gone)?);
        Ok(Running { child, lines, answers })
    }

    /// What it says of a certificate: `N: accepted` or `N: rejected: REASON`.
    fn ask(&mut self, obligation: &Obligation, certificate: &Certificate) -> std::io::Result<Result<(), String>> {
        serde_json::to_writer(&mut self.lines, &Line::new(obligation, certificate))?;
        self.lines.write_all(b"\n")?;
        self.lines.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let strange = || std::io::Error::other("its answer is neither `accepted` nor `rejected`");
        let (_, said) = answer.trim_end().split_once(": ").ok_or_else(strange)?;
        match said.strip_prefix("rejected: ") {
            Some(reason) => Ok(Err(reason.to_owned())),
            None if said == "accepted" => Ok(Ok(())),
            None => Err(strange()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl ProvedChecker {
    /// Starts it.
    ///
    /// # Errors
    /// Where it is not installed.
    pub fn start() -> Result<ProvedChecker, Failure> {
        let running = Running::start().map_err(|error| {
            Failure::wrong(format!(
                "the proved checker can't be started: {error}\n  help: build it with `make` in compiler/proof/rocq, and put \
                 `{PROGRAM}` on the PATH, or name it in the environment variable {PLACE}; without `--with`, certificates are \
                 checked by qnn alone"
            ))
        })?;
        Ok(ProvedChecker(Mutex::new(Some(running))))
    }

    /// Whether it accepts a certificate.
    pub fn check(&self, obligation: &Obligation, certificate: &Certificate) -> Result<(), Refusal> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match state.take().map_or_else(Running::start, Ok) {
            Ok(mut running) => running.ask(obligation, certificate).inspect(|_| *state = Some(running)),
            Err(error) => Err(error),
        };
        match answer {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(Refusal::Rejected(format!("the proved checker rejects its certificate: {reason}"))),
            Err(error) => Err(Refusal::Unchecked(format!("the proved checker did not answer: {error}"))),
        }
    }
}
