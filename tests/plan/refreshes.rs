//! The refresh of EKS's insights before a start: begun where it is due, awaited in any mode, and never for ever.

use eks_upgrade_operator::api::{CheckResult, PreflightMode, Reason};
use eks_upgrade_operator::plan::{Part, Read};

use super::checks::check;
use super::preflight::blocked;
use super::rollbacks::assert_says;
use super::world::{World, minutes, seconds};

/// EKS has never refreshed, and takes so many minutes.
fn refreshing(takes: i64) -> World {
    let mut world = World::new("1.33", "1.34");
    world.eks.upgrade_refresh_takes = Some(minutes(takes));
    world
}

fn started(world: &World) -> usize {
    let begins = |read: &&Read| matches!(read, Read::Evidence(Part::StartRefresh, _));
    world.eks.reads.iter().filter(begins).count()
}

#[test]
fn it_is_begun_once_and_awaited() {
    for mode in [PreflightMode::Enforce, PreflightMode::Warn] {
        let mut world = refreshing(3);
        world.gate(|gates| gates.preflight.mode = mode);
        world.stays(Reason::WaitingForCluster, minutes(2));
        assert_says(
            &world,
            &["refreshes its upgrade-readiness insights", "1.33 to 1.34"],
        );
        assert_eq!(started(&world), 1);
        world.run(minutes(2));
        assert_eq!(world.told, ["WaitingForCluster", "Updating", "send 1.34"]);
        assert_eq!(started(&world), 1);
    }
}

