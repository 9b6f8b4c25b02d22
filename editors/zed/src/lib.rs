//! Tells Zed how to start qnn's language server: as `qnn-lsp` of the `PATH`, with the settings that stand under `lsp.qnn-lsp.initialization_options`.

use zed_extension_api::settings::LspSettings;
use zed_extension_api::{self as zed, serde_json, Command, LanguageServerId, Result, Worktree};

struct Qnn;

impl zed::Extension for Qnn {
    fn new() -> Self {
        Qnn
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let missing = "`qnn-lsp` is not in the PATH: `cargo install --locked --path lsp` in a checkout of qnn installs it";
        let command = worktree.which("qnn-lsp").ok_or(missing)?;
        Ok(Command { command, args: vec!["--stdio".to_owned()], env: worktree.shell_env() })
    }

    fn language_server_initialization_options(
        &mut self,
        server: &LanguageServerId,
        worktree: &Worktree,
    ) -> Result<Option<serde_json::Value>> {
        Ok(LspSettings::for_worktree(server.as_ref(), worktree)?.initialization_options)
    }
}

zed::register_extension!(Qnn);
