//! Windows: nothing before they open, one call when they do, and the look that is made exactly then.

use eks_upgrade_operator::api::{self, Reason};
use eks_upgrade_operator::plan::{Part, Read, Wake, Window};
use jiff::Timestamp;

use super::rollbacks::{asked, assert_says};
use super::timing::{at, freeze, window};
use super::world::{World, minutes, seconds};

/// Opens at 14:00; it is noon.
fn opens_at_two() -> World {
    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.windows.push(window(&["Mon"], "14:00", "2h")));
    world
}

/// Runs until something is sent, as late as the controller may look: it spreads resyncs over the interval, and other looks by a tenth.
fn sent_at(world: &mut World) -> Timestamp {
    for _ in 0..2_000 {
        world.settle();
        if !world.sent.is_empty() {
            return world.now;
        }
        if let Wake::After(wait) = world.last_wake {
            let is_resync = wait == world.settings.resync_interval;
            let late = if is_resync { wait / 2 } else { wait / 10 };
            world.last_wake = Wake::After(wait + late);
        }
        world.sleep();
    }
    panic!("nothing is sent: {:?}", world.told)
}

#[test]
fn nothing_is_sent_before_it_opens_and_one_call_at_that_moment() {
    let opening = at("2026-11-23T14:00:00Z");
    // Whenever it was looked at before.
    for offset in [
        0, 1, 59, 200, 299, 301, 599, 601, 659, 661, 1801, 6599, 6601, 7199,
    ] {
        let mut world = opens_at_two();
        world.now += seconds(offset);
        assert_eq!(sent_at(&mut world), opening, "looked at after {offset} s");
        assert_eq!(world.told, ["OutsideWindow", "Updating", "send 1.34"]);
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn the_next_opening_is_said_and_does_not_change_while_it_is_waited_for() {
    let mut world = opens_at_two();
    world.stays(Reason::OutsideWindow, minutes(119));
    assert_says(&world, &["starts at 2026-11-23T14:00:00Z"]);
    let schedule = world.memory.schedule.clone().unwrap();
    assert_eq!(schedule.next_start.as_deref(), Some("2026-11-23T14:00:00Z"));
    world.run(minutes(2));
    assert_eq!(world.memory.schedule, None);
}

#[test]
fn a_look_is_never_later_than_a_resync_away() {
    let mut world = opens_at_two();
    let most = world.settings.resync_interval;
    while world.sent.is_empty() {
        world.settle();
        match world.last_wake {
            Wake::After(wait) | Wake::Exactly(wait) => assert!(wait <= most, "{wait}"),
            Wake::Now | Wake::OnChange => panic!("{:?}", world.last_wake),
        }
        world.sleep();
    }
}

#[test]
fn insights_are_refreshed_before_it_opens_so_that_nothing_is_waited_for_then() {
    let mut world = opens_at_two();
    world.eks.upgrade_refresh_takes = Some(seconds(40));
    assert_eq!(sent_at(&mut world), at("2026-11-23T14:00:00Z"));
    let started = |read: &&Read| matches!(read, Read::Evidence(Part::StartRefresh, _));
    // To show what stands in the way, and half an hour before.
    assert_eq!(world.eks.reads.iter().filter(started).count(), 2);
    let refreshed = world.eks.upgrade_refresh_started.unwrap();
    let before = at("2026-11-23T14:00:00Z").duration_since(refreshed);
    assert!(before <= minutes(31) && before >= minutes(20), "{before}");
}

#[test]
fn each_hop_waits_for_a_window_of_its_own() {
    let mut world = World::new("1.33", "1.35");
    // Over before the first hop is.
    world.gate(|gates| {
        gates.windows.push(window(&["Mon"], "12:00", "5m"));
        gates.windows.push(window(&["Tue"], "03:00", "1h"));
    });
    world.run(minutes(60));
    assert_eq!(world.told, ["Updating", "send 1.34", "OutsideWindow"]);
    assert_says(&world, &["1.34 to 1.35 starts at 2026-11-24T03:00:00Z"]);
    world.run(minutes(13 * 60));
    assert_eq!(world.sent.len(), 1);
    world.run(minutes(3 * 60));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn clocks_set_back_do_not_open_it_twice() {
    let mut world = World::new("1.33", "1.35");
    world.now = at("2026-10-24T12:00:00Z");
    let night = Window::new(&api::Window {
        days: vec!["Sun".to_owned()],
        start: "02:30".to_owned(),
        duration: "15m".to_owned(),
        time_zone: Some("Europe/Berlin".to_owned()),
    });
    world.eks.takes = minutes(20);
    world.gate(|gates| gates.windows = vec![night.unwrap()]);
    assert_eq!(sent_at(&mut world), at("2026-10-25T00:30:00Z"));
    world.run(minutes(3 * 60));
    assert_eq!(world.sent.len(), 1);
    assert_says(&world, &["2026-11-01T01:30:00Z"]);
}

#[test]
fn freezes_and_windows_count_together() {
    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.windows.push(window(&["Mon", "Wed"], "14:00", "2h")));
    let until = at("2026-11-23T17:00:00Z");
    world.standing.freezes = vec![
        freeze("sale", None, Some(until)),
        freeze(
            "later",
            Some(at("2026-11-25T13:00:00Z")),
            Some(at("2026-11-25T15:30:00Z")),
        ),
    ];
    world.stays(Reason::Frozen, minutes(100));
    assert_says(&world, &["starts at 2026-11-25T15:30:00Z"]);
    assert_eq!(sent_at(&mut world), at("2026-11-25T15:30:00Z"));
    assert_eq!(
        world.told,
        ["Frozen", "OutsideWindow", "Frozen", "Updating", "send 1.34"]
    );
}

#[test]
fn a_freeze_that_covers_each_window_leaves_the_start_unknown() {
    let mut world = opens_at_two();
    world.standing.freezes = vec![freeze("stop", Some(at("2026-11-23T13:00:00Z")), None)];
    world.stays(Reason::OutsideWindow, minutes(30));
    assert_eq!(world.memory.schedule, None);
    assert_eq!(
        world.memory.plan.as_ref().unwrap().steps[0].earliest_start,
        None
    );
}

#[test]
fn a_rollback_says_that_it_waits_and_how_it_would_not() {
    let mut world = asked();
    world.gate(|gates| gates.windows.push(window(&["Sun"], "02:00", "1h")));
    world.stays(Reason::OutsideWindow, minutes(60));
    assert_says(
        &world,
        &[
            "The rollback from 1.34 to 1.33",
            "add one to spec.schedule.windows",
        ],
    );
    world.gate(|gates| gates.windows.clear());
    world.run(minutes(15));
    assert_eq!(world.accepted()[1..], ["VersionRollback 1.33"]);
}
