use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::Error;

/// Where the programs of the local control plane are.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The Kubernetes API server.
    pub kube_apiserver: PathBuf,
    /// The API server's store.
    pub etcd: PathBuf,
    /// The Kubernetes command line.
    pub kubectl: PathBuf,
}

impl Assets {
    /// Finds them, or builds what is missing, which takes minutes, is done once for a machine, and is told on standard error.
    ///
    /// The rules are those of `hack/control-plane/assets`, which does the work.
    pub async fn locate() -> Result<Self, Error> {
        static FOUND: OnceCell<Assets> = OnceCell::const_new();
        FOUND.get_or_try_init(ask).await.cloned()
    }
}

/// The path of a script of the local control plane.
pub(crate) fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../hack/control-plane")
        .join(name)
}

async fn ask() -> Result<Assets, Error> {
    let program = "hack/control-plane/assets";
    let output = Command::new(script("assets"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|source| Error::io(format!("run {program}"), source))?;
    if !output.status.success() {
        return Err(Error::Failed {
            program: program.to_owned(),
            status: output.status,
            stderr: "the reason is printed above".to_owned(),
        });
    }
    parse(&String::from_utf8_lossy(&output.stdout)).map_err(|line| Error::Unexpected {
        program: program.to_owned(),
        line,
    })
}

/// Reads `NAME=PATH` lines; the error is the line that cannot be read, or what is missing.
fn parse(text: &str) -> Result<Assets, String> {
    let find = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
            .map(PathBuf::from)
            .ok_or_else(|| format!("no line {name}=PATH in {text:?}"))
    };
    Ok(Assets {
        kube_apiserver: find("kube-apiserver")?,
        etcd: find("etcd")?,
        kubectl: find("kubectl")?,
    })
}
