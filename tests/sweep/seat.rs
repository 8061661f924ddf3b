//! Where one operator sits: its own lines to the API server and to EKS.

use std::path::{Path, PathBuf};

use harness::{Process, Program};
use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::line::Line;
use super::world::World;

/// How often a running update is looked at.
const POLL: &str = "100ms";
/// So long that an operator that has nothing to do asks nothing: every call of a run belongs to the upgrade.
const RESYNC: &str = "10m";

pub struct Seat {
    pub api: Line,
    pub eks: Line,
    kubeconfig: PathBuf,
}

impl Seat {
    pub async fn at(world: &World) -> Self {
        let api = Line::to(config(world.kubeconfig()).await).await;
        let eks = Line::to(Config::new(world.eks.url().parse().unwrap())).await;
        let kubeconfig = std::env::temp_dir().join(format!("kubeconfig-{}", uuid::Uuid::new_v4()));
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: c, user: c}}}}],
              clusters: [{{name: c, cluster: {{server: '{}'}}}}], users: [{{name: c, user: {{}}}}]}}",
            api.url()
        );
        std::fs::write(&kubeconfig, text).unwrap();
        Self {
            api,
            eks,
            kubeconfig,
        }
    }

    /// The operator's program, with these intervals between looks at a running and at an idle object.
    pub fn program_with(&self, world: &World, poll: &str, resync: &str) -> Program {
        world
            .program_with(poll, resync)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("AWS_ENDPOINT_URL_EKS", self.eks.url())
    }

    /// An operator on this seat.
    pub fn operator(&self, world: &World) -> Process {
        self.program_with(world, POLL, RESYNC).start().unwrap()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.kubeconfig) {
            eprintln!("{}: {error}", self.kubeconfig.display());
        }
    }
}

/// What a kubeconfig leads to.
pub async fn config(kubeconfig: &Path) -> Config {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
    Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap()
}
