//! The operator's own identity and the settings that every client shares.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::identity::IdentityCache;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_eks::config::SharedHttpClient;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};

use super::body::Bounded;

/// How calls and sessions introduce themselves to AWS: in the user agent, and in CloudTrail as the role session's name.
pub(super) const NAME: &str = "eks-upgrade-operator";

/// A TCP and TLS handshake within a region takes milliseconds; two seconds outlast one lost SYN and its repetition.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// One attempt, credentials included. EKS answers within a second; a shutdown waits ten, so five leave room for what follows.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);

/// A whole call: its only attempt, and a second for what the SDK does around it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(6);

/// How long AssumeRole may take within an attempt: less than that, so that the error names STS and not the call that
/// needed the role.
pub(super) fn sts_timeout(config: &SdkConfig) -> Duration {
    attempt_timeout(config) * 9 / 10
}

/// How long the operator's own credentials may take: less than AssumeRole, which needs them, for the same reason.
fn credentials_timeout(attempt: Duration) -> Duration {
    attempt * 8 / 10
}

fn attempt_timeout(config: &SdkConfig) -> Duration {
    config
        .timeout_config()
        .and_then(TimeoutConfig::operation_attempt_timeout)
        .unwrap_or(ATTEMPT_TIMEOUT)
}

/// Where the settings come from, now and when AWS refuses the credentials that were loaded.
pub(super) enum Origin {
    /// The SDK's own chain, read anew.
    Chain,
    /// This profile of the SDK's configuration, read anew; what the environment says of credentials does not count.
    Profile(String),
    /// Settings that were given; only their provider is asked anew.
    Given(Box<SdkConfig>),
}

/// Settings and one HTTP client for all; the client outlives every reload of the settings.
pub(super) struct Loader {
    origin: Origin,
    http: SharedHttpClient,
}

impl Loader {
    pub(super) fn new(origin: Origin) -> Self {
        Self {
            origin,
            http: http_client(),
        }
    }

    /// Reads the settings, with a new identity cache: nothing of an earlier load is used again.
    pub(super) async fn load(&self) -> SdkConfig {
        let (config, credentials) = match &self.origin {
            Origin::Chain => {
                let config = self.settings(None).await;
                let credentials = match empty_endpoint() {
                    Some(name) => SharedCredentialsProvider::new(EmptyEndpoint(name)),
                    None => SharedCredentialsProvider::new(self.chain(&config).await),
                };
                (config, Some(credentials))
            }
            Origin::Profile(profile) => {
                let config = self.settings(Some(profile)).await;
                let credentials = match empty_endpoint() {
                    Some(name) => SharedCredentialsProvider::new(EmptyEndpoint(name)),
                    None => SharedCredentialsProvider::new(self.profile(&config, profile)),
                };
                (config, Some(credentials))
            }
            Origin::Given(config) => (config.as_ref().clone(), config.credentials_provider()),
        };
        let attempt = attempt_timeout(&config);
        let credentials = InTime {
            provider: credentials,
            within: credentials_timeout(attempt),
        };
        let mut builder = config
            .into_builder()
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts(attempt, OPERATION_TIMEOUT))
            // The attempt's timeout covers the answer's body too, and answers are a few kilobytes.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .identity_cache(IdentityCache::lazy().build())
            .credentials_provider(SharedCredentialsProvider::new(credentials));
        // Fails only for characters that a user agent cannot hold, and the name goes without them.
        builder.set_app_name(AppName::new(NAME).ok());
        builder.build()
    }

    async fn settings(&self, profile: Option<&str>) -> SdkConfig {
        let region = own_region(profile).await;
        // Without a region the loader would ask the instance metadata for one, several times and with warnings.
        let any = region.clone().unwrap_or(Region::from_static("us-east-1"));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(self.http.clone())
            .region(any)
            .no_credentials();
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        config.into_builder().region(region).build()
    }

    /// The credentials chain that the SDK's loader would make, but for the region, which the loader cannot leave out.
    async fn chain(&self, config: &SdkConfig) -> DefaultCredentialsChain {
        let region = config.region().cloned();
        let provider = self.provider_config(config);
        let mut chain = DefaultCredentialsChain::builder().configure(provider);
        // An answer, and be it "none": unanswered, the chain asks the instance metadata.
        chain.set_region(Some(region));
        chain.build().await
    }

    fn profile(&self, config: &SdkConfig, name: &str) -> ProfileFileCredentialsProvider {
        ProfileFileCredentialsProvider::builder()
            .configure(&self.provider_config(config))
            .profile_name(name)
            .build()
    }

    fn provider_config(&self, config: &SdkConfig) -> ProviderConfig {
        let within = credentials_timeout(ATTEMPT_TIMEOUT) * 9 / 10;
        ProviderConfig::without_region()
            .with_behavior_version(Some(BehaviorVersion::latest()))
            .with_region(config.region().cloned())
            .with_use_fips(config.use_fips())
            .with_use_dual_stack(config.use_dual_stack())
            .with_http_client(self.http.clone())
            .with_retry_config(RetryConfig::disabled())
            .with_timeout_config(timeouts(within, within))
    }
}

