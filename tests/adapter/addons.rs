//! What the checks before an upgrade ask: add-ons and their versions, insights in full, health and the tag that holds.

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::eks::{
    AddonVersion, AddonView, Deprecation, Eks, ErrorKind, HealthIssue, InsightCategory,
    InsightDetail,
};
use serde_json::{Value, json};

use crate::server::{Server, answer, error};
use crate::{eks, target};

/// A server that always answers this.
async fn saying(body: &Value) -> Server {
    Server::always(answer(200, body.to_string())).await
}

fn issue(code: &str, message: &str, resource_ids: &[&str]) -> HealthIssue {
    HealthIssue {
        code: code.to_owned(),
        message: message.to_owned(),
        resource_ids: resource_ids.iter().map(ToString::to_string).collect(),
    }
}

/// A compatibility with a Kubernetes version.
fn fits(kubernetes: &str, is_default: bool) -> Value {
    json!({"clusterVersion": kubernetes, "platformVersions": ["*"], "defaultVersion": is_default})
}

fn info(name: &str, versions: &[(&str, Value)]) -> Value {
    let versions: Vec<_> = versions
        .iter()
        .map(|(version, fits)| json!({"addonVersion": version, "compatibilities": fits}))
        .collect();
    json!({"addonName": name, "addonVersions": versions})
}

fn version(version: &str, is_default: bool) -> AddonVersion {
    AddonVersion {
        version: version.to_owned(),
        is_default,
    }
}

#[tokio::test]
async fn health_and_hold_of_a_cluster() {
    let server = saying(&json!({"cluster": {
        "arn": "arn:aws:eks:us-west-2:111122223333:cluster/devel", "version": "1.33", "status": "ACTIVE",
        "health": {"issues": [
            {"code": "Ec2SubnetNotFound", "message": "gone", "resourceIds": ["subnet-1"]},
            {"code": "BrandNew"},
            {},
        ]},
        "tags": {"eksupgrade.dev/hold": "audit until\nFriday", "team": "a"},
    }}))
    .await;
    let cluster = eks(&server).await.describe_cluster(&target()).await;
    let cluster = cluster.expect("a cluster");
    assert_eq!(
        cluster.health,
        [
            issue("Ec2SubnetNotFound", "gone", &["subnet-1"]),
            issue("BrandNew", "", &[]),
            issue("Unknown", "", &[]),
        ]
    );
    assert_eq!(cluster.hold.as_deref(), Some("audit until Friday"));
}

#[tokio::test]
async fn upgrade_insights_are_asked_for_by_version() {
    let server = saying(&json!({"insights": []})).await;
    let category = InsightCategory::UpgradeReadiness(Minor::new(34));
    let insights = eks(&server).await.list_insights(&target(), category).await;
    assert_eq!(insights.expect("a list"), []);
    let asked = server.asked();
    let body: Value = serde_json::from_str(&asked[0].body).expect("a JSON body");
    assert_eq!(
        body["filter"],
        json!({"categories": ["UPGRADE_READINESS"], "kubernetesVersions": ["1.34"]})
    );
}

