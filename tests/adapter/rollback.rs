//! What a rollback asks: the call itself, its cancellation, readiness insights and node groups.

use eks_upgrade_operator::eks::{
    Cancellation, Eks, ErrorKind, Fence, InsightCategory, InsightView, NodegroupView,
    RefreshStatus, VersionRequest,
};
use serde_json::{Value, json};

use crate::server::{Server, answer, error};
use crate::{cancel, eks, request, target};

const UPDATE: &str = "9f771284-9e30-4886-b5b1-3789b6bea4dc";

fn update(status: &str) -> Value {
    json!({"update": {"id": UPDATE, "status": status, "type": "VersionRollback",
        "params": [{"type": "Version", "value": "1.33"}], "createdAt": 1_795_000_000.5}})
}

#[tokio::test]
async fn a_rollback_carries_its_timeout_in_minutes_and_an_upgrade_none() {
    let server = Server::always(answer(200, update("InProgress").to_string())).await;
    let eks = eks(&server).await;
    for timeout in [Some("2h30m"), None] {
        let rollback_timeout = timeout.map(|text| text.parse().expect("a timeout"));
        let request = VersionRequest {
            rollback_timeout,
            ..request()
        };
        eks.update_cluster_version(&target(), &request, &Fence::none())
            .await
            .expect("accepted");
    }
    let bodies: Vec<Value> = server
        .asked()
        .iter()
        .map(|asked| serde_json::from_str(&asked.body).expect("a JSON body"))
        .collect();
    assert_eq!(bodies[0]["rollbackConfig"], json!({"timeoutMinutes": 150}));
    assert_eq!(bodies[1].get("rollbackConfig"), None);
}

#[tokio::test]
async fn a_cancellation_names_the_update_and_carries_its_token() {
    let mut body = update("InProgress");
    body["update"]["cancellation"] = json!({"status": "InProgress", "reason": "as asked"});
    let server = Server::always(answer(200, body.to_string())).await;
    let update = eks(&server)
        .await
        .cancel_update(&target(), &cancel(), &Fence::none())
        .await
        .expect("accepted");
    let asked = server.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].method, "POST");
    assert_eq!(
        asked[0].path,
        format!("/clusters/devel/updates/{UPDATE}/cancel-update")
    );
    let sent: Value = serde_json::from_str(&asked[0].body).expect("a JSON body");
    assert_eq!(sent["clientRequestToken"], cancel().client_request_token);
    assert_eq!(
        update.cancellation,
        Some(Cancellation {
            status: "InProgress".to_owned(),
            reason: "as asked".to_owned(),
        })
    );
}

