//! How it behaves as a program: probes, metrics, signals, logs, flags.

use std::time::Duration;

use harness::{Process, eventually};
use serde_json::Value;

use crate::world::{
    ACCESS_KEY, ACCOUNT, DEADLINE, World, address, fetch, metric, operator_program,
};

/// What is promised between SIGTERM and the end.
const SHUTDOWN: Duration = Duration::from_secs(10);

async fn ends_cleanly(operator: &mut Process) {
    operator.sigterm().unwrap();
    let status = operator.wait(SHUTDOWN).await.unwrap();
    assert!(status.success(), "{status}\n{}", operator.tail());
}

#[tokio::test]
async fn probes_and_metrics_are_served_in_the_form_that_prometheus_reads() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}, {name: ahead, version: '1.36'}]}",
    )
    .await;
    let mut operator = world.operator();
    let address = address(&mut operator).await;
    world.create(World::manifest("prod", "1.34")).await;
    world.create(World::manifest("ahead", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    world.until_reason("ahead", "ClusterAheadOfSpec").await;
    world.until_told("prod", "UpToDate").await;

    for path in ["/healthz", "/readyz"] {
        let (head, body) = fetch(&address, path).await;
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert_eq!(body, "ok\n");
    }
    let (head, _) = fetch(&address, "/elsewhere").await;
    assert!(head.starts_with("http/1.1 404"), "{head}");

    let (head, body) = fetch(&address, "/metrics").await;
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0"),
        "{head}"
    );
    assert!(body.ends_with("# EOF\n"), "{body}");
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("eks_upgrade_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        // What a person must see to and what a cluster runs is of an object, and so are countdowns and ends of support.
        let is_of_an_object = [
            "eks_upgrade_stalled{",
            "eks_upgrade_cluster_info{",
            "eks_upgrade_rollback_window_seconds{",
            "eks_upgrade_support_end_timestamp_seconds{",
        ];
        if is_of_an_object
            .iter()
            .any(|metric| name.starts_with(metric))
        {
            continue;
        }
        for secret in ["prod", ACCOUNT, &world.namespace] {
            assert!(!line.contains(secret), "a label for each object: {line}");
        }
    }
    for (name, expected) in [
        (r#"eks_upgrade_objects{reason="UpToDate"}"#, 1.0),
        (r#"eks_upgrade_objects{reason="ClusterAheadOfSpec"}"#, 1.0),
        (r#"eks_upgrade_objects{reason="Updating"}"#, 0.0),
        ("eks_upgrade_updates_running", 0.0),
        (
            r#"eks_upgrade_update_requests_total{outcome="accepted"}"#,
            1.0,
        ),
        (r#"eks_upgrade_events_total{reason="UpdateSucceeded"}"#, 1.0),
    ] {
        assert_eq!(metric(&address, name).await, Some(expected), "{name}");
    }
    let described = metric(
        &address,
        r#"eks_upgrade_eks_calls_total{operation="eks:DescribeCluster",outcome="ok"}"#,
    )
    .await;
    assert!(described >= Some(2.0), "{described:?}\n{body}");

    world.delete("ahead").await;
    world.ask_for("prod", "1.35").await;
    world.until_reason("prod", "UpToDate").await;
    let gone = metric(
        &address,
        r#"eks_upgrade_objects{reason="ClusterAheadOfSpec"}"#,
    )
    .await;
    assert_eq!(gone, Some(0.0));
    ends_cleanly(&mut operator).await;
}

#[tokio::test]
async fn sigterm_ends_it_while_a_send_hangs_and_nothing_is_lost() {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', faults: [
           {kind: hang, work: atOnce, lasts: 60s, times: 1, operations: [UpdateClusterVersion]}]}]}",
    )
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world
        .until_asked("the send hangs", |call| {
            format!("{:?}", call.operation) == "UpdateClusterVersion"
        })
        .await;
    ends_cleanly(&mut operator).await;
    let _restarted = world.operator();
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.sends("prod").len(), 1);
}

#[tokio::test]
async fn sigterm_ends_it_while_reads_hang() {
    let world = World::new(
        "{clusters: [{name: prod, version: '1.33'}], faults: [{kind: hang, lasts: 60s}]}",
    )
    .await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_asked("a read hangs", |_| true).await;
    ends_cleanly(&mut operator).await;
}

#[tokio::test]
async fn sigterm_ends_it_while_a_file_hangs() {
    use std::os::unix::fs::OpenOptionsExt as _;
    const NONBLOCK: i32 = 0o4000;
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let token = std::env::temp_dir().join(format!("token-{}", uuid::Uuid::new_v4()));
    let made = std::process::Command::new("mkfifo")
        .arg(&token)
        .status()
        .unwrap();
    assert!(made.success());
    let mut operator = world
        .bare_program()
        .args(["--namespace", &world.namespace])
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", &token)
        .env("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/operator")
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    // It can be opened so only while somebody reads, and who reads gets nothing while it is open.
    let _held = eventually("it reads the token", DEADLINE, async || {
        std::fs::OpenOptions::new()
            .write(true)
            .custom_flags(NONBLOCK)
            .open(&token)
            .map_err(|error| error.to_string())
    })
    .await
    .unwrap();
    ends_cleanly(&mut operator).await;
    std::fs::remove_file(token).unwrap();
}

