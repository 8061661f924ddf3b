//! Baking: a version lasts for a while before the next hop, since going on gives up the way back.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::plan::{Wake, decide};

use super::eks::End;
use super::rollbacks::{ask, assert_says};
use super::world::{World, minutes, seconds};

fn baked(from: &str, to: &str) -> World {
    let mut world = World::new(from, to);
    world.gate(|gates| gates.bake = minutes(24 * 60));
    world
}

#[test]
fn the_second_hop_waits_from_the_end_of_the_first() {
    let mut world = baked("1.33", "1.35");
    world.run(minutes(20));
    assert_eq!(world.told, ["Updating", "send 1.34", "Baking"]);
    let end = world.update().finished_at.unwrap() + minutes(24 * 60);
    assert_says(
        &world,
        &[&format!("until {end:.0}"), "update u1", "1.34 to 1.35"],
    );
    world.stays(Reason::Baking, end.duration_since(world.now) - minutes(40));
    world.stays(Reason::Baking, end.duration_since(world.now) - minutes(3));
    let wait = end.duration_since(world.now);
    assert_eq!(world.last_wake, Wake::Exactly(wait));
    world.now = end - seconds(1);
    world.settle();
    assert_eq!(world.sent.len(), 1);
    world.now = end;
    world.settle();
    assert_eq!(world.sent.len(), 2);
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn what_is_told_late_counts_from_the_answer_since_it_may_have_ended_while_the_operator_waited_for_it()
 {
    let mut world = baked("1.33", "1.35");
    world.run(minutes(5));
    world.now += minutes(20);
    let mut observed = world.observe();
    let answered_at = world.now + minutes(9);
    observed.answered_at = Some(answered_at);
    let decision = decide(&world.facts(&observed));
    let ended = decision.memory.update.and_then(|update| update.finished_at);
    assert_eq!(ended, Some(answered_at));

    // A clock that was set back meanwhile makes nothing earlier.
    observed.answered_at = Some(world.now - minutes(9));
    let decision = decide(&world.facts(&observed));
    let ended = decision.memory.update.and_then(|update| update.finished_at);
    assert_eq!(ended, Some(world.now));
}

#[test]
fn a_cluster_that_nobody_upgraded_does_not_bake() {
    let mut world = baked("1.33", "1.34");
    world.settle();
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn an_upgrade_that_was_never_followed_counts_from_its_start_and_the_longest_that_one_takes() {
    let mut world = baked("1.33", "1.35");
    world.object.wish.as_mut().unwrap().suspend = true;
    let began = world.now;
    world.foreign("VersionUpdate", Some("1.34"));
    world.now += minutes(60);
    world.edit(|wish| wish.suspend = false);
    world.settle();
    assert_eq!(world.reason(), "Baking");
    let end = began + minutes(90) + minutes(24 * 60);
    assert_says(&world, &[&format!("until {end:.0}")]);
}

#[test]
fn nothing_bakes_after_a_rollback() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(15));
    ask(&mut world);
    world.run(minutes(30));
    assert_eq!(world.accepted()[1..], ["VersionRollback 1.33"]);
    world.edit(|wish| {
        wish.version = "1.34".parse().unwrap();
        wish.rollback = None;
    });
    world.gate(|gates| gates.bake = minutes(24 * 60));
    world.run(minutes(5));
    assert_eq!(world.sent.len(), 3, "{}", world.message());
}

#[test]
fn a_failed_try_does_not_begin_it_anew() {
    let mut world = baked("1.33", "1.35");
    world.run(minutes(20));
    let end = world.update().finished_at.unwrap() + minutes(24 * 60);
    world.now = end;
    world.eks.end = End::Failed;
    world.run(minutes(20));
    assert_eq!(world.reason(), "UpdateFailed");
    world.eks.end = End::Successful;
    world.annotate(seconds(0));
    world.run(minutes(5));
    assert_eq!(world.sent.len(), 3, "{}", world.message());
}

#[test]
fn a_status_that_is_lost_does_not_shorten_it() {
    let mut world = baked("1.33", "1.35");
    world.run(minutes(20));
    let began = world.update().created_at.unwrap();
    world.lose_status();
    world.stays(Reason::Baking, minutes(60));
    let end = began + minutes(90) + minutes(24 * 60);
    assert_says(&world, &[&format!("until {end:.0}")]);
}

/// Its end was seen by a replica whose clock is a little ahead: it lasted longer than the time that stands in for an unknown end.
#[test]
fn an_end_that_a_clock_ahead_saw_counts() {
    let mut world = World::new("1.33", "1.35");
    world.gate(|gates| gates.bake = minutes(10));
    world.eks.takes = minutes(180);
    world.run(minutes(170));
    while world.update().finished_at.is_none() {
        world.step();
        if world.update().finished_at.is_none() {
            world.sleep();
        }
    }
    let end = world.now + minutes(1);
    for update in (world.memory.update.iter_mut()).chain(&mut world.memory.history) {
        update.finished_at = Some(end);
    }
    world.run(minutes(5));
    assert_eq!(world.reason(), "Baking");
    assert_says(&world, &[&format!("until {:.0}", end + minutes(10))]);
    assert_eq!(world.sent.len(), 1);
}

/// It was seen by a clock that was hours behind, and is right since.
#[test]
fn an_end_before_ekss_own_beginning_does_not_shorten_it() {
    let mut world = baked("1.33", "1.35");
    world.run(minutes(20));
    let began = world.update().created_at.unwrap();
    for update in (world.memory.update.iter_mut()).chain(&mut world.memory.history) {
        update.finished_at = Some(began - minutes(23 * 60));
    }
    world.stays(Reason::Baking, minutes(120));
    let end = began + minutes(90) + minutes(24 * 60);
    assert_says(&world, &[&format!("until {end:.0}")]);
}
