//! What goes over the wire, and how answers read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::eks::aws::{AwsEks, CallObserver};
use eks_upgrade_operator::eks::{
    Eks, ErrorKind, Fence, Hosting, Progress, UpdateError, UpdateView, VersionRequest,
};
use serde_json::{Value, json};

use crate::server::{Server, answer, error};
use crate::{eks, request, settings, target};

/// The API reference's own example of UpdateClusterVersion.
fn example() -> Value {
    serde_json::from_str(include_str!("../data/update-cluster-version-example.json"))
        .expect("the example is JSON")
}

#[tokio::test]
async fn the_example_of_the_api_reference_goes_out_and_comes_back() {
    let example = example();
    let server = Server::always(answer(200, example["response"]["body"].to_string())).await;
    let update = eks(&server)
        .await
        .update_cluster_version(&target(), &request(), &Fence::none())
        .await
        .expect("the example is accepted");

    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, example["request"]["method"]);
    assert_eq!(asked[0].path, example["request"]["path"]);
    let body: Value = serde_json::from_str(&asked[0].body).expect("a JSON body");
    assert_eq!(body, example["request"]["body"]);
    assert!(
        asked[0]
            .header("authorization")
            .contains("/us-west-2/eks/aws4_request"),
        "signed for the cluster's region"
    );
    assert!(
        asked[0]
            .header("user-agent")
            .contains("app/eks-upgrade-operator"),
        "introduces itself: {}",
        asked[0].header("user-agent")
    );

    assert_eq!(
        update,
        UpdateView {
            id: "9f771284-9e30-4886-b5b1-3789b6bea4dc".to_owned(),
            kind: "VersionUpdate".to_owned(),
            status: Progress::InProgress,
            to_version: Some("1.11".to_owned()),
            created_at: Some("2018-11-29T17:28:35.848Z".parse().expect("a time")),
            errors: vec![],
            cancellation: None,
        }
    );
}

#[tokio::test]
async fn force_is_sent_only_where_it_is_asked_for() {
    let server = Server::always(answer(200, example()["response"]["body"].to_string())).await;
    let eks = eks(&server).await;
    for force in [false, true] {
        let request = VersionRequest { force, ..request() };
        eks.update_cluster_version(&target(), &request, &Fence::none())
            .await
            .expect("an update");
    }
    let bodies: Vec<Value> = server
        .asked()
        .iter()
        .map(|asked| serde_json::from_str(&asked.body).expect("a JSON body"))
        .collect();
    assert_eq!(bodies[0].get("force"), None);
    assert_eq!(bodies[1]["force"], true);
    assert_eq!(
        bodies[0]["clientRequestToken"], bodies[1]["clientRequestToken"],
        "the token is the intent's, never the SDK's"
    );
}

#[tokio::test]
async fn the_pages_of_updates_are_joined() {
    let server = Server::start(|asked| {
        let body = if asked.path.contains("nextToken=second") {
            json!({"updateIds": ["u-3"]})
        } else {
            json!({"updateIds": ["u-1", "u-2"], "nextToken": "second"})
        };
        answer(200, body.to_string()).into()
    })
    .await;
    let ids = eks(&server).await.list_updates(&target()).await;
    assert_eq!(ids.expect("ids"), ["u-1", "u-2", "u-3"]);
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for page in asked {
        assert!(
            page.path.contains("maxResults=100"),
            "few pages: {}",
            page.path
        );
        assert!(
            !page.path.contains("nodegroup") && !page.path.contains("addon"),
            "{}",
            page.path
        );
    }
}

