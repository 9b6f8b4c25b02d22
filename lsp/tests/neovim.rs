//! Neovim as a foreign client, with the configuration of `editors/neovim`. Skipped where there is no `nvim` (or none that `QNN_NVIM` names).

mod support;

use std::process::Command;
use support::{Folder, SMALL};

#[test]
fn neovim_shows_diagnostics_verdicts_and_counterexamples() {
    let nvim = std::env::var("QNN_NVIM").unwrap_or_else(|_| "nvim".to_owned());
    if Command::new(&nvim).arg("--version").output().is_err() {
        eprintln!("skipped: there is no nvim");
        return;
    }
    let folder = Folder::new();
    folder.write("small.qnn", SMALL);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new(nvim)
        .args(["--headless", "--clean", "-c", &format!("luafile {root}/lsp/tests/neovim.lua")])
        .env("QNN_LSP", env!("CARGO_BIN_EXE_qnn-lsp"))
        .env("QNN_SPEC", folder.path("small.qnn"))
        .env("QNN_EDITOR", format!("{root}/editors/neovim"))
        .output()
        .expect("nvim runs");
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("all is well"), "{said}");
}
