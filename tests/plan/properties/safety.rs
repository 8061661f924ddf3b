//! What is sent may be sent, and nothing else is. Written anew from the protocol, not from the code under test.

use eks_upgrade_operator::api::{Minor, UpdateStatus};
use eks_upgrade_operator::eks::{
    ClusterView, ErrorKind, InsightView, NodegroupView, OfferedVersion, Progress, RefreshStatus,
    RefreshView, UpdateView, VersionRequest,
};
use eks_upgrade_operator::plan::{
    Decision, Evidence, InvalidSpec, Observed, Outcome, PreflightPolicy, Wake,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::super::eks::{ARN, error};
use super::super::evidence::{addon, insight, new};
use super::super::owned::{Owned, sent};
use super::super::reasons::closed;
use super::super::timing::{freeze, window};
use super::carried_out::{rolling_back, sending};
use super::{cases, facts};

/// The object, its place and the cluster permit this request.
fn assert_is_asked_for(owned: &Owned, request: &VersionRequest) {
    let wish = owned.object.wish.as_ref().unwrap();
    assert!(!owned.object.deleting && !wish.suspend);
    assert_eq!(owned.standing.owner, None);
    assert_eq!(owned.standing.not_allowed, None);
    let Some(Ok(cluster)) = &owned.observed.cluster else {
        panic!("sent without having seen the cluster")
    };
    assert_eq!(
        (cluster.arn.as_str(), cluster.status.as_str()),
        (ARN, "ACTIVE")
    );
    if let Some(pinned) = &owned.memory.cluster {
        let is_recreated = pinned.created_at.is_some()
            && cluster.created_at.is_some()
            && pinned.created_at != cluster.created_at;
        assert!(pinned.arn == cluster.arn && !is_recreated);
    }
    let from: Minor = cluster.version.parse().unwrap();
    if request.version > from {
        assert_eq!(request.version, from.next(), "a minor is skipped");
        assert!(request.version <= wish.version, "more than was asked for");
        assert_eq!(request.rollback_timeout, None);
    } else {
        assert_is_permitted(owned, from, request);
        assert_would_be_taken(owned, cluster, request);
    }
    assert_eq!(request.force, wish.forced == Some(request.version));
    let Some(Ok(offered)) = &owned.observed.versions else {
        panic!("sent without having seen what is on offer")
    };
    let mut offered = offered.iter();
    assert!(offered.any(|offer| offer.version == request.version && offer.status != "UNSUPPORTED"));
}

/// The manifest names this version, the one that the cluster has, and the very update to undo, which was not long ago.
fn assert_is_permitted(owned: &Owned, from: Minor, request: &VersionRequest) {
    let wish = owned.object.wish.as_ref().unwrap();
    assert_eq!(request.version, wish.version, "nobody asked for that");
    assert_eq!(request.version.next(), from, "more than one minor back");
    let Some(permit) = &wish.rollback else {
        panic!("rolled back without permission")
    };
    assert_eq!(permit.from, from);
    assert_eq!(request.rollback_timeout, Some(permit.timeout));
    let listed = owned.listed().unwrap();
    let by_eks = listed
        .iter()
        .filter(|view| view.kind.starts_with("Version") && view.status == Progress::Successful)
        .map(|view| (view.created_at, view.id.as_str(), view.kind.as_str()));
    let by_status = owned
        .remembered()
        .filter(|update| update.kind.starts_with("Version"))
        .filter(|update| update.status == Some(UpdateStatus::Successful))
        .filter_map(|update| {
            Some((
                update.created_at,
                update.id.as_deref()?,
                update.kind.as_str(),
            ))
        })
        .filter(|(_, id, _)| listed.iter().all(|view| view.id != *id));
    let all: Vec<_> = by_eks.chain(by_status).collect();
    let newest = all.iter().map(|(at, _, _)| *at).max().unwrap();
    let mut last = all.iter().filter(|(at, _, _)| *at == newest);
    assert!(
        last.any(|(_, id, kind)| *id == permit.update_id && *kind == "VersionUpdate"),
        "{} is not the last that was successful: {all:?}",
        permit.update_id
    );
    let within = SignedDuration::from_hours(7 * 24 + 2);
    assert!(
        newest.is_none_or(|at| owned.now < at + within),
        "EKS takes nothing back after {within}"
    );
}

/// EKS would not refuse it for what it can be asked about.
fn assert_would_be_taken(owned: &Owned, cluster: &ClusterView, request: &VersionRequest) {
    let Some(Ok(groups)) = &owned.observed.nodegroups else {
        panic!("rolled back without having seen the node groups")
    };
    for group in groups {
        let version: Minor = group.version.parse().unwrap();
        assert!(version <= request.version, "{group:?} is newer");
    }
    let Some(Ok(offered)) = &owned.observed.versions else {
        panic!("sent without having seen what is on offer")
    };
    let is_extended = offered
        .iter()
        .any(|offer| offer.version == request.version && offer.status == "EXTENDED_SUPPORT");
    assert!(!is_extended || cluster.support_type.as_deref() != Some("STANDARD"));
    if request.force {
        return;
    }
    let Some(Ok(refresh)) = &owned.observed.refresh else {
        panic!("rolled back without knowing how old the insights are")
    };
    assert_eq!(refresh.status, RefreshStatus::Completed);
    let age = owned.now.duration_since(refresh.ended_at.unwrap());
    assert!(age <= SignedDuration::from_hours(1), "{age} old");
    let Some(Ok(insights)) = &owned.observed.insights else {
        panic!("rolled back without having seen the insights")
    };
    for insight in insights {
        assert!(["PASSING", "WARNING"].contains(&insight.status.as_str()));
    }
}

fn minor_after(version: &str) -> Option<Minor> {
    version.parse::<Minor>().ok().map(Minor::next)
}

/// What EKS lists permits it: nothing runs, and nothing that ended stands against it.
fn assert_is_free(owned: &Owned, request: &VersionRequest) {
    let Some(updates) = owned.listed() else {
        panic!("sent without having seen the list")
    };
    let runs = |view: &UpdateView| matches!(view.status, Progress::InProgress | Progress::Other(_));
    assert!(!updates.iter().any(runs), "sent while something runs");
    let version_updates = updates
        .iter()
        .filter(|view| view.kind.starts_with("Version"));
    let newest = version_updates.max_by_key(|view| (view.created_at, &view.id));
    let Some(newest) = newest else {
        return;
    };
    let to = request.version.to_string();
    let is_back = request.rollback_timeout.is_some();
    let is_rollback = newest.kind == "VersionRollback";
    let is_of_the_hop = newest.to_version.as_ref() == Some(&to) && is_back == is_rollback;
    let ended_badly = matches!(newest.status, Progress::Failed | Progress::Cancelled);
    if (is_rollback && !is_back) || (ended_badly && is_of_the_hop) {
        let annotation = owned.object.retry_requested_at.as_deref();
        let annotation = annotation.and_then(|text| text.parse::<Timestamp>().ok());
        let known = owned.remembered();
        let known = known.filter(|known| known.id.as_ref() == Some(&newest.id));
        let mut begun = match newest.created_at {
            Some(at) => vec![at],
            None => known
                .filter_map(|known| known.created_at.max(known.requested_at))
                .collect(),
        }
        .into_iter();
        let annotated = annotation
            .filter(|at| *at <= owned.now)
            .is_some_and(|at| begun.any(|begun| at > begun));
        let wish = owned.object.wish.as_ref().unwrap();
        // Another try of the same: the hop, or the one that takes the rollback back.
        let next_try = match newest.kind.as_str() {
            "VersionRollback" if !is_back => newest.to_version.as_deref().and_then(minor_after),
            _ => Some(request.version),
        };
        let forced = next_try.is_some() && wish.forced == next_try;
        let edited = owned.remembered().any(|known| {
            let told = newest.to_version.as_ref();
            known.id.as_ref() == Some(&newest.id)
                && known.kind == newest.kind
                && told.is_none_or(|told| *told == known.to_version.to_string())
                && known.for_version.is_some_and(|tried| {
                    let has_other_timeout = is_back
                        && known.timeout.is_some()
                        && known.timeout != request.rollback_timeout;
                    let is_of_that = !is_rollback || known.timeout.is_some() == is_back;
                    tried != wish.version
                        || (is_of_that && known.force != forced)
                        || has_other_timeout
                })
        });
        // Our own rollback was asked for; the manifest asks for something else by now.
        let taken_back = is_rollback
            && owned.remembered().any(|known| {
                known.id.as_ref() == Some(&newest.id)
                    && known.is_ours()
                    && newest.to_version != Some(wish.version.to_string())
            });
        assert!(annotated || edited || taken_back, "sent against {newest:?}");
    }
}

/// No gate is closed, and what the checks looked at is fresh: a minute old before a first send, else half an hour.
fn assert_may_start(owned: &Owned, decision: &Decision, request: &VersionRequest) {
    let wish = owned.object.wish.as_ref().unwrap();
    assert!(wish.gates.is_ok(), "sent with gates that make no sense");
    let closed = closed(owned);
    assert!(closed.is_empty(), "sent in spite of {closed:?}");
    if request.rollback_timeout.is_some() {
        return;
    }
    let intent = decision.memory.update.as_ref().unwrap();
    let most = if intent.sends == Some(1) { 60 } else { 1800 };
    let since = owned.now - SignedDuration::from_secs(most);
    let Evidence {
        nodegroups,
        addons,
        refresh: _,
        insights,
    } = &owned.observed.evidence;
    let ages = [
        nodegroups.as_ref().map(|read| (read.is_new, read.at)),
        addons.as_ref().map(|read| (read.is_new, read.at)),
        insights.as_ref().map(|read| (read.is_new, read.at)),
    ];
    // Insights that could not be refreshed are not read, and may be accepted so.
    let needed = if insights.is_some() { 3 } else { 2 };
    for age in &ages[..needed] {
        let (is_new, at) = age.unwrap();
        let is_refused = owned
            .observed
            .evidence
            .refresh
            .as_ref()
            .is_some_and(|read| {
                let is_completed = |view: &RefreshView| view.status == RefreshStatus::Completed;
                !read.answer.as_ref().is_ok_and(is_completed)
            });
        assert!(is_new || at >= since || is_refused, "of {at}");
    }
}

/// The intent that is written before says what is sent, and when.
fn assert_is_announced(owned: &Owned, decision: &Decision, request: &VersionRequest) {
    let intent = decision.memory.update.as_ref().unwrap();
    assert!(intent.is_open_intent());
    assert_eq!(
        intent.client_request_token.as_ref(),
        Some(&request.client_request_token)
    );
    let (kind, from) = match request.rollback_timeout {
        None => ("VersionUpdate", request.version.previous()),
        Some(_) => ("VersionRollback", Some(request.version.next())),
    };
    assert_eq!(intent.kind, kind);
    assert_eq!(intent.last_send_at, Some(owned.now));
    assert_eq!(
        (Some(intent.from_version), intent.to_version, intent.force),
        (from, request.version, request.force)
    );
    assert_eq!(intent.timeout, request.rollback_timeout);
    assert_eq!(decision.wake, Wake::Now);
}

/// A repetition is word for word what was sent before; any other send is an attempt of its own.
fn assert_is_counted(owned: &Owned, decision: &Decision) {
    let intent = decision.memory.update.as_ref().unwrap();
    let before = owned
        .open_intent()
        .filter(|before| before.client_request_token == intent.client_request_token);
    if let Some(before) = before {
        assert_eq!(decision.memory.attempts, owned.memory.attempts);
        let repeated = eks_upgrade_operator::api::Update {
            // It is a try of what is asked for by now.
            for_version: owned.object.wish.as_ref().ok().map(|wish| wish.version),
            sends: Some(before.sends.unwrap_or(1) + 1),
            last_send_at: Some(owned.now),
            ..before.clone()
        };
        assert_eq!(intent, &repeated);
    } else {
        let used = owned.remembered().filter_map(|update| update.attempt);
        let most = used.chain(owned.memory.attempts).max().unwrap_or(0);
        assert_eq!(
            intent.attempt,
            most.checked_add(1),
            "an attempt is used twice"
        );
        assert_eq!(decision.memory.attempts, intent.attempt);
        assert_eq!(intent.sends, Some(1));
        assert_ne!(intent.attempt, None);
        let token = &intent.client_request_token;
        assert!(
            owned
                .remembered()
                .all(|update| update.client_request_token != *token),
            "a token is used twice"
        );
    }
}

proptest! {
    #![proptest_config(cases(6000))]

    #[test]
    fn what_is_sent_may_be_sent(owned in facts()) {
        let decision = owned.decide();
        prop_assert_eq!(&decision, &owned.decide());
        if let Some(request) = sent(&decision) {
            assert_is_asked_for(&owned, request);
            assert_is_free(&owned, request);
            assert_may_start(&owned, &decision, request);
            assert_is_announced(&owned, &decision, request);
            assert_is_counted(&owned, &decision);
        }
        if owned.object.deleting {
            prop_assert_eq!(&decision.outcome, &Outcome::Silent);
            prop_assert_eq!(&decision.memory, &owned.memory);
        }
    }

    #[test]
    fn asking_comes_to_an_end(owned in facts()) {
        // Then enough is known: no decision asks to be made again at once without having changed anything.
        let known = owned.asked();
        let decision = known.decide();
        if decision.wake == Wake::Now && decision.action.is_none() {
            prop_assert_ne!(&decision.memory, &known.memory, "{:?}", decision.outcome);
        }
    }
}

proptest! {
    #![proptest_config(cases(1000))]

    /// What has anything sent has nothing sent once one thing is different.
    #[test]
    fn one_objection_is_enough((owned, _, request) in sending(), objection in 0..16) {
        let mut other = owned;
        let wish = other.object.wish.as_mut().unwrap();
        let gates = wish.gates.as_mut().unwrap();
        // A rollback has gates of its own, and force overrides the insights.
        prop_assume!(objection < 12 || request.rollback_timeout.is_none());
        prop_assume!(objection < 15 || !request.force);
        if objection >= 12 {
            gates.preflight = PreflightPolicy::default();
        }
        let evidence = &mut other.observed.evidence;
        match objection {
            0 => wish.suspend = true,
            1 => wish.version = Minor::new(30),
            2 => other.object.deleting = true,
            3 => other.standing.owner = Some("team/older".to_owned()),
            4 => other.standing.not_allowed = Some("Not allowed.".to_owned()),
            5 => other.observed.updates = None,
            6 => other.observed.cluster = None,
            7 => if let Some(Ok(cluster)) = &mut other.observed.cluster {
                "UPDATING".clone_into(&mut cluster.status);
            },
            8 => if let Some(Ok(cluster)) = &mut other.observed.cluster {
                cluster.hold = Some(String::new());
            },
            9 => other.standing.freezes = vec![freeze("stop", None, None)],
            10 => gates.windows = vec![window(&["Sat"], "02:00", "4h")],
            11 => wish.gates = Err(InvalidSpec("spec.schedule.bake: \"x\" is no duration".to_owned())),
            12 => {
                gates.bake = SignedDuration::from_hours(24);
                if let Some(Ok(updates)) = &mut other.observed.updates {
                    updates.push(UpdateView {
                        id: "u9".to_owned(),
                        kind: "VersionUpdate".to_owned(),
                        status: Progress::Successful,
                        to_version: request.version.previous().map(|version| version.to_string()),
                        created_at: Some(other.now + SignedDuration::from_mins(15)),
                        errors: Vec::new(),
                        cancellation: None,
                    });
                }
            }
            13 => evidence.addons = Some(new(other.now, Ok(vec![addon("coredns", "v1", &["v2"])]))),
            14 => evidence.nodegroups = Some(new(other.now, Err(error(ErrorKind::AccessDenied)))),
            _ => evidence.insights = Some(new(other.now, Ok(vec![insight("i9", "n", "ERROR", "")]))),
        }
        prop_assert_eq!(other.decide().action, None);
    }
    /// So has a rollback, by whatever it alone depends on.
    #[test]
    fn one_objection_to_a_rollback_is_enough((owned, _, request) in rolling_back(), objection in 0..12) {
        let mut other = owned;
        let Observed { updates, versions, nodegroups, refresh, insights, cluster, .. } = &mut other.observed;
        let wish = other.object.wish.as_mut().unwrap();
        // EKS's insights are overridden by force.
        let is_overridden = request.force && (7..10).contains(&objection);
        let permit = wish.rollback.as_mut().unwrap();
        match objection {
            0 => wish.rollback = None,
            1 => permit.from = permit.from.next(),
            2 => "u9".clone_into(&mut permit.update_id),
            3 => wish.version = "1.32".parse().unwrap(),
            4 => other.now += SignedDuration::from_hours(7 * 24 + 2),
            5 => *nodegroups = None,
            6 => *nodegroups = Some(Ok(vec![NodegroupView { name: "w".to_owned(), version: "1.34".to_owned() }])),
            7 => *insights = Some(Ok(vec![InsightView {
                id: "i".to_owned(),
                name: "n".to_owned(),
                status: "UNKNOWN".to_owned(),
                reason: String::new(),
            }])),
            8 => *refresh = Some(Ok(RefreshView { status: RefreshStatus::Completed, started_at: None, ended_at: Some(other.now - SignedDuration::from_secs(3601)) })),
            9 => *refresh = None,
            10 => {
                if let (Some(Ok(views)), id) = (updates, permit.update_id.clone()) {
                    let undone = views.iter().find(|view| view.id == id);
                    let newer = undone.map(|view| UpdateView {
                        id: "u9".to_owned(),
                        created_at: Some(other.now),
                        ..view.clone()
                    });
                    views.extend(newer);
                }
            }
            _ => {
                if let Some(Ok(view)) = cluster {
                    view.support_type = Some("STANDARD".to_owned());
                }
                let extended = OfferedVersion {
                    version: request.version,
                    status: "EXTENDED_SUPPORT".to_owned(),
                    end_of_standard_support: None,
                    end_of_extended_support: None,
                };
                *versions = Some(Ok(vec![extended].into()));
            }
        }
        // What began at an unknown time is not known to be too old; what is not listed, status knows.
        let has_no_time = objection == 4 && other.listed().into_iter().flatten().all(|view| view.created_at.is_none());
        let is_unlisted = objection == 10 && other.listed().into_iter().flatten().all(|view| view.id != "u9");
        prop_assume!(!has_no_time && !is_unlisted);
        prop_assert_eq!(sent(&other.decide()).is_some(), is_overridden, "{}", objection);
    }
}
