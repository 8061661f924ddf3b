//! The tag by which a cluster's own team holds it, and what every gate of time has in common: it governs starts alone.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::plan::InvalidSpec;

use super::eks::Fate;
use super::rollbacks::{asked, assert_says};
use super::timing::{at, freeze, window};
use super::world::{World, minutes, seconds};

/// Closes one gate of time, whatever the hour.
type Gate = (Reason, fn(&mut World));

const GATES: [Gate; 4] = [
    (Reason::Held, |world| {
        world.eks.cluster.hold = Some("no changes before Monday".to_owned());
    }),
    (Reason::Frozen, |world| {
        world.standing.freezes.push(freeze("sale", None, None));
    }),
    (Reason::OutsideWindow, |world| {
        world.gate(|gates| gates.windows.push(window(&["Sun"], "02:00", "1h")));
    }),
    (Reason::Baking, |world| {
        world.gate(|gates| gates.bake = minutes(3 * 24 * 60));
    }),
];

#[test]
fn the_tags_value_is_said_and_nothing_starts_until_the_tag_is_gone() {
    let mut world = World::new("1.33", "1.35");
    world.eks.cluster.hold = Some("ask team-db, ticket 4711".to_owned());
    world.stays(Reason::Held, minutes(600));
    assert_says(
        &world,
        &[
            "\"ask team-db, ticket 4711\"",
            "eksupgrade.dev/hold",
            "1.33 to 1.34",
        ],
    );
    assert!(world.sent.is_empty());
    world.eks.cluster.hold = None;
    world.run(minutes(40));
    assert_eq!(
        world.told,
        ["Held", "Updating", "send 1.34", "send 1.35", "UpToDate"]
    );
}

#[test]
fn a_tag_without_a_value_and_one_that_is_no_text_hold_as_well() {
    for value in ["", "\u{1b}[31m\n\"x\"", &"x".repeat(9_000)] {
        let mut world = World::new("1.33", "1.34");
        world.eks.cluster.hold = Some(value.to_owned());
        world.stays(Reason::Held, minutes(30));
        assert!(!world.message().contains('\u{1b}'));
    }
}

#[test]
fn a_running_update_is_untouched_and_the_next_hop_asks_again() {
    for (reason, close) in GATES {
        let mut world = World::new("1.33", "1.35");
        world.run(minutes(3));
        let before = world.message().to_owned();
        close(&mut world);
        world.settle();
        assert_eq!(world.message(), before, "{reason}");
        world.run(minutes(20));
        assert_eq!(
            world.told,
            ["Updating", "send 1.34", reason.as_str()],
            "{}",
            world.message()
        );
        world.stays(reason, minutes(24 * 60));
    }
}

#[test]
fn somebody_elses_update_of_the_hop_is_followed_behind_a_closed_gate() {
    for (reason, close) in GATES {
        let mut world = World::new("1.33", "1.34");
        close(&mut world);
        world.foreign("VersionUpdate", Some("1.34"));
        world.run(minutes(30));
        assert_eq!(world.told, ["Updating", "UpToDate"], "{reason}");
    }
}

#[test]
fn an_open_intent_is_looked_for_and_not_sent_again_once_a_gate_closes() {
    for (reason, close) in &GATES[..3] {
        let mut world = World::new("1.33", "1.34");
        world.fates.push_back(Fate::RequestLost);
        world.step();
        close(&mut world);
        world.run(minutes(19));
        assert_eq!(world.sent.len(), 1, "{reason}");
        assert_eq!(world.reason(), "Updating");
        assert_says(&world, &["not asked again, but looked for"]);
        world.run(minutes(2));
        assert_eq!(world.reason(), reason.as_str(), "{}", world.message());
        assert_eq!(world.update().status, Some(UpdateStatus::NotSent));
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn what_eks_had_accepted_is_found_behind_a_closed_gate() {
    for (reason, close) in GATES {
        let mut world = World::new("1.33", "1.34");
        world.eks.list_lag = minutes(5);
        world.fates.push_back(Fate::AnswerLost);
        world.step();
        close(&mut world);
        world.run(minutes(30));
        assert_eq!(world.reason(), "UpToDate", "{reason}: {}", world.message());
        assert_eq!(world.accepted(), ["VersionUpdate 1.34"]);
    }
}

#[test]
fn a_rollback_waits_for_all_of_them_but_for_baking() {
    for (reason, close) in GATES {
        let mut world = asked();
        close(&mut world);
        world.run(minutes(5));
        let is_baking = reason == Reason::Baking;
        assert_eq!(world.sent.len(), if is_baking { 2 } else { 1 }, "{reason}");
        if !is_baking {
            world.stays(reason, minutes(600));
            assert_says(&world, &["rollback"]);
        }
    }
}

#[test]
fn a_withdrawn_rollback_is_cancelled_behind_a_closed_gate() {
    for (reason, close) in GATES {
        let mut world = World::new("1.33", "1.34");
        super::rollbacks::auto_mode(&mut world);
        world.run(minutes(15));
        super::rollbacks::ask(&mut world);
        world.run(minutes(5));
        close(&mut world);
        world.edit(|wish| {
            wish.version = "1.34".parse().unwrap();
            wish.rollback = None;
        });
        world.run(minutes(1));
        assert_eq!(world.cancels.len(), 1, "{reason}: {}", world.message());
    }
}

#[test]
fn a_schedule_that_makes_no_sense_stalls_what_is_to_come_and_nothing_that_runs() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.edit(|wish| {
        wish.gates = Err(InvalidSpec(
            "spec.schedule.windows[0]: \"Mars/Base\" is no IANA time zone".to_owned(),
        ));
    });
    world.run(minutes(3));
    assert_eq!(world.reason(), "Updating");
    world.run(minutes(20));
    world.stays(Reason::InvalidSpec, minutes(60));
    assert_says(&world, &["Mars/Base", "nothing is started"]);
    assert_eq!(world.told, ["Updating", "send 1.34", "InvalidSpec"]);
    assert_eq!(world.memory.history.len(), 1);
}

#[test]
fn nothing_begins_at_the_very_end_of_a_window() {
    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.windows.push(window(&["Mon"], "11:00", "1h")));
    world.now = at("2026-11-23T11:59:59Z");
    world.settle();
    assert_eq!(world.sent.len(), 1);
    let mut world = World::new("1.33", "1.34");
    world.gate(|gates| gates.windows.push(window(&["Mon"], "11:00", "1h")));
    world.settle();
    assert_eq!(world.reason(), "OutsideWindow");
    world.now += seconds(1);
    world.stays(Reason::OutsideWindow, minutes(600));
}
