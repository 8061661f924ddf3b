use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use crate::{Assets, Error};

/// No single command of a test or the demo takes this long unless the API server hangs.
const DEADLINE: Duration = Duration::from_mins(2);

/// The real kubectl, for one kubeconfig.
#[derive(Clone, Debug)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

/// What kubectl answered, whether it worked or not.
#[derive(Clone, Debug)]
pub struct Said {
    /// The arguments it was called with, for messages.
    pub asked: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error: for a refused manifest the API server's sentence.
    pub stderr: String,
}

impl Said {
    /// The standard output where kubectl succeeded, its standard error as an error otherwise.
    pub fn ok(self) -> Result<String, Error> {
        let Self {
            asked,
            status,
            stdout,
            stderr,
        } = self;
        if status.success() {
            return Ok(stdout);
        }
        Err(Error::Failed {
            program: format!("kubectl {asked}"),
            status,
            stderr,
        })
    }
}

impl Kubectl {
    /// A kubectl for the given kubeconfig, the one that [`Assets::locate`] finds.
    pub async fn new(kubeconfig: impl Into<PathBuf>) -> Result<Self, Error> {
        let assets = Assets::locate().await?;
        Ok(Self {
            program: assets.kubectl,
            kubeconfig: kubeconfig.into(),
        })
    }

    /// Runs it with these arguments. That kubectl fails is an answer; an error is that it could not be run or did not end.
    pub async fn run(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<Said, Error> {
        self.run_with(args, "").await
    }

    /// Applies manifests, in YAML or JSON. A manifest that the API server refuses is an error.
    pub async fn apply(&self, manifests: &str) -> Result<String, Error> {
        self.run_with(["apply", "--filename=-"], manifests)
            .await?
            .ok()
    }

    /// Runs it with these arguments and this standard input.
    pub async fn run_with(
        &self,
        args: impl IntoIterator<Item = impl AsRef<OsStr>>,
        input: &str,
    ) -> Result<Said, Error> {
        let args: Vec<_> = args
            .into_iter()
            .map(|arg| arg.as_ref().to_owned())
            .collect();
        let asked = args.join(OsStr::new(" ")).to_string_lossy().into_owned();
        let io = |source| Error::io(format!("run kubectl {asked}"), source);
        let mut child = Command::new(&self.program)
            .args(&args)
            .env("KUBECONFIG", &self.kubeconfig)
            // kubectl keeps what it learns of an API server under its address, which for a throw-away one is soon another's.
            .env("KUBECACHEDIR", self.cache())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(io)?;
        if let Some(mut stdin) = child.stdin.take() {
            match stdin.write_all(input.as_bytes()).await {
                // It may end without reading on; then what it says tells more.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                    return Err(io(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        let output = timeout(DEADLINE, child.wait_with_output())
            .await
            .map_err(|_elapsed| Error::TimedOut {
                what: format!("kubectl {asked} ends"),
                deadline: DEADLINE,
                last: "it was still running".to_owned(),
            })?
            .map_err(io)?;
        Ok(Said {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            asked,
        })
    }

    fn cache(&self) -> PathBuf {
        self.kubeconfig
            .parent()
            .unwrap_or_else(|| Path::new("."))
            .join("kubectl-cache")
    }
}
