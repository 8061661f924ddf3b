//! The admission policies in deploy/policies on a real API server: whom they refuse, with which words, and whom they let pass.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

use std::path::Path;
use std::time::Duration;

use eks_upgrade_operator::api::crds;
use harness::{ControlPlane, eventually};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const WITHIN: Duration = Duration::from_mins(1);
/// May edit objects, and no more.
const DEVELOPER: &str = "dora";
/// May also do what the policy asks a verb for.
const APPROVER: &str = "anna";

/// An API server with the CRDs, the policies and two people's rights.
async fn plane() -> &'static ControlPlane {
    static READY: OnceCell<()> = OnceCell::const_new();
    let plane = ControlPlane::shared().await.unwrap();
    READY
        .get_or_init(async || {
            let crds = crds().map(|crd| serde_norway::to_string(&crd).unwrap());
            plane.kubectl().apply(&crds.join("---\n")).await.unwrap();
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/policies");
            let folder = folder.to_str().unwrap();
            let said = plane.kubectl().run(["apply", "-f", folder]).await.unwrap();
            // A warning would greet everybody who applies them.
            assert_eq!(said.stderr, "");
            said.ok().unwrap();
            plane
                .kubectl()
                .apply(
                    r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: eks-upgrade-editor}
rules:
  - {apiGroups: [eksupgrade.dev], resources: [clusterupgrades, clusterupgrades/status], verbs: [get, create, update, patch]}
",
                )
                .await
                .unwrap();
            // They reach the API server's own caches a moment later.
            for (clusters, field, sentence) in [
                (None, json!({}), "names none"),
                (Some("*/*/*"), force(), "may not set spec.force"),
            ] {
                let team = Team::without_rights(plane, clusters).await;
                let binding = team.bind("eks-upgrade-editor", &[DEVELOPER]);
                plane.kubectl().apply(&binding.to_string()).await.unwrap();
                let mut object = manifest("", &field);
                // Each try is another object, should it be let.
                object["metadata"] = json!({"generateName": "probe-"});
                let object = object.to_string();
                let args = [
                    "create",
                    "--filename=-",
                    "--namespace",
                    &team.namespace,
                    "--as",
                    DEVELOPER,
                ];
                eventually("the policies are known", WITHIN, async || {
                    let said = plane.kubectl().run_with(args, &object).await;
                    let said = said.map_err(|error| error.to_string())?;
                    if said.stderr.contains(sentence) {
                        return Ok(());
                    }
                    Err(said.stdout + &said.stderr)
                })
                .await
                .unwrap();
            }
        })
        .await;
    plane
}

/// A namespace of a test.
struct Team {
    namespace: String,
}

impl Team {
    /// One that may upgrade what `clusters` says, in which both people have their rights.
    async fn new(clusters: Option<&str>) -> Self {
        let team = Self::without_rights(plane().await, clusters).await;
        let bindings = [
            team.bind("eks-upgrade-editor", &[DEVELOPER, APPROVER]),
            team.bind("eks-upgrade-approver", &[APPROVER]),
        ];
        let kubectl = plane().await.kubectl();
        let bindings = json!({"apiVersion": "v1", "kind": "List", "items": bindings});
        kubectl.apply(&bindings.to_string()).await.unwrap();
        // They reach the API server's own caches a moment later.
        for (user, verb) in [
            (DEVELOPER, "patch"),
            (APPROVER, "patch"),
            (APPROVER, "force"),
        ] {
            let args = [
                "auth",
                "can-i",
                verb,
                "clusterupgrades.eksupgrade.dev",
                "--namespace",
                &team.namespace,
                "--as",
                user,
            ];
            eventually("the rights are known", WITHIN, async || {
                kubectl.run(args).await?.ok()
            })
            .await
            .unwrap();
        }
        team
    }

