//! Freezes, and the hold of the cluster's own team: nothing starts, and everything does once they are gone.

use eks_upgrade_operator::api::UpgradeFreeze;
use harness::{ControlPlane, eventually};
use jiff::{SignedDuration, Timestamp};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::world::{CRDS, DEADLINE, World, install_crds, message, reason};
use crate::{api_server, windows};

/// A control plane of their own: to every other object a freeze that comes or goes is a reason to look.
async fn plane() -> &'static ControlPlane {
    static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
    SHARED
        .get_or_init(async || {
            let plane = ControlPlane::start().await.unwrap();
            install_crds(&plane, CRDS).await;
            plane
        })
        .await
}

/// A freeze is of no namespace, so one that is made here selects the objects of its own test.
struct Freezes<'a>(&'a World);

impl Freezes<'_> {
    fn api(&self) -> Api<UpgradeFreeze> {
        Api::all(self.0.client.clone())
    }

    fn name(&self, name: &str) -> String {
        format!("{name}-{}", self.0.namespace)
    }

    async fn create(&self, name: &str, spec: Value) {
        let mut freeze =
            UpgradeFreeze::new(&self.name(name), serde_json::from_value(spec).unwrap());
        let labels = [("world".to_owned(), self.0.namespace.clone())];
        let selector = freeze.spec.selector.get_or_insert_default();
        selector.match_labels.get_or_insert_default().extend(labels);
        self.api()
            .create(&PostParams::default(), &freeze)
            .await
            .unwrap();
    }

    async fn delete(&self, name: &str) {
        self.api()
            .delete(&self.name(name), &DeleteParams::default())
            .await
            .unwrap();
    }
}

/// A manifest that the freezes of its test select.
fn labelled(world: &World, name: &str, version: &str) -> Value {
    let mut manifest = World::manifest(name, version);
    manifest["metadata"]["labels"] = json!({"world": world.namespace, "app": name});
    manifest
}

#[tokio::test]
async fn made_between_two_hops_it_holds_the_second_until_it_is_deleted() {
    let world = World::on(plane().await, "{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}, {name: other, version: '1.33'}]}").await;
    let freezes = Freezes(&world);
    // Nothing but the watch of the freezes brings it to look again.
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    world.create(labelled(&world, "prod", "1.35")).await;
    world.until_running("prod").await;
    let of_prod =
        json!({"reason": "Year-end closing", "selector": {"matchLabels": {"app": "prod"}}});
    freezes.create("closing", of_prod).await;

    let frozen = world.until_reason("prod", "Frozen").await;
    let name = freezes.name("closing");
    for words in [&*name, "Year-end closing", "starts once it is gone"] {
        assert!(message(&frozen).contains(words), "{}", message(&frozen));
    }
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
    let told = world.until_told("prod", "Frozen").await;
    assert!(told.contains("Year-end closing"), "{told}");
    // Whom it does not select it does not hold.
    world.create(labelled(&world, "other", "1.34")).await;
    world.until_reason("other", "UpToDate").await;
    // Nor does another one, which holds the second hop no less, change anything by its end.
    freezes.create("audit", json!({"reason": "Audit"})).await;
    freezes.delete("audit").await;
    assert_eq!(reason(&world.get("prod").await), "Frozen");
    assert_eq!(world.sends("prod").len(), 1);

    let deleted = Timestamp::now();
    freezes.delete("closing").await;
    world.until_reason("prod", "UpToDate").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);
    let second = world
        .asked("UpdateClusterVersion")
        .into_iter()
        .rfind(|call| call.cluster.as_deref() == Some("prod"));
    let second = second.unwrap().at;
    assert!(second >= deleted);
    assert!(
        second.duration_since(deleted) < SignedDuration::from_secs(20),
        "at once, and not at a resync"
    );
}

