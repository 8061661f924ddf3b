//! When a hop may start: windows, baking, and what of a schedule only the operator can know.

use eks_upgrade_operator::api::ClusterUpgrade;
use harness::eventually;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Value, json};

use crate::world::{World, condition, message, update};

/// A window is written in minutes, so the next one may be so far away.
const UNTIL_A_WINDOW: std::time::Duration = std::time::Duration::from_mins(2);

/// What starts at `opening` does not start before it, and soon after it: within two seconds where nothing else runs on the
/// machine.
pub fn assert_soon_after(sent: Timestamp, opening: Timestamp) {
    let late = sent.duration_since(opening);
    eprintln!("{late:#} after the opening");
    assert!(!late.is_negative(), "{late:#} before the opening");
    assert!(late < SignedDuration::from_secs(10), "{late:#}");
}

/// A window on every day from this time of day on.
fn window(start: Timestamp, duration: &str) -> Value {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let start = start.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string();
    json!({"days": days, "start": start, "duration": duration, "timeZone": "UTC"})
}

/// The next full minute that is not too near.
fn next_minute() -> Timestamp {
    let soon = Timestamp::now().as_second() + 8;
    Timestamp::from_second((soon / 60 + 1) * 60).unwrap()
}

/// A window that is not open for hours.
fn closed() -> Value {
    window(Timestamp::now() - 12.hours(), "1h")
}

fn next_start(object: &ClusterUpgrade) -> Option<&str> {
    let schedule = object.status.as_ref()?.schedule.as_ref()?;
    schedule.next_start.as_deref()
}

#[tokio::test]
async fn it_starts_when_its_window_opens_and_asks_nothing_until_then() {
    let world =
        World::new("{durations: {update: 10m}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    let opening = next_minute();
    let mut manifest = World::manifest("prod", "1.34");
    manifest["spec"]["schedule"] = json!({"windows": [window(opening, "1h")]});
    world.create(manifest).await;
    let waiting = world.until_reason("prod", "OutsideWindow").await;
    assert_eq!(next_start(&waiting), Some(opening.to_string().as_str()));
    let said = Timestamp::now();
    let row = world.kubectl(&["get", "cu", "prod"]).await;
    assert!(
        row.contains("NEXT START") && row.contains(&opening.to_string()),
        "{row}"
    );

    let sent = eventually("it is sent", UNTIL_A_WINDOW, async || {
        world.asked("UpdateClusterVersion").into_iter().next()
    })
    .await
    .unwrap();
    assert_soon_after(sent.at, opening);
    let between = world.calls(|call| call.at > said && call.at < opening);
    assert!(between.is_empty(), "it sleeps until then: {between:?}");
    world.until_running("prod").await;
    assert_eq!(next_start(&world.get("prod").await), None);
}

#[tokio::test]
async fn a_window_that_is_open_lets_go_and_one_that_closes_stops_the_next_hop_only() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    let mut manifest = World::manifest("prod", "1.35");
    let open = window(Timestamp::now() - 1.hour(), "3h");
    manifest["spec"]["schedule"] = json!({"windows": [closed(), open]});
    world.create(manifest).await;
    let running = world.until_running("prod").await;

    // All of it comes while the update runs.
    world
        .patch(
            "prod",
            json!({"spec": {"schedule": {"windows": [closed()]}}}),
        )
        .await;
    world.happens("prod", "{tags: {eksupgrade.dev/hold: mine}}");
    world.looks("prod", 0).await;
    let held = world.until_reason("prod", "Held").await;
    let ended = &held.status.as_ref().unwrap().history[0];
    assert_eq!(
        (&ended.id, ended.status.as_ref().unwrap().as_str()),
        (&running.id, "Successful")
    );
    world.happens("prod", "{tags: {eksupgrade.dev/hold: null}}");
    let outside = world.until_reason("prod", "OutsideWindow").await;
    assert!(next_start(&outside).is_some());
    world.looks("prod", 3).await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
    assert_eq!(world.asked("CancelUpdate").len(), 0);
    // An edit of the window is all it takes.
    world
        .patch("prod", json!({"spec": {"schedule": null}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn after_a_hop_it_bakes_and_says_until_when() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.program_with("100ms", "10m").start().unwrap();
    let mut manifest = World::manifest("prod", "1.35");
    manifest["spec"]["schedule"] = json!({"bake": "1m"});
    world.create(manifest).await;
    let baking = world.until_reason("prod", "Baking").await;
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
    let ended = update(&baking).unwrap().finished_at.unwrap();
    let wanted = ended.checked_add(1.minute()).unwrap();
    assert_eq!(next_start(&baking), Some(format!("{wanted:.0}").as_str()));
    world
        .patch("prod", json!({"spec": {"schedule": {"bake": null}}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}

#[tokio::test]
async fn a_zone_that_does_not_exist_is_said_and_a_running_update_is_followed() {
    let world =
        World::new("{durations: {update: 3s}, clusters: [{name: prod, version: '1.33'}]}").await;
    let _operator = world.operator();
    world.create(World::manifest("prod", "1.35")).await;
    let running = world.until_running("prod").await;
    let mut nowhere = closed();
    nowhere["timeZone"] = "Europe/Nowhere".into();
    world
        .patch(
            "prod",
            json!({"spec": {"schedule": {"windows": [nowhere]}}}),
        )
        .await;
    let invalid = world
        .until("it is refused once the hop is done", "prod", |object| {
            condition(object, "Ready").is_some_and(|(_, reason, _)| reason == "InvalidSpec")
                && update(object).is_some_and(|update| !update.is_running())
        })
        .await;
    assert_eq!(condition(&invalid, "Stalled").unwrap().0, "True");
    for words in ["spec.schedule.windows[0]", "Europe/Nowhere", "IANA"] {
        assert!(message(&invalid).contains(words), "{}", message(&invalid));
    }
    let ended = update(&invalid).unwrap();
    assert_eq!(
        (&ended.id, ended.status.as_ref().unwrap().as_str()),
        (&running.id, "Successful")
    );
    assert_eq!(world.accepted_versions("prod"), ["1.34"]);
    world
        .patch("prod", json!({"spec": {"schedule": null}}))
        .await;
    world.until_reason("prod", "UpToDate").await;
}
