//! Freezes: the organisation's blackouts, and the emergency stop.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::plan::Wake;

use super::rollbacks::assert_says;
use super::timing::{at, freeze};
use super::world::{World, minutes, seconds};

#[test]
fn a_freeze_made_between_two_hops_stops_the_second_until_it_is_gone() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.standing.freezes = vec![freeze("sale", None, None)];
    world.run(minutes(20));
    world.stays(Reason::Frozen, minutes(3 * 24 * 60));
    assert_says(
        &world,
        &[
            "UpgradeFreeze sale",
            "Black Friday.",
            "1.34 to 1.35",
            "once it is gone",
        ],
    );
    assert_eq!(world.sent.len(), 1);
    world.standing.freezes.clear();
    world.run(minutes(20));
    assert_eq!(
        world.told,
        [
            "Updating",
            "send 1.34",
            "Frozen",
            "Updating",
            "send 1.35",
            "UpToDate"
        ]
    );
}

#[test]
fn one_that_is_over_or_to_come_stops_nothing() {
    for freeze in [
        freeze("past", None, Some(at("2026-11-23T12:00:00Z"))),
        freeze("to come", Some(at("2026-11-23T12:00:01Z")), None),
    ] {
        let mut world = World::new("1.33", "1.34");
        world.standing.freezes = vec![freeze];
        world.settle();
        assert_eq!(world.sent.len(), 1);
    }
}

#[test]
fn the_end_of_a_freeze_is_met_exactly() {
    let mut world = World::new("1.33", "1.34");
    let end = at("2026-11-23T12:07:00Z");
    world.standing.freezes = vec![
        freeze("short", None, Some(at("2026-11-23T12:03:00Z"))),
        freeze("long", Some(at("2026-11-23T12:00:00Z")), Some(end)),
    ];
    let decision = world.settle();
    assert_eq!(world.reason(), "Frozen");
    assert_says(
        &world,
        &["UpgradeFreeze long", "starts at 2026-11-23T12:07:00Z"],
    );
    assert_eq!(decision.wake, Wake::Exactly(minutes(7)));
    world.now = end - seconds(1);
    world.settle();
    assert!(world.sent.is_empty());
    world.now = end;
    world.settle();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn one_whose_end_is_before_its_beginning_is_never_on() {
    let mut world = World::new("1.33", "1.34");
    world.standing.freezes = vec![freeze(
        "odd",
        Some(at("2026-11-23T12:30:00Z")),
        Some(at("2026-11-23T11:00:00Z")),
    )];
    world.settle();
    assert_eq!(world.sent.len(), 1);
}
