//! The command `qnn`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
