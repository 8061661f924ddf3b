//! The genuine AWS CLI against the simulator, and every answer it gets against the service models
//! that botocore ships.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod gates;
mod harness;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use harness::{Cli, validate};
use serde_json::{Value, json};

#[test]
fn the_cli_works_unchanged() {
    let mut cli = Cli::new(
        "works",
        "{durations: {update: 1s, nodePhase: 1h, cancellation: 0s}, clusters: [\
         {name: prod, version: \"1.33\", tags: {team: a}}, \
         {name: fails, version: \"1.33\", outcomes: [{fail: {errorCode: IpNotAvailable, \
           errorMessage: none left, resourceIds: [subnet-1]}}]}, \
         {name: auto, version: \"1.34\", autoMode: true, history: [{version: \"1.34\", age: 24h}]}, \
         {name: back, version: \"1.34\", history: [{version: \"1.34\", age: 24h}], \
           insights: {rollback: ERROR}, events: [{insights: {rollback: PASSING}}], \
           nodegroups: [{name: workers, version: \"1.33\"}, {name: newer, version: \"1.34\"}], \
           durations: {insightsRefresh: 1s}}, \
         {name: broken, version: \"1.33\", status: FAILED}, \
         {name: far, version: \"1.33\", region: eu-west-1, accountId: \"444455556666\"}]}",
    );

    let identity = cli.ok("sts get-caller-identity");
    assert_eq!(identity["Account"], "111122223333");
    let mut names = cli.ok("eks list-clusters --page-size 2")["clusters"].take();
    names.as_array_mut().unwrap().sort_by_key(Value::to_string);
    assert_eq!(names, json!(["auto", "back", "broken", "fails", "prod"]));
    let cluster = cli.ok("eks describe-cluster --name prod")["cluster"].take();
    assert_eq!(cluster["version"], "1.33");
    assert_eq!(cluster["status"], "ACTIVE");
    assert_eq!(
        cluster["arn"],
        "arn:aws:eks:us-west-2:111122223333:cluster/prod"
    );
    assert_eq!(cluster["tags"], json!({"team": "a"}));

    let update = "eks update-cluster-version --name prod --kubernetes-version 1.34 \
                  --client-request-token token";
    let started = cli.ok(update)["update"].take();
    assert_eq!(started["status"], "InProgress");
    assert_eq!(started["type"], "VersionUpdate");
    let id = started["id"].as_str().unwrap();
    assert_eq!(cli.ended("prod", id), "Successful");
    assert_eq!(cli.ok(update)["update"]["id"], id);
    let listed = cli.ok("eks list-updates --name prod");
    assert_eq!(listed["updateIds"], json!([id]));
    cli.ok("eks wait cluster-active --name prod");
    let waited = cli.run("eks wait cluster-active --name broken");
    assert!(!waited.status.success(), "a failed cluster is active");
    let after = cli.ok("eks describe-cluster --name prod");
    assert_eq!(after["cluster"]["version"], "1.34");

    let failing = cli.ok("eks update-cluster-version --name fails --kubernetes-version 1.34");
    let id = failing["update"]["id"].as_str().unwrap();
    assert_eq!(cli.ended("fails", id), "Failed");
    let failed = cli.ok(&format!(
        "eks describe-update --name fails --update-id {id}"
    ));
    assert_eq!(
        failed["update"]["errors"],
        json!([{
            "errorCode": "IpNotAvailable", "errorMessage": "none left", "resourceIds": ["subnet-1"]
        }])
    );

    let rollback = cli.ok(
        "eks update-cluster-version --name auto --kubernetes-version 1.33 --force \
         --rollback-config timeoutMinutes=120",
    );
    assert_eq!(rollback["update"]["type"], "VersionRollback");
    let id = rollback["update"]["id"].as_str().unwrap();
    let auto = cli.ok("eks describe-cluster --name auto");
    assert_eq!(auto["cluster"]["status"], "ACTIVE");
    let cancel = format!("eks cancel-update --name auto --update-id {id}");
    let cancelling = cli.ok(&cancel);
    assert!(cancelling["update"]["cancellation"].is_object());
    assert_eq!(cli.ended("auto", id), "Cancelled");

    roll_back(&cli);

    let versions = cli.ok("eks describe-cluster-versions --include-all --page-size 2");
    assert_eq!(versions["clusterVersions"].as_array().unwrap().len(), 6);
    let two = cli.ok("eks describe-cluster-versions --cluster-versions 1.33 1.34");
    assert_eq!(two["clusterVersions"].as_array().unwrap().len(), 2);
    let default = cli.ok("eks describe-cluster-versions --default-only");
    assert_eq!(default["clusterVersions"][0]["defaultVersion"], true);

    let assumed = cli.ok(
        "sts assume-role --role-arn arn:aws:iam::444455556666:role/upgrader \
         --role-session-name operator",
    );
    let key = assumed["Credentials"]["AccessKeyId"].as_str().unwrap();
    let summary = cli.conforms();
    cli.key = key.to_owned();
    cli.region = "eu-west-1".into();
    let far = cli.ok("eks describe-cluster --name far");
    assert_eq!(
        far["cluster"]["arn"],
        "arn:aws:eks:eu-west-1:444455556666:cluster/far"
    );
    cli.conforms();

    for operation in [
        "AssumeRole",
        "CancelUpdate",
        "DescribeCluster",
        "DescribeClusterVersions",
        "DescribeInsight",
        "DescribeInsightsRefresh",
        "DescribeNodegroup",
        "DescribeUpdate",
        "GetCallerIdentity",
        "ListClusters",
        "ListInsights",
        "ListNodegroups",
        "ListUpdates",
        "StartInsightsRefresh",
        "UpdateClusterVersion",
    ] {
        let count = summary["operations"][operation].as_u64();
        assert!(count > Some(0), "{operation} was not checked: {summary}");
    }
    let errors = json!({"InvalidStateException": 1, "InvalidRequestException": 1});
    assert_eq!(summary["errors"], errors);
}

