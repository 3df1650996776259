//! The `valetkey` program: parse, run, exit status.

use std::process::ExitCode;

/// What one thread allocates another often frees, which the C library's own does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    valetkey::cli::run()
}
