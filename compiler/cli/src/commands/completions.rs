//! `qnn completions`: what a shell needs to complete qnn's arguments.

use crate::output::{Exit, Failure, Output};
use clap::CommandFactory;
use clap_complete::Shell;

/// Prints what your shell needs to complete qnn's commands and options
///
/// For bash, in ~/.bashrc: `source <(qnn completions bash)`. For zsh: `qnn completions zsh > ~/.zfunc/_qnn`.
/// For fish: `qnn completions fish > ~/.config/fish/completions/qnn.fish`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut crate::Arguments::command(), "qnn", &mut script);
    output.text(String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
