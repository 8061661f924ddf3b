//! `kubectl eks-upgrade`: answers what can be upgraded, what will happen, how far it is and what a person must do.
//!
//! [`plan`] asks EKS and decides as the operator does; everything else reads and writes objects of the Kubernetes API, and
//! leaves EKS alone.

pub mod args;
pub mod connect;
mod doctor;
pub mod exit;
pub mod failure;
pub mod format;
mod freeze;
mod get;
mod gitops;
mod history;
mod objects;
mod plan;
mod retry;
mod rollback;
mod shown;
mod status;
mod suspend;
pub mod table;
mod watch;

use std::io::Write as _;

pub use args::{Cli, Command};
pub use exit::Exit;
pub use failure::Failure;

/// Under which name the plugin writes: Kubernetes keeps for each field who wrote it last.
pub const MANAGER: &str = "kubectl-eks_upgrade";

/// Prints a result. A reader that has seen enough, such as `head`, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::of_io("write the result", &error))
        }
        _ => Ok(()),
    }
}

/// Says something beside the result. That nobody listens is no failure.
fn note(words: std::fmt::Arguments<'_>) {
    let mut stderr = std::io::stderr().lock();
    if writeln!(stderr, "{words}").is_err() {
        // There is nobody to say that to either.
    }
}

/// Does what the command line says.
///
/// # Errors
/// Where it could not be done or found out, with what to do about it.
pub async fn run(cli: Cli) -> Result<Exit, Failure> {
    let Cli { cluster, command } = cli;
    match command {
        Command::Plan(args) => plan::run(&cluster, args).await,
        Command::Get(args) => get::run(&cluster, args).await,
        Command::Status(args) => status::run(&cluster, args).await,
        Command::Watch(args) => watch::run(&cluster, args).await,
        Command::History(args) => history::run(&cluster, args).await,
        Command::Retry(args) => retry::run(&cluster, args).await,
        Command::Suspend(args) => suspend::suspend(&cluster, args).await,
        Command::Resume(args) => suspend::resume(&cluster, args).await,
        Command::Freeze(args) => freeze::freeze(&cluster, args).await,
        Command::Thaw(args) => freeze::thaw(&cluster, args).await,
        Command::Rollback(args) => rollback::run(&cluster, args).await,
        Command::Doctor(args) => doctor::run(&cluster, args).await,
        Command::Completion(args) => {
            print(&args::completions(&args))?;
            Ok(Exit::Fine)
        }
    }
}
