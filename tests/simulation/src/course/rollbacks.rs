//! What a seed draws about rollbacks: clusters that can go back, and people who want them to, or do not any more.

use eks_upgrade_operator::api::{Minor, Rollback};
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::api::{NodegroupStatus, Readiness, SupportType, UpdateStatus};
use eks_upgrade_operator::simulator::model::ClusterTruth;
use eks_upgrade_operator::simulator::period::Period;
use eks_upgrade_operator::simulator::scenario::{
    ClusterSpec, ForeignUpdate, Happening, InsightsChange, NodegroupSpec, PastUpdate,
};
use eks_upgrade_operator::store::Key;
use fastrand::Rng;

use super::{Deed, Event, failure, one_in, period, some_time};
use crate::time::{HOUR, MINUTE, Millis, SECOND};

/// What a manifest says about the rollback that a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// All that it takes.
    Exact,
    /// Only the lower version.
    None,
    /// An id of nothing.
    WrongId,
    /// The id of the update before the one to undo.
    OldId,
    /// Another version to go back from.
    WrongFrom,
}

impl Permit {
    /// The version, and the permission to go back to it, for a cluster as it is. Nothing where it never changed its version.
    pub fn of(
        self,
        cluster: &ClusterTruth,
        timeout: Option<&str>,
    ) -> Option<(Minor, Option<Rollback>)> {
        let to = cluster.version.previous()?;
        let mut upgrades = cluster.updates.iter().rev().filter(|update| {
            update.kind == VERSION_UPDATE
                && update.scope.is_cluster()
                && update.status == UpdateStatus::Successful
        });
        let last = upgrades.next().map(|update| update.id.clone());
        let (from, update_id) = match self {
            Self::None => return Some((to, None)),
            Self::Exact => (cluster.version, last),
            Self::WrongId => (cluster.version, Some("no-such-update".to_owned())),
            Self::OldId => (
                cluster.version,
                upgrades.next().map(|update| update.id.clone()),
            ),
            Self::WrongFrom => (cluster.version.next(), last),
        };
        let rollback = Rollback {
            from_version: from.to_string(),
            update_id: update_id?,
            timeout: timeout.map(ToOwned::to_owned),
        };
        Some((to, Some(rollback)))
    }
}

/// Some timeout.
fn timeout(rng: &mut Rng) -> Option<&'static str> {
    [None, None, Some("2h"), Some("3h"), Some("24h")][rng.usize(0..5)]
}

/// Makes a cluster one that has been upgraded and may go back.
fn prepare(rng: &mut Rng, cluster: &mut ClusterSpec) {
    cluster.auto_mode = rng.bool();
    cluster.cancelling_status = one_in(rng, 3);
    let nodes = [
        MINUTE,
        5 * MINUTE,
        20 * MINUTE,
        70 * MINUTE,
        150 * MINUTE,
        4 * HOUR,
    ];
    let longest = if one_in(rng, 4) { nodes.len() } else { 3 };
    let durations = &mut cluster.durations;
    durations.node_phase = Some(period(nodes[rng.usize(0..longest)]));
    durations.rollback = Some(Period::minutes(rng.u32(1..12)));
    durations.cancellation = Some(period(some_time(rng, 3 * MINUTE)));
    durations.insights_refresh = Some(period(
        [10 * SECOND, 2 * MINUTE, 12 * MINUTE][rng.usize(0..3)],
    ));
    if one_in(rng, 4) {
        durations.insights_after_update = Some(period(some_time(rng, HOUR)));
    }
    if one_in(rng, 3) {
        let readiness = [Readiness::Warning, Readiness::Error, Readiness::Unknown];
        cluster.insights.rollback = readiness[rng.usize(0..3)].into();
    }
    if one_in(rng, 4) {
        cluster.failing_refreshes = rng.u32(1..4);
    }
    if one_in(rng, 5) {
        cluster.upgrade_policy = SupportType::Standard;
    }
    if one_in(rng, 4) {
        cluster.nodegroups.push(NodegroupSpec {
            name: "workers".to_owned(),
            version: Some(Minor::new(rng.u16(32..=34))),
            status: NodegroupStatus::default(),
        });
    }
    if one_in(rng, 2) {
        // Somebody upgraded it before, some of them just not too long ago.
        let ages = [30, 300, 5_000, 9_500, 9_990, 10_070, 10_200];
        cluster.history = vec![PastUpdate {
            id: None,
            kind: VERSION_UPDATE.to_owned(),
            version: Some(cluster.version),
            status: UpdateStatus::Successful,
            age: Period::minutes(ages[rng.usize(0..ages.len())]),
            took: None,
            errors: Vec::new(),
        }];
    }
}

/// Makes a cluster one whose rollbacks nothing stands in the way of, and take long enough to be cancelled.
fn smooth(rng: &mut Rng, cluster: &mut ClusterSpec) {
    cluster.auto_mode = !one_in(rng, 6);
    cluster.insights.rollback = Readiness::Passing.into();
    cluster.failing_refreshes = 0;
    cluster.upgrade_policy = SupportType::Extended;
    cluster.nodegroups.clear();
    cluster.durations.insights_refresh = Some(period(10 * SECOND));
    cluster.durations.node_phase = Some(period(rng.i64(20 * MINUTE..70 * MINUTE)));
}