/// A rollback as a person does it: what is in the way is looked at and resolved first.
fn roll_back(cli: &Cli) {
    let back = "eks update-cluster-version --name back --kubernetes-version 1.33";
    let mut groups = cli.ok("eks list-nodegroups --cluster-name back --page-size 1");
    let groups = groups["nodegroups"].as_array_mut().unwrap();
    groups.sort_by_key(Value::to_string);
    assert_eq!(*groups, [json!("newer"), json!("workers")]);
    let describe = "eks describe-nodegroup --cluster-name back --nodegroup-name newer";
    assert_eq!(cli.ok(describe)["nodegroup"]["version"], "1.34");
    let operation = "UpdateClusterVersion";
    cli.refused(back, "InvalidRequestException", operation);
    let event = "{nodegroup: {name: newer, version: \"1.33\"}}";
    let event = eks_upgrade_operator::simulator::scenario::parse_event(event).unwrap();
    cli.simulator.with_model(|model| {
        let key = model.key("back", None, None);
        let happening = event.happening().unwrap();
        let scheduled = model.schedule(&key, happening, jiff::Timestamp::now());
        scheduled.unwrap();
    });
    assert_eq!(cli.ok(describe)["nodegroup"]["version"], "1.33");

    let list = "eks list-insights --cluster-name back --filter categories=ROLLBACK_READINESS";
    let mut listed = cli.ok(list);
    let insight = listed["insights"][0].take();
    assert_eq!(insight["insightStatus"]["status"], "ERROR");
    assert_eq!(insight["kubernetesVersion"], "1.33");
    let id = insight["id"].as_str().unwrap();
    let described = cli.ok(&format!(
        "eks describe-insight --cluster-name back --id {id}"
    ));
    assert_eq!(described["insight"]["id"], id);
    assert!(described["insight"]["recommendation"].is_string());
    cli.refused(back, "InvalidStateException", operation);

    let refresh = "eks describe-insights-refresh --cluster-name back";
    assert!(cli.ok(refresh)["status"].is_null());
    let started = cli.ok("eks start-insights-refresh --cluster-name back");
    assert_eq!(started["status"], "IN_PROGRESS");
    let deadline = Instant::now() + Duration::from_mins(1);
    let done = loop {
        let shown = cli.ok(refresh);
        if shown["status"] != "IN_PROGRESS" {
            break shown;
        }
        assert!(Instant::now() < deadline, "still going on: {shown}");
    };
    assert_eq!(done["status"], "COMPLETED");
    assert!(done["endedAt"].is_f64(), "{done}");
    assert_eq!(
        cli.ok(list)["insights"][0]["insightStatus"]["status"],
        "PASSING"
    );

    let rollback = cli.ok(back);
    assert_eq!(rollback["update"]["type"], "VersionRollback");
    let id = rollback["update"]["id"].as_str().unwrap();
    assert_eq!(cli.ended("back", id), "Successful");
    let after = cli.ok("eks describe-cluster --name back");
    assert_eq!(after["cluster"]["version"], "1.33");
}

