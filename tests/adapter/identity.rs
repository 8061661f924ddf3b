//! Whose credentials sign a call, how often they are asked for, and when they are built again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, future};
use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, ErrorKind, Target};
use futures::future::join_all;

use crate::server::{Asked, Gate, Reply, Server, error};
use crate::{OWN_KEY, as_role, cluster, eks, settings, sts, target, with_provider};

/// Hands out a session per AssumeRole, numbered from 1, and answers EKS's calls with `eks`.
async fn with_sessions(eks: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Server {
    let sessions = AtomicUsize::new(0);
    Server::start(move |asked| {
        if asked.is_sts() {
            let number = sessions.fetch_add(1, Ordering::SeqCst) + 1;
            sts::session(asked, number, sts::FAR).into()
        } else {
            eks(asked)
        }
    })
    .await
}

/// The access keys that signed calls to EKS, in order.
fn signers(server: &Server) -> Vec<String> {
    let calls = server.asked();
    let eks = calls.iter().filter(|asked| !asked.is_sts());
    eks.map(|asked| asked.access_key().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_role_is_assumed_once_however_many_calls_need_it() {
    let server = with_sessions(|_| cluster().into()).await;
    let eks = Arc::new(eks(&server).await);
    let calls = (0..32).map(|n| {
        let eks = eks.clone();
        let mut target = as_role("admin");
        // A second region needs a client of its own, but no other session.
        if n % 2 == 0 {
            "eu-west-1".clone_into(&mut target.region);
        }
        tokio::spawn(async move { eks.describe_cluster(&target).await })
    });
    for answer in join_all(calls).await {
        answer.expect("no panic").expect("a cluster");
    }
    assert_eq!(server.sts_calls(), 1);
    assert_eq!(signers(&server), vec!["adminN1"; 32]);
}

#[tokio::test]
async fn a_role_is_assumed_as_the_target_says() {
    let server = with_sessions(|_| cluster().into()).await;
    let eks = eks(&server).await;
    let with_id = Target {
        external_id: Some("tenant-7".to_owned()),
        ..as_role("admin")
    };
    for target in [&with_id, &as_role("admin"), &target()] {
        eks.describe_cluster(target).await.expect("a cluster");
    }
    let calls = server.asked();
    let asked: Vec<_> = calls.iter().filter(|asked| asked.is_sts()).collect();
    assert_eq!(asked.len(), 2, "another external id is another session");
    assert!(asked[0].body.contains("ExternalId=tenant-7"));
    assert!(!asked[1].body.contains("ExternalId"));
    for call in asked {
        assert!(call.body.contains("Action=AssumeRole"), "{}", call.body);
        assert!(call.body.contains("RoleSessionName=eks-upgrade-operator"));
        assert_eq!(call.access_key(), OWN_KEY);
        assert!(call.header("authorization").contains("/eu-central-1/sts/"));
    }
    assert_eq!(signers(&server), ["adminN1", "adminN2", OWN_KEY]);
}

#[tokio::test]
async fn without_a_region_of_our_own_sts_is_asked_in_the_clusters() {
    let server = with_sessions(|_| cluster().into()).await;
    let config = settings(&server.url).load().await;
    let config = config.into_builder().region(None).build();
    let eks = AwsEks::new(config, Arc::new(())).await;
    eks.describe_cluster(&as_role("admin"))
        .await
        .expect("a cluster");
    assert!(
        server.asked()[0]
            .header("authorization")
            .contains("/us-west-2/sts/")
    );
}

#[tokio::test]
async fn more_roles_than_the_sdk_remembers_are_still_assumed_once() {
    let server = with_sessions(|_| cluster().into()).await;
    let eks = eks(&server).await;
    for _ in 0..3 {
        for number in 0..70 {
            let target = as_role(&format!("role{number}"));
            eks.describe_cluster(&target).await.expect("a cluster");
        }
    }
    assert_eq!(server.sts_calls(), 70);
    assert_eq!(signers(&server).len(), 210);
}

#[tokio::test]
async fn a_session_that_has_ended_is_renewed() {
    let server = Server::start(|asked| {
        if asked.is_sts() {
            sts::session(asked, 1, "2020-01-01T00:00:00Z").into()
        } else {
            cluster().into()
        }
    })
    .await;
    let eks = eks(&server).await;
    for _ in 0..3 {
        eks.describe_cluster(&as_role("admin"))
            .await
            .expect("a cluster");
    }
    assert_eq!(server.sts_calls(), 3);
}

#[tokio::test]
async fn a_refused_session_is_built_again_and_once_only() {
    for code in [
        "ExpiredTokenException",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    ] {
        let server = with_sessions(move |asked| {
            if asked.access_key() == "adminN1" {
                error(403, code, "The security token is no good").into()
            } else {
                cluster().into()
            }
        })
        .await;
        let eks = eks(&server).await;
        let (first, other) = (as_role("admin"), as_role("other"));
        let ask_often = || join_all((0..8).map(|_| eks.describe_cluster(&first)));
        for answer in ask_often().await {
            let error = answer.expect_err("refused");
            assert_eq!(error.kind, ErrorKind::CredentialsRefused, "{error}");
            assert_eq!(error.operation, "eks:DescribeCluster");
        }
        assert_eq!(server.sts_calls(), 1, "{code}");
        eks.describe_cluster(&other).await.expect("a cluster");
        for answer in ask_often().await {
            answer.expect("a cluster");
        }
        eks.describe_cluster(&other).await.expect("a cluster");
        assert_eq!(server.sts_calls(), 3, "{code}: admin twice, other once");
    }
}

/// Counts how often it is asked, and hands out another key each time.
#[derive(Debug, Default)]
struct Counting(AtomicUsize);

impl ProvideCredentials for Counting {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let key = format!("OWN{number}");
        future::ProvideCredentials::ready(Ok(Credentials::new(key, "secret", None, None, "test")))
    }
}

#[tokio::test]
async fn the_operators_own_credentials_are_loaded_once_and_again_when_refused() {
    let server = Server::start(|asked| {
        if asked.access_key() == "OWN1" {
            error(403, "ExpiredTokenException", "expired").into()
        } else {
            cluster().into()
        }
    })
    .await;
    let eks = with_provider(&server, Counting::default()).await;
    let target = target();
    for answer in join_all((0..8).map(|_| eks.describe_cluster(&target))).await {
        let error = answer.expect_err("refused");
        assert_eq!(error.kind, ErrorKind::CredentialsRefused, "{error}");
    }
    for answer in join_all((0..8).map(|_| eks.describe_cluster(&target))).await {
        answer.expect("a cluster");
    }
    let mut expected = vec!["OWN1"; 8];
    expected.extend(["OWN2"; 8]);
    assert_eq!(signers(&server), expected);
}

#[tokio::test]
async fn sessions_outlive_the_identity_they_were_assumed_from() {
    let server = with_sessions(|asked| {
        if asked.access_key() == "OWN1" {
            error(403, "ExpiredTokenException", "expired").into()
        } else {
            cluster().into()
        }
    })
    .await;
    let eks = with_provider(&server, Counting::default()).await;
    eks.describe_cluster(&as_role("admin"))
        .await
        .expect("a cluster");
    eks.describe_cluster(&target()).await.expect_err("refused");
    eks.describe_cluster(&as_role("admin"))
        .await
        .expect("a cluster");
    eks.describe_cluster(&as_role("late"))
        .await
        .expect("a cluster");
    let keys: Vec<_> = server
        .asked()
        .iter()
        .map(|asked| asked.access_key().to_owned())
        .collect();
    assert_eq!(
        keys,
        [
            "OWN1", "adminN1", // the first session
            "OWN1",    // refused
            "adminN1", // still good
            "OWN2", "lateN2", // assumed from the new identity
        ]
    );
}

#[tokio::test]
async fn credentials_that_sts_refuses_are_built_again() {
    let server = Server::start(|asked| {
        if asked.access_key() == "OWN1" {
            sts::refusal(403, "ExpiredToken", "The security token is expired").into()
        } else if asked.is_sts() {
            sts::session(asked, 1, sts::FAR).into()
        } else {
            cluster().into()
        }
    })
    .await;
    let eks = with_provider(&server, Counting::default()).await;
    let error = eks.describe_cluster(&as_role("admin")).await;
    let error = error.expect_err("refused");
    assert_eq!(error.kind, ErrorKind::CredentialsRefused, "{error}");
    assert_eq!(error.operation, "sts:AssumeRole");
    eks.describe_cluster(&as_role("admin"))
        .await
        .expect("a cluster");
}

/// A call that was signed long ago is refused when others have long been signed anew.
#[tokio::test]
async fn a_late_refusal_does_not_undo_what_was_built_since() {
    for target in [target(), as_role("admin")] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let eks_calls = AtomicUsize::new(0);
        let server = with_sessions(move |asked| {
            let refused = error(403, "ExpiredTokenException", "expired");
            let number = eks_calls.fetch_add(1, Ordering::SeqCst);
            match asked.access_key() {
                "OWN1" | "adminN1" if number == 0 => Reply::Held(held.clone(), refused),
                "OWN1" | "adminN1" => refused.into(),
                _ => cluster().into(),
            }
        })
        .await;
        let eks = Arc::new(with_provider(&server, Counting::default()).await);
        let late = tokio::spawn({
            let (eks, target) = (eks.clone(), target.clone());
            async move { eks.describe_cluster(&target).await }
        });
        gate.arrived.notified().await;
        eks.describe_cluster(&target).await.expect_err("refused");
        eks.describe_cluster(&target).await.expect("a cluster");
        gate.release.notify_one();
        late.await.expect("no panic").expect_err("refused late");
        eks.describe_cluster(&target).await.expect("a cluster");

        let signers = signers(&server);
        assert_eq!(signers.len(), 4);
        assert_eq!(signers[2], signers[3], "{target:?}");
    }
}