#[tokio::test]
async fn a_cancellation_that_answers_for_another_update_is_no_answer() {
    let mut body = update("InProgress");
    body["update"]["id"] = json!("another");
    let server = Server::always(answer(200, body.to_string())).await;
    let answer = eks(&server)
        .await
        .cancel_update(&target(), &cancel(), &Fence::none())
        .await;
    assert_eq!(answer.expect_err("broken").kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn nothing_leaves_behind_a_closed_fence() {
    let server = Server::always(answer(200, update("InProgress").to_string())).await;
    let closed = Fence::new(|| false);
    let answer = eks(&server)
        .await
        .cancel_update(&target(), &cancel(), &closed)
        .await;
    assert_eq!(answer.expect_err("too late").code, "TooLate");
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn insights_of_the_category_come_from_all_pages() {
    let server = Server::start(|asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
        let page = if body["nextToken"] == "p2" {
            json!({"insights": [{"id": "i-2", "insightStatus": {"status": "BRAND_NEW"}}, {"id": "i-3"}]})
        } else {
            json!({"nextToken": "p2", "insights": [{"id": "i-1", "name": "Kubelet version skew",
                "category": "ROLLBACK_READINESS", "kubernetesVersion": "1.33",
                "insightStatus": {"status": "ERROR", "reason": "Nodes are newer."}}]})
        };
        answer(200, page.to_string()).into()
    })
    .await;
    let insights = eks(&server)
        .await
        .list_insights(&target(), InsightCategory::RollbackReadiness)
        .await
        .expect("insights");
    let view = |id: &str, name: &str, status: &str, reason: &str| InsightView {
        id: id.to_owned(),
        name: name.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
    };
    assert_eq!(
        insights,
        [
            view("i-1", "Kubelet version skew", "ERROR", "Nodes are newer."),
            view("i-2", "", "BRAND_NEW", ""),
            // Without a status nothing is known.
            view("i-3", "", "UNKNOWN", ""),
        ]
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    for page in asked {
        assert_eq!(
            (page.method.as_str(), page.path.as_str()),
            ("POST", "/clusters/devel/insights")
        );
        let body: Value = serde_json::from_str(&page.body).expect("a JSON body");
        assert_eq!(
            body["filter"],
            json!({"categories": ["ROLLBACK_READINESS"]})
        );
    }
}

#[tokio::test]
async fn how_far_a_refresh_is() {
    let cases = [
        (json!({"message": "none yet"}), RefreshStatus::None, None),
        (
            json!({"status": "IN_PROGRESS", "startedAt": 1_795_000_000}),
            RefreshStatus::InProgress,
            None,
        ),
        (
            json!({"status": "COMPLETED", "endedAt": 1_795_000_000.25}),
            RefreshStatus::Completed,
            Some("2026-11-18T11:06:40.25Z"),
        ),
        (
            json!({"status": "FAILED"}),
            RefreshStatus::Failed("FAILED".to_owned()),
            None,
        ),
        (
            json!({"status": "NEW"}),
            RefreshStatus::Failed("NEW".to_owned()),
            None,
        ),
    ];
    for (body, status, ended_at) in cases {
        let server = Server::always(answer(200, body.to_string())).await;
        let eks = eks(&server).await;
        let described = eks
            .describe_insights_refresh(&target())
            .await
            .expect("a refresh");
        assert_eq!(described.status, status);
        assert_eq!(
            described.ended_at,
            ended_at.map(|at| at.parse().expect("a time"))
        );
        let started = eks
            .start_insights_refresh(&target())
            .await
            .expect("a refresh");
        assert_eq!(started.status, status);
        let asked: Vec<_> = server
            .asked()
            .iter()
            .map(|asked| format!("{} {}", asked.method, asked.path))
            .collect();
        assert_eq!(
            asked,
            [
                "GET /clusters/devel/insights-refresh",
                "POST /clusters/devel/insights-refresh"
            ]
        );
    }
}

#[tokio::test]
async fn a_refresh_that_is_not_found_is_none_yet() {
    let server = Server::always(error(404, "ResourceNotFoundException", "No refresh found")).await;
    let refresh = eks(&server)
        .await
        .describe_insights_refresh(&target())
        .await;
    assert_eq!(refresh.expect("none").status, RefreshStatus::None);
}

#[tokio::test]
async fn node_groups_are_named_on_all_pages_and_described() {
    let server = Server::start(|asked| {
        let body = if asked.path.starts_with("/clusters/devel/node-groups/") {
            json!({"nodegroup": {"nodegroupName": "workers", "version": "1.34", "status": "ACTIVE"}})
        } else if asked.path.contains("nextToken=p2") {
            json!({"nodegroups": ["spot"]})
        } else {
            json!({"nodegroups": ["workers"], "nextToken": "p2"})
        };
        answer(200, body.to_string()).into()
    })
    .await;
    let eks = eks(&server).await;
    let names = eks.list_nodegroups(&target()).await;
    assert_eq!(names.expect("names"), ["workers", "spot"]);
    let group = eks.describe_nodegroup(&target(), "workers").await;
    assert_eq!(
        group.expect("a node group"),
        NodegroupView {
            name: "workers".to_owned(),
            version: "1.34".to_owned(),
        }
    );
}