/// What stands in the way of going back, and what may be cleared out of it.
fn changes(rng: &mut Rng) -> Happening {
    match rng.u32(0..6) {
        0 => Happening::UpgradePolicy(SupportType::Extended),
        1 => Happening::UpgradePolicy(SupportType::Standard),
        2 => Happening::Nodegroup(NodegroupSpec {
            name: "workers".to_owned(),
            version: Some(Minor::new(rng.u16(32..=35))),
            status: NodegroupStatus::default(),
        }),
        3 => Happening::Insights(InsightsChange {
            upgrade: None,
            rollback: Some([Readiness::Error, Readiness::Unknown][rng.usize(0..2)].into()),
        }),
        _ => Happening::Insights(InsightsChange {
            upgrade: None,
            rollback: Some(Readiness::Passing.into()),
        }),
    }
}

/// What a person does after asking for a rollback.
fn second_thought(rng: &mut Rng) -> Deed {
    match rng.u32(0..16) {
        0..=3 => Deed::GoBackUp,
        4..=5 => Deed::Permission(None),
        6 => Deed::Timeout(timeout(rng)),
        7..=8 => Deed::Suspend(true),
        9 => Deed::Suspend(false),
        10 => Deed::Force(Some(Minor::new(rng.u16(32..=35)))),
        11 => Deed::WipeStatus,
        12 => Deed::RestoreStatus(rng.usize(1..6)),
        13 => Deed::Delete,
        14 => Deed::Retry(0),
        _ => Deed::Version(Minor::new(rng.u16(33..=36))),
    }
}

/// Draws what happens in a course about rollbacks.
pub fn draw(
    rng: &mut Rng,
    clusters: &mut [ClusterSpec],
    keys: &[Key],
    calm_from: Millis,
    events: &mut Vec<(Millis, Event)>,
) {
    let is_smooth = rng.bool();
    for cluster in clusters.iter_mut() {
        prepare(rng, cluster);
        if is_smooth {
            smooth(rng, cluster);
        }
    }
    let name = |rng: &mut Rng, clusters: &[ClusterSpec]| {
        clusters[rng.usize(0..clusters.len())].name.clone()
    };
    for _ in 0..rng.u32(1..4) {
        let key = keys[rng.usize(0..keys.len())].clone();
        let person = |deed| Event::Person(key.clone(), deed);
        let mut now = rng.i64(0..calm_from);
        let later = |rng: &mut Rng, now: &mut Millis| {
            let usual = if is_smooth {
                rng.i64(0..25 * MINUTE)
            } else {
                some_time(rng, HOUR)
            };
            *now = (*now + usual).min(calm_from - 1);
            *now
        };
        if one_in(rng, 5) {
            // In the console, at about the same time.
            let rollback = Happening::Update(ForeignUpdate {
                kind: Some(VERSION_ROLLBACK.to_owned()),
                duration: Some(Period::minutes(rng.u32(5..20))),
                fail: failure(rng),
                ..ForeignUpdate::default()
            });
            events.push((now, Event::Cluster(key.name.clone(), Box::new(rollback))));
            now += rng.i64(0..MINUTE);
        }
        let permit = match rng.u32(0..12) {
            _ if is_smooth => Permit::Exact,
            0 => Permit::None,
            1 => Permit::WrongId,
            2 => Permit::OldId,
            3 => Permit::WrongFrom,
            _ => Permit::Exact,
        };
        let suspended = one_in(rng, 8);
        if suspended {
            events.push((now, person(Deed::Suspend(true))));
        }
        events.push((now, person(Deed::RollBack(permit, timeout(rng)))));
        if one_in(rng, 8) {
            events.push((now, person(Deed::ForceRollback)));
        }
        if suspended && rng.bool() {
            events.push((later(rng, &mut now), person(Deed::Suspend(false))));
        }
        let thoughts = if is_smooth { 1..3 } else { 0..3 };
        for _ in 0..rng.u32(thoughts) {
            let deed = second_thought(rng);
            // Two things in one edit, as a commit has them.
            let and = one_in(rng, 3).then(|| second_thought(rng));
            let when = later(rng, &mut now);
            events.push((when, person(deed)));
            events.extend(and.map(|deed| (when, person(deed))));
        }
        if one_in(rng, 3) {
            // Somebody upgrades again, and the manifest stays as it is.
            let again = Happening::Update(ForeignUpdate {
                kind: Some(VERSION_UPDATE.to_owned()),
                duration: Some(Period::minutes(rng.u32(5..10))),
                fail: failure(rng),
                ..ForeignUpdate::default()
            });
            let when = later(rng, &mut now);
            events.push((when, Event::Cluster(key.name.clone(), Box::new(again))));
        }
    }
    let changed = if is_smooth { 0 } else { rng.u32(0..4) };
    for _ in 0..changed {
        // What stands in the way changes after faults have stopped, too.
        let when = rng.i64(0..calm_from + 30 * MINUTE);
        let change = changes(rng);
        events.push((when, Event::Cluster(name(rng, clusters), Box::new(change))));
    }
}
