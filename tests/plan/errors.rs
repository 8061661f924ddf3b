//! What each answer of EKS means, on reads and on the send.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::eks::ErrorKind;

use super::eks::{Fate, error};
use super::world::{World, minutes, seconds};

/// Every kind of error on a first look: what is said once it lasts.
#[test]
fn reads_that_fail() {
    let table = [
        (ErrorKind::Throttled, "EksUnavailable"),
        (ErrorKind::Unavailable, "EksUnavailable"),
        (ErrorKind::InUse, "EksUnavailable"),
        (ErrorKind::InvalidState, "RequestRejected"),
        (ErrorKind::InvalidParameter, "RequestRejected"),
        (ErrorKind::Rejected, "RequestRejected"),
        (ErrorKind::NotFound, "ClusterNotFound"),
        (ErrorKind::AccessDenied, "AccessDenied"),
        (ErrorKind::CredentialsRefused, "CredentialsUnavailable"),
        (ErrorKind::CredentialsMissing, "CredentialsUnavailable"),
        (ErrorKind::ClockSkew, "EksUnavailable"),
    ];
    for (kind, reason) in table {
        for read in ["cluster", "updates", "versions"] {
            let mut world = World::new("1.33", "1.34");
            world.eks.broken.insert(read, error(kind));
            world.run(minutes(20));
            assert_eq!(world.reason(), reason, "{kind:?} on {read}");
            let (memory, now) = (world.memory.clone(), world.now);
            world.run(minutes(60));
            assert_eq!(world.memory, memory, "{kind:?} on {read} since {now}");
            assert!(world.sent.is_empty(), "{kind:?} on {read}");
            // It clears by itself.
            world.eks.broken.clear();
            world.run(minutes(40));
            assert_eq!(world.reason(), "UpToDate", "{kind:?} on {read}");
        }
    }
}

#[test]
fn passing_trouble_changes_no_condition() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::ClockSkew,
        ErrorKind::NotFound,
    ] {
        let mut world = World::new("1.34", "1.34");
        world.settle();
        let before = world.memory.clone();
        world.eks.broken.insert("cluster", error(kind));
        world.settle();
        world.eks.broken.clear();
        world.sleep();
        world.settle();
        assert_eq!(world.memory, before, "{kind:?}");
    }
}

#[test]
fn a_permission_that_iam_spreads_slowly_is_no_stall() {
    let mut world = World::new("1.33", "1.34");
    world
        .eks
        .broken
        .insert("cluster", error(ErrorKind::AccessDenied));
    world.run(minutes(4));
    assert_eq!(world.told, ["EksUnavailable"]);
    assert!(world.message().contains("12:05:00"), "{}", world.message());
    world.eks.broken.clear();
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate");

    // An object that has said something says that until the five minutes are over.
    let mut world = World::new("1.34", "1.34");
    world.settle();
    world
        .eks
        .broken
        .insert("cluster", error(ErrorKind::AccessDenied));
    world.run(minutes(4));
    assert_eq!(world.told, ["UpToDate"]);
    world.run(minutes(20));
    assert_eq!(world.told, ["UpToDate", "AccessDenied"]);
    for word in [
        "eks:DescribeCluster",
        "operator's own identity",
        "AWS's own words",
    ] {
        assert!(
            world.message().contains(word),
            "{word}: {}",
            world.message()
        );
    }
}

/// While an update runs nothing but that is said, whatever goes wrong with looking.
#[test]
fn a_running_update_stays_one() {
    for kind in [
        ErrorKind::Throttled,
        ErrorKind::Unavailable,
        ErrorKind::AccessDenied,
        ErrorKind::CredentialsRefused,
        ErrorKind::CredentialsMissing,
        ErrorKind::ClockSkew,
        ErrorKind::Rejected,
    ] {
        let mut world = World::new("1.33", "1.34");
        world.run(minutes(3));
        world.eks.broken.insert("all", error(kind));
        world.run(minutes(60));
        assert_eq!(world.reason(), "Updating", "{kind:?}");
        assert!(
            world.message().contains("eks:DescribeCluster"),
            "{kind:?}: {}",
            world.message()
        );
        world.stays(Reason::Updating, minutes(20));
        world.eks.broken.clear();
        world.run(minutes(20));
        assert_eq!(world.reason(), "UpToDate", "{kind:?}");
    }
}