#[tokio::test]
async fn an_insight_in_full() {
    let server = saying(&json!({"insight": {
        "id": "i-1", "name": "Deprecated APIs", "recommendation": "Move on.",
        "resources": [
            {"insightStatus": {"status": "ERROR"}, "kubernetesResourceUri": "/apis/a/b"},
            {"arn": "arn:aws:eks:::x"},
            {},
        ],
        "categorySpecificSummary": {"deprecationDetails": [
            {"usage": "/apis/policy/v1beta1", "replacedWith": "/apis/policy/v1", "stopServingVersion": "1.34",
             "startServingReplacementVersion": "1.30", "clientStats": [
                {"userAgent": "helm", "numberOfRequestsLast30Days": 3, "lastRequestTime": 1_795_000_000.5},
                {"numberOfRequestsLast30Days": 1},
            ]},
            {},
        ]},
    }}))
    .await;
    let detail = eks(&server).await.describe_insight(&target(), "i-1").await;
    assert_eq!(
        detail.expect("an insight"),
        InsightDetail {
            recommendation: "Move on.".to_owned(),
            resources: vec!["/apis/a/b".to_owned(), "arn:aws:eks:::x".to_owned()],
            deprecations: vec![
                Deprecation {
                    usage: "/apis/policy/v1beta1".to_owned(),
                    replaced_with: Some("/apis/policy/v1".to_owned()),
                    stop_serving_version: Some("1.34".to_owned()),
                    clients: vec!["helm".to_owned()],
                },
                Deprecation {
                    usage: String::new(),
                    replaced_with: None,
                    stop_serving_version: None,
                    clients: Vec::new(),
                },
            ],
        }
    );
    let asked = server.asked();
    assert_eq!(asked[0].method, "GET");
    assert_eq!(asked[0].path, "/clusters/devel/insights/i-1");

    let bare = saying(&json!({"insight": {"id": "i-1"}})).await;
    let detail = eks(&bare).await.describe_insight(&target(), "i-1").await;
    assert_eq!(detail.expect("an insight"), InsightDetail::default());
}

