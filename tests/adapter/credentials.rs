//! Credentials that cannot be had: what is told, and that nothing is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ConnectorError, ErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, ErrorKind};

use crate::server::{Reply, Server, answer};
use crate::{OWN_KEY, as_role, cluster, settings, sts, target, with_provider};

#[tokio::test]
async fn what_sts_says_of_a_role_is_told() {
    use ErrorKind::{ClockSkew, CredentialsMissing, CredentialsRefused, Throttled, Unavailable};
    let hour = std::time::Duration::from_hours(1);
    let words = "User: arn:aws:sts::1:x is not authorized to perform: sts:AssumeRole";
    let skewed = sts::refusal(403, "SignatureDoesNotMatch", "Signature expired")
        .at(std::time::SystemTime::now() + hour);
    for (reply, kind, code) in [
        (
            sts::refusal(403, "AccessDenied", words).into(),
            CredentialsMissing,
            "AccessDenied",
        ),
        (
            sts::refusal(403, "RegionDisabledException", words).into(),
            CredentialsMissing,
            "RegionDisabledException",
        ),
        (
            sts::refusal(400, "ValidationError", words).into(),
            CredentialsMissing,
            "ValidationError",
        ),
        (
            sts::refusal(400, "UnheardOf", words).into(),
            CredentialsMissing,
            "UnheardOf",
        ),
        (
            sts::refusal(400, "ExpiredTokenException", words).into(),
            CredentialsRefused,
            "ExpiredTokenException",
        ),
        (
            sts::refusal(403, "InvalidClientTokenId", words).into(),
            CredentialsRefused,
            "InvalidClientTokenId",
        ),
        (
            sts::refusal(403, "SignatureDoesNotMatch", words).into(),
            CredentialsRefused,
            "SignatureDoesNotMatch",
        ),
        (skewed.into(), ClockSkew, "SignatureDoesNotMatch"),
        (
            sts::refusal(400, "Throttling", words).into(),
            Throttled,
            "Throttling",
        ),
        (
            sts::refusal(503, "ServiceUnavailable", words).into(),
            Unavailable,
            "ServiceUnavailable",
        ),
        (answer(500, "<html>").into(), Unavailable, "HTTP500"),
        (answer(200, "<html>").into(), Unavailable, "HTTP200"),
        (Reply::Close, Unavailable, "DispatchFailure"),
        (Reply::Hang, Unavailable, "Timeout"),
    ] {
        let case = format!("{reply:?}");
        let server = Server::always(reply).await;
        let config = settings(&server.url).timeout_config(crate::soon());
        let eks = AwsEks::new(config.load().await, Arc::new(())).await;
        let error = eks.describe_cluster(&as_role("admin")).await;
        let error = error.expect_err("no session");
        assert_eq!(error.kind, kind, "{case}: {error}");
        assert_eq!(error.code, code, "{case}");
        assert_eq!(error.operation, "sts:AssumeRole", "{case}");
        if case.contains(words) {
            assert_eq!(error.message, words, "{case}");
        }
        assert_eq!(server.asked().len(), 1, "STS once, EKS never: {case}");
    }
}

/// Fails in the way it is told until it has been asked often enough.
struct Failing {
    left: AtomicUsize,
    error: fn() -> CredentialsError,
}

impl std::fmt::Debug for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

impl ProvideCredentials for Failing {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let left = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        future::ProvideCredentials::ready(match left {
            Ok(_) => Err((self.error)()),
            Err(_) => Ok(Credentials::new(OWN_KEY, "secret", None, None, "test")),
        })
    }
}

