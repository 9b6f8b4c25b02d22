//! Clients that share no code with us, each with what `editors/` has for it: Neovim, Emacs, and a client library in Python. Each is skipped, saying so, where
//! it is not to be had.

mod support;

use std::process::Command;
use support::{Folder, SMALL};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SERVER: &str = env!("CARGO_BIN_EXE_qnn-lsp");

/// The program that a variable names, or one of the usual name; `None` if it doesn't start.
fn program(variable: &str, usual: &str) -> Option<String> {
    let name = std::env::var(variable).unwrap_or_else(|_| usual.to_owned());
    Command::new(&name).arg("--version").output().is_ok().then_some(name)
}

/// Runs an editor with a script of ours, which ends by saying that all is well.
fn drive(editor: &mut Command, configuration: &str) {
    let folder = Folder::new();
    folder.write("small.qnn", SMALL);
    let output = editor
        .env("QNN_LSP", SERVER)
        .env("QNN_SPEC", folder.path("small.qnn"))
        .env("QNN_EDITOR", format!("{ROOT}/editors/{configuration}"))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    if said.contains("skipped: ") {
        println!("{said}");
        return;
    }
    assert!(output.status.success() && said.contains("all is well"), "{said}");
}

#[test]
fn neovim_shows_diagnostics_verdicts_and_counterexamples() {
    let Some(nvim) = program("QNN_NVIM", "nvim") else {
        println!("skipped: there is no nvim");
        return;
    };
    let script = format!("luafile {ROOT}/lsp/tests/neovim.lua");
    drive(Command::new(nvim).args(["--headless", "--clean", "-c", &script]), "neovim");
}

#[test]
fn emacs_shows_diagnostics_and_counterexamples() {
    let Some(emacs) = program("QNN_EMACS", "emacs") else {
        println!("skipped: there is no emacs");
        return;
    };
    let script = format!("{ROOT}/lsp/tests/emacs.el");
    drive(Command::new(emacs).args(["-q", "--batch", "-l", &script]), "emacs");
}

#[test]
fn a_client_library_that_knows_nothing_of_us() {
    let Ok(python) = std::env::var("QNN_PYTHON") else {
        println!("skipped: QNN_PYTHON names no Python with pytest-lsp (tests/run sets it)");
        return;
    };
    let tests = format!("{ROOT}/tests/lsp_client.py");
    let options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"];
    let output = Command::new(python)
        .args(options)
        .arg(tests)
        .env("QNN_LSP", SERVER)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
