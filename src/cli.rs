//! What can be typed.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{self, Failure, check, healthcheck, keygen, mint, sandbox, serve};

/// Vends short-lived tokens for realtime voice providers; the secret keys never leave this server.
///
/// Without a command it does what `valetkey serve` does.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = commands::EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Args,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Sandbox(sandbox::Args),
    Check(check::Args),
    Mint(mint::Args),
    Healthcheck(healthcheck::Args),
    Keygen(keygen::Args),
}

/// Runs the command line and says how it went. Wrong usage ends the process with status 2.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match start(cli.command.unwrap_or(Command::Serve(cli.serve))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn start(command: Command) -> Result<(), Failure> {
    // Whoever serves callers starts threads for that.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::Failed(format!("the runtime cannot start: {error}")))?;
    let result = runtime.block_on(dispatch(command));
    // A name lookup that hangs occupies a thread that nothing can end: do not wait for it.
    runtime.shutdown_background();
    result
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Mint(args) => mint::run(args).await,
        Command::Healthcheck(args) => healthcheck::run(args).await,
        Command::Keygen(args) => keygen::run(args).await,
    }
}