/// The region of the environment, else of the profile; of a profile that is named, its own before the environment's. There STS is
/// asked for roles; where none is set, the cluster's region serves. So the instance metadata are not asked.
pub(super) async fn own_region(profile: Option<&str>) -> Option<Region> {
    let environment = EnvironmentVariableRegionProvider::new();
    let chain = match profile {
        None => {
            RegionProviderChain::first_try(environment).or_else(ProfileFileRegionProvider::new())
        }
        Some(name) => {
            let of_profile = ProfileFileRegionProvider::builder().profile_name(name);
            RegionProviderChain::first_try(of_profile.build()).or_else(environment)
        }
    };
    chain
        .region()
        .await
        // An empty AWS_REGION is a region without a name to the SDK, and none to everybody else.
        .filter(|region| !region.as_ref().is_empty())
}

/// The first endpoint that is set to nothing, as templates do. The SDK panics over it (`Endpoint`'s builder in
/// aws-smithy-types' `endpoint.rs`), and not only in clients of ours.
fn empty_endpoint() -> Option<&'static str> {
    [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_EKS",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ENDPOINT_URL_SSO_OIDC",
    ]
    .into_iter()
    .find(|name| std::env::var_os(name).is_some_and(|url| url.is_empty()))
}

/// Says which variable is in the way; the SDK asks for credentials before it looks at the endpoint.
#[derive(Debug)]
struct EmptyEndpoint(&'static str);

impl ProvideCredentials for EmptyEndpoint {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::invalid_configuration(format!(
            "{} is set but empty: remove it or give it a URL",
            self.0
        ))))
    }
}

/// Timeouts of one kind of call. Connect and read timeouts are the same for all, because connections are pooled by them.
pub(super) fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(ATTEMPT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// The HTTP client that the SDK would make for each client, made once: connections and root certificates are shared.
fn http_client() -> SharedHttpClient {
    let client = Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    });
    SharedHttpClient::new(Bounded(client))
}

/// Credentials that can be signed with. The SDK panics over an access key that cannot stand in a header (`apply_to_request`
/// in aws-sigv4's `http_request/sign.rs`): a line break at the end of an environment variable is enough.
pub(super) fn usable(credentials: Credentials) -> provider::Result {
    let is_word = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    if is_word(credentials.access_key_id()) && credentials.session_token().is_none_or(is_word) {
        return Ok(credentials);
    }
    Err(CredentialsError::invalid_configuration(
        "the access key id or the session token has a space, a line break or another character that cannot be in one",
    ))
}

/// A provider that must answer in time, so that being late is a credentials error and not a timeout of the call.
#[derive(Debug)]
struct InTime {
    provider: Option<SharedCredentialsProvider>,
    within: Duration,
}

impl InTime {
    async fn credentials(&self) -> provider::Result {
        let Some(provider) = &self.provider else {
            return Err(CredentialsError::not_loaded_no_source());
        };
        tokio::time::timeout(self.within, provider.provide_credentials())
            .await
            .unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(self.within)))
            .and_then(usable)
    }
}

impl ProvideCredentials for InTime {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
