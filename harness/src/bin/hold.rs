//! Starts a control plane and a process, says which, and waits to be killed: what the harness's own tests kill.

use std::time::Duration;

use harness::{ControlPlane, Program};

#[tokio::main]
async fn main() -> Result<(), harness::Error> {
    let control_plane = ControlPlane::start().await?;
    let mut process = Program::new("sh")
        .args(["-c", "env; echo started; exec sleep 1000"])
        .start()?;
    process
        .wait_for_line("it started", Duration::from_mins(1), |line| {
            (line == "started").then_some(())
        })
        .await?;
    for line in process.lines() {
        println!("env {line}");
    }
    println!("process {}", process.id());
    println!("kubeconfig {}", control_plane.kubeconfig_path().display());
    std::future::pending().await
}
