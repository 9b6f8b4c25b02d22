//! `qnn explain`: what a diagnostic's code means, with examples.

use crate::output::{Exit, Failure, Output};
use owo_colors::OwoColorize;
use qnn::report::error_pages::{PAGES, title};

/// Explains a diagnostic's code: what it means, an example, what to do
#[derive(clap::Args)]
pub struct Arguments {
    /// The code, such as E0404; without one, all codes are listed
    code: Option<String>,
}

/// Explains.
pub fn run(arguments: &Arguments, output: &mut Output) -> Result<Exit, Failure> {
    let Some(code) = &arguments.code else {
        for (code, page) in PAGES {
            output.line(format_args!("{}  {}", code.bold(), title(code, page)))?;
        }
        return Ok(Exit::Fine);
    };
    let wanted = code.trim_matches(['[', ']']).to_uppercase();
    let Some((_, page)) = PAGES.iter().find(|(known, _)| *known == wanted) else {
        let message = format!("there is no page on `{code}`\n  help: `qnn explain` lists all codes");
        return Err(Failure::wrong(message));
    };
    let mut in_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            output.line(format_args!("    {line}").cyan())?;
        } else if line.starts_with('#') {
            output.line(line.trim_start_matches('#').trim_start().bold())?;
        } else {
            output.line(line)?;
        }
    }
    Ok(Exit::Fine)
}
