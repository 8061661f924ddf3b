//! `eks-simulator`: an EKS on a loopback port, for demos and tests.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use eks_upgrade_operator::simulator::{self, Scenario};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// An Amazon EKS that speaks the real wire protocol: point the AWS CLI or an SDK at it with
/// AWS_ENDPOINT_URL.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// What exists and what goes wrong (see docs/simulator.md); no clusters when left out
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .init();
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("eks-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    let Options { listen, scenario } = options;
    let scenario = match scenario {
        Some(file) => Scenario::load(&file)?,
        None => Scenario::default(),
    };
    // Before the line that says it is ready: a signal that answers it must not kill.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let handle = simulator::serve(&scenario, listener)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "eks-simulator listening on {}", handle.url())?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    handle.shutdown().await;
    Ok(())
}
