//! Clients that share no code with us, each with what `editors/` has for it: Neovim, Emacs, and a client library in Python. A plain `cargo test` ignores
//! them; `tests/run` runs those that are to be had.

mod support;

use std::process::Command;
use support::{Folder, SMALL};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
const SERVER: &str = env!("CARGO_BIN_EXE_qnn-lsp");

/// The program that a variable names, or one of the usual name.
fn program(variable: &str, usual: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| usual.to_owned())
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
    assert!(output.status.success() && said.contains("all is well"), "{said}");
}

#[test]
#[ignore = "needs Neovim: tests/run looks for it"]
fn diagnostics_verdicts_and_counterexamples_with_neovim() {
    let nvim = program("QNN_NVIM", "nvim");
    let script = format!("luafile {ROOT}/lsp/tests/neovim.lua");
    drive(Command::new(nvim).args(["--headless", "--clean", "-c", &script]), "neovim");
}

#[test]
#[ignore = "needs Emacs with eglot: tests/run looks for it"]
fn diagnostics_and_counterexamples_with_emacs() {
    let emacs = program("QNN_EMACS", "emacs");
    let script = format!("{ROOT}/lsp/tests/emacs.el");
    drive(Command::new(emacs).args(["-q", "--batch", "-l", &script]), "emacs");
}

/// What may stand in the tables of a configuration, as the editors document it.
const KEYS: &str = r#"
import sys, tomllib
helix, extension, language = (tomllib.load(open(name, "rb")) for name in sys.argv[1:])

def known(table, keys):
    assert set(table) <= set(keys.split()), set(table) - set(keys.split())

known(helix, "language-server language grammar")
known(helix["language-server"]["qnn-lsp"], "command args config timeout environment required-root-patterns")
(spec,) = helix["language"]
known(spec, "name language-id scope injection-regex file-types shebangs roots auto-format diagnostic-severity comment-tokens block-comment-tokens indent language-servers grammar formatter soft-wrap text-width rulers")
assert spec["language-servers"] == ["qnn-lsp"] and helix["grammar"][0]["name"] == spec["name"] == "qnn"
known(helix["grammar"][0], "name source")
known(helix["grammar"][0]["source"], "path git rev subpath")

known(extension, "id name description version schema_version authors repository language_servers grammars")
known(extension["language_servers"]["qnn-lsp"], "name language languages language_ids")
known(extension["grammars"]["qnn"], "repository rev path")
known(language, "name grammar path_suffixes line_comments block_comment tab_size hard_tabs first_line_pattern autoclose_before brackets")
assert language["grammar"] in extension["grammars"] and extension["language_servers"]["qnn-lsp"]["languages"] == [language["name"]]
"#;

#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn configurations_that_no_editor_tries_here_have_known_keys() {
    let editors = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../editors"));
    let files = ["helix/languages.toml", "zed/extension.toml", "zed/languages/qnn/config.toml"];
    let python = program("QNN_PYTHON", "python3");
    let output = Command::new(python).args(["-c", KEYS]).args(files.map(|f| editors.join(f))).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Every setting of Helix's is one of the server's.
    let text = std::fs::read_to_string(editors.join("helix/languages.toml")).unwrap();
    assert!(text.contains("verification = { run = \"onSave\" }"));
}

#[test]
#[ignore = "needs QNN_PYTHON: tests/run sets it"]
fn a_client_library_that_knows_nothing_of_us() {
    let python = program("QNN_PYTHON", "python3");
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