#[test]
fn errors_reach_the_cli_with_their_codes() {
    let mut cli = Cli::new(
        "errors",
        "{insightsEnforced: true, sts: {deniedRoles: ['arn:aws:iam::444455556666:role/no']}, \
         clusters: [{name: prod, version: \"1.33\"}, \
         {name: blocked, version: \"1.33\", insights: {upgrade: ERROR}}, \
         {name: young, version: \"1.33\"}, {name: faulty, version: \"1.33\"}]}",
    );
    let update = |cluster: &str, version: &str| {
        format!("eks update-cluster-version --name {cluster} --kubernetes-version {version}")
    };
    let operation = "UpdateClusterVersion";
    cli.refused(
        "eks describe-cluster --name nope",
        "ResourceNotFoundException",
        "DescribeCluster",
    );
    cli.refused(
        "eks describe-update --name prod --update-id nope",
        "ResourceNotFoundException",
        "DescribeUpdate",
    );
    cli.refused(
        &update("prod", "1.35"),
        "InvalidParameterException",
        operation,
    );
    cli.refused(
        &update("blocked", "1.34"),
        "InvalidStateException",
        operation,
    );
    cli.refused(
        &update("young", "1.32"),
        "InvalidRequestException",
        operation,
    );
    let started = cli.ok(&update("prod", "1.34"));
    let id = started["update"]["id"].as_str().unwrap();
    cli.refused(&update("prod", "1.34"), "ResourceInUseException", operation);
    cli.refused(
        &format!("eks cancel-update --name prod --update-id {id}"),
        "InvalidRequestException",
        "CancelUpdate",
    );
    cli.refused(
        "eks list-access-entries --cluster-name prod",
        "UnknownOperationException",
        "ListAccessEntries",
    );
    cli.refused(
        "sts assume-role --role-session-name me --role-arn arn:aws:iam::444455556666:role/no",
        "AccessDenied",
        "AssumeRole",
    );
    let faults = [
        ("throttling", "ThrottlingException"),
        (
            "throttling, code: TooManyRequestsException",
            "TooManyRequestsException",
        ),
        ("serverError", "ServerException"),
        ("serviceUnavailable", "ServiceUnavailableException"),
        ("accessDenied", "AccessDeniedException"),
        ("error, code: ClientException", "ClientException"),
        ("error, code: RequestExpired", "RequestExpired"),
    ];
    for (kind, code) in faults {
        let fault = format!("{{kind: {kind}, times: 1}}");
        let specs = eks_upgrade_operator::simulator::scenario::parse_faults(&fault).unwrap();
        cli.simulator.with_model(|model| {
            for spec in specs {
                model.add_fault(spec, jiff::Timestamp::now());
            }
        });
        cli.refused(&update("faulty", "1.34"), code, operation);
    }
    cli.key = "EXPIREDKEY".into();
    cli.refused("eks list-clusters", "ExpiredTokenException", "ListClusters");
    cli.refused(
        "sts get-caller-identity",
        "ExpiredToken",
        "GetCallerIdentity",
    );

    let summary = cli.conforms();
    let errors = summary["errors"].as_object().unwrap();
    assert_eq!(errors.len(), 16, "{summary}");
}

