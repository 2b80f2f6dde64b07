//! The binary `waypost`: a link platform in one command, and the tools around it.
//!
//! One file or folder a command. A command loads [`settings`], does its work through the services of `waypost_core`,
//! and ends with a status: 0 done, 1 done but not entirely good, 2 a wrong setting or argument, 3 broken off.

mod clients;
mod data_dir;
mod doctor;
mod export;
mod failure;
mod gateway;
mod import;
mod keys;
mod logging;
mod members;
mod migrate;
mod open_files;
mod openapi;
mod roles;
mod serve;
mod settings;
mod store;
mod webhooks;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// A link platform: short links, their clicks, and the events that tell of them.
///
/// `waypost serve` is all it takes to begin.
#[derive(Debug, Parser)]
#[command(name = "waypost", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Arguments),
    Import(Box<import::Arguments>),
    Export(export::Arguments),
    Keys(keys::Arguments),
    Clients(clients::Arguments),
    Members(members::Arguments),
    Webhooks(webhooks::Arguments),
    Migrate(migrate::Arguments),
    Openapi(openapi::Arguments),
    Doctor(doctor::Arguments),
    Gateway(gateway::Arguments),
}

/// The most look-ups of names for webhooks at a time, each of which holds a thread: as many as there are calls by default.
pub(crate) const LOOK_UPS: usize = 1_024;
/// The threads for whatever else blocks: as many as the runtime has of its own accord. Threads are made as they are needed,
/// and end when they are not.
const BLOCKING: usize = 512;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.command {
        Command::Openapi(arguments) => openapi::run(&arguments),
        Command::Gateway(arguments) => gateway::run(&arguments),
        command => within_runtime(command),
    };
    ended.unwrap_or_else(|failure| failure.tell())
}

fn within_runtime(command: Command) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING + LOOK_UPS)
        .build()
        .map_err(|fault| Failure::broken(format!("the runtime cannot be started: {fault}")))?;
    let ended = runtime.block_on(async {
        // Boxed: each command is a large future, and only one of them runs.
        match command {
            Command::Serve(arguments) => Box::pin(serve::run(arguments)).await,
            Command::Import(arguments) => Box::pin(import::run(*arguments)).await,
            Command::Export(arguments) => Box::pin(export::run(arguments)).await,
            Command::Keys(arguments) => Box::pin(keys::run(arguments)).await,
            Command::Clients(arguments) => Box::pin(clients::run(arguments)).await,
            Command::Members(arguments) => Box::pin(members::run(arguments)).await,
            Command::Webhooks(arguments) => Box::pin(webhooks::run(arguments)).await,
            Command::Migrate(arguments) => Box::pin(migrate::run(arguments)).await,
            Command::Doctor(arguments) => Box::pin(doctor::run(arguments)).await,
            Command::Openapi(arguments) => openapi::run(&arguments),
            Command::Gateway(arguments) => gateway::run(&arguments),
        }
    });
    // A thread that waits for a terminal's input would keep the program from ending.
    runtime.shutdown_background();
    ended
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_has_examples() {
        let mut command = super::Cli::command();
        command.build();
        command.clone().debug_assert();
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            let help = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("waypost "), "`{}` has no example", sub.get_name());
        }
    }
}