#[tokio::test]
async fn by_its_dates_it_ends_to_the_second() {
    let world = World::on(
        plane().await,
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let freezes = Freezes(&world);
    let until = Timestamp::from_second(Timestamp::now().as_second() + 6).unwrap();
    let spec = json!({"reason": "Maintenance", "until": until, "selector": {"matchLabels": {"app": "prod"}}});
    freezes.create("until", spec).await;
    // Neither of these counts at this time.
    freezes
        .create(
            "over",
            json!({"reason": "Over", "until": "2020-01-01T00:00:00Z"}),
        )
        .await;
    freezes
        .create(
            "later",
            json!({"reason": "Later", "from": "2999-01-01T00:00:00Z"}),
        )
        .await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    world.create(labelled(&world, "prod", "1.34")).await;
    let frozen = world.until_reason("prod", "Frozen").await;
    let schedule = frozen.status.as_ref().unwrap().schedule.as_ref().unwrap();
    assert_eq!(schedule.next_start, Some(until.to_string()));
    world.until_reason("prod", "UpToDate").await;
    let sent = world
        .asked("UpdateClusterVersion")
        .into_iter()
        .find(|call| call.cluster.as_deref() == Some("prod"));
    windows::assert_soon_after(sent.unwrap().at, until);
}

#[tokio::test]
async fn one_without_a_selector_concerns_all_and_so_does_one_that_cannot_be_read() {
    // Of its own: what is made here freezes everything.
    let plane = ControlPlane::start().await.unwrap();
    install_crds(&plane, CRDS).await;
    let world = World::on(
        &plane,
        "{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let mut operator = world.program_with("100ms", "10m").start().unwrap();
    plane
        .kubectl()
        .apply(r#"{"apiVersion": "eksupgrade.dev/v1alpha1", "kind": "UpgradeFreeze", "metadata": {"name": "stop"}, "spec": {"reason": "Incident 42"}}"#)
        .await
        .unwrap();
    world.create(World::manifest("prod", "1.36")).await;
    let frozen = world.until_reason("prod", "Frozen").await;
    assert!(
        message(&frozen).contains("Incident 42"),
        "{}",
        message(&frozen)
    );
    let listed = plane
        .kubectl()
        .run(["get", "uf"])
        .await
        .unwrap()
        .ok()
        .unwrap();
    assert!(
        listed.contains("stop") && listed.contains("Incident 42"),
        "{listed}"
    );

    // A CRD of another version lets through what this operator does not understand.
    install_crds(&plane, &api_server::loosened()).await;
    let freezes: Api<kube::api::DynamicObject> = Api::all_with(
        world.client.clone(),
        &kube::api::ApiResource::erase::<UpgradeFreeze>(&()),
    );
    let patch = async |spec: Value| {
        eventually("it is taken", DEADLINE, async || {
            let patch = Patch::Merge(json!({ "spec": spec }));
            freezes
                .patch("stop", &PatchParams::default(), &patch)
                .await
                .map(|_| ())
        })
        .await
        .unwrap();
    };
    patch(json!({"reason": {"words": 7}})).await;
    operator
        .wait_for_line("it says so", DEADLINE, |line| {
            (line.contains("ERROR") && line.contains("UpgradeFreeze cannot be read")).then_some(())
        })
        .await
        .unwrap();
    world
        .until("it holds on", "prod", |object| {
            reason(object) == "Frozen" && message(object).contains("cannot be understood")
        })
        .await;
    assert_eq!(world.sends("prod").len(), 0);
    patch(json!({"reason": "Only for others", "selector": {"matchLabels": {"team": "b"}}})).await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn the_clusters_own_team_holds_it_by_a_tag_and_lets_it_go() {
    let world = World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33', tags: {eksupgrade.dev/hold: load test until Friday}}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let held = world.until_reason("prod", "Held").await;
    assert!(
        message(&held).contains("load test until Friday"),
        "{}",
        message(&held)
    );
    world.looks("prod", 3).await;
    assert_eq!(world.sends("prod").len(), 0);
    world.happens("prod", "{tags: {eksupgrade.dev/hold: null}}");
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn an_object_comes_under_it_and_leaves_it_by_its_labels() {
    let world = World::on(
        plane().await,
        "{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}",
    )
    .await;
    let freezes = Freezes(&world);
    let payments = json!({"matchLabels": {"team": "payments"}});
    freezes
        .create("team", json!({"reason": "Ours only", "selector": payments}))
        .await;
    let _operator = world.operator();
    world.create(labelled(&world, "prod", "1.35")).await;
    world.until_running("prod").await;
    world
        .patch(
            "prod",
            json!({"metadata": {"labels": {"team": "payments"}}}),
        )
        .await;
    world.until_reason("prod", "Frozen").await;
    world.looks("prod", 3).await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
    world
        .patch("prod", json!({"metadata": {"labels": {"team": null}}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}
