//! The real helm, as a child process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use harness::ControlPlane;
use tokio::sync::OnceCell;

/// The chart.
pub const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/chart");
/// The release's name where nothing else is said, which is also that of its objects.
pub const RELEASE: &str = "eks-upgrade-operator";
/// The namespace where nothing else is said.
pub const NAMESPACE: &str = "eks-upgrade-system";

/// What helm answered, whether it worked or not.
pub struct Said {
    asked: String,
    output: Output,
}

impl Said {
    /// The standard output of one that succeeded.
    pub fn ok(self) -> String {
        assert!(
            self.output.status.success(),
            "helm {}: {}",
            self.asked,
            String::from_utf8_lossy(&self.output.stderr)
        );
        String::from_utf8(self.output.stdout).unwrap()
    }

    /// What it says on standard error where it failed.
    pub fn refusal(self) -> String {
        assert!(
            !self.output.status.success(),
            "helm {} works: {}",
            self.asked,
            String::from_utf8_lossy(&self.output.stdout)
        );
        String::from_utf8(self.output.stderr).unwrap()
    }
}

/// helm, for one API server or for none.
#[derive(Clone)]
pub struct Helm {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
}

impl Helm {
    /// For a control plane.
    pub async fn of(plane: &ControlPlane) -> Self {
        let kubeconfig = plane.kubeconfig_path().to_owned();
        let home = kubeconfig.with_file_name("helm");
        Self {
            program: program().await,
            kubeconfig,
            home,
        }
    }

    /// For what needs no API server.
    pub async fn alone() -> Self {
        Self {
            program: program().await,
            kubeconfig: PathBuf::from("/dev/null"),
            home: Path::new(env!("CARGO_TARGET_TMPDIR")).join("helm"),
        }
    }

    /// Runs it.
    pub async fn run(&self, args: &[&str]) -> Said {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .env("KUBECONFIG", &self.kubeconfig)
            // What it learns of an API server is kept under the server's address, which here is soon another's.
            .env("KUBECACHEDIR", self.home.join("kube"))
            .env("HELM_CACHE_HOME", self.home.join("cache"))
            .env("HELM_CONFIG_HOME", self.home.join("config"))
            .env("HELM_DATA_HOME", self.home.join("data"))
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output());
        Said {
            asked: args.join(" "),
            output: output.await.unwrap().unwrap(),
        }
    }

    /// `helm template` of the chart, with the names that the kustomize base has too.
    pub async fn template(&self, args: &[&str]) -> Said {
        let base = ["template", RELEASE, CHART, "--namespace", NAMESPACE];
        self.run(&[&base, args].concat()).await
    }
}

async fn program() -> PathBuf {
    static FOUND: OnceCell<PathBuf> = OnceCell::const_new();
    let found = FOUND.get_or_init(async || {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/hack/tools/helm");
        let found = tokio::task::spawn_blocking(move || {
            Command::new(script)
                .arg("--path")
                .stderr(Stdio::inherit())
                .output()
        });
        let found = found.await.unwrap().unwrap();
        assert!(found.status.success(), "the reason is printed above");
        PathBuf::from(String::from_utf8(found.stdout).unwrap().trim())
    });
    found.await.clone()
}
