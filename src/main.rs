//! `eks-upgrade-operator`: the controller, and the printer of its CRDs.

use std::process::ExitCode;

use clap::Parser;
use eks_upgrade_operator::api::crds;
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
        Command::Crd { name } => match documents(name.as_deref()) {
            Ok(yaml) => {
                print!("{yaml}");
                ExitCode::SUCCESS
            }
            Err(error) => failed(&error),
        },
        Command::Run(flags) => {
            telemetry::start(flags.log_format);
            match run(Options::from(*flags)).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failed(&error),
            }
        }
    }
}

/// The CRDs as YAML documents; only the one of that name, where one is named.
fn documents(name: Option<&str>) -> Result<String, serde_norway::Error> {
    let wanted = crds().into_iter().filter(|crd| {
        let named = crd.metadata.name.as_deref();
        name.is_none() || name == named
    });
    let documents = wanted.map(|crd| serde_norway::to_string(&crd));
    Ok(documents.collect::<Result<Vec<_>, _>>()?.join("---\n"))
}

fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("eks-upgrade-operator: {error}");
    ExitCode::FAILURE
}