#[tokio::test]
async fn an_idle_operator_ends_at_once_on_sigint_too() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let mut operator = world.operator();
    world.create(World::manifest("prod", "1.33")).await;
    world.until_reason("prod", "UpToDate").await;
    operator.sigint().unwrap();
    assert!(operator.wait(SHUTDOWN).await.unwrap().success());
    let lines = operator.lines();
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("before everything was finished")),
        "{lines:?}"
    );
}

/// A run with successes and failures of every kind.
async fn eventful(format: &str) -> Vec<String> {
    let world = World::new(
        "{durations: {update: 300ms}, clusters: [
           {name: good, version: '1.33', faults: [{kind: throttling, times: 1, operations: [UpdateClusterVersion]}]},
           {name: failing, version: '1.33', outcomes: [{version: '1.34', times: 1, fail: {errorCode: IpNotAvailable, errorMessage: 'in arn:aws:ec2:us-west-2:111122223333:subnet/subnet-1', resourceIds: [subnet-1]}}]},
           {name: refused, version: '1.33', faults: [{kind: error, code: InvalidRequestException, message: 'not in account 111122223333', operations: [UpdateClusterVersion]}]},
           {name: denied, version: '1.33', faults: [{kind: accessDenied, operations: [UpdateClusterVersion]}]},
           {name: unread, version: '1.33', faults: [{kind: accessDenied, operations: [DescribeCluster]}]}]}",
    )
    .await;
    let mut operator = world
        .program()
        .args(["--log-format", format])
        .env("AWS_SESSION_TOKEN", "not-a-session-token")
        .start()
        .unwrap();
    for name in ["good", "failing", "refused", "denied", "unread", "absent"] {
        world.create(World::manifest(name, "1.34")).await;
    }
    let mut role = World::manifest("borrowed", "1.34");
    role["spec"]["cluster"]["accountId"] = "444455556666".into();
    role["spec"]["roleArn"] = "arn:aws:iam::444455556666:role/eks-upgrades".into();
    world.create(role).await;
    world.until_reason("good", "UpToDate").await;
    world.until_reason("failing", "UpdateFailed").await;
    world.until_reason("refused", "RequestRejected").await;
    world.until_reason("absent", "ClusterNotFound").await;
    world.until_reason("borrowed", "NotAllowed").await;
    world.until_reason("unread", "EksUnavailable").await;
    world.looks("denied", 1).await;
    ends_cleanly(&mut operator).await;
    operator.lines()
}

#[tokio::test]
async fn text_logs_tell_what_happens_and_no_account_arn_or_credential() {
    let lines = eventful("text").await;
    for line in &lines {
        assert!(
            [" INFO ", " WARN ", "ERROR "]
                .iter()
                .any(|level| line.contains(level)),
            "{line}"
        );
        for secret in [
            ACCOUNT,
            "444455556666",
            ACCESS_KEY,
            "not-a-secret",
            "not-a-session-token",
            "arn:",
        ] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    for told in [
        "EKS accepted the update",
        "EKS did not accept the update",
        "UpdateFailed",
        "AccessDeniedException",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(told)),
            "{told} in {lines:#?}"
        );
    }
}

#[tokio::test]
async fn json_logs_are_an_object_a_line() {
    let lines = eventful("json").await;
    assert!(lines.len() > 10);
    for line in &lines {
        let object: Value = serde_json::from_str(line).unwrap();
        for member in ["timestamp", "level", "target", "message"] {
            assert!(object[member].is_string(), "{member} in {line}");
        }
        assert!(
            !line.contains(ACCOUNT) && !line.contains(ACCESS_KEY),
            "{line}"
        );
    }
}

#[tokio::test]
async fn wrong_flags_are_answered_with_a_sentence() {
    for (args, said) in [
        (&["run", "--poll-interval", "soon"][..], "15s, 10m or 1h30m"),
        (&["run", "--poll-interval", "0s"], "longer than zero"),
        (&["run", "--resync-interval=-5m"], "between zero and a year"),
        (
            &["run", "--max-running-updates", "0"],
            "--max-running-updates",
        ),
        (&["run", "--concurrency", "many"], "--concurrency"),
        (&["run", "--allow-role", "team-a"], "NAMESPACE=ARN-PATTERN"),
        (&["run", "--allow-role", "team-a=eks"], "begins with arn:"),
        (&["run", "--metrics-addr", "8080"], "--metrics-addr"),
        (&["run", "--log-format", "xml"], "text, json"),
        (&["walk"], "unrecognized subcommand"),
    ] {
        let mut process = operator_program().args(args).start().unwrap();
        let status = process.wait(DEADLINE).await.unwrap();
        assert_eq!(status.code(), Some(2), "{args:?}");
        assert!(process.tail().contains(said), "{}", process.tail());
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_said() {
    let world = World::new("{}").await;
    let taken = world.eks.url().replace("http://", "");
    let mut operator = operator_program()
        .args(["run", "--metrics-addr", &taken])
        .env("KUBECONFIG", world.kubeconfig())
        .start()
        .unwrap();
    let status = operator.wait(DEADLINE).await.unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(
        operator.tail().contains("--metrics-addr"),
        "{}",
        operator.tail()
    );
}

#[tokio::test]
async fn flags_can_come_from_the_environment() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let mut watching = world
        .bare_program()
        .env("EKS_UPGRADE_NAMESPACE", &world.namespace)
        .env("EKS_UPGRADE_POLL_INTERVAL", "100ms")
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.34")).await;
    world.until_reason("prod", "UpToDate").await;
    ends_cleanly(&mut watching).await;
}
