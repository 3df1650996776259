//! The `valetkey` program: parse, run, exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    valetkey::cli::run()
}
