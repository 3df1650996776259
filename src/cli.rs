//! What can be typed.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{self, Failure, check, healthcheck, mint, sandbox, serve};

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
}

/// Runs the command line and says how it went. Wrong usage ends the process with status 2.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli.command.unwrap_or(Command::Serve(cli.serve)))),
        Err(error) => Err(Failure::Failed(format!("the runtime cannot start: {error}"))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Sandbox(args) => sandbox::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Mint(args) => mint::run(args).await,
        Command::Healthcheck(args) => healthcheck::run(args).await,
    }
}
