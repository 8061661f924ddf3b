//! The way to the API server: that of kubectl.

use std::ffi::OsString;
use std::time::Duration;

use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
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
            None => found(std::env::var_os("KUBECONFIG")),
        };
        let mut config = match read {
            Ok(read) => Config::from_custom_kubeconfig(read, &options)
                .await
                .map_err(|error| Failure::of_kubeconfig(&error))?,
            // In a pod, such as one of a CI. One that is there and makes no sense is not passed over.
            Err(missing) if is_missing(&missing) && kubeconfig.is_none() && context.is_none() => {
                // Where this is no pod either, it is the kubeconfig that a person misses.
                Config::incluster().map_err(|_no_pod| Failure::of_kubeconfig(&missing))?
            }
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

    /// The ClusterUpgrades of the namespace.
    pub fn upgrades(&self) -> Api<ClusterUpgrade> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// The kubeconfig of the environment, else the one at home. As kubectl does, files of a list that are not there are passed over.
fn found(list: Option<OsString>) -> Result<Kubeconfig, KubeconfigError> {
    let list = list.unwrap_or_default();
    let paths = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty());
    let mut merged: Option<Kubeconfig> = None;
    let mut missing = None;
    for path in paths {
        match Kubeconfig::read_from(path) {
            Ok(next) => {
                merged = Some(match merged {
                    Some(before) => before.merge(next)?,
                    None => next,
                });
            }
            Err(error) if is_missing(&error) => missing = Some(error),
            Err(error) => return Err(error),
        }
    }
    match (merged, missing) {
        (Some(merged), _) => Ok(merged),
        (None, Some(missing)) => Err(missing),
        (None, None) => Kubeconfig::read(),
    }
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}
