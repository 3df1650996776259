//! The `valetkey` program: parse, run, exit status.

use std::process::ExitCode;

/// A token takes dozens of pieces of memory, and each thread should have its own to take them from.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    valetkey::cli::run()
}
