use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::fixture::{Fixture, manifest};

/// The cells of a table's line: columns are told apart by two spaces or more.
fn cells(line: &str) -> Vec<String> {
    line.split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

async fn table(fixture: &Fixture, args: &[&str]) -> Vec<Vec<String>> {
    let namespace = format!("--namespace={}", fixture.namespace);
    let args = args.iter().copied().chain([namespace.as_str()]);
    let said = fixture.plane.kubectl().run(args).await.unwrap();
    said.ok().unwrap().lines().map(cells).collect()
}

#[tokio::test]
async fn kubectl_get_shows_what_a_tired_person_asks_first() {
    let fixture = Fixture::new().await;
    let mut devel = manifest();
    devel["metadata"] = json!({"name": "devel"});
    fixture.accepts(&devel).await;

    let fresh = table(&fixture, &["get", "cu"]).await;
    assert_eq!(
        fresh[0],
        [
            "NAME",
            "CLUSTER",
            "DESIRED",
            "CURRENT",
            "READY",
            "REASON",
            "NEXT START",
            "AGE"
        ]
    );
    assert_eq!(fresh[1][..3], ["devel", "devel", "1.34"]);

    let status = json!({"status": {
        "observedGeneration": 1,
        "cluster": {"arn": "arn:aws:eks:eu-central-1:111122223333:cluster/devel", "version": "1.32"},
        "path": ["1.33", "1.34"],
        "schedule": {"nextStart": "2026-11-24T02:00:00Z"},
        "update": {"id": "b7a9", "type": "VersionUpdate", "fromVersion": "1.32", "toVersion": "1.33"},
        "conditions": [{
            "type": "Reconciling", "status": "True", "reason": "Updating", "message": "not this one",
            "lastTransitionTime": "2026-11-23T06:00:00Z",
        }, {
            "type": "Ready", "status": "Unknown", "reason": "Updating", "message": "EKS upgrades the cluster.",
            "lastTransitionTime": "2026-11-23T06:00:00Z",
        }],
    }});
    fixture
        .api
        .patch_status("devel", &PatchParams::default(), &Patch::Merge(&status))
        .await
        .unwrap();

    let shown = table(&fixture, &["get", "clusterupgrades"]).await;
    assert_eq!(
        shown[1][..7],
        [
            "devel",
            "devel",
            "1.34",
            "1.32",
            "Unknown",
            "Updating",
            "2026-11-24T02:00:00Z"
        ]
    );
    let wide = table(&fixture, &["get", "cu", "-o", "wide"]).await;
    assert_eq!(
        wide[0][7..],
        ["AGE", "ACCOUNT", "REGION", "UPDATE ID", "PATH", "MESSAGE"]
    );
    assert_eq!(
        wide[1][8..],
        [
            "111122223333",
            "eu-central-1",
            "b7a9",
            r#"["1.33","1.34"]"#,
            "EKS upgrades the cluster."
        ]
    );
}

#[tokio::test]
async fn the_category_eks_lists_it() {
    let fixture = Fixture::new().await;
    let mut devel = manifest();
    devel["metadata"] = json!({"name": "devel"});
    fixture.accepts(&devel).await;
    let listed = table(&fixture, &["get", "eks", "-o", "name"]).await;
    assert_eq!(listed, [["clusterupgrade.eksupgrade.dev/devel"]]);
}

#[tokio::test]
async fn a_misspelled_field_is_refused_by_kubectl() {
    let fixture = Fixture::new().await;
    let mut typo = manifest();
    typo["metadata"] = json!({"name": "devel", "namespace": fixture.namespace});
    typo["spec"]["suspended"] = json!(true);
    let error = fixture
        .plane
        .kubectl()
        .apply(&typo.to_string())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(r#"unknown field "spec.suspended""#),
        "{error}"
    );
}

#[tokio::test]
async fn kubectl_explain_has_words_for_every_field() {
    let fixture = Fixture::new().await;
    let said = fixture
        .plane
        .kubectl()
        .run(["explain", "clusterupgrade", "--recursive"])
        .await
        .unwrap();
    let fields = said.ok().unwrap();
    for field in [
        "accountId",
        "externalId",
        "force",
        "roleArn",
        "suspend",
        "attempts",
        "history",
        "preflight",
        "waivers",
        "windows",
        "bake",
    ] {
        assert!(fields.contains(field), "{field}: {fields}");
    }
    for crd in eks_upgrade_operator::api::crds() {
        let crd = serde_json::to_value(crd).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for (part, schema) in schema["properties"].as_object().unwrap() {
            assert_described(schema, part);
        }
    }
}

fn assert_described(schema: &serde_json::Value, path: &str) {
    assert!(
        schema["description"].is_string(),
        "{path} has no description"
    );
    if let Some(properties) = schema["properties"].as_object() {
        for (name, property) in properties {
            assert_described(property, &format!("{path}.{name}"));
        }
    }
    if schema["items"]["properties"].is_object() {
        assert_described(&schema["items"], &format!("{path}[]"));
    }
}
