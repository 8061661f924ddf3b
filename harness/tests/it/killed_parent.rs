//! Nothing outlives whoever started it, in whatever way that ends.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::common::{SOON, gone, runs, servers};
use harness::{Error, Program, eventually};
use tokio::io::AsyncReadExt as _;

#[tokio::test]
async fn a_killed_program_leaves_nothing() -> Result<(), Error> {
    let mut holder = Program::new(env!("CARGO_BIN_EXE_hold")).start()?;
    let process: u32 = holder
        .wait_for_line("its process started", SOON * 3, |line| {
            line.strip_prefix("process ")?.parse().ok()
        })
        .await?;
    let kubeconfig: PathBuf = holder
        .wait_for_line("its control plane started", SOON, |line| {
            line.strip_prefix("kubeconfig ").map(PathBuf::from)
        })
        .await?;
    let directory = kubeconfig.parent().unwrap();
    let [etcd, apiserver] = servers(directory);
    let pids = [process, etcd, apiserver];
    assert!(pids.into_iter().all(runs), "{pids:?} do not all run");

    holder.kill9()?;

    gone(&pids).await?;
    eventually("its directory is removed", SOON, async || {
        (!directory.exists()).then_some(())
    })
    .await
}

#[tokio::test]
async fn nobodys_account_or_cluster_is_passed_on() -> Result<(), Error> {
    let mut holder = Program::new(env!("CARGO_BIN_EXE_hold"))
        .env("AWS_PROFILE", "somebodys")
        .env("EKS_UPGRADE_NAMESPACE", "somebodys")
        .env("KUBECONFIG", "somebodys")
        .start()?;
    holder
        .wait_for_line("its process started", SOON * 3, |line| {
            line.strip_prefix("process ").map(drop)
        })
        .await?;
    let passed_on = holder.lines();
    assert!(passed_on.iter().any(|line| line.starts_with("env PATH=")));
    let somebodys: Vec<_> = passed_on
        .iter()
        .filter(|line| line.contains("somebodys"))
        .collect();
    assert!(somebodys.is_empty(), "{somebodys:?}");
    Ok(())
}

/// `hack/control-plane/serve` as somebody else would start it, in a directory of its own.
struct Serve {
    child: Child,
    directory: PathBuf,
}

impl Serve {
    async fn start(name: &str) -> Result<Self, Error> {
        let directory = std::env::temp_dir().join(format!("harness-{name}-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../hack/control-plane/serve");
        let output = std::fs::File::create(directory.join("output")).unwrap();
        let child = Command::new(script)
            .arg(&directory)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let serve = Self { child, directory };
        eventually("the control plane is ready", SOON * 3, async || {
            let output = std::fs::read_to_string(serve.directory.join("output")).unwrap();
            let expected = format!(
                "ready KUBECONFIG={}\n",
                serve.directory.join("kubeconfig").display()
            );
            if output == expected {
                Ok(())
            } else {
                Err(format!("the output {output:?}"))
            }
        })
        .await?;
        Ok(serve)
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("sh")
            .args(["-c", "kill \"$1\" \"$2\"", "sh", signal])
            .arg(self.child.id().to_string())
            .status()
            .unwrap();
        assert!(sent.success());
    }

    /// Waits until no process of it is left, also while its input stays open, and says how it ended itself.
    async fn leaves_nothing(mut self) -> Result<ExitStatus, Error> {
        gone(&servers(&self.directory)).await?;
        // Each of its processes may write here, so this ends with the last of them.
        let pipe = self.child.stderr.take().unwrap();
        let mut pipe = tokio::process::ChildStderr::from_std(pipe).unwrap();
        let mut said = String::new();
        tokio::time::timeout(SOON, pipe.read_to_string(&mut said))
            .await
            .expect("a process is left")
            .unwrap();
        assert_eq!(said, "");
        Ok(self.child.wait().unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // After a failure as much as can be done; otherwise it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.directory));
    }
}

#[tokio::test]
async fn serve_ends_with_its_input() -> Result<(), Error> {
    let mut serve = Serve::start("input").await?;
    serve.child.stdin = None;
    assert_eq!(serve.leaves_nothing().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn serve_ends_on_sigterm() -> Result<(), Error> {
    let serve = Serve::start("sigterm").await?;
    serve.signal("-TERM");
    assert_eq!(serve.leaves_nothing().await?.code(), Some(0));
    Ok(())
}

#[tokio::test]
async fn serve_leaves_nothing_when_killed() -> Result<(), Error> {
    let serve = Serve::start("kill").await?;
    serve.signal("-KILL");
    assert_eq!(serve.leaves_nothing().await?.signal(), Some(9));
    Ok(())
}

#[tokio::test]
async fn serve_leaves_ctrl_c_to_its_caller() -> Result<(), Error> {
    let serve = Serve::start("ctrl-c").await?;
    serve.signal("-INT");
    // Were the first not ignored, it would have ended by that one.
    serve.signal("-TERM");
    assert_eq!(serve.leaves_nothing().await?.code(), Some(0));
    Ok(())
}
