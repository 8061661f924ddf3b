use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use crate::assets::script;
use crate::process::{Process, Program};
use crate::{Assets, Error, Kubectl};

/// It takes seconds; a busy machine is given time.
const START: Duration = Duration::from_mins(3);
const STOP: Duration = Duration::from_secs(20);

/// A real kube-apiserver with its etcd, on loopback, for this process alone.
///
/// The caller is `system:masters`; others are known by RBAC only. There are no controllers: a deleted namespace stays, an owner
/// that is deleted takes nothing with it. Both servers end, and their data goes, when this is stopped or dropped and when this
/// process ends in whatever way.
#[derive(Debug)]
pub struct ControlPlane {
    process: Process,
    kubeconfig: PathBuf,
    kubectl: Kubectl,
}

impl ControlPlane {
    /// Starts one, in a directory that is removed at the end. The first time on a machine the programs are built, which takes
    /// minutes.
    pub async fn start() -> Result<Self, Error> {
        Self::serve(None).await
    }

    /// Starts one with its data and logs in `directory`, which stays; one that was started there before carries on.
    pub async fn start_in(directory: &Path) -> Result<Self, Error> {
        Self::serve(Some(directory)).await
    }

    /// The one that all tests of this process share; the first to ask starts it.
    pub async fn shared() -> Result<&'static Self, Error> {
        // Never dropped: it ends with the process, whose end closes its pipe.
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::start).await
    }

    async fn serve(directory: Option<&Path>) -> Result<Self, Error> {
        // Looked for here first because a build is told on standard error and may take longer than a start.
        Assets::locate().await?;
        let mut process = Program::new(script("serve"))
            .args(directory)
            .ends_with_stdin()
            .start()?;
        let kubeconfig = process
            .wait_for_line("the API server was ready", START, |line| {
                line.strip_prefix("ready KUBECONFIG=").map(PathBuf::from)
            })
            .await?;
        let kubectl = Kubectl::new(&kubeconfig).await?;
        Ok(Self {
            process,
            kubeconfig,
            kubectl,
        })
    }

    /// The path of a kubeconfig with all rights.
    pub fn kubeconfig_path(&self) -> &Path {
        &self.kubeconfig
    }

    /// The path of the audit log: a JSON object per request of a ServiceAccount, written before the answer is sent.
    pub fn audit_log_path(&self) -> PathBuf {
        self.kubeconfig.with_file_name("audit.log")
    }

    /// A configuration with all rights and without the client's own retries, so that a test sees each answer.
    pub async fn config(&self) -> Result<Config, Error> {
        let kubeconfig = Kubeconfig::read_from(&self.kubeconfig)?;
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.default_retry = false;
        Ok(config)
    }

    /// A new client. It works as long as the runtime it was made in, so each test makes its own.
    pub async fn client(&self) -> Result<Client, Error> {
        Ok(Client::try_from(self.config().await?)?)
    }

    /// Makes a namespace of its own for a test, and returns its name, which begins with `prefix`.
    pub async fn namespace(&self, prefix: &str) -> Result<String, Error> {
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some(format!("{prefix}-")),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let api = Api::<Namespace>::all(self.client().await?);
        let created = api.create(&PostParams::default(), &namespace).await?;
        created.metadata.name.ok_or_else(|| Error::Unexpected {
            program: "kube-apiserver".to_owned(),
            line: "a namespace without a name".to_owned(),
        })
    }

    /// The real kubectl with this control plane's kubeconfig.
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// Ends both servers, and returns once they are gone.
    pub async fn stop(mut self) -> Result<(), Error> {
        self.process.close_stdin();
        let status = self.process.wait(STOP).await?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            program: "hack/control-plane/serve".to_owned(),
            status,
            stderr: self.process.tail(),
        })
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        self.process.close_stdin();
        let end = Instant::now() + STOP;
        // Left alone it removes its directory too; otherwise it is killed, and a guard of its own ends the servers.
        while matches!(self.process.ended(), Ok(None)) && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
    }
}