#[test]
fn one_that_does_not_end_is_given_up_on_after_half_an_hour() {
    let mut world = refreshing(100_000);
    world.run(minutes(29));
    assert_says(&world, &["is known after that"]);
    world.run(minutes(2));
    world.stays(Reason::PreflightUnknown, minutes(120));
    assert_says(
        &world,
        &["could not refresh its insights (it does not end)"],
    );
    assert!(world.sent.is_empty());

    let mut world = refreshing(100_000);
    world.gate(|gates| gates.preflight.mode = PreflightMode::Warn);
    world.run(minutes(29));
    assert!(world.sent.is_empty());
    world.run(minutes(2));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn one_that_fails_is_unknown_and_begun_again_later() {
    let mut world = refreshing(1);
    world.eks.upgrade_refresh_failed = true;
    world.run(minutes(9));
    assert_eq!(world.reason(), "PreflightUnknown");
    assert_says(&world, &["could not refresh its insights (FAILED)"]);
    assert_eq!(started(&world), 1);
    world.eks.upgrade_refresh_failed = false;
    world.eks.upgrade_refresh_started =
        world.eks.upgrade_refresh_started.map(|at| at - minutes(15));
    world.eks.upgrade_refresh_failed = true;
    world.run(minutes(1));
    world.eks.upgrade_refresh_failed = false;
    world.run(minutes(15));
    assert_eq!(world.sent.len(), 1, "{}", world.message());
}

#[test]
fn one_from_before_the_last_hop_does_not_count() {
    let mut world = World::new("1.33", "1.35");
    world.eks.upgrade_refresh_takes = Some(seconds(40));
    world.run(minutes(2));
    assert_eq!((world.sent.len(), started(&world)), (1, 1));
    // The hop ends well within the hour for which a refresh counts.
    world.run(minutes(12));
    assert_eq!((world.sent.len(), started(&world)), (2, 2));
}

#[test]
fn one_of_more_than_an_hour_ago_is_made_anew_before_a_start() {
    for (ago, refreshes) in [(59, 0), (61, 1)] {
        let mut world = refreshing(1);
        world.eks.upgrade_refresh_started = Some(world.now - minutes(ago + 1));
        world.run(minutes(3));
        assert_eq!(world.sent.len(), 1);
        assert_eq!(started(&world), refreshes, "{ago} minutes");
    }
}

#[test]
fn while_nothing_can_start_twice_a_day_is_enough() {
    let mut world = refreshing(1);
    world.edit(|wish| wish.suspend = true);
    world.run(minutes(24 * 60 - 5));
    assert_eq!(started(&world), 2);
    assert_eq!(
        world.memory.preflight.as_ref().unwrap().result,
        CheckResult::Passed
    );
}

#[test]
fn what_blocked_is_said_on_while_it_is_looked_at_anew() {
    let mut world = blocked();
    world.eks.upgrade_refresh_takes = Some(minutes(2));
    world.run(minutes(30));
    world.stays(Reason::PreflightFailed, minutes(300));
    assert!(started(&world) >= 6, "{}", started(&world));
    assert!(started(&world) <= 9, "{}", started(&world));
}

#[test]
fn the_retry_annotation_asks_for_another_look() {
    let mut world = blocked();
    world.eks.upgrade_refresh_takes = Some(minutes(1));
    world.run(minutes(20));
    assert_eq!(world.reason(), "PreflightFailed");
    world.run(minutes(10));
    let before = started(&world);
    world.annotate(seconds(0));
    world.run(minutes(3));
    assert_eq!(started(&world), before + 1);
    world.run(minutes(30));
    assert_eq!(started(&world), before + 1);
}

#[test]
fn force_waits_for_no_refresh_and_only_for_the_hop_it_names() {
    let mut world = refreshing(100_000);
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.settle();
    assert!(world.sent[0].force);
    assert_eq!(started(&world), 0);

    let mut world = blocked();
    world.edit(|wish| wish.forced = Some("1.32".parse().unwrap()));
    world.run(minutes(20));
    assert_eq!(world.told, ["Updating", "send 1.32", "PreflightFailed"]);
    world.edit(|wish| wish.forced = Some("1.33".parse().unwrap()));
    world.settle();
    assert_eq!(world.sent.len(), 2, "{}", world.message());
    assert!(world.sent[1].force);
    assert_eq!(check(&world, "UpgradeInsights").result, CheckResult::Waived);
}

#[test]
fn force_overrides_insights_and_no_other_check() {
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.eks.nodegroups = vec![super::evidence::group("old", "1.30")];
    world.stays(Reason::PreflightFailed, minutes(60));
}

/// The end of a hop that another replica saw, whose clock is a little ahead, is later than now: what EKS found before it counts as
/// little.
#[test]
fn one_from_before_a_hop_that_a_clock_ahead_saw_end_does_not_count() {
    let mut world = World::new("1.33", "1.35");
    world.eks.upgrade_refresh_takes = Some(seconds(40));
    world.run(minutes(2));
    // Looked at by hand in mid-hop: this refresh ends before the hop does.
    world.eks.upgrade_refresh_started = Some(world.now);
    while world.update().finished_at.is_none() {
        world.settle();
        world.sleep();
    }
    let finished = world.now + minutes(1);
    for update in world
        .memory
        .update
        .iter_mut()
        .chain(&mut world.memory.history)
    {
        update.finished_at = Some(finished);
    }
    let before = started(&world);
    world.run(minutes(3));
    assert!(started(&world) > before, "{:?}", world.told);
}

#[test]
fn insights_in_another_order_are_no_news() {
    let mut world = World::new("1.33", "1.34");
    let error = |id: &str, name: &str| super::evidence::insight(id, name, "ERROR", "As it is");
    world.eks.upgrade_insights = vec![error("i1", "Second"), error("i2", "First")];
    world.settle();
    assert_eq!(world.reason(), "PreflightFailed");
    let said = (world.message().to_owned(), world.memory.preflight.clone());
    world.eks.upgrade_insights.reverse();
    world.run(minutes(60));
    assert_eq!(
        (world.message().to_owned(), world.memory.preflight.clone()),
        said
    );
}

/// A clock of ours that was set back: what it found may be of any age.
#[test]
fn one_that_ended_in_a_time_to_come_vouches_for_nothing() {
    let mut world = World::new("1.33", "1.34");
    world.eks.upgrade_refreshed_at = Some(world.now + minutes(60));
    world.stays(Reason::PreflightUnknown, minutes(30));
    assert_says(&world, &["by our clock it ended in a time to come"]);
    assert_eq!(started(&world), 0);
    // The clock is right again.
    world.now += minutes(60);
    world.run(minutes(20));
    assert_eq!(world.sent.len(), 1, "{}", world.message());
}
