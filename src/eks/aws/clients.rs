//! Clients and identities, built once and shared; built again where AWS refuses the credentials.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_eks::Client;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::assumed_role::AssumedRole;
use super::base::{Loader, Origin, sts_timeout, timeouts};
use super::classify::Suspect;
use crate::eks::Target;

/// How long a client is kept that nobody asks for. One that is asked for more seldom costs a connection and an AssumeRole each time.
const UNUSED: Duration = Duration::from_hours(1);

/// How often it is looked for such, at most; and only when one is made, so that it costs nothing else.
const SWEEP: Duration = Duration::from_mins(10);

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
pub(super) struct Signed {
    client: Client,
    /// The operator's own identity at that time; roles are assumed from it.
    base: Generation,
    role: Option<(Role, Generation)>,
}

impl Signed {
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
    clients: HashMap<(String, Option<Role>), Kept>,
    last_generation: Generation,
    /// When those that nobody uses were dropped last.
    swept: Instant,
}

/// A client, and when it was asked for last.
struct Kept {
    client: Client,
    used: Instant,
}

/// All clients. They are as many as there are regions, allowed roles and external ids that objects have named with them of late:
/// what nobody has asked for in [`UNUSED`] is dropped, since anybody who may edit an object may name one after the other.
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
            swept: Instant::now(),
        };
        Self {
            loader,
            state: Mutex::new(state),
        }
    }

    /// The client for a target; credentials are loaded at its first call.
    pub(super) async fn signed(&self, target: &Target) -> Signed {
        self.state.lock().await.signed(target, Instant::now())
    }

    /// Drops the identity under suspicion, unless somebody has already put another in its place.
    pub(super) async fn forget(&self, signed: &Signed, suspect: Suspect) {
        match (suspect, &signed.role) {
            (Suspect::Nobody, _) => {}
            (Suspect::Signer, Some((role, generation))) => {
                self.state.lock().await.forget_role(role, *generation);
            }
            (Suspect::Signer, None) | (Suspect::Operator, _) => {
                let mut state = self.state.lock().await;
                if state.base.generation == signed.base {
                    // Boxed, since it is large and rare, and part of every call's future.
                    let config = Box::pin(self.loader.load()).await;
                    state.replace_base(config);
                }
            }
        }
    }
}

impl State {
    fn signed(&mut self, target: &Target, now: Instant) -> Signed {
        let role = target.role_arn.as_ref().map(|arn| Role {
            arn: arn.clone(),
            external_id: target.external_id.clone(),
            sts_region: match self.base.config.region() {
                Some(region) => region.to_string(),
                None => target.region.clone(),
            },
        });
        let key = (target.region.clone(), role.clone());
        if !self.clients.contains_key(&key) {
            self.sweep(now);
        }
        let base = self.base.generation;
        let (config, role) = match role {
            Some(role) => {
                let (config, generation) = self.role(&role);
                (config, Some((role, generation)))
            }
            None => (self.base.config.clone(), None),
        };
        let client = if let Some(kept) = self.clients.get_mut(&key) {
            kept.used = now;
            kept.client.clone()
        } else {
            let settings = aws_sdk_eks::config::Builder::from(&config)
                .region(Region::new(target.region.clone()));
            let client = Client::from_conf(settings.build());
            let kept = Kept {
                client: client.clone(),
                used: now,
            };
            self.clients.insert(key, kept);
            client
        };
        Signed { client, base, role }
    }

    /// Drops the clients that nobody has asked for in a while, with the roles and the STS clients that only they needed.
    fn sweep(&mut self, now: Instant) {
        if now.saturating_duration_since(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        let Self {
            base: _,
            sts,
            roles,
            clients,
            last_generation: _,
            swept: _,
        } = self;
        clients.retain(|_, kept| now.saturating_duration_since(kept.used) < UNUSED);
        let signers: HashSet<&Role> = clients
            .keys()
            .filter_map(|(_, signer)| signer.as_ref())
            .collect();
        roles.retain(|role, _| signers.contains(role));
        sts.retain(|_, sts| sts.receiver_count() > 0);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn state(now: Instant) -> State {
        let config = SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .build();
        State {
            base: Identity {
                config,
                generation: 0,
            },
            sts: HashMap::new(),
            roles: HashMap::new(),
            clients: HashMap::new(),
            last_generation: 0,
            swept: now,
        }
    }

    fn target(external_id: &str, region: &str) -> Target {
        Target {
            account_id: "111122223333".to_owned(),
            region: region.to_owned(),
            name: "prod".to_owned(),
            role_arn: Some("arn:aws:iam::111122223333:role/upgrades".to_owned()),
            external_id: Some(external_id.to_owned()),
        }
    }

    fn kept(state: &State) -> (usize, usize, usize) {
        (state.clients.len(), state.roles.len(), state.sts.len())
    }

    /// An object whose external id or region is edited again and again.
    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_dropped() {
        let start = Instant::now();
        let mut state = state(start);
        let used = target("used", "eu-central-1");
        for minute in 0..600 {
            let now = start + Duration::from_mins(minute);
            state.signed(&used, now);
            state.signed(
                &target(&format!("id-{minute}"), &format!("eu-{minute}-1")),
                now,
            );
            let (clients, roles, sts) = kept(&state);
            assert!(
                clients <= 75 && roles <= 75 && sts <= 75,
                "{:?}",
                kept(&state)
            );
        }
        let (_, generation) = state.signed(&used, start).role.unwrap();
        assert_eq!(generation, 1, "the one that is in use was never dropped");
    }

    #[tokio::test]
    async fn one_that_comes_back_is_made_again() {
        let start = Instant::now();
        let mut state = state(start);
        let seldom = target("seldom", "eu-central-1");
        let first = state.signed(&seldom, start).role.unwrap();
        let hours = start + Duration::from_hours(3);
        state.signed(&target("another", "eu-central-1"), hours);
        assert_eq!(kept(&state), (1, 1, 1));
        let again = state.signed(&seldom, hours).role.unwrap();
        assert_eq!(again.0, first.0);
        assert_ne!(again.1, first.1);
        assert_eq!(kept(&state), (2, 2, 1));
    }

    #[tokio::test]
    async fn the_clients_of_one_role_in_several_regions_share_it_until_the_last_is_dropped() {
        let start = Instant::now();
        let mut state = state(start);
        let (one, other) = (target("id", "eu-central-1"), target("id", "eu-west-1"));
        let at = |minutes| start + Duration::from_mins(minutes);
        state.signed(&one, at(0));
        state.signed(&other, at(50));
        state.signed(&target("a", "eu-central-1"), at(70));
        assert!(state.signed(&other, at(70)).role.is_some());
        assert_eq!(state.clients.len(), 2);
    }
}
