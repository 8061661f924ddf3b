//! What a seed draws about gates: windows, baking, freezes, holds, checks that fail and are mended or accepted, calls that are
//! denied.

use std::collections::BTreeMap;

use eks_upgrade_operator::api::{
    CheckCode, HOLD_TAG, Minor, OnUnknown, Preflight, PreflightMode, Schedule, Waiver, Window,
};
use eks_upgrade_operator::simulator::api::{AddonStatus, HealthIssue, NodegroupStatus};
use eks_upgrade_operator::simulator::period::Period;
use eks_upgrade_operator::simulator::scenario::{
    AddonSpec, AddonVersionSpec, ClusterSpec, Finding, Findings, Happening, InsightsChange,
    NodegroupSpec, Readiness,
};
use eks_upgrade_operator::store::{Key, StoredFreeze, Unreadable};
use fastrand::Rng;
use serde_json::{Value, json};

use super::{Deed, Event, one_in, period, some_time};
use crate::time::{HOUR, MINUTE, Millis, SECOND, at};

/// The label by which freezes select.
const TIER: &str = "tier";
const TIERS: [&str; 2] = ["prod", "test"];

/// The calls that may be denied for a while.
const DENIED: [&str; 8] = [
    "eks:ListInsights",
    "eks:DescribeInsightsRefresh",
    "eks:StartInsightsRefresh",
    "eks:ListNodegroups",
    "eks:DescribeNodegroup",
    "eks:ListAddons",
    "eks:DescribeAddon",
    "eks:DescribeAddonVersions",
];

/// The one add-on, and what of it fits.
const ADDON: &str = "coredns";

pub fn addon_versions() -> Vec<AddonVersionSpec> {
    let version = |version: &str, fits: &[u16]| AddonVersionSpec {
        addon: ADDON.to_owned(),
        version: version.to_owned(),
        kubernetes: fits.iter().map(|minor| Minor::new(*minor)).collect(),
        default: Vec::new(),
    };
    vec![
        version("v1", &[32, 33, 34]),
        version("v2", &[33, 34, 35, 36]),
        version("v3", &[32, 33, 34, 35, 36, 37]),
    ]
}

fn addon(version: &str) -> AddonSpec {
    AddonSpec {
        name: ADDON.to_owned(),
        version: version.to_owned(),
        status: AddonStatus::default(),
        issues: Vec::new(),
    }
}

fn nodegroup(minor: u16) -> NodegroupSpec {
    NodegroupSpec {
        name: "workers".to_owned(),
        version: Some(Minor::new(minor)),
        status: NodegroupStatus::default(),
    }
}

fn issue(code: &str) -> HealthIssue {
    HealthIssue {
        code: code.to_owned(),
        message: "It is not there".to_owned(),
        resource_ids: Vec::new(),
    }
}

/// Some insights; of one about a version only the hop to it is told.
fn insights(rng: &mut Rng) -> Findings {
    let all = [
        Readiness::Passing,
        Readiness::Warning,
        Readiness::Unknown,
        Readiness::Error,
        Readiness::Error,
    ];
    let one = |rng: &mut Rng, name: &str| Finding {
        name: name.to_owned(),
        status: all[rng.usize(0..all.len())],
        reason: None,
        description: None,
        recommendation: None,
        version: one_in(rng, 2).then(|| Minor::new(rng.u16(34..=36))),
        resources: Vec::new(),
        deprecations: Vec::new(),
    };
    if one_in(rng, 4) {
        return all[rng.usize(0..all.len())].into();
    }
    Findings::Each(vec![
        one(rng, "Deprecated APIs"),
        one(rng, "Kubelet version skew"),
    ])
}

