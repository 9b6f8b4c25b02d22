//! The command `qnn`.

mod cli;

#[global_allocator]
static ALLOCATOR: qnn::memory::Allocator = qnn::memory::Allocator;

fn main() -> std::process::ExitCode {
    cli::main()
}