/// What fails, what it means, our code for it, and words that its message holds.
type Case = (
    fn() -> CredentialsError,
    ErrorKind,
    &'static str,
    &'static str,
);

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_what_to_set_is_said() {
    let cases: [Case; 7] = [
        (
            || CredentialsError::not_loaded("no providers in chain provided credentials"),
            ErrorKind::CredentialsMissing,
            "CredentialsNotLoaded",
            "service account",
        ),
        (
            || CredentialsError::invalid_configuration("profile ops refers to itself"),
            ErrorKind::CredentialsMissing,
            "InvalidConfiguration",
            "profile ops refers to itself",
        ),
        (
            || CredentialsError::provider_error(std::io::Error::other("no token file")),
            ErrorKind::CredentialsMissing,
            "CredentialsFailed",
            "no token file",
        ),
        (
            || CredentialsError::provider_timed_out(std::time::Duration::from_secs(4)),
            ErrorKind::Unavailable,
            "CredentialsTimeout",
            "in time",
        ),
        (
            || CredentialsError::unhandled("not UTF-8"),
            ErrorKind::Unavailable,
            "CredentialsUnreadable",
            "not UTF-8",
        ),
        (
            || CredentialsError::provider_error(ConnectorError::io("connection refused".into())),
            ErrorKind::Unavailable,
            "CredentialsUnreachable",
            "connection refused",
        ),
        (
            || CredentialsError::provider_error(unreachable_sts()),
            ErrorKind::Unavailable,
            "DispatchFailure",
            "connection refused",
        ),
    ];
    for (error, kind, code, words) in cases {
        let server = Server::start(|asked| {
            if asked.is_sts() {
                sts::session(asked, 1, sts::FAR).into()
            } else {
                cluster().into()
            }
        })
        .await;
        let failing = Failing {
            left: AtomicUsize::new(2),
            error,
        };
        let eks = with_provider(&server, failing).await;
        for target in [target(), as_role("admin")] {
            let error = eks.describe_cluster(&target).await.expect_err("unsigned");
            assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error}");
            assert!(error.message.contains(words), "{error}");
            let sts = code == "DispatchFailure";
            let operation = if sts {
                WEB_IDENTITY
            } else {
                "eks:DescribeCluster"
            };
            assert_eq!(error.operation, operation, "the one that failed");
        }
        assert_eq!(server.asked().len(), 0, "nothing was sent: {code}");
        eks.describe_cluster(&as_role("admin"))
            .await
            .expect("mended without a restart");
    }
}

const WEB_IDENTITY: &str = "sts:AssumeRoleWithWebIdentity";

fn unreachable_sts() -> SdkError<AssumeRoleWithWebIdentityError> {
    SdkError::dispatch_failure(ConnectorError::io("connection refused".into()))
}

#[tokio::test]
async fn a_refused_service_account_is_told_with_its_operation() {
    let server = Server::always(cluster()).await;
    let failing = Failing {
        left: AtomicUsize::new(2),
        error: || {
            let words = "Not authorized to perform sts:AssumeRoleWithWebIdentity";
            let metadata = ErrorMetadata::builder().code("AccessDenied").message(words);
            let error = AssumeRoleWithWebIdentityError::generic(metadata.build());
            let forbidden = HttpResponse::new(403.try_into().expect("a status"), "".into());
            CredentialsError::provider_error(SdkError::service_error(error, forbidden))
        },
    };
    let eks = with_provider(&server, failing).await;
    for target in [target(), as_role("admin")] {
        let error = eks.describe_cluster(&target).await.expect_err("unsigned");
        assert_eq!(error.kind, ErrorKind::CredentialsMissing);
        assert_eq!(error.code, "AccessDenied");
        assert_eq!(error.operation, WEB_IDENTITY);
        assert!(error.message.starts_with("Not authorized"), "{error}");
    }
    assert_eq!(server.asked().len(), 0);
}

/// Never answers.
#[derive(Debug)]
struct Stuck;

impl ProvideCredentials for Stuck {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(std::future::pending())
    }
}

#[tokio::test]
async fn credentials_that_do_not_come_are_told_from_a_call_that_is_lost() {
    let server = Server::always(cluster()).await;
    let config = settings(&server.url)
        .credentials_provider(Stuck)
        .timeout_config(crate::soon());
    let eks = AwsEks::new(config.load().await, Arc::new(())).await;
    for target in [target(), as_role("admin")] {
        let error = eks.describe_cluster(&target).await.expect_err("unsigned");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert_eq!(error.code, "CredentialsTimeout");
    }
    assert_eq!(server.asked().len(), 0);
}
