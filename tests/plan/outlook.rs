//! What is to come, as status shows it: also while nothing may start, and always the same while nothing changes.

use eks_upgrade_operator::api::{CheckResult, GateState, PlanStatus, Reason, Step};

use super::evidence::group;
use super::rollbacks::asked;
use super::timing::{at, freeze, window};
use super::world::{World, minutes};

fn plan(world: &World) -> &PlanStatus {
    world.memory.plan.as_ref().unwrap()
}

/// "FROM>TO CALL".
fn steps(world: &World) -> Vec<String> {
    let steps = plan(world).steps.iter();
    steps
        .map(|step| format!("{}>{} {}", step.from, step.to, step.call))
        .collect()
}

fn states(step: &Step) -> Vec<(&str, GateState)> {
    let gates = step.gates.iter();
    gates.map(|gate| (gate.gate.as_str(), gate.state)).collect()
}

#[test]
fn a_suspended_object_shows_every_step_with_its_gates_and_nothing_is_sent() {
    let mut world = World::new("1.31", "1.33");
    world.edit(|wish| {
        wish.suspend = true;
        wish.forced = Some("1.33".parse().unwrap());
    });
    world.gate(|gates| {
        gates.windows.push(window(&["Sat"], "02:00", "4h"));
        gates.bake = minutes(24 * 60);
    });
    world.eks.nodegroups = vec![group("old", "1.28")];
    world.stays(Reason::Suspended, minutes(2 * 24 * 60));
    assert!(world.sent.is_empty());
    assert_eq!(
        steps(&world),
        [
            "1.31>1.32 UpdateClusterVersion 1.32",
            "1.32>1.33 UpdateClusterVersion 1.33, force"
        ]
    );
    let [first, second] = plan(&world).steps.as_slice() else {
        panic!("two steps")
    };
    assert_eq!(
        states(first),
        [
            ("Suspend", GateState::Closed),
            ("Hold", GateState::Open),
            ("Freeze", GateState::Open),
            ("Window", GateState::Closed),
            ("Bake", GateState::Open),
            ("Preflight", GateState::Closed),
        ]
    );
    assert!(first.gates[3].message.contains("2026-11-28T02:00:00Z"));
    assert!(first.gates[5].message.contains("NodeSkew Failed"));
    assert_eq!(
        states(second),
        [
            ("Window", GateState::Pending),
            ("Bake", GateState::Pending),
            ("Preflight", GateState::Pending),
        ]
    );
    assert_eq!((first.earliest_start, second.earliest_start), (None, None));
    assert_eq!(
        world.memory.preflight.as_ref().unwrap().result,
        CheckResult::Failed
    );
}

#[test]
fn a_window_gives_each_step_its_earliest_start() {
    let mut world = World::new("1.31", "1.34");
    world.gate(|gates| {
        gates.windows.push(window(&["Sat"], "02:00", "4h"));
        gates.bake = minutes(24 * 60);
    });
    world.standing.freezes = vec![freeze(
        "sale",
        Some(at("2026-12-05T00:00:00Z")),
        Some(at("2026-12-05T03:00:00Z")),
    )];
    world.stays(Reason::OutsideWindow, minutes(24 * 60));
    let starts: Vec<_> = plan(&world)
        .steps
        .iter()
        .map(|step| step.earliest_start)
        .collect();
    assert_eq!(
        starts,
        [
            Some(at("2026-11-28T02:00:00Z")),
            Some(at("2026-12-05T03:00:00Z")),
            Some(at("2026-12-12T02:00:00Z")),
        ]
    );
    let next = world
        .memory
        .schedule
        .as_ref()
        .unwrap()
        .next_start
        .as_deref();
    assert_eq!(next, Some("2026-11-28T02:00:00Z"));
}

#[test]
fn while_an_update_runs_the_plan_has_what_comes_after_it() {
    let mut world = World::new("1.31", "1.33");
    world.run(minutes(3));
    assert_eq!(steps(&world), ["1.32>1.33 UpdateClusterVersion 1.33"]);
    assert_eq!(world.memory.schedule, None);
    world.run(minutes(10));
    assert_eq!(world.memory.plan, None, "{}", world.message());
    world.run(minutes(20));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(
        (&world.memory.plan, &world.memory.preflight),
        (&None, &None)
    );
}

#[test]
fn a_rollback_is_planned_as_one_step() {
    let mut world = asked();
    world.edit(|wish| wish.suspend = true);
    world.stays(Reason::Suspended, minutes(60));
    assert_eq!(steps(&world), ["1.34>1.33 UpdateClusterVersion 1.33"]);
    assert_eq!(world.memory.preflight, None);
}

#[test]
fn what_waits_is_shown_the_same_for_days() {
    let causes: [(Reason, fn(&mut World)); 6] = [
        (Reason::Suspended, |world| {
            world.edit(|wish| wish.suspend = true)
        }),
        (Reason::Held, |world| {
            world.eks.cluster.hold = Some("no".to_owned())
        }),
        (Reason::Frozen, |world| {
            world.standing.freezes.push(freeze("stop", None, None))
        }),
        (Reason::OutsideWindow, |world| {
            world.gate(|gates| gates.windows.push(window(&["Sun"], "02:00", "1h")));
        }),
        (Reason::PreflightFailed, |world| {
            world.eks.nodegroups.push(group("old", "1.20"))
        }),
        (Reason::Queued, |world| {
            world.standing.queued_behind = Some(3)
        }),
    ];
    for (reason, cause) in causes {
        let mut world = World::new("1.33", "1.35");
        world.eks.upgrade_refresh_takes = Some(minutes(1));
        cause(&mut world);
        world.run(minutes(20));
        world.stays(reason, minutes(3 * 24 * 60));
        assert!(world.memory.plan.is_some() && world.memory.preflight.is_some());
    }
}

#[test]
fn what_is_over_is_not_shown_on() {
    let mut world = World::new("1.33", "1.34");
    world.edit(|wish| wish.suspend = true);
    world.gate(|gates| gates.windows.push(window(&["Sun"], "02:00", "1h")));
    world.settle();
    world.edit(|wish| wish.version = "1.33".parse().unwrap());
    world.settle();
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.plan, None);
    assert_eq!(world.memory.preflight, None);
    assert_eq!(world.memory.schedule, None);
}

#[test]
fn a_check_of_the_next_version_says_nothing_of_the_one_before() {
    let mut world = World::new("1.33", "1.35");
    world.eks.nodegroups = vec![group("old", "1.31")];
    world.run(minutes(20));
    assert_eq!(world.reason(), "PreflightFailed");
    let shown = world.memory.preflight.as_ref().unwrap();
    assert_eq!(shown.version, "1.35".parse().unwrap());
    let since = shown.checks.iter().map(|check| check.since).min().unwrap();
    assert!(since > at("2026-11-23T12:05:00Z"), "{since}");
}
