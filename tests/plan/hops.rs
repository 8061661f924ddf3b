//! Upgrades that go as asked for, and what EKS's eventual consistency does to them.

use eks_upgrade_operator::api::{Reason, UpdateStatus};
use eks_upgrade_operator::eks::{Progress, RefreshStatus, RefreshView};
use eks_upgrade_operator::plan::{
    Observed, Part, Read, Reading, Wake, is_overdue, likely_parts, next_reads,
};

use super::eks::End;
use super::world::{World, minutes, seconds};

#[test]
fn goes_minor_by_minor() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(30));
    assert_eq!(
        world.told,
        ["Updating", "send 1.34", "send 1.35", "UpToDate"]
    );
    let tokens: Vec<_> = world
        .sent
        .iter()
        .map(|sent| &sent.client_request_token)
        .collect();
    assert_ne!(tokens[0], tokens[1]);
    let history: Vec<_> = world
        .memory
        .history
        .iter()
        .map(|update| {
            (
                update.id.as_deref().unwrap(),
                update.attempt,
                update.status.clone(),
            )
        })
        .collect();
    assert_eq!(
        history,
        [
            ("u2", Some(2), Some(UpdateStatus::Successful)),
            ("u1", Some(1), Some(UpdateStatus::Successful)),
        ]
    );
    assert_eq!(world.memory.path, []);
    assert!(
        world
            .memory
            .history
            .iter()
            .all(|update| update.finished_at.is_some())
    );
    world.stays(Reason::UpToDate, minutes(60));
}

#[test]
fn a_running_update_is_said_in_the_same_words_from_its_acceptance_on() {
    let mut world = World::new("1.33", "1.35");
    world.step();
    let accepted = world.message().to_owned();
    assert!(accepted.contains("(update u1, since"), "{accepted}");
    world.sleep();
    world.step();
    assert_eq!(world.message(), accepted);
}

#[test]
fn shows_the_path_and_what_comes_next() {
    let mut world = World::new("1.33", "1.36");
    world.settle();
    let path: Vec<_> = world.memory.path.iter().map(ToString::to_string).collect();
    assert_eq!(path, ["1.34", "1.35", "1.36"]);
    assert_eq!(world.update().id.as_deref(), Some("u1"));
    assert!(
        world.message().contains(", then to 1.35 and 1.36."),
        "{}",
        world.message()
    );
}

#[test]
fn waits_out_what_describe_cluster_does_not_show_yet() {
    let mut world = World::new("1.33", "1.35");
    world.eks.describe_lag = minutes(3);
    world.run(minutes(60));
    assert_eq!(
        world.told,
        ["Updating", "send 1.34", "send 1.35", "UpToDate"]
    );
    assert_eq!(
        world.accepted(),
        ["VersionUpdate 1.34", "VersionUpdate 1.35"]
    );
}

#[test]
fn waits_out_what_the_list_does_not_show_yet() {
    let mut world = World::new("1.33", "1.35");
    world.eks.list_lag = minutes(14);
    world.run(minutes(60));
    assert_eq!(
        world.told,
        ["Updating", "send 1.34", "send 1.35", "UpToDate"]
    );
}