    /// Gives these people a role in it.
    fn bind(&self, role: &str, users: &[&str]) -> Value {
        let users = users.iter().map(
            |user| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}),
        );
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": role, "namespace": self.namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            "subjects": users.collect::<Vec<_>>(),
        })
    }

    async fn without_rights(plane: &ControlPlane, clusters: Option<&str>) -> Self {
        let mut namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "team-"}});
        if let Some(clusters) = clusters {
            namespace["metadata"]["annotations"] = json!({"eksupgrade.dev/clusters": clusters});
        }
        let args = [
            "create",
            "--filename=-",
            "--output=jsonpath={.metadata.name}",
        ];
        let said = plane.kubectl().run_with(args, &namespace.to_string()).await;
        Self {
            namespace: said.unwrap().ok().unwrap(),
        }
    }

    /// What the API server says to `user` who applies this.
    async fn apply(&self, user: &str, manifest: &Value) -> Result<(), String> {
        let args = [
            "apply",
            "--server-side",
            "--force-conflicts",
            "--filename=-",
            "--namespace",
            &self.namespace,
            "--as",
            user,
        ];
        let said = plane()
            .await
            .kubectl()
            .run_with(args, &manifest.to_string())
            .await
            .unwrap();
        if said.status.success() {
            Ok(())
        } else {
            Err(said.stderr)
        }
    }

    async fn lets(&self, user: &str, manifest: &Value) {
        if let Err(said) = self.apply(user, manifest).await {
            panic!("{user} is refused: {said}\n{manifest}");
        }
    }

    async fn refuses(&self, user: &str, manifest: &Value, sentence: &str) {
        match self.apply(user, manifest).await {
            Ok(()) => panic!("{user} is let: {manifest}"),
            Err(said) => assert!(said.contains(sentence), "{said}"),
        }
    }
}

/// A manifest that is let, with these fields of the spec beside.
fn manifest(name: &str, more: &Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "eksupgrade.dev/v1alpha1", "kind": "ClusterUpgrade", "metadata": {"name": name},
        "spec": {"cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "devel"}, "version": "1.34"},
    });
    let spec = manifest["spec"].as_object_mut().unwrap();
    spec.extend(more.as_object().unwrap().clone());
    manifest
}

fn force() -> Value {
    json!({"force": {"version": "1.34", "reason": "Seen and accepted."}})
}

fn waiver(finding: &str) -> Value {
    json!({"check": "NodeSkew", "finding": finding, "version": "1.34", "reason": "Goes on Friday.", "expires": "2030-01-01T00:00:00Z"})
}

/// Each privileged field with the verb that it takes.
fn privileged() -> [(&'static str, Value, &'static str); 6] {
    [
        ("force", force(), "may not set spec.force"),
        (
            "rollback",
            json!({"rollback": {"fromVersion": "1.35", "updateId": "0b6c1d3e-6f0a-4a55-9b3f-2f0c5a1d7e42"}}),
            "may not set spec.rollback",
        ),
        (
            "waive",
            json!({"preflight": {"waivers": [waiver("batch")]}}),
            "may not weaken the checks",
        ),
        (
            "waive",
            json!({"preflight": {"mode": "Warn"}}),
            "may not weaken the checks",
        ),
        (
            "waive",
            json!({"preflight": {"onUnknown": "Proceed"}}),
            "may not weaken the checks",
        ),
        (
            "assume",
            json!({"roleArn": "arn:aws:iam::111122223333:role/eks-upgrades"}),
            "may not set spec.roleArn",
        ),
    ]
}

#[tokio::test]
async fn a_privileged_field_takes_its_verb() {
    let team = Team::new(Some("*/*/*")).await;
    for (number, (verb, field, sentence)) in privileged().into_iter().enumerate() {
        let object = manifest(&format!("object-{number}"), &field);
        let said = format!("User {DEVELOPER} {sentence}");
        team.refuses(DEVELOPER, &object, &said).await;
        let takes = format!(
            "that takes the verb {verb} on clusterupgrades in namespace {}",
            team.namespace
        );
        team.refuses(DEVELOPER, &object, &takes).await;
        team.lets(APPROVER, &object).await;
        // What stands may be kept by anybody who edits something else.
        let mut edited = object.clone();
        edited["spec"]["suspend"] = json!(true);
        team.lets(DEVELOPER, &edited).await;
    }
}

#[tokio::test]
async fn a_privileged_field_can_be_taken_out_and_not_changed() {
    let team = Team::new(Some("*/*/*")).await;
    team.lets(APPROVER, &manifest("forced", &force())).await;
    let mut other = force();
    other["force"]["reason"] = json!("Something else.");
    team.refuses(
        DEVELOPER,
        &manifest("forced", &other),
        "may not set spec.force",
    )
    .await;
    team.lets(DEVELOPER, &manifest("forced", &json!({}))).await;
    team.refuses(
        DEVELOPER,
        &manifest("forced", &force()),
        "may not set spec.force",
    )
    .await;
}

