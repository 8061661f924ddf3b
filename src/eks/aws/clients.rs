//! Clients and identities, built once and shared; built again where AWS refuses the credentials.

use std::collections::HashMap;

use aws_config::identity::IdentityCache;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_eks::Client;
use tokio::sync::{Mutex, watch};

use super::assumed_role::AssumedRole;
use super::base::{Loader, Origin, sts_timeout, timeouts};
use super::classify::Suspect;
use crate::eks::Target;

/// An identity's number in this process: what was built again has another, so that nobody forgets the newer one.
type Generation = u64;

/// Who signs, other than the operator itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Role {
    arn: String,
    external_id: Option<String>,
    /// Where STS is asked. Without a region of our own it is the cluster's, and a mistyped one must not harm other clusters.
    sts_region: String,
}

/// A client to make one call with, and whose credentials sign that call.
pub(super) struct Lease {
    client: Client,
    /// The operator's own identity at that time; roles are assumed from it.
    base: Generation,
    role: Option<(Role, Generation)>,
}

impl Lease {
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }
}

/// Settings for one identity, with a credentials provider and an identity cache of its own.
///
/// Of its own because the SDK's cache keeps 64 providers and then drops any one of them (`DEFAULT_MAX_PARTITIONS` in
/// aws-smithy-runtime's `identity/cache/lazy.rs`): with more roles than that, every call would assume its role again.
struct Identity {
    config: SdkConfig,
    generation: Generation,
}

struct State {
    base: Identity,
    /// STS clients of the operator's own identity, by region; roles keep hold of them and see them replaced.
    sts: HashMap<String, watch::Sender<aws_sdk_sts::Client>>,
    roles: HashMap<Role, Identity>,
    /// EKS clients by region and role.
    clients: HashMap<(String, Option<Role>), Client>,
    last_generation: Generation,
}

/// All clients. They are as many as there are regions, allowed roles and external ids that objects have named with them;
/// nothing is ever evicted.
pub(super) struct Clients {
    loader: Loader,
    /// Held over an await only while the operator's own settings are read again, from files and environment.
    state: Mutex<State>,
}

impl Clients {
    pub(super) async fn new(origin: Origin) -> Self {
        let loader = Loader::new(origin);
        let state = State {
            base: Identity {
                config: loader.load().await,
                generation: 0,
            },
            sts: HashMap::new(),
            roles: HashMap::new(),
            clients: HashMap::new(),
            last_generation: 0,
        };
        Self {
            loader,
            state: Mutex::new(state),
        }
    }

    /// The client for a target; credentials are loaded at its first call.
    pub(super) async fn lease(&self, target: &Target) -> Lease {
        self.state.lock().await.lease(target)
    }

    /// Drops the identity under suspicion, unless somebody has already put another in its place.
    pub(super) async fn forget(&self, lease: &Lease, suspect: Suspect) {
        match (suspect, &lease.role) {
            (Suspect::Nobody, _) => {}
            (Suspect::Signer, Some((role, generation))) => {
                self.state.lock().await.forget_role(role, *generation);
            }
            (Suspect::Signer, None) | (Suspect::Operator, _) => {
                let mut state = self.state.lock().await;
                if state.base.generation == lease.base {
                    // Boxed, since it is large and rare, and part of every call's future.
                    let config = Box::pin(self.loader.load()).await;
                    state.replace_base(config);
                }
            }
        }
    }
}

impl State {
    fn lease(&mut self, target: &Target) -> Lease {
        let role = target.role_arn.as_ref().map(|arn| Role {
            arn: arn.clone(),
            external_id: target.external_id.clone(),
            sts_region: match self.base.config.region() {
                Some(region) => region.to_string(),
                None => target.region.clone(),
            },
        });
        let base = self.base.generation;
        let (config, role) = match role {
            Some(role) => {
                let (config, generation) = self.role(&role);
                (config, Some((role, generation)))
            }
            None => (self.base.config.clone(), None),
        };
        let client = self
            .clients
            .entry((
                target.region.clone(),
                role.as_ref().map(|(role, _)| role.clone()),
            ))
            .or_insert_with(|| {
                let settings = aws_sdk_eks::config::Builder::from(&config)
                    .region(Region::new(target.region.clone()));
                Client::from_conf(settings.build())
            })
            .clone();
        Lease { client, base, role }
    }

    fn role(&mut self, role: &Role) -> (SdkConfig, Generation) {
        if let Some(Identity { config, generation }) = self.roles.get(role) {
            return (config.clone(), *generation);
        }
        let provider = AssumedRole {
            sts: self.sts(&role.sts_region),
            role_arn: role.arn.clone(),
            external_id: role.external_id.clone(),
        };
        let builder = self.base.config.clone().into_builder();
        let config = builder
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().build())
            .build();
        let generation = self.next_generation();
        let identity = Identity {
            config: config.clone(),
            generation,
        };
        self.roles.insert(role.clone(), identity);
        (config, generation)
    }

    fn sts(&mut self, region: &str) -> watch::Receiver<aws_sdk_sts::Client> {
        self.sts
            .entry(region.to_owned())
            .or_insert_with(|| watch::Sender::new(sts_client(&self.base.config, region)))
            .subscribe()
    }

    fn forget_role(&mut self, role: &Role, generation: Generation) {
        let known = self.roles.get(role);
        if known.is_some_and(|known| known.generation == generation) {
            self.roles.remove(role);
            self.clients
                .retain(|(_, signer), _| signer.as_ref() != Some(role));
        }
    }

    /// Sessions of roles stay: they are good until they end, and then are renewed with the new identity.
    fn replace_base(&mut self, config: SdkConfig) {
        for (region, sts) in &self.sts {
            sts.send_replace(sts_client(&config, region));
        }
        self.clients.retain(|(_, signer), _| signer.is_some());
        self.base = Identity {
            config,
            generation: self.next_generation(),
        };
    }

    fn next_generation(&mut self) -> Generation {
        self.last_generation += 1;
        self.last_generation
    }
}

fn sts_client(base: &SdkConfig, region: &str) -> aws_sdk_sts::Client {
    let within = sts_timeout(base);
    let settings = aws_sdk_sts::config::Builder::from(base)
        .region(Region::new(region.to_owned()))
        .timeout_config(timeouts(within, within))
        .build();
    aws_sdk_sts::Client::from_conf(settings)
}
