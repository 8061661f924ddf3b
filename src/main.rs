//! `eks-upgrade-operator`: the controller, and the printer of its CRD.

use std::process::ExitCode;

use clap::Parser;
use eks_upgrade_operator::api::cluster_upgrade_crd;
use eks_upgrade_operator::cli::{Cli, Command};
use eks_upgrade_operator::controller::{Options, run};
use eks_upgrade_operator::telemetry;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error),
    };
    let code = runtime.block_on(carry_out(command));
    // Not waited for: a name that DNS does not resolve, or a file on a disk that hangs, would keep the process for as long.
    runtime.shutdown_background();
    code
}

async fn carry_out(command: Command) -> ExitCode {
    match command {
        Command::Crd => match serde_norway::to_string(&cluster_upgrade_crd()) {
            Ok(yaml) => {
                print!("{yaml}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error),
        },
        Command::Run(flags) => {
            telemetry::start(flags.log_format);
            match run(Options::from(flags)).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            }
        }
    }
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("eks-upgrade-operator: {error}");
    ExitCode::FAILURE
}