#[tokio::test]
async fn an_insight_whose_id_can_be_none_is_not_asked_for() {
    let server = saying(&json!({"insight": {"id": "i-1"}})).await;
    let eks = eks(&server).await;
    for id in ["", "..", "../../x", "a b", "ü"] {
        let detail = eks.describe_insight(&target(), id).await;
        assert_eq!(detail.expect_err(id).kind, ErrorKind::Unavailable, "{id:?}");
    }
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn add_ons_are_named_on_all_pages_and_described() {
    let server = Server::start(|asked| {
        let body = if asked.path.starts_with("/clusters/devel/addons/") {
            json!({"addon": {"addonName": "coredns", "addonVersion": "v1.11.4-eksbuild.2",
                "status": "BRAND_NEW", "health": {"issues": [
                    {"code": "InsufficientNumberOfReplicas", "message": "none runs", "resourceIds": ["a", "b"]},
                    {},
                ]}}})
        } else if asked.path.contains("nextToken=p2") {
            json!({"addons": ["vpc-cni"]})
        } else {
            json!({"addons": ["coredns"], "nextToken": "p2"})
        };
        answer(200, body.to_string()).into()
    })
    .await;
    let eks = eks(&server).await;
    let names = eks.list_addons(&target()).await;
    assert_eq!(names.expect("names"), ["coredns", "vpc-cni"]);
    let addon = eks.describe_addon(&target(), "coredns").await;
    assert_eq!(
        addon.expect("an add-on"),
        AddonView {
            name: "coredns".to_owned(),
            version: "v1.11.4-eksbuild.2".to_owned(),
            status: "BRAND_NEW".to_owned(),
            issues: vec![
                issue("InsufficientNumberOfReplicas", "none runs", &["a", "b"]),
                issue("Unknown", "", &[]),
            ],
        }
    );
    let asked = server.asked();
    assert_eq!(asked[0].method, "GET");
    assert!(asked[0].path.starts_with("/clusters/devel/addons?"));
    assert_eq!(asked[2].path, "/clusters/devel/addons/coredns");
}

#[tokio::test]
async fn the_versions_of_an_add_on_that_fit_come_from_all_pages_in_their_order() {
    let server = Server::start(|asked| {
        let body = if asked.path.contains("nextToken=p2") {
            json!({"addons": [info("coredns", &[("v1", json!([fits("1.34", false)]))])]})
        } else {
            json!({"nextToken": "p2", "addons": [
                info("coredns", &[
                    ("v9", json!([fits("1.35", true)])),
                    ("v3", json!([fits("1.35", true), fits("1.34", false)])),
                    ("v2", json!([fits("1.33", false), fits("1.34", true)])),
                    ("v8", json!([])),
                    ("v7", json!([{"defaultVersion": true}])),
                ]),
                info("vpc-cni", &[("v5", json!([fits("1.34", true)]))]),
            ]})
        };
        answer(200, body.to_string()).into()
    })
    .await;
    let versions = eks(&server)
        .await
        .describe_addon_versions(&target(), "coredns", Minor::new(34))
        .await;
    assert_eq!(
        versions.expect("versions"),
        [
            version("v3", false),
            version("v2", true),
            version("v1", false)
        ]
    );
    for page in server.asked() {
        assert_eq!(page.method, "GET");
        let (path, query) = page.path.split_once('?').expect("a query");
        assert_eq!(path, "/addons/supported-versions");
        for wanted in ["addonName=coredns", "kubernetesVersion=1.34"] {
            assert!(query.split('&').any(|one| one == wanted), "{query}");
        }
    }
}

#[tokio::test]
async fn an_add_on_that_eks_does_not_know_fits_nothing() {
    for server in [
        saying(&json!({"addons": []})).await,
        saying(&json!({})).await,
        Server::always(error(404, "ResourceNotFoundException", "no such add-on")).await,
    ] {
        let eks = eks(&server).await;
        let versions = eks
            .describe_addon_versions(&target(), "own", Minor::new(34))
            .await;
        assert_eq!(versions.expect("none"), []);
    }
}

#[tokio::test]
async fn any_other_error_about_the_versions_of_an_add_on_is_one() {
    for (status, code, kind) in [
        (
            400,
            "InvalidParameterException",
            ErrorKind::InvalidParameter,
        ),
        (403, "AccessDeniedException", ErrorKind::AccessDenied),
        (404, "UnknownOperationException", ErrorKind::Rejected),
        (429, "ThrottlingException", ErrorKind::Throttled),
        (500, "ServerException", ErrorKind::Unavailable),
    ] {
        let server = Server::always(error(status, code, "no")).await;
        let versions = eks(&server)
            .await
            .describe_addon_versions(&target(), "coredns", Minor::new(34))
            .await;
        let error = versions.expect_err(code);
        assert_eq!(error.kind, kind, "{code}");
        assert_eq!(error.operation, "eks:DescribeAddonVersions");
        assert_eq!(server.asked().len(), 1);
    }
}

#[tokio::test]
async fn a_cluster_that_is_gone_has_no_empty_list_of_add_ons() {
    let gone = error(404, "ResourceNotFoundException", "No cluster found");
    let server = Server::always(gone).await;
    let names = eks(&server).await.list_addons(&target()).await;
    assert_eq!(names.expect_err("gone").kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn answers_about_something_else_are_none() {
    for body in [
        json!({}),
        json!({"addon": {"addonVersion": "v1", "status": "ACTIVE"}}),
        json!({"addon": {"addonName": "vpc-cni", "addonVersion": "v1", "status": "ACTIVE"}}),
        json!({"addon": {"addonName": "coredns", "status": "ACTIVE"}}),
        json!({"addon": {"addonName": "coredns", "addonVersion": "v1"}}),
        json!({"insight": {"id": "i-2"}}),
        json!({"insight": {}}),
    ] {
        let server = saying(&body).await;
        let eks = eks(&server).await;
        let addon = eks.describe_addon(&target(), "coredns").await;
        let kind = addon.expect_err("broken").kind;
        assert_eq!(kind, ErrorKind::Unavailable, "{body}");
        let insight = eks.describe_insight(&target(), "i-1").await;
        let kind = insight.expect_err("broken").kind;
        assert_eq!(kind, ErrorKind::Unavailable, "{body}");
    }
}

#[tokio::test]
async fn a_list_with_something_else_than_names_is_no_list() {
    for name in ["", "..", "a/b", "a\nb", "ü", &"x".repeat(129)] {
        let server = saying(&json!({"addons": ["coredns", name]})).await;
        let names = eks(&server).await.list_addons(&target()).await;
        let kind = names.expect_err(name).kind;
        assert_eq!(kind, ErrorKind::Unavailable, "{name:?}");
    }
}

/// Longer than anything that is kept may be, and nothing that a terminal should see.
fn too_long() -> String {
    "\u{1b}[2J".repeat(275)
}

fn assert_bounded(text: &str, most: usize) {
    assert!(text.len() <= most, "{} bytes", text.len());
    assert!(!text.contains('\u{1b}'), "{text:?}");
    assert!(!text.is_empty());
}

fn assert_issues(issues: &[HealthIssue]) {
    assert_eq!(issues.len(), 16);
    for issue in issues {
        assert_bounded(&issue.code, 128);
        assert_bounded(&issue.message, 1024);
        assert_eq!(issue.resource_ids.len(), 64);
        issue
            .resource_ids
            .iter()
            .for_each(|id| assert_bounded(id, 128));
    }
}

#[tokio::test]
async fn what_is_kept_of_hostile_answers_is_bounded() {
    let long = too_long();
    let issue = json!({"code": long, "message": long, "resourceIds": vec![long.as_str(); 65]});
    let issues = json!({"issues": vec![issue; 17]});
    let server = saying(&json!({
        "cluster": {
            "arn": "arn:aws:eks:us-west-2:111122223333:cluster/devel", "version": "1.33",
            "status": "ACTIVE", "health": issues, "tags": {"eksupgrade.dev/hold": long},
        },
    }))
    .await;
    let cluster = eks(&server).await.describe_cluster(&target()).await;
    let cluster = cluster.expect("a cluster");
    assert_issues(&cluster.health);
    assert_bounded(&cluster.hold.expect("a hold"), 1024);

    let server = saying(&json!({"addon": {
        "addonName": "coredns", "addonVersion": long, "status": long, "health": issues,
    }}))
    .await;
    let addon = eks(&server)
        .await
        .describe_addon(&target(), "coredns")
        .await;
    let addon = addon.expect("an add-on");
    assert_bounded(&addon.version, 128);
    assert_bounded(&addon.status, 128);
    assert_issues(&addon.issues);

    let info = info("coredns", &[(&long, json!([fits("1.34", true)]))]);
    let server = saying(&json!({"addons": [info]})).await;
    let versions = eks(&server)
        .await
        .describe_addon_versions(&target(), "coredns", Minor::new(34))
        .await;
    assert_bounded(&versions.expect("one")[0].version, 128);

    let client = json!({"userAgent": long});
    let deprecation = json!({"usage": long, "replacedWith": long, "stopServingVersion": long,
        "clientStats": vec![client; 17]});
    let server = saying(&json!({"insight": {
        "id": "i-1", "recommendation": long,
        "resources": vec![json!({"kubernetesResourceUri": long}); 65],
        "categorySpecificSummary": {"deprecationDetails": vec![deprecation; 65]},
    }}))
    .await;
    let detail = eks(&server).await.describe_insight(&target(), "i-1").await;
    let detail = detail.expect("an insight");
    assert_bounded(&detail.recommendation, 1024);
    assert_eq!(detail.resources.len(), 64);
    detail
        .resources
        .iter()
        .for_each(|one| assert_bounded(one, 1024));
    assert_eq!(detail.deprecations.len(), 64);
    for one in detail.deprecations {
        assert_bounded(&one.usage, 1024);
        assert_bounded(&one.replaced_with.expect("a replacement"), 1024);
        assert_bounded(&one.stop_serving_version.expect("a version"), 128);
        assert_eq!(one.clients.len(), 16);
        one.clients
            .iter()
            .for_each(|agent| assert_bounded(agent, 128));
    }
}

#[tokio::test]
async fn versions_beyond_all_measure_are_no_list() {
    let versions: Vec<_> = (0..10_001)
        .map(|n| json!({"addonVersion": format!("v{n}"), "compatibilities": [{"clusterVersion": "1.34"}]}))
        .collect();
    let server =
        saying(&json!({"addons": [{"addonName": "coredns", "addonVersions": versions}]})).await;
    let answer = eks(&server)
        .await
        .describe_addon_versions(&target(), "coredns", Minor::new(34))
        .await;
    assert_eq!(answer.expect_err("too many").kind, ErrorKind::Unavailable);
}