#[test]
fn an_overdue_update_is_said_and_still_followed() {
    let mut world = World::new("1.33", "1.34");
    world.eks.end = End::Never;
    world.run(minutes(89));
    assert!(!world.message().contains("overdue"), "{}", world.message());
    assert!(!is_overdue(world.update(), &world.settings, world.now));
    world.run(minutes(600));
    assert!(world.message().contains("overdue"), "{}", world.message());
    assert!(is_overdue(world.update(), &world.settings, world.now));
    assert_eq!(world.told, ["Updating", "send 1.34"]);
    world.stays(Reason::Updating, minutes(60));
    world.eks.updates[0].view.status = Progress::Successful;
    world.eks.cluster.version = "1.34".to_owned();
    world.eks.cluster.status = "ACTIVE".to_owned();
    world.run(minutes(1));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_status_this_build_does_not_know_counts_as_running() {
    let mut world = World::new("1.33", "1.34");
    world.settle();
    world.eks.updates[0].view.status = Progress::Other("Cancelling".to_owned());
    world.sleep();
    world.stays(Reason::Updating, minutes(5));
    assert_eq!(
        world.update().status,
        Some(UpdateStatus::Other("Cancelling".to_owned()))
    );
    world.run(minutes(10));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_spec_edited_in_mid_update_counts_after_the_hop() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    world.run(minutes(30));
    assert_eq!(world.told, ["Updating", "send 1.34", "UpToDate"]);

    let mut world = World::new("1.33", "1.34");
    world.run(minutes(3));
    world.edit(|wish| wish.version = "1.36".parse().unwrap());
    world.run(minutes(60));
    assert_eq!(
        world.told,
        [
            "Updating",
            "send 1.34",
            "send 1.35",
            "send 1.36",
            "UpToDate"
        ]
    );
}

#[test]
fn a_running_update_is_followed_while_suspended_and_nothing_follows_it() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.edit(|wish| wish.suspend = true);
    world.settle();
    assert!(world.message().contains("suspended"), "{}", world.message());
    world.run(minutes(20));
    world.stays(Reason::Suspended, minutes(60));
    assert_eq!(world.told, ["Updating", "send 1.34", "Suspended"]);
    assert!(world.message().contains("1.35"), "{}", world.message());
    world.edit(|wish| wish.suspend = false);
    world.run(minutes(20));
    assert_eq!(world.reason(), "UpToDate");
}

#[test]
fn a_deleted_object_is_left_alone() {
    let mut world = World::new("1.33", "1.35");
    world.run(minutes(3));
    world.object.deleting = true;
    let before = world.memory.clone();
    world.run(minutes(60));
    assert_eq!(world.memory, before);
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn forces_the_named_hop_alone() {
    let mut world = World::new("1.33", "1.36");
    world.edit(|wish| wish.forced = Some("1.35".parse().unwrap()));
    world.run(minutes(60));
    let forced: Vec<_> = world
        .sent
        .iter()
        .map(|sent| (sent.version.to_string(), sent.force))
        .collect();
    assert_eq!(
        forced,
        [
            ("1.34".to_owned(), false),
            ("1.35".to_owned(), true),
            ("1.36".to_owned(), false)
        ]
    );
}

#[test]
fn waits_for_its_turn_and_for_a_spec_at_rest() {
    let mut world = World::new("1.33", "1.34");
    world.object.settled_at = Some(world.now + seconds(30));
    let decision = world.settle();
    assert_eq!(world.reason(), "Queued");
    assert_eq!(decision.wake, Wake::After(seconds(30)));
    world.sleep();
    world.standing.queued_behind = Some(10);
    world.stays(Reason::Queued, minutes(30));
    assert!(world.message().contains("10"), "{}", world.message());
    world.standing.queued_behind = None;
    world.settle();
    assert_eq!(world.told, ["Queued", "Updating", "send 1.34"]);
}

#[test]
fn a_version_eks_does_not_offer_stalls_before_anything_is_sent() {
    let mut world = World::new("1.33", "1.41");
    world.stays(Reason::UnsupportedVersion, minutes(60));
    assert!(world.message().contains("1.41"), "{}", world.message());
    world.eks.offered.push("1.41".parse().unwrap());
    world.eks.offered.retain(|version| version.number() != 36);
    world.settle();
    world.stays(Reason::UnsupportedVersion, minutes(60));
    assert!(
        world.message().contains("leads over 1.36"),
        "{}",
        world.message()
    );
    assert!(world.sent.is_empty());
}

#[test]
fn a_cluster_ahead_of_its_manifest_is_left_there() {
    let mut world = World::new("1.34", "1.33");
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert!(
        world.message().contains("set spec.version to \"1.34\""),
        "{}",
        world.message()
    );
    // AWS upgrades by itself, under our feet.
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(30));
    world.foreign("VersionUpdate", Some("1.35"));
    world.run(minutes(20));
    world.stays(Reason::ClusterAheadOfSpec, minutes(60));
    assert_eq!(world.sent.len(), 1);
}