/// The check of conformance is worth as much as what it finds.
#[test]
fn answers_that_eks_would_not_give_are_found() {
    let good = json!({
        "method": "POST", "path": "/clusters/prod/updates", "sent": "", "status": 200,
        "headers": {"content-type": "application/json", "x-amzn-requestid": "1"},
        "body": json!({"update": {
            "id": "1", "status": "InProgress", "type": "VersionUpdate", "createdAt": 1.5,
            "params": [{"type": "Version", "value": "1.34"}], "errors": []
        }}).to_string(),
    });
    let error = json!({
        "method": "GET", "path": "/clusters/nope", "sent": "", "status": 404,
        "headers": {
            "content-type": "application/json", "x-amzn-requestid": "1",
            "x-amzn-errortype": "ResourceNotFoundException"
        },
        "body": "{\"message\": \"none\", \"clusterName\": \"nope\"}",
    });
    let identity = json!({
        "method": "POST", "path": "/", "sent": "Action=GetCallerIdentity", "status": 200,
        "headers": {"content-type": "text/xml", "x-amzn-requestid": "1"},
        "body": "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult><Account>1</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>",
    });
    let swap = |record: &Value, from: &str, to: &str| {
        let mut doctored = record.clone();
        let body = record["body"].as_str().unwrap();
        assert!(body.contains(from), "{from} is not in {body}");
        doctored["body"] = json!(body.replace(from, to));
        doctored
    };
    let with = |record: &Value, pointer: &str, value: Value| {
        let mut doctored = record.clone();
        *doctored.pointer_mut(pointer).unwrap() = value;
        doctored
    };
    let cases = [
        (good.clone(), ""),
        (error.clone(), ""),
        (identity.clone(), ""),
        (
            swap(&good, "\"id\"", "\"uuid\""),
            "Update has no member uuid",
        ),
        (
            swap(&good, "InProgress", "Running"),
            "'Running' is not one of",
        ),
        (
            swap(&good, "VersionUpdate", "Upgrade"),
            "'Upgrade' is not one of",
        ),
        (
            swap(&good, "1.5", "\"today\""),
            "'today' is not a timestamp",
        ),
        (swap(&good, "[]", "{}"), "{} is not a list"),
        (swap(&good, "[]", "null"), "is null"),
        (with(&good, "/path", json!("/nowhere")), "does not exist"),
        (
            with(&error, "/status", json!(400)),
            "has status 400, not [404]",
        ),
        (
            swap(&error, "clusterName", "cluster"),
            "has no member cluster",
        ),
        (swap(&error, "message", "subscriptionId"), "has no message"),
        (
            with(&error, "/headers/x-amzn-errortype", json!("NoSuchCluster")),
            "NoSuchCluster is not an error that is known",
        ),
        (swap(&identity, "Account>", "Konto>"), "has no member Konto"),
    ];
    let capture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("doctored.jsonl");
    let lines: Vec<String> = cases.iter().map(|(record, _)| record.to_string()).collect();
    std::fs::write(&capture, lines.join("\n")).unwrap();
    let (findings, summary) = validate(&capture);
    assert_eq!(summary["answers"], json!(cases.len()));
    let findings: Vec<&str> = findings.lines().collect();
    let wanted: Vec<&str> = cases
        .iter()
        .map(|(_, want)| *want)
        .filter(|want| !want.is_empty())
        .collect();
    assert_eq!(findings.len(), wanted.len(), "{findings:#?}");
    for (finding, want) in findings.iter().zip(wanted) {
        assert!(finding.contains(want), "no {want:?} in {finding:?}");
    }
}
