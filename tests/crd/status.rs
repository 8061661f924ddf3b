use eks_upgrade_operator::api::{
    Blocker, Cancel, CancelStatus, Check, CheckResult, ClusterUpgrade, ClusterUpgradeStatus,
    ErrorDetail, Finding, GateState, MANAGER, Minor, ObservedCluster, PlanStatus, PreflightStatus,
    RollbackReadiness, ScheduleStatus, Step, StepGate, Support, SupportStatus, Update,
    UpdateStatus,
};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

use super::fixture::{Fixture, manifest, name};

#[tokio::test]
async fn an_object_nobody_has_looked_at_is_not_taken_for_healthy() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&manifest()).await;
    assert_eq!(object.data["status"], json!({"observedGeneration": -1}));
    assert_eq!(object.data["spec"]["suspend"], false);
}

#[tokio::test]
async fn a_status_in_the_manifest_is_not_taken() {
    let fixture = Fixture::new().await;
    let mut forged = manifest();
    forged["status"] = json!({"attempts": 7});
    let object = fixture.accepts(&forged).await;
    assert_eq!(object.data["status"], json!({"observedGeneration": -1}));
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Every field set.
fn full_update(id: &str) -> Update {
    Update {
        id: Some(id.to_owned()),
        kind: "VersionUpdate".to_owned(),
        status: Some(UpdateStatus::Other("Cancelling".to_owned())),
        from_version: Minor::new(33),
        to_version: Minor::new(34),
        for_version: Some(Minor::new(35)),
        client_request_token: Some("b24fbbdf-3737-5900-85e4-3b1084362457".to_owned()),
        attempt: Some(u32::MAX),
        sends: Some(2),
        force: true,
        timeout: Some("2h30m".parse().unwrap()),
        requested_at: Some(at("2026-11-23T06:00:00.123456789Z")),
        last_send_at: Some(at("2026-11-23T06:00:01.5Z")),
        created_at: Some(at("2026-11-23T06:00:02.1Z")),
        finished_at: Some(at("2026-11-23T06:10:00Z")),
        errors: vec![ErrorDetail {
            error_code: "IpNotAvailable".to_owned(),
            error_message: "Too few \"free\" addresses.\nIn two subnets.".to_owned(),
            resource_ids: vec!["subnet-1".to_owned(), "subnet-2".to_owned()],
        }],
        cancel: Some(Cancel {
            client_request_token: "0d0c8b19-95a3-5b6e-8a25-7d1f6c0c7d11".to_owned(),
            status: Some(CancelStatus::Refused),
            sends: u32::MAX,
            requested_at: at("2026-11-23T06:05:00.123456Z"),
            last_send_at: at("2026-11-23T06:05:01Z"),
            errors: vec![ErrorDetail {
                error_code: "InvalidStateException".to_owned(),
                error_message: "too late".to_owned(),
                resource_ids: Vec::new(),
            }],
        }),
    }
}

fn condition(kind: &str) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: "Unknown".to_owned(),
        reason: "Updating".to_owned(),
        message: "m".repeat(32_768),
        observed_generation: Some(1),
        last_transition_time: Time(at("2026-11-23T06:00:00Z")),
    }
}

fn check(result: CheckResult) -> Check {
    Check {
        code: "UpgradeInsights".to_owned(),
        result,
        message: "One insight is in the way.".to_owned(),
        findings: vec![Finding::new("id-1", Some("Kubelet skew"), result, "m")],
        since: at("2026-11-23T06:00:00.5Z"),
    }
}

fn gate(state: GateState) -> StepGate {
    StepGate {
        gate: "Window".to_owned(),
        state,
        message: "until 02:00".to_owned(),
    }
}

fn support(minor: u16) -> Support {
    Support {
        version: Minor::new(minor),
        end_of_standard_support: Some(at("2027-01-01T00:00:00Z")),
        end_of_extended_support: Some(at("2028-01-01T00:00:00Z")),
    }
}

