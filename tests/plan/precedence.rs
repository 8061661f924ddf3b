//! Which reason is said where several could be: every pair of causes that can be there at once.

use eks_upgrade_operator::eks::ErrorKind;
use eks_upgrade_operator::plan::{Gates, InvalidSpec};

use super::eks::{End, Fate, error};
use super::evidence::group;
use super::timing::{freeze, window};
use super::world::{World, minutes, seconds};

/// Brings one cause into a world that has come to rest at 1.33 and is then asked for 1.34.
type Cause = (&'static str, fn(&mut World));

/// In the order of precedence.
const CAUSES: [Cause; 22] = [
    ("Updating", |world| {
        world.foreign("VersionUpdate", Some("1.34"));
        world.settle();
    }),
    ("InvalidSpec", |world| {
        world.object.wish = Err(InvalidSpec("spec.version: \"x\" is no version".to_owned()));
    }),
    ("InvalidSpec", |world| {
        if let Ok(wish) = &mut world.object.wish {
            wish.gates = Err(InvalidSpec(
                "spec.schedule.bake: \"x\" is no duration".to_owned(),
            ));
        }
    }),
    ("NotAllowed", |world| {
        world.standing.not_allowed = Some("Namespace team may not use role R.".to_owned());
    }),
    ("ClusterConflict", |world| {
        world.standing.owner = Some("team/older".to_owned());
    }),
    ("CredentialsUnavailable", |world| {
        world
            .eks
            .broken
            .insert("all", error(ErrorKind::CredentialsMissing));
    }),
    ("ClusterReplaced", |world| {
        world.eks.cluster.created_at = Some("2026-06-01T00:00:00Z".parse().unwrap());
    }),
    ("ClusterFailed", |world| {
        "FAILED".clone_into(&mut world.eks.cluster.status);
    }),
    ("UpToDate", |world| {
        "1.34".clone_into(&mut world.eks.cluster.version);
    }),
    ("UpdateFailed", |world| {
        let takes = std::mem::replace(&mut world.eks.takes, seconds(1));
        let end = std::mem::replace(&mut world.eks.end, End::Failed);
        if !world.eks.is_running() {
            world.foreign("VersionUpdate", Some("1.34"));
        }
        world.now += seconds(1);
        world.eks.takes = takes;
        world.eks.end = end;
    }),
    ("Suspended", |world| {
        if let Ok(wish) = &mut world.object.wish {
            wish.suspend = true;
        }
    }),
    ("UnsupportedVersion", |world| world.eks.offered.clear()),
    ("WaitingForCluster", |world| {
        if !world.eks.is_running() {
            world.foreign("VpcConfigUpdate", None);
        }
    }),
    ("Queued", |world| world.standing.queued_behind = Some(10)),
    ("Held", |world| {
        world.eks.cluster.hold = Some("ask team-db".to_owned());
    }),
    ("Frozen", |world| {
        world.standing.freezes.push(freeze("sale", None, None));
    }),
    ("OutsideWindow", |world| {
        with_gates(world, |gates| {
            gates.windows.push(window(&["Sun"], "02:00", "1h"));
        });
    }),
    ("Baking", |world| {
        with_gates(world, |gates| gates.bake = minutes(24 * 60));
    }),
    ("PreflightUnknown", |world| {
        let denied = error(ErrorKind::AccessDenied);
        world.eks.broken.insert("check addons", denied);
    }),
    ("PreflightFailed", |world| {
        world.eks.nodegroups.push(group("old", "1.20"));
    }),
    ("PreflightFailed", |world| {
        world
            .fates
            .push_front(Fate::Error(error(ErrorKind::InvalidState)));
    }),
    ("RequestRejected", |world| {
        world
            .fates
            .push_back(Fate::Error(error(ErrorKind::Rejected)));
    }),
];

fn with_gates(world: &mut World, change: impl FnOnce(&mut Gates)) {
    if let Ok(Ok(gates)) = world.object.wish.as_mut().map(|wish| wish.gates.as_mut()) {
        change(gates);
    }
}

/// A cluster that this object has upgraded to 1.33, and that is at rest.
fn upgraded() -> World {
    let mut world = World::new("1.32", "1.33");
    world.run(minutes(15));
    assert_eq!(world.reason(), "UpToDate");
    world.sent.clear();
    world
}

#[test]
fn of_two_causes_the_weightier_is_said() {
    for (index, (weightier, first)) in CAUSES.iter().enumerate() {
        for (lighter, second) in &CAUSES[index + 1..] {
            let mut world = upgraded();
            world.edit(|wish| wish.version = "1.34".parse().unwrap());
            first(&mut world);
            second(&mut world);
            world.settle();
            world.run(seconds(40));
            let message = world.message();
            assert_eq!(world.reason(), *weightier, "with {lighter}: {message}");
        }
    }
}

/// An intent that is open says so, whatever else there is to say.
#[test]
fn an_open_intent_outweighs_the_rest() {
    for (name, cause) in &CAUSES[1..20] {
        // EKS's list, or the cluster's turn, resolves the intent.
        if ["UpdateFailed", "Queued"].contains(name) {
            continue;
        }
        let mut world = upgraded();
        world.edit(|wish| wish.version = "1.34".parse().unwrap());
        world.fates.push_back(Fate::RequestLost);
        world.step();
        cause(&mut world);
        world.run(minutes(2));
        assert_eq!(world.reason(), "Updating", "{name}: {}", world.message());
        assert_eq!(world.sent.len(), 1, "{name}");
    }
}