/// Windows that open every six hours, at any minute, for minutes or hours.
fn windows(rng: &mut Rng) -> Vec<Window> {
    let first = rng.u32(0..360);
    let lasts = ["5m", "20m", "45m", "2h", "3h"][rng.usize(0..5)];
    let days: &[&str] = if one_in(rng, 2) {
        &["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    } else {
        &["Wed", "Mon", "Tue"]
    };
    let times = (0..4).map(|nth| first + nth * 360);
    times
        .map(|minute| Window {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            start: format!("{:02}:{:02}", minute / 60, minute % 60),
            duration: lasts.to_owned(),
            time_zone: one_in(rng, 2).then(|| "UTC".to_owned()),
        })
        .collect()
}

fn schedule(rng: &mut Rng) -> Option<Schedule> {
    let windows = if one_in(rng, 2) {
        windows(rng)
    } else {
        Vec::new()
    };
    let bake = one_in(rng, 2).then(|| ["10m", "30m", "90m", "6h"][rng.usize(0..4)].to_owned());
    (!windows.is_empty() || bake.is_some()).then_some(Schedule { windows, bake })
}

fn waiver(rng: &mut Rng) -> Waiver {
    let (check, finding) = [
        (CheckCode::ClusterHealth, "SubnetNotFound"),
        (CheckCode::UpgradeInsights, "Upgrade readiness"),
        (CheckCode::UpgradeInsights, "Deprecated APIs"),
        (CheckCode::UpgradeInsights, "Kubelet version skew"),
        (CheckCode::NodeSkew, "workers"),
        (CheckCode::AddonCompatibility, ADDON),
        (CheckCode::NodeSkew, "eks:ListNodegroups"),
    ][rng.usize(0..7)];
    let expires = [30 * MINUTE, 2 * HOUR, 300 * HOUR, 300 * HOUR][rng.usize(0..4)];
    Waiver {
        check: check.to_string(),
        finding: finding.to_owned(),
        version: Minor::new(rng.u16(33..=36)).to_string(),
        reason: "drawn".to_owned(),
        expires: at(expires).to_string(),
    }
}

fn preflight(rng: &mut Rng) -> Option<Preflight> {
    if one_in(rng, 3) {
        return None;
    }
    let some = |rng: &mut Rng| one_in(rng, 8);
    Some(Preflight {
        mode: some(rng).then_some(PreflightMode::Warn),
        on_unknown: some(rng).then_some(OnUnknown::Proceed),
        waivers: (0..rng.u32(0..4)).map(|_| waiver(rng)).collect(),
    })
}

fn selector(rng: &mut Rng) -> Value {
    let tier = TIERS[rng.usize(0..2)];
    match rng.u32(0..6) {
        0 => json!({"matchLabels": {TIER: tier}}),
        1 => json!({"matchExpressions": [{"key": TIER, "operator": "In", "values": [tier]}]}),
        2 => json!({"matchExpressions": [{"key": TIER, "operator": "NotIn", "values": [tier]}]}),
        3 => json!({"matchExpressions": [{"key": TIER, "operator": "Exists"}]}),
        4 => json!({"matchExpressions": [{"key": TIER, "operator": "DoesNotExist"}]}),
        _ => json!({}),
    }
}

/// A freeze: of all or some, from now or a while on, for ever or a while.
fn freeze(rng: &mut Rng, name: &str, now: Millis) -> StoredFreeze {
    let mut spec = json!({"reason": "drawn"});
    if one_in(rng, 2) {
        spec["selector"] = selector(rng);
    }
    if one_in(rng, 4) {
        spec["from"] = json!(at(now + some_time(rng, HOUR) - 10 * MINUTE).to_string());
    }
    if one_in(rng, 3) {
        spec["until"] = json!(at(now + some_time(rng, HOUR) + SECOND).to_string());
    }
    let freeze = serde_json::from_value(spec).map_err(|error| Unreadable(error.to_string()));
    StoredFreeze {
        name: name.to_owned(),
        freeze: if one_in(rng, 20) {
            Err(Unreadable("drawn".to_owned()))
        } else {
            freeze
        },
    }
}

/// A change of the tag by which a cluster's own team holds it.
pub fn hold(value: Option<&str>) -> Happening {
    let tag = (HOLD_TAG.to_owned(), value.map(ToOwned::to_owned));
    Happening::Tags(BTreeMap::from([tag]))
}

fn labels(rng: &mut Rng) -> BTreeMap<String, String> {
    let tier = one_in(rng, 3).then(|| TIERS[rng.usize(0..2)].to_owned());
    tier.map(|tier| (TIER.to_owned(), tier))
        .into_iter()
        .collect()
}

/// Something that a check finds, or no longer does.
fn change(rng: &mut Rng) -> Happening {
    match rng.u32(0..8) {
        0..=2 => Happening::Insights(InsightsChange {
            upgrade: Some(insights(rng)),
            rollback: None,
        }),
        3 => Happening::Health(vec![issue("SubnetNotFound")]),
        4 => Happening::Health(Vec::new()),
        5 => Happening::Nodegroup(nodegroup(rng.u16(31..=36))),
        _ => Happening::Addon(addon(["v1", "v2", "v3"][rng.usize(0..3)])),
    }
}

/// What mends whatever a check can find.
fn mended() -> [Happening; 4] {
    [
        Happening::Insights(InsightsChange {
            upgrade: Some(Readiness::Passing.into()),
            rollback: None,
        }),
        Happening::Health(Vec::new()),
        Happening::Nodegroup(nodegroup(34)),
        Happening::Addon(addon("v3")),
    ]
}

fn prepare(rng: &mut Rng, cluster: &mut ClusterSpec) {
    let durations = &mut cluster.durations;
    durations.insights_refresh = Some(period(
        [5 * SECOND, 10 * SECOND, 2 * MINUTE, 12 * MINUTE][rng.usize(0..4)],
    ));
    durations.insights_after_update = Some(period(some_time(rng, HOUR)));
    if one_in(rng, 4) {
        cluster.failing_refreshes = rng.u32(1..4);
    }
    if one_in(rng, 3) {
        cluster.insights.upgrade = insights(rng);
    }
    if one_in(rng, 3) {
        cluster.addons = vec![addon(["v1", "v2", "v3"][rng.usize(0..3)])];
    }
    if one_in(rng, 4) && cluster.nodegroups.is_empty() {
        cluster.nodegroups = vec![nodegroup(rng.u16(31..=35))];
    }
    if one_in(rng, 8) {
        cluster.health = vec![issue("SubnetNotFound")];
    }
    if one_in(rng, 8) {
        cluster.tags = BTreeMap::from([(HOLD_TAG.to_owned(), "drawn".to_owned())]);
    }
}

/// Draws what happens in a course about gates.
pub fn draw(
    rng: &mut Rng,
    clusters: &mut [ClusterSpec],
    keys: &[Key],
    calm_from: Millis,
    may_fail: bool,
    events: &mut Vec<(Millis, Event)>,
) {
    let checks = may_fail && one_in(rng, 2);
    for cluster in clusters.iter_mut() {
        if checks {
            prepare(rng, cluster);
        }
        let name = cluster.name.clone();
        let of_cluster = |what| Event::Cluster(name.clone(), Box::new(what));
        if checks {
            for _ in 0..rng.u32(0..4) {
                let when = rng.i64(0..calm_from);
                events.push((when, of_cluster(change(rng))));
            }
            // What nobody mends holds the object up for good.
            let mends = mended().into_iter().filter(|_| !one_in(rng, 6));
            let mends: Vec<_> = mends.collect();
            for mend in mends {
                let when = calm_from + rng.i64(0..20 * MINUTE);
                events.push((when, of_cluster(mend)));
            }
        }
        if one_in(rng, 4) {
            let mut when = some_time(rng, calm_from / 2);
            for _ in 0..rng.u32(1..3) {
                events.push((when, of_cluster(hold(Some("drawn")))));
                when = (when + some_time(rng, HOUR)).min(calm_from - 1);
                events.push((when, of_cluster(hold(None))));
                when = (when + some_time(rng, HOUR)).min(calm_from - 1);
            }
        }
    }
    let (has_schedule, has_policy) = (one_in(rng, 2), one_in(rng, 2));
    for (_, event) in events.iter_mut() {
        if let Event::Create(_, spec, _) = event {
            if has_schedule {
                spec.schedule = schedule(rng);
            }
            if has_policy {
                spec.preflight = preflight(rng);
            }
        }
    }
    for key in keys {
        let person = |deed| Event::Person(key.clone(), deed);
        if one_in(rng, 3) {
            let when = some_time(rng, calm_from / 2);
            events.push((when, person(Deed::Labels(labels(rng)))));
            let when = rng.i64(0..calm_from);
            events.push((when, person(Deed::Labels(labels(rng)))));
        }
        if has_schedule && one_in(rng, 3) {
            let deed = Deed::Schedule(schedule(rng));
            events.push((rng.i64(0..calm_from), person(deed)));
        }
        if has_policy && one_in(rng, 3) {
            let deed = Deed::Preflight(preflight(rng));
            events.push((rng.i64(0..calm_from), person(deed)));
        }
    }
    if one_in(rng, 2) {
        for nth in 0..rng.u32(1..4) {
            let name = format!("freeze-{nth}");
            let mut when = some_time(rng, calm_from / 2);
            for _ in 0..rng.u32(1..4) {
                let made = Some(freeze(rng, &name, when));
                events.push((when, Event::Blackout(name.clone(), made)));
                when += some_time(rng, HOUR);
                if !one_in(rng, 4) {
                    let gone = when.min(calm_from - 1);
                    events.push((gone, Event::Blackout(name.clone(), None)));
                    when += some_time(rng, HOUR);
                }
            }
        }
        events.retain(|(when, event)| !matches!(event, Event::Blackout(..)) || *when < calm_from);
    }
    if one_in(rng, 4) {
        let call = DENIED[rng.usize(0..DENIED.len())];
        let lasts = some_time(rng, HOUR);
        events.push((some_time(rng, calm_from / 2), Event::Denied(call, lasts)));
    }
}

/// When the insights of a cluster were refreshed before anybody looked at it: mostly just.
pub fn refreshed(rng: &mut Rng) -> Option<Period> {
    match rng.u32(0..8) {
        0 => None,
        1 => Some(Period::minutes(rng.u32(0..120))),
        _ => Some(Period::minutes(rng.u32(0..10))),
    }
}
