//! The way to the API server: that of kubectl.

use std::time::Duration;

use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::api::ClusterUpgrade;

use super::args::ClusterArgs;
use super::failure::Failure;

/// How long a connection and an answer may take: a person waits for it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After this long without a byte a connection counts as lost.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A client, and the namespace that is meant.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// `-n`, else the context's, else `default`.
    pub namespace: String,
}

impl Connection {
    /// Reads the kubeconfig as kubectl does. Asks nothing of the API server.
    ///
    /// # Errors
    /// Where there is no kubeconfig, or none that makes sense.
    pub async fn open(args: &ClusterArgs) -> Result<Self, Failure> {
        let ClusterArgs {
            kubeconfig,
            context,
            namespace,
            r#as,
            as_group,
        } = args;
        let options = KubeConfigOptions {
            context: context.clone(),
            cluster: None,
            user: None,
        };
        let read = match kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let mut config = match read {
            Ok(read) => Config::from_custom_kubeconfig(read, &options)
                .await
                .map_err(|error| Failure::of_kubeconfig(&error))?,
            // In a pod, such as one of a CI.
            Err(no_kubeconfig) if kubeconfig.is_none() && context.is_none() => Config::incluster()
                .map_err(|error| Failure::of_environment(&no_kubeconfig, &error))?,
            Err(error) => return Err(Failure::of_kubeconfig(&error)),
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        if let Some(user) = r#as {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !as_group.is_empty() {
            config.auth_info.impersonate_groups = Some(as_group.clone());
        }
        let namespace = namespace
            .clone()
            .unwrap_or_else(|| config.default_namespace.clone());
        let client = Client::try_from(config)
            .map_err(|error| Failure::of_kubernetes("connect to the API server", &error))?;
        Ok(Self { client, namespace })
    }

    /// The ClusterUpgrades of the namespace, or of all.
    pub fn upgrades(&self, all_namespaces: bool) -> Api<ClusterUpgrade> {
        if all_namespaces {
            Api::all(self.client.clone())
        } else {
            Api::namespaced(self.client.clone(), &self.namespace)
        }
    }

    /// One ClusterUpgrade of the namespace.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn upgrade(&self, name: &str) -> Result<ClusterUpgrade, Failure> {
        let doing = format!("read ClusterUpgrade {}/{name}", self.namespace);
        let read = self.upgrades(false).get(name).await;
        read.map_err(|error| Failure::of_kubernetes(&doing, &error))
    }
}