#[test]
fn an_open_intent_that_cannot_be_looked_up_says_why() {
    for kind in [
        ErrorKind::CredentialsMissing,
        ErrorKind::AccessDenied,
        ErrorKind::Unavailable,
    ] {
        let mut world = World::new("1.33", "1.34");
        world.fates.push_back(Fate::RequestLost);
        world.step();
        world.eks.broken.insert("all", error(kind));
        world.run(minutes(20));
        assert_eq!(world.reason(), "Updating", "{kind:?}");
        assert!(
            world.message().contains("eks:DescribeCluster"),
            "{kind:?}: {}",
            world.message()
        );
        assert_eq!(world.sent.len(), 1);
    }
}

/// Every kind of error on the send: what is said, and whether a later attempt gets through.
#[test]
fn sends_that_fail() {
    let table = [
        (ErrorKind::Throttled, "Updating", 1),
        (ErrorKind::Unavailable, "Updating", 1),
        (ErrorKind::InUse, "WaitingForCluster", 1),
        (ErrorKind::CredentialsMissing, "Updating", 1),
        (ErrorKind::InvalidState, "PreflightFailed", 2),
        (ErrorKind::InvalidParameter, "RequestRejected", 2),
        (ErrorKind::Rejected, "RequestRejected", 2),
        (ErrorKind::NotFound, "RequestRejected", 2),
        (ErrorKind::AccessDenied, "Updating", 2),
        (ErrorKind::CredentialsRefused, "Updating", 2),
        (ErrorKind::ClockSkew, "Updating", 2),
    ];
    for (kind, reason, attempts) in table {
        let mut world = World::new("1.33", "1.34");
        world.fates.push_back(Fate::Error(error(kind)));
        world.step();
        world.settle();
        assert_eq!(world.reason(), reason, "{kind:?}: {}", world.message());
        assert_eq!(world.sent.len(), 1, "{kind:?}");
        world.run(minutes(60));
        assert_eq!(world.reason(), "UpToDate", "{kind:?}");
        assert_eq!(world.memory.attempts, Some(attempts), "{kind:?}");
        assert_eq!(world.accepted().len(), 1);
    }
}

/// What a person or an alert looks at does not come and go while EKS refuses the same request time and again.
#[test]
fn a_refusal_that_lasts_is_said_once_and_stays() {
    for (kind, reason) in [
        (ErrorKind::Rejected, "RequestRejected"),
        (ErrorKind::InvalidState, "PreflightFailed"),
        (ErrorKind::AccessDenied, "AccessDenied"),
    ] {
        let mut world = World::new("1.33", "1.34");
        let refused = || Fate::Error(error(kind));
        world
            .fates
            .extend(std::iter::repeat_with(refused).take(1000));
        world.run(minutes(60));
        let said: Vec<_> = world
            .told
            .iter()
            .filter(|line| !line.starts_with("send"))
            .collect();
        assert_eq!(said, ["Updating", reason]);
        assert!(world.sent.len() > 3, "{}", world.sent.len());
        world.fates.clear();
        world.run(minutes(60));
        assert_eq!(world.reason(), "UpToDate");
    }
}

/// An organisation's policy may deny one version for ever.
#[test]
fn a_send_that_stays_denied_stalls_after_five_minutes_and_is_tried_at_each_resync() {
    for (kind, reason) in [
        (ErrorKind::AccessDenied, Reason::AccessDenied),
        (
            ErrorKind::CredentialsRefused,
            Reason::CredentialsUnavailable,
        ),
        (ErrorKind::ClockSkew, Reason::CredentialsUnavailable),
    ] {
        let mut world = World::new("1.33", "1.34");
        let denied = || Fate::Error(error(kind));
        world
            .fates
            .extend(std::iter::repeat_with(denied).take(1000));
        world.run(minutes(4));
        assert_eq!(world.reason(), "Updating");
        world.run(minutes(2));
        assert_eq!(world.reason(), reason.as_str());
        let before = world.sent.len();
        assert!(before <= 12, "{before} sends in six minutes");
        world.run(minutes(60));
        assert_eq!(world.reason(), reason.as_str(), "{}", world.message());
        let hourly = world.sent.len() - before;
        assert!((5..=7).contains(&hourly), "{hourly} sends in an hour");
    }
}

