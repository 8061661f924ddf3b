//! What a seed draws before anything happens: the clusters and objects, how EKS lags, which faults there are and how often,
//! and what people and AWS do.

pub mod gates;
pub mod rollbacks;

use std::collections::BTreeMap;

use eks_upgrade_operator::api::{
    ClusterRef, ClusterUpgradeSpec, Force, Minor, Preflight, Schedule,
};
use eks_upgrade_operator::controller::Limits;
use eks_upgrade_operator::plan::{Settings, VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::Scenario;
use eks_upgrade_operator::simulator::api::{ClusterStatus, ErrorDetail, SupportType, UpdateStatus};
use eks_upgrade_operator::simulator::period::Period;
use eks_upgrade_operator::simulator::scenario::{
    ClusterSpec, Durations, ForeignUpdate, Happening, Insights, Lags, Outcome, PastUpdate,
    Readiness,
};
use eks_upgrade_operator::store::{Key, StoredFreeze};
use fastrand::Rng;
use jiff::SignedDuration;

use crate::process::Setup;
use crate::time::{HOUR, MINUTE, Millis, SECOND};
use rollbacks::Permit;

/// The account and region of every cluster.
pub const ACCOUNT: &str = "111122223333";
pub const REGION: &str = "us-west-2";

/// How long a token is honoured, by the assumption of invariant 1.
pub const TOKEN_HONOURED: Millis = 15 * MINUTE;

/// What happens at one moment by itself.
#[derive(Clone, Debug)]
pub enum Event {
    Create(Key, Box<ClusterUpgradeSpec>, bool),
    Person(Key, Deed),
    Cluster(String, Box<Happening>),
    /// The process ends; it starts again after so long.
    Crash(usize, Millis),
    /// The process is told to end.
    Stop(usize, Millis),
    Freeze(usize, Millis),
    ClockJumps(usize, Millis),
    ApiServerDown(Millis),
    EksDown(Millis),
    WatchBreaks(usize),
    /// An UpgradeFreeze becomes this, or is deleted.
    Blackout(String, Option<StoredFreeze>),
    /// The operator may not make this call for so long.
    Denied(&'static str, Millis),
    /// Faults stop.
    Calm,
}

/// What a person does to an object.
#[derive(Clone, Debug)]
pub enum Deed {
    Version(Minor),
    Suspend(bool),
    Force(Option<Minor>),
    /// The version before, with this of a permission and this timeout.
    RollBack(Permit, Option<&'static str>),
    /// A force for the version that is asked for.
    ForceRollback,
    /// The permission is taken away, or as it is for a version that is not asked for.
    Permission(Option<Permit>),
    /// The timeout of the permission.
    Timeout(Option<&'static str>),
    /// The version that the permission leads back from.
    GoBackUp,
    /// The retry annotation, this long after now.
    Retry(Millis),
    RetryNonsense,
    Label,
    /// The labels by which freezes select.
    Labels(BTreeMap<String, String>),
    Schedule(Option<Schedule>),
    Preflight(Option<Preflight>),
    WipeStatus,
    /// Sets the status back to what it was, so many revisions of the object ago.
    RestoreStatus(usize),
    Delete,
    Release,
    Recreate,
}

/// How often things go wrong, in thousandths.
#[derive(Clone, Debug, Default)]
pub struct Odds {
    /// At any step of a process: it dies, or freezes.
    pub crash: u32,
    pub freeze: u32,
    /// A call to EKS.
    pub throttled: u32,
    pub server_error: u32,
    pub lost_before: u32,
    pub lost_after: u32,
    pub malformed: u32,
    pub busy: u32,
    pub denied: u32,
    pub refused: u32,
    pub held_up: u32,
    /// A call to the API server.
    pub api_lost_before: u32,
    pub api_lost_after: u32,
    pub api_held_up: u32,
    pub api_refused: u32,
    /// The watch.
    pub watch_late: u32,
    pub watch_repeats: u32,
    pub watch_breaks: u32,
    pub list_is_old: u32,
}

impl Odds {
    /// None, once faults stop.
    pub fn none() -> Self {
        Self::default()
    }
}

#[derive(Clone, Debug)]
pub struct Course {
    pub replicas: usize,
    pub setup: Setup,
    pub scenario: Scenario,
    pub clusters: Vec<ClusterSpec>,
    pub odds: Odds,
    pub clock_ahead: Vec<Millis>,
    /// How long a request may be on its way, at most; its signature is no good after five minutes.
    pub held_up: Millis,
    pub list_lag: Millis,
    pub events: Vec<(Millis, Event)>,
    pub calm_from: Millis,
    pub insights_block: bool,
    /// Whether it is about gates.
    pub gates: bool,
}

/// Lengths that matter: nothing, a moment, seconds, minutes.
pub fn some_time(rng: &mut Rng, most: Millis) -> Millis {
    let usual = [
        0,
        20,
        300,
        2 * SECOND,
        20 * SECOND,
        2 * MINUTE,
        6 * MINUTE,
        17 * MINUTE,
        HOUR,
    ];
    let longest = usual.iter().filter(|length| **length <= most).count();
    let length = usual[rng.usize(0..longest)];
    (length + rng.i64(0..=length)).min(most)
}

fn period(millis: Millis) -> Period {
    Period::seconds(u32::try_from(millis / SECOND).expect("a length that fits"))
}

fn one_in(rng: &mut Rng, n: u32) -> bool {
    rng.u32(0..n) == 0
}

fn odds(rng: &mut Rng) -> Odds {
    // Most kinds of faults are absent from most seeds: a fault that is always there hides what others do.
    let mut some = |most: u32| {
        if rng.u32(0..3) == 0 {
            rng.u32(1..=most)
        } else {
            0
        }
    };
    Odds {
        crash: some(40),
        freeze: some(20),
        throttled: some(100),
        server_error: some(100),
        lost_before: some(150),
        lost_after: some(200),
        malformed: some(100),
        busy: some(150),
        denied: some(50),
        refused: some(60),
        held_up: some(150),
        api_lost_before: some(100),
        api_lost_after: some(100),
        api_held_up: some(80),
        api_refused: some(20),
        watch_late: some(400),
        watch_repeats: some(200),
        watch_breaks: some(100),
        list_is_old: some(300),
    }
}

fn failure(rng: &mut Rng) -> Option<ErrorDetail> {
    one_in(rng, 3).then(|| ErrorDetail {
        error_code: "IpNotAvailable".to_owned(),
        error_message: "Too few free addresses.".to_owned(),
        resource_ids: vec!["subnet-1".to_owned()],
    })
}

fn cluster(rng: &mut Rng, name: &str, list_lag: Millis, insights_block: bool) -> ClusterSpec {
    let minutes = [1, 3, 8, 12, 25][rng.usize(0..5)];
    let outcomes = (0..rng.u32(0..3))
        .map(|_| Outcome {
            version: None,
            times: Some(rng.u32(1..3)),
            // Failures within seconds are those that a list may not show before they are over.
            duration: one_in(rng, 3).then(|| Period::seconds(rng.u32(1..90))),
            node_phase: None,
            fail: failure(rng),
            cancelled: one_in(rng, 12),
        })
        .collect();
    let lag = |rng: &mut Rng, most| Some(period(some_time(rng, most)));
    ClusterSpec {
        name: name.to_owned(),
        account_id: None,
        region: None,
        version: Minor::new(33),
        platform_version: None,
        created_at: None,
        created_version: Some(Minor::new(31)),
        status: ClusterStatus::Active,
        upgrade_policy: SupportType::Extended,
        auto_mode: false,
        cancelling_status: false,
        insights: Insights {
            upgrade: if insights_block {
                Readiness::Error.into()
            } else {
                Readiness::Passing.into()
            },
            rollback: Readiness::Passing.into(),
        },
        insights_refreshed: gates::refreshed(rng),
        failing_refreshes: 0,
        nodegroups: Vec::new(),
        addons: Vec::new(),
        health: Vec::new(),
        tags: std::collections::BTreeMap::new(),
        durations: Durations {
            update: Some(Period::minutes(minutes)),
            busy_after_update: lag(rng, 5 * MINUTE),
            ..Durations::default()
        },
        lags: Lags {
            status: lag(rng, 4 * MINUTE),
            version: lag(rng, 5 * MINUTE),
            list: Some(period(list_lag)),
            describe: lag(rng, 2 * MINUTE),
        },
        outcomes,
        history: past(rng),
        events: Vec::new(),
        faults: Vec::new(),
    }
}

/// What happened to a cluster before anybody looked at it.
fn past(rng: &mut Rng) -> Vec<PastUpdate> {
    if !one_in(rng, 4) {
        return Vec::new();
    }
    let (kind, version, status) = match rng.u32(0..4) {
        0 => (VERSION_UPDATE, 34, UpdateStatus::Failed),
        1 => (VERSION_UPDATE, 34, UpdateStatus::Cancelled),
        2 => (VERSION_ROLLBACK, 33, UpdateStatus::Successful),
        _ => (VERSION_UPDATE, 33, UpdateStatus::Successful),
    };
    vec![PastUpdate {
        id: None,
        kind: kind.to_owned(),
        version: Some(Minor::new(version)),
        status,
        age: Period::minutes(rng.u32(20..10_000)),
        took: None,
        errors: Vec::new(),
    }]
}

pub fn key(name: &str) -> Key {
    Key {
        namespace: "team".to_owned(),
        name: name.to_owned(),
    }
}

pub fn spec(cluster: &str, version: Minor) -> ClusterUpgradeSpec {
    ClusterUpgradeSpec {
        cluster: ClusterRef {
            account_id: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            name: cluster.to_owned(),
        },
        version: version.to_string(),
        role_arn: None,
        external_id: None,
        force: None,
        rollback: None,
        preflight: None,
        schedule: None,
        suspend: false,
    }
}

/// A force for one hop.
pub fn force(version: Minor) -> Force {
    Force {
        version: version.to_string(),
        reason: "drawn".to_owned(),
    }
}

fn deed(rng: &mut Rng) -> Deed {
    match rng.u32(0..28) {
        0..=4 => Deed::Version(Minor::new(rng.u16(33..=37))),
        5..=6 => Deed::Suspend(true),
        7..=9 => Deed::Suspend(false),
        10 => Deed::Force(Some(Minor::new(rng.u16(34..=36)))),
        11 => Deed::Force(None),
        12..=14 | 24..=27 => Deed::Retry(0),
        15 => Deed::Retry([-HOUR, -MINUTE, 2 * MINUTE, HOUR][rng.usize(0..4)]),
        16 => Deed::RetryNonsense,
        17..=18 => Deed::Label,
        19 => Deed::WipeStatus,
        20 => Deed::RestoreStatus(rng.usize(1..6)),
        21 => Deed::Delete,
        22 => Deed::Release,
        _ => Deed::Recreate,
    }
}

fn foreign(rng: &mut Rng, kind: &str, minutes: u32) -> Happening {
    Happening::Update(ForeignUpdate {
        kind: Some(kind.to_owned()),
        // Not so short that two of them fit into the time for which a request may be on its way.
        duration: Some(Period::minutes(minutes)),
        fail: failure(rng),
        cancelled: one_in(rng, 10),
        ..ForeignUpdate::default()
    })
}

fn happening(rng: &mut Rng) -> Happening {
    let minutes = rng.u32(5..15);
    match rng.u32(0..16) {
        0..=4 => foreign(rng, VERSION_UPDATE, minutes),
        5..=8 => foreign(rng, VERSION_ROLLBACK, minutes),
        9 => foreign(rng, "VpcConfigUpdate", minutes),
        10 => Happening::AutoUpgrade,
        11..=12 => Happening::InternalWork(Period::minutes(minutes)),
        13 => Happening::CancelUpdate,
        14 => Happening::Delete,
        _ => Happening::Recreate(Minor::new(rng.u16(33..=35))),
    }
}

impl Course {
    /// A course of one replica, in which nothing goes wrong but what the clusters and events say.
    pub fn of(clusters: Vec<ClusterSpec>, mut events: Vec<(Millis, Event)>) -> Self {
        events.push((2 * HOUR, Event::Calm));
        Self {
            replicas: 1,
            setup: Setup {
                settings: Settings::default(),
                limits: Limits {
                    max_running_updates: 10,
                    settle: SignedDuration::ZERO,
                },
                concurrency: 1,
                defect: None,
            },
            scenario: Scenario::default(),
            list_lag: 0,
            clusters,
            odds: Odds::none(),
            clock_ahead: vec![0],
            held_up: 0,
            events,
            calm_from: 2 * HOUR,
            insights_block: false,
            gates: false,
        }
    }

    /// By how much a replica's clock is off, at most.
    pub fn clocks_off(&self) -> Millis {
        let jumps = self.events.iter().filter_map(|(_, event)| match event {
            Event::ClockJumps(_, ahead) => Some(ahead),
            _ => None,
        });
        let all = self.clock_ahead.iter().chain(jumps);
        all.map(|ahead| ahead.abs()).max().unwrap_or_default()
    }

    /// By how much a replica's clock may jump.
    pub fn clocks_jump(&self) -> Millis {
        let jumps = |(_, event): &(Millis, Event)| matches!(event, Event::ClockJumps(..));
        if self.events.iter().any(jumps) {
            2 * self.clocks_off()
        } else {
            0
        }
    }

    /// Draws a course.
    pub fn draw(rng: &mut Rng) -> Self {
        let replicas = rng.usize(1..=2);
        let held_up = [0, 30 * SECOND, 5 * MINUTE][rng.usize(0..3)];
        // The assumption: a token is honoured until EKS lists its update, with room for a request on its way.
        let list_lag = some_time(rng, TOKEN_HONOURED - held_up - 30 * SECOND) / SECOND * SECOND;
        let insights_block = one_in(rng, 12);
        let calm_from = [20 * MINUTE, HOUR, 2 * HOUR][rng.usize(0..3)];
        let names: &[&str] = if one_in(rng, 3) {
            &["prod", "staging"]
        } else {
            &["prod"]
        };
        let mut clusters: Vec<ClusterSpec> = names
            .iter()
            .map(|name| cluster(rng, name, list_lag, insights_block))
            .collect();
        let mut events = Vec::new();
        let when = |rng: &mut Rng| rng.i64(0..calm_from);
        let mut keys = Vec::new();
        for name in names {
            let made = if one_in(rng, 2) {
                0
            } else {
                some_time(rng, calm_from / 4)
            };
            let version = Minor::new(rng.u16(34..=36));
            let held = one_in(rng, 6);
            events.push((
                made,
                Event::Create(key(name), Box::new(spec(name, version)), held),
            ));
            keys.push(key(name));
        }
        if one_in(rng, 5) {
            // Another object for the same cluster. Seconds apart: the API server keeps no more of when each was made.
            let made = when(rng).max(10 * SECOND);
            let version = Minor::new(rng.u16(33..=36));
            events.push((
                made,
                Event::Create(key("rival"), Box::new(spec("prod", version)), false),
            ));
            keys.push(key("rival"));
        }
        for _ in 0..rng.u32(0..8) {
            let key = keys[rng.usize(0..keys.len())].clone();
            events.push((when(rng), Event::Person(key, deed(rng))));
        }
        if one_in(rng, 2) {
            for _ in 0..rng.u32(1..4) {
                let name = names[rng.usize(0..names.len())].to_owned();
                let (at, happening) = (when(rng), happening(rng));
                let cluster = |happening| Event::Cluster(name.clone(), Box::new(happening));
                if let Happening::Recreate(_) = happening {
                    // EKS takes minutes to make a cluster, longer than any request is on its way.
                    events.push((at, cluster(Happening::Delete)));
                    let made = at + rng.i64(8 * MINUTE..20 * MINUTE);
                    if made < calm_from {
                        events.push((made, cluster(happening)));
                    }
                } else {
                    events.push((at, cluster(happening)));
                }
            }
        }
        for _ in 0..rng.u32(0..6) {
            let replica = rng.usize(0..replicas);
            let lasts = some_time(rng, HOUR);
            let event = match rng.u32(0..12) {
                0..=2 => Event::Crash(replica, lasts),
                3..=4 => Event::Stop(replica, lasts),
                5..=7 => Event::Freeze(replica, lasts),
                8 => Event::ClockJumps(replica, rng.i64(-2 * MINUTE..=2 * MINUTE)),
                9 => Event::ApiServerDown(lasts.min(20 * MINUTE)),
                10 => Event::EksDown(lasts.min(30 * MINUTE)),
                _ => Event::WatchBreaks(replica),
            };
            events.push((when(rng), event));
        }
        if one_in(rng, 2) {
            rollbacks::draw(rng, &mut clusters, &keys, calm_from, &mut events);
        }
        let gates = one_in(rng, 2);
        if gates {
            gates::draw(
                rng,
                &mut clusters,
                &keys,
                calm_from,
                !insights_block,
                &mut events,
            );
        }
        events.push((calm_from, Event::Calm));
        let skew = |rng: &mut Rng| {
            if one_in(rng, 3) {
                rng.i64(-2 * MINUTE..=2 * MINUTE)
            } else {
                0
            }
        };
        Self {
            replicas,
            setup: Setup {
                settings: Settings {
                    poll_interval: SignedDuration::from_secs([15, 15, 60][rng.usize(0..3)]),
                    ..Settings::default()
                },
                limits: Limits {
                    max_running_updates: [1, 10][rng.usize(0..2)],
                    settle: if one_in(rng, 6) {
                        SignedDuration::from_secs(90)
                    } else {
                        SignedDuration::ZERO
                    },
                },
                concurrency: rng.usize(1..=4),
                defect: None,
            },
            scenario: Scenario {
                seed: rng.u64(..),
                token_lifetime: period(TOKEN_HONOURED),
                insights_enforced: insights_block,
                addon_versions: gates::addon_versions(),
                ..Scenario::default()
            },
            clusters,
            odds: odds(rng),
            clock_ahead: (0..replicas).map(|_| skew(rng)).collect(),
            held_up,
            list_lag,
            events,
            calm_from,
            insights_block,
            gates,
        }
    }
}