#[tokio::test]
async fn one_waiver_more_takes_the_verb_and_one_less_does_not() {
    let team = Team::new(Some("*/*/*")).await;
    let with = |waivers: &[Value]| manifest("waived", &json!({"preflight": {"waivers": waivers}}));
    team.lets(APPROVER, &with(&[waiver("batch"), waiver("web")]))
        .await;
    team.refuses(
        DEVELOPER,
        &with(&[waiver("batch"), waiver("web"), waiver("edge")]),
        "may not weaken the checks",
    )
    .await;
    team.lets(DEVELOPER, &with(&[waiver("web")])).await;
    team.refuses(
        DEVELOPER,
        &with(&[waiver("batch")]),
        "may not weaken the checks",
    )
    .await;
    team.lets(
        DEVELOPER,
        &manifest(
            "strict",
            &json!({"preflight": {"mode": "Enforce", "onUnknown": "Hold"}}),
        ),
    )
    .await;
}

#[tokio::test]
async fn what_the_operator_writes_is_let() {
    let team = Team::new(Some("*/*/*")).await;
    team.lets(APPROVER, &manifest("forced", &force())).await;
    let said = plane()
        .await
        .kubectl()
        .run([
            "patch",
            "clusterupgrade",
            "forced",
            "--subresource=status",
            "--type=merge",
            "--patch",
            r#"{"status":{"observedGeneration":1}}"#,
            "--namespace",
            &team.namespace,
            "--as",
            DEVELOPER,
        ])
        .await
        .unwrap();
    said.ok().unwrap();
}

#[tokio::test]
async fn a_namespace_upgrades_the_clusters_that_it_is_given() {
    let team = Team::new(Some(
        "111122223333/*/team-a-*, 444455556666/eu-central-1/shared",
    ))
    .await;
    let of = |account: &str, region: &str, name: &str| {
        let cluster = json!({"accountId": account, "region": region, "name": name});
        manifest(
            &format!("{account}-{region}-{}", name.to_lowercase()),
            &json!({"cluster": cluster}),
        )
    };
    for (account, region, name) in [
        ("111122223333", "eu-central-1", "team-a-web"),
        ("111122223333", "us-east-1", "team-a-x"),
        ("444455556666", "eu-central-1", "shared"),
    ] {
        team.lets(DEVELOPER, &of(account, region, name)).await;
    }
    for (account, region, name) in [
        ("111122223333", "eu-central-1", "team-b-web"),
        ("111122223333", "eu-central-1", "x-team-a-web"),
        ("444455556666", "eu-central-1", "team-a-web"),
        ("444455556666", "us-east-1", "shared"),
        ("444455556666", "eu-central-1", "shared2"),
    ] {
        let said = format!(
            "Namespace {} may not upgrade cluster {account}/{region}/{name}: its annotation eksupgrade.dev/clusters names only \
             111122223333/*/team-a-*, 444455556666/eu-central-1/shared",
            team.namespace
        );
        team.refuses(DEVELOPER, &of(account, region, name), &said)
            .await;
    }
}

#[tokio::test]
async fn a_namespace_that_is_given_nothing_upgrades_nothing() {
    let team = Team::new(None).await;
    team.refuses(APPROVER, &manifest("devel", &json!({})), "names none")
        .await;
    // A star does not reach over a slash: this is no account, region and name.
    let team = Team::new(Some("*/devel")).await;
    team.refuses(
        APPROVER,
        &manifest("devel", &json!({})),
        "names only */devel",
    )
    .await;
}

#[tokio::test]
async fn a_cluster_that_is_taken_away_keeps_its_version_and_can_be_suspended() {
    let team = Team::new(Some("111122223333/*/devel")).await;
    team.lets(DEVELOPER, &manifest("devel", &json!({}))).await;
    let plane = plane().await;
    let args = [
        "annotate",
        "namespace",
        &team.namespace,
        "eksupgrade.dev/clusters-",
    ];
    plane.kubectl().run(args).await.unwrap().ok().unwrap();
    // The namespace's annotations reach the API server's own cache a moment later.
    let mut tries = 0;
    eventually("the namespace is known", WITHIN, async || {
        tries += 1;
        let another = manifest(&format!("probe-{tries}"), &json!({}));
        match team.apply(DEVELOPER, &another).await {
            Err(said) if said.contains("names none") => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    let newer = manifest("devel", &json!({"version": "1.35"}));
    team.refuses(DEVELOPER, &newer, "names none").await;
    let stopped = manifest("devel", &json!({"suspend": true}));
    team.lets(DEVELOPER, &stopped).await;
}