#[test]
fn a_rejected_request_is_tried_at_each_resync_with_a_new_token() {
    let mut world = World::new("1.33", "1.34");
    let rejected = || Fate::Error(error(ErrorKind::Rejected));
    world
        .fates
        .extend(std::iter::repeat_with(rejected).take(1000));
    world.run(minutes(59));
    assert_eq!(world.reason(), "RequestRejected");
    assert_eq!(world.sent.len(), 6);
    let mut tokens: Vec<_> = world
        .sent
        .iter()
        .map(|sent| &sent.client_request_token)
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 6);
    for word in [
        "InvalidRequestException: AWS's own words",
        "every 10 minutes",
    ] {
        assert!(world.message().contains(word), "{}", world.message());
    }
    // A person who has removed the cause need not wait.
    world.fates.clear();
    world.annotate(seconds(0));
    world.settle();
    assert_eq!(world.sent.len(), 7);
}

/// As a proxy or an endpoint policy answers.
#[test]
fn a_refusal_without_a_known_code_is_what_its_status_made_of_it() {
    let mut world = World::new("1.33", "1.34");
    let refused = || {
        let mut error = error(ErrorKind::AccessDenied);
        error.code = "HTTP403".to_owned();
        Fate::Error(error)
    };
    world
        .fates
        .extend(std::iter::repeat_with(refused).take(1000));
    world.run(minutes(30));
    assert_eq!(world.reason(), "AccessDenied", "{}", world.message());
}

#[test]
fn insights_that_block_are_a_gate_and_force_opens_it() {
    let mut world = World::new("1.33", "1.34");
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::InvalidState)));
    world.step();
    world.stays(Reason::PreflightFailed, minutes(8));
    assert!(
        world.message().contains("list-insights"),
        "{}",
        world.message()
    );
    assert!(
        world.message().contains("spec.force"),
        "{}",
        world.message()
    );
    world.edit(|wish| wish.forced = Some("1.34".parse().unwrap()));
    world.settle();
    assert_eq!(world.sent.len(), 2);
    assert!(world.sent[1].force);
}

#[test]
fn clock_trouble_says_by_how_much_and_not_a_new_thing_each_time() {
    let mut world = World::new("1.33", "1.34");
    let mut skew = error(ErrorKind::ClockSkew);
    for (behind, words) in [
        (421, "20261123T120000Z"),
        (423, "20261123T120100Z"),
        (420, "x"),
        (422, "y"),
        (421, "z"),
    ] {
        skew.clock_behind = Some(behind);
        skew.message = format!("Signature expired: {words} is now earlier than 20261123T115500Z.");
        world.eks.broken.insert("cluster", skew.clone());
        world.settle();
        world.sleep();
    }
    let message = world.message().to_owned();
    assert!(message.contains("7 minutes behind"), "{message}");
    skew.clock_behind = Some(424);
    skew.message = "Signature expired: another second.".to_owned();
    world.eks.broken.insert("cluster", skew);
    world.settle();
    assert_eq!(world.message(), message);
}

#[test]
fn long_words_of_ekss_stay_within_what_a_condition_takes() {
    use eks_upgrade_operator::eks::{Progress, UpdateError};
    let mut world = World::new("1.33", "1.34");
    world.settle();
    let update = &mut world.eks.updates[0].view;
    update.status = Progress::Failed;
    update.errors = (0..200)
        .map(|n| UpdateError {
            code: "IpNotAvailable".to_owned(),
            message: "ü".repeat(20_000),
            resource_ids: (0..500).map(|id| format!("subnet-{n}-{id}")).collect(),
        })
        .collect();
    world.eks.cluster.status = "ACTIVE".to_owned();
    world.sleep();
    world.stays(Reason::UpdateFailed, minutes(60));
    assert!(
        world.message().contains("retry-requested-at"),
        "the next step was cut off"
    );
    let written = serde_json::to_string(&world.memory).unwrap().len();
    assert!(written < 200_000, "{written} bytes of status");
}

#[test]
fn a_refusal_of_an_unknown_time_is_no_reason_to_wait() {
    let mut world = World::new("1.33", "1.34");
    world
        .fates
        .push_back(Fate::Error(error(ErrorKind::Rejected)));
    world.settle();
    world.memory.update.as_mut().unwrap().finished_at = None;
    world.run(minutes(30));
    assert_eq!(world.reason(), "UpToDate", "{}", world.message());
}