fn full_status() -> ClusterUpgradeStatus {
    ClusterUpgradeStatus {
        observed_generation: Some(1),
        cluster: Some(ObservedCluster {
            arn: "arn:aws:eks:eu-central-1:111122223333:cluster/devel".to_owned(),
            created_at: Some(at("2025-01-01T00:00:00.25Z")),
            version: "1.33".to_owned(),
            platform_version: Some("eks.12".to_owned()),
            status: "UPDATING".to_owned(),
        }),
        path: vec![Minor::new(34), Minor::new(35)],
        update: Some(full_update("b7a9")),
        attempts: Some(u32::MAX),
        history: vec![full_update("b7a8"), full_update("b7a7")],
        rollback: Some(RollbackReadiness {
            eligible: false,
            to_version: Minor::new(33),
            update_id: "b7a8".to_owned(),
            expires_at: at("2026-11-30T06:00:02.1Z"),
            blockers: vec![Blocker::new(
                "ReadinessInsight",
                "Kubelet version skew (ERROR)",
            )],
            checked_at: at("2026-11-23T06:10:00Z"),
        }),
        preflight: Some(PreflightStatus {
            version: Minor::new(34),
            result: CheckResult::Failed,
            checks: CheckResult::ALL.map(check).to_vec(),
        }),
        schedule: Some(ScheduleStatus {
            next_start: Some("2026-11-24T02:00:00Z".to_owned()),
        }),
        plan: Some(PlanStatus {
            steps: vec![Step {
                from: Minor::new(33),
                to: Minor::new(34),
                call: "UpdateClusterVersion".to_owned(),
                gates: [
                    GateState::Open,
                    GateState::Closed,
                    GateState::Unknown,
                    GateState::Pending,
                ]
                .map(gate)
                .to_vec(),
                earliest_start: Some(at("2026-11-24T02:00:00Z")),
            }],
        }),
        support: Some(SupportStatus {
            current: support(33),
            target: Some(support(35)),
        }),
        conditions: vec![condition("Ready"), condition("Reconciling")],
    }
}

/// As the operator writes it.
async fn apply(
    api: &Api<ClusterUpgrade>,
    name: &str,
    status: &ClusterUpgradeStatus,
) -> ClusterUpgrade {
    let patch = json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"name": name},
        "status": status,
    });
    api.patch_status(
        name,
        &PatchParams::apply(MANAGER).force(),
        &Patch::Apply(patch),
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn a_status_comes_back_as_it_was_written() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&manifest()).await;
    let client = fixture.plane.client().await.unwrap();
    let api: Api<ClusterUpgrade> = Api::namespaced(client, &fixture.namespace);

    let written = full_status();
    let answer = apply(&api, name(&object), &written).await;
    assert_eq!(answer.status, Some(written.clone()));
    let read = api.get(name(&object)).await.unwrap();
    assert_eq!(read.status, Some(written.clone()));

    // The same again changes nothing: no event wakes anybody.
    let again = apply(&api, name(&object), &written).await;
    assert_eq!(
        again.metadata.resource_version,
        read.metadata.resource_version
    );

    // What is not in the next one is gone: the whole status is written each time.
    let next = ClusterUpgradeStatus {
        observed_generation: Some(1),
        conditions: vec![condition("Ready")],
        ..ClusterUpgradeStatus::default()
    };
    apply(&api, name(&object), &next).await;
    let read = fixture.api.get(name(&object)).await.unwrap();
    assert_eq!(
        serde_json::from_value::<ClusterUpgradeStatus>(read.data["status"].clone()).unwrap(),
        next
    );
}

#[tokio::test]
async fn an_open_intent_is_kept_without_the_fields_it_lacks() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&manifest()).await;
    let client = fixture.plane.client().await.unwrap();
    let api: Api<ClusterUpgrade> = Api::namespaced(client, &fixture.namespace);
    let intent = Update {
        id: None,
        status: None,
        created_at: None,
        finished_at: None,
        errors: Vec::new(),
        force: false,
        ..full_update("")
    };
    let status = ClusterUpgradeStatus {
        observed_generation: Some(1),
        update: Some(intent),
        ..ClusterUpgradeStatus::default()
    };
    let answer = apply(&api, name(&object), &status).await;
    assert_eq!(answer.status, Some(status));
    let raw = fixture.api.get(name(&object)).await.unwrap();
    assert_eq!(raw.data["status"]["update"]["id"], Value::Null);
    assert_eq!(
        raw.data["status"]["update"]["requestedAt"],
        "2026-11-23T06:00:00.123456789Z"
    );
}

#[tokio::test]
async fn two_conditions_of_one_type_are_refused() {
    let fixture = Fixture::new().await;
    let object = fixture.accepts(&manifest()).await;
    let status = json!({"status": {"conditions": [condition("Ready"), condition("Ready")]}});
    let error = fixture
        .api
        .patch_status(
            name(&object),
            &PatchParams::default(),
            &Patch::Merge(&status),
        )
        .await
        .unwrap_err();
    assert!(error.to_string().contains("Duplicate value"), "{error}");
}
