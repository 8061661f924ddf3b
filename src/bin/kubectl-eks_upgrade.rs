//! `kubectl eks-upgrade`: plan, watch and steer upgrades of EKS from the terminal.

use std::process::ExitCode;

use clap::Parser;
use eks_upgrade_operator::plugin::{self, Cli, exit};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // What was asked for, such as help, is no error.
            let status = if error.use_stderr() { exit::FAILED } else { 0 };
            return match error.print() {
                Ok(()) => ExitCode::from(status),
                Err(_) => ExitCode::from(exit::FAILED),
            };
        }
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(exit::FAILED);
        }
    };
    let ended = runtime.block_on(plugin::run(cli));
    // Not waited for: whatever still asks somebody is of no more use.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::from(exit::FAILED)
        }
    }
}
