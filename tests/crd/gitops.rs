//! `kubectl wait` over the recorded objects of tests/gitops, which others judge there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use eks_upgrade_operator::api::ClusterUpgrade;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde::Deserialize;
use serde_json::json;

use super::fixture::Fixture;

/// A row of tests/gitops/expected.yaml. What else is in it is tested there.
#[derive(Deserialize)]
struct Verdict {
    wait: BTreeSet<String>,
}

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/gitops")
        .join(path)
}

fn expected() -> BTreeMap<String, Verdict> {
    serde_norway::from_str(&fs::read_to_string(file("expected.yaml")).unwrap()).unwrap()
}

/// `UpToDate` as `up-to-date`.
fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

/// Brings a recorded object into the API, at the generation that it was recorded at.
async fn put(api: &Api<ClusterUpgrade>, name: &str, recorded: &ClusterUpgrade) {
    let is_deleted = recorded.metadata.deletion_timestamp.is_some();
    // A deletion is an edit too.
    let edits = recorded.metadata.generation.unwrap() - 1 - i64::from(is_deleted);
    let mut first = ClusterUpgrade::new(name, recorded.spec.clone());
    first.spec.suspend ^= edits % 2 == 1;
    if is_deleted {
        first.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    }
    let mut object = api.create(&PostParams::default(), &first).await.unwrap();
    let edit = PatchParams::default();
    for _ in 0..edits {
        let suspend = json!({"spec": {"suspend": !object.spec.suspend}});
        object = api
            .patch(name, &edit, &Patch::Merge(suspend))
            .await
            .unwrap();
    }
    let status = json!({"status": recorded.status});
    object = api
        .patch_status(name, &edit, &Patch::Merge(status))
        .await
        .unwrap();
    if is_deleted {
        api.delete(name, &DeleteParams::default()).await.unwrap();
        object = api.get(name).await.unwrap();
    }
    assert_eq!(object.spec, recorded.spec, "{name}");
    assert_eq!(object.status, recorded.status, "{name}");
    assert_eq!(object.metadata.generation, recorded.metadata.generation);
}

#[tokio::test]
async fn kubectl_wait_agrees_with_the_table() {
    let fixture = Fixture::new().await;
    let client = fixture.plane.client().await.unwrap();
    let api: Api<ClusterUpgrade> = Api::namespaced(client, &fixture.namespace);
    let expected = expected();
    for reason in expected.keys() {
        let text = fs::read_to_string(file(&format!("objects/{reason}.yaml"))).unwrap();
        put(
            &api,
            &kebab(reason),
            &serde_norway::from_str(&text).unwrap(),
        )
        .await;
    }
    for condition in ["Ready", "Reconciling", "Stalled"] {
        let said = fixture
            .plane
            .kubectl()
            .run([
                "wait",
                "--all",
                "clusterupgrades",
                "--timeout=0s",
                &format!("--for=condition={condition}"),
                &format!("--namespace={}", fixture.namespace),
            ])
            .await
            .unwrap();
        let listed = |text: &str, before: &str, after: &str| -> BTreeSet<String> {
            let lines = text.lines();
            lines
                .filter_map(|line| line.split_once(before)?.1.strip_suffix(after))
                .map(str::to_owned)
                .collect()
        };
        let met = listed(
            &said.stdout,
            "clusterupgrade.eksupgrade.dev/",
            " condition met",
        );
        let unmet = listed(&said.stderr, " clusterupgrades/", "");
        let (wanted, others): (Vec<_>, Vec<_>) = expected
            .iter()
            .partition(|(_, verdict)| verdict.wait.contains(condition));
        let names = |rows: Vec<(&String, &Verdict)>| -> BTreeSet<String> {
            rows.into_iter().map(|(reason, _)| kebab(reason)).collect()
        };
        assert_eq!(met, names(wanted), "{condition}");
        assert_eq!(unmet, names(others), "{condition}: {}", said.stderr);
        assert!(!said.status.success());
    }
}