#[test]
fn a_hop_is_not_done_before_the_cluster_is_active() {
    let mut world = World::new("1.33", "1.34");
    world.run(minutes(3));
    world.eks.updates[0].view.status = Progress::Successful;
    "1.34".clone_into(&mut world.eks.cluster.version);
    "UPDATING".clone_into(&mut world.eks.cluster.status);
    world.stays(Reason::Updating, minutes(2));
    assert!(world.memory.history.is_empty());
    assert!(world.message().contains("ACTIVE"), "{}", world.message());
    "ACTIVE".clone_into(&mut world.eks.cluster.status);
    world.run(minutes(1));
    assert_eq!(world.reason(), "UpToDate");
    assert_eq!(world.memory.history.len(), 1);
}

/// A call to EKS takes long against everything else.
/// What they are to be judged by is read again, and may end while they are listed.
#[test]
fn insights_are_not_asked_for_along_with_the_refresh_that_is_to_vouch_for_them() {
    let mut world = World::new("1.33", "1.33");
    world.settle();
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    let mut observed = Observed::default();
    for read in [Read::Cluster, Read::Updates, Read::Versions] {
        world.eks.answer(&read, &mut observed, world.now);
    }
    let nodegroups = Read::Evidence(Part::Nodegroups, world.now);
    world.eks.answer(&nodegroups, &mut observed, world.now);
    let ended = world.now - minutes(300);
    observed.evidence.refresh = Some(Reading {
        at: world.now - minutes(10),
        is_new: false,
        answer: Ok(RefreshView {
            status: RefreshStatus::Completed,
            started_at: Some(ended),
            ended_at: Some(ended),
        }),
    });
    let then = next_reads(&world.facts(&observed));
    assert!(
        matches!(
            then[..],
            [
                Read::Evidence(Part::Addons(_), _),
                Read::Evidence(Part::Refresh, _)
            ]
        ),
        "{then:?}"
    );
}

#[test]
fn when_a_newer_version_is_asked_for_what_has_to_be_known_is_asked_at_the_same_time() {
    let mut world = World::new("1.33", "1.33");
    world.settle();
    world.edit(|wish| wish.version = "1.34".parse().unwrap());
    let observed = Observed::default();
    let together = next_reads(&world.facts(&observed));
    let (named, evidence): (Vec<Read>, Vec<Read>) = together
        .into_iter()
        .partition(|read| !matches!(read, Read::Evidence(..)));
    assert_eq!(named, [Read::Cluster, Read::Updates, Read::Versions]);
    let parts = evidence.into_iter().map(|read| match read {
        Read::Evidence(part, _) => part,
        other => panic!("{other:?}"),
    });
    // Not the add-ons, of which it is asked what fits the next version: somebody else may have upgraded meanwhile.
    assert_eq!(parts.collect::<Vec<_>>(), [Part::Nodegroups, Part::Refresh]);
    // They, and what the insights say, are only likely to be asked for.
    let likely = likely_parts(&world.facts(&observed));
    let likely: Vec<Part> = likely.into_iter().map(|(part, _)| part).collect();
    let next = "1.34".parse().unwrap();
    assert!(
        matches!(
            likely[..],
            [Part::Addons(addons), Part::Insights { version, .. }]
                if addons == next && version == next
        ),
        "{likely:?}"
    );

    let mut observed = Observed::default();
    for read in [Read::Cluster, Read::Updates, Read::Versions] {
        world.eks.answer(&read, &mut observed, world.now);
    }
    let since = world.now;
    for part in [Part::Nodegroups, Part::Refresh] {
        let read = Read::Evidence(part, since);
        world.eks.answer(&read, &mut observed, world.now);
    }
    assert_eq!(likely_parts(&world.facts(&observed)), []);
    let then = next_reads(&world.facts(&observed));
    assert!(
        matches!(
            then[..],
            [
                Read::Evidence(Part::Addons(addons), _),
                Read::Evidence(Part::Insights { version, .. }, _)
            ] if addons == next && version == next
        ),
        "{then:?}"
    );
}