#[tokio::test]
async fn a_lost_page_loses_the_listing() {
    let server = Server::start(|asked| {
        if asked.path.contains("nextToken") {
            error(500, "ServerException", "oops").into()
        } else {
            answer(200, r#"{"updateIds":["u-1"],"nextToken":"second"}"#).into()
        }
    })
    .await;
    let error = eks(&server)
        .await
        .list_updates(&target())
        .await
        .expect_err("half a list is no list");
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn pages_that_go_round_in_a_circle_end() {
    let server = Server::always(answer(200, r#"{"updateIds":["u-1"],"nextToken":"again"}"#)).await;
    let error = eks(&server)
        .await
        .list_updates(&target())
        .await
        .expect_err("no end");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.code, "BrokenAnswer");
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn an_empty_token_is_the_last_page() {
    let server = Server::always(answer(200, r#"{"updateIds":[],"nextToken":""}"#)).await;
    let ids = eks(&server).await.list_updates(&target()).await;
    assert_eq!(ids, Ok(vec![]));
}

#[tokio::test]
async fn a_failed_update_keeps_eks_words_and_unknown_values() {
    let body = json!({"update": {
        "id": "u-1", "status": "Cancelling", "type": "SomethingNew", "createdAt": 1_543_512_515.848,
        "params": [{"type": "PlatformVersion", "value": "eks.1"}],
        "errors": [
            {"errorCode": "IpNotAvailable", "errorMessage": "no free address", "resourceIds": ["subnet-1"]},
            {"errorCode": "BrandNewCode"},
        ],
    }});
    let server = Server::always(answer(200, body.to_string())).await;
    let update = eks(&server).await.describe_update(&target(), "u-1").await;
    let update = update.expect("an update");
    assert_eq!(server.asked()[0].path, "/clusters/devel/updates/u-1");
    assert_eq!(update.kind, "SomethingNew");
    assert_eq!(update.status, Progress::Other("Cancelling".to_owned()));
    assert_eq!(update.to_version, None);
    assert_eq!(
        update.errors,
        [
            UpdateError {
                code: "IpNotAvailable".to_owned(),
                message: "no free address".to_owned(),
                resource_ids: vec!["subnet-1".to_owned()],
            },
            UpdateError {
                code: "BrandNewCode".to_owned(),
                message: String::new(),
                resource_ids: vec![],
            },
        ]
    );
}

#[tokio::test]
async fn a_cluster_reads_as_eks_wrote_it() {
    let plain = json!({"arn": "arn:aws:eks:us-west-2:111122223333:cluster/devel", "version": "1.33",
        "platformVersion": "eks.12", "status": "BRAND_NEW", "createdAt": 1_700_000_000.251});
    let mut connected = plain.clone();
    connected["connectorConfig"] = json!({"provider": "OTHER"});
    let mut outpost = plain.clone();
    outpost["outpostConfig"] = json!({"outpostArns": ["arn:aws:outposts:x"],
        "controlPlaneInstanceType": "m5.large"});
    for (cluster, hosting) in [
        (plain, Hosting::Cloud),
        (connected, Hosting::Connected),
        (outpost, Hosting::Outpost),
    ] {
        let server = Server::always(answer(200, json!({ "cluster": cluster }).to_string())).await;
        let cluster = eks(&server).await.describe_cluster(&target()).await;
        let cluster = cluster.expect("a cluster");
        assert_eq!(server.asked()[0].path, "/clusters/devel");
        assert_eq!(
            cluster.arn,
            "arn:aws:eks:us-west-2:111122223333:cluster/devel"
        );
        assert_eq!(cluster.version, "1.33");
        assert_eq!(cluster.platform_version.as_deref(), Some("eks.12"));
        assert_eq!(cluster.status, "BRAND_NEW");
        assert_eq!(cluster.hosting, hosting);
        assert_eq!(
            cluster.created_at,
            Some("2023-11-14T22:13:20.251Z".parse().expect("a time"))
        );
    }
}

#[tokio::test]
async fn times_beyond_the_calendar_are_left_out() {
    for created in ["1e300", "-1e300", "9223372036854775807", "253402300800000"] {
        let body = format!(
            r#"{{"cluster":{{"arn":"a","version":"1.33","status":"ACTIVE","createdAt":{created}}}}}"#
        );
        let server = Server::always(answer(200, body)).await;
        let cluster = eks(&server).await.describe_cluster(&target()).await;
        assert_eq!(cluster.expect("a cluster").created_at, None, "{created}");
    }
}

#[tokio::test]
async fn versions_on_offer_come_from_all_pages() {
    let server = Server::start(|asked| {
        let body = if asked.path.contains("nextToken=p2") {
            json!({"clusterVersions": [
                {"clusterVersion": "1.32", "status": "extended-support"},
                {"clusterVersion": "2.0-preview", "versionStatus": "STANDARD_SUPPORT"},
                {"versionStatus": "STANDARD_SUPPORT"},
            ]})
        } else {
            json!({"nextToken": "p2", "clusterVersions": [{"clusterVersion": "1.34",
                "versionStatus": "STANDARD_SUPPORT", "status": "standard-support",
                "endOfStandardSupportDate": 1_796_083_200, "endOfExtendedSupportDate": 1_827_619_200}]})
        };
        answer(200, body.to_string()).into()
    })
    .await;
    let versions = eks(&server)
        .await
        .describe_cluster_versions(&target())
        .await;
    let versions = versions.expect("versions");
    assert!(server.asked()[0].path.starts_with("/cluster-versions?"));
    assert!(!server.asked()[0].path.contains("includeAll"));
    assert_eq!(versions.len(), 2, "what cannot be read is left out");
    assert_eq!(versions[0].version, Minor::new(34));
    assert_eq!(versions[0].status, "STANDARD_SUPPORT");
    assert_eq!(
        versions[0].end_of_standard_support,
        Some("2026-12-01T00:00:00Z".parse().expect("a time"))
    );
    assert_eq!(versions[1].version, Minor::new(32));
    assert_eq!(versions[1].status, "EXTENDED_SUPPORT");
}

#[derive(Default)]
struct Seen(Mutex<Vec<(&'static str, &'static str)>>);

impl CallObserver for Seen {
    fn called(&self, operation: &'static str, outcome: &'static str, _took: Duration) {
        let mut seen = self.0.lock().expect("no panic under the lock");
        seen.push((operation, outcome));
    }
}

#[tokio::test]
async fn every_call_is_reported_once() {
    let server = Server::start(|asked| {
        if asked.path.contains("nextToken") {
            error(429, "ThrottlingException", "slow down").into()
        } else {
            answer(200, r#"{"updateIds":["u-1"],"nextToken":"second"}"#).into()
        }
    })
    .await;
    let seen = Arc::new(Seen::default());
    let config = settings(&server.url).load().await;
    let eks = AwsEks::new(config, seen.clone()).await;
    let listed = eks.list_updates(&target()).await;
    assert_eq!(listed.expect_err("throttled").kind, ErrorKind::Throttled);
    assert_eq!(
        *seen.0.lock().expect("no panic under the lock"),
        [("eks:ListUpdates", "ok"), ("eks:ListUpdates", "throttled")]
    );
}
