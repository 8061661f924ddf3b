//! Windows, freezes and waivers as tests write them.

use eks_upgrade_operator::api::{self, OnUnknown, PreflightMode};
use eks_upgrade_operator::eks::HealthIssue;
use eks_upgrade_operator::plan::{
    AcceptedFinding, Freeze, Gates, InvalidSpec, PreflightPolicy, Window,
};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A window by the clocks of UTC.
pub fn window(days: &[&str], start: &str, duration: &str) -> Window {
    Window::new(&api::Window {
        days: days.iter().map(ToString::to_string).collect(),
        start: start.to_owned(),
        duration: duration.to_owned(),
        time_zone: None,
    })
    .unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn freeze(name: &str, from: Option<Timestamp>, until: Option<Timestamp>) -> Freeze {
    Freeze {
        name: name.to_owned(),
        reason: "Black Friday.".to_owned(),
        from,
        until,
    }
}

pub fn waiver(check: &str, finding: &str, version: &str, expires: Timestamp) -> AcceptedFinding {
    AcceptedFinding {
        check: check.parse().unwrap(),
        finding: finding.to_owned(),
        version: version.parse().unwrap(),
        reason: "The batch job is gone by then".to_owned(),
        expires,
    }
}

/// Windows of the generated facts, with when each is open on the day of these facts.
pub fn windows() -> Vec<(Window, Option<(Timestamp, Timestamp)>)> {
    let open = |from, until| Some((at(from), at(until)));
    vec![
        (
            window(&["Mon"], "06:00", "12h"),
            open("2026-11-23T06:00:00Z", "2026-11-23T18:00:00Z"),
        ),
        (
            window(&["Sun"], "23:00", "13h1m"),
            open("2026-11-22T23:00:00Z", "2026-11-23T12:01:00Z"),
        ),
        (
            window(&["Mon", "Wed"], "12:00", "30m"),
            open("2026-11-23T12:00:00Z", "2026-11-23T12:30:00Z"),
        ),
        (
            window(&["Mon"], "11:30", "30m"),
            open("2026-11-23T11:30:00Z", "2026-11-23T12:00:00Z"),
        ),
        (window(&["Sat"], "02:00", "4h"), None),
    ]
}

/// What the spec says of checks and times: mostly nothing.
pub fn policies() -> impl Strategy<Value = Result<Gates, InvalidSpec>> {
    let some = vec(select(windows()).prop_map(|(window, _)| window), 1..3);
    let accepted = (
        select(vec![
            "UpgradeInsights",
            "UpgradeInsights",
            "NodeSkew",
            "AddonCompatibility",
            "ClusterHealth",
        ]),
        select(vec![
            "i1",
            "Deprecated APIs",
            "workers",
            "coredns",
            "InsightsRefresh",
            "eks:DescribeCluster",
            "AccessDenied",
        ]),
        prop_oneof![6 => Just("1.34"), 1 => Just("1.33"), 1 => Just("1.35")],
        select(vec![
            "2026-11-23T11:00:00Z",
            "2026-11-23T12:00:00Z",
            "2026-11-23T12:00:01Z",
            "2026-12-24T00:00:00Z",
            "2026-12-24T00:00:00Z",
        ]),
    )
        .prop_map(|(check, finding, version, expires)| {
            waiver(check, finding, version, at(expires))
        });
    let policy = (
        prop_oneof![8 => Just(PreflightMode::Enforce), 1 => Just(PreflightMode::Warn)],
        prop_oneof![4 => Just(OnUnknown::Hold), 1 => Just(OnUnknown::Proceed)],
        prop_oneof![2 => Just(Vec::new()).boxed(), 1 => vec(accepted, 1..5).boxed()],
    )
        .prop_map(|(mode, on_unknown, accepted)| PreflightPolicy {
            mode,
            on_unknown,
            accepted,
        });
    let gates = (
        policy,
        prop_oneof![3 => Just(Vec::new()).boxed(), 1 => some.boxed()],
        prop_oneof![3 => Just(0_i64), 1 => Just(2), 2 => Just(24 * 7)],
    )
        .prop_map(|(preflight, windows, bake)| Gates {
            preflight,
            windows,
            bake: SignedDuration::from_hours(bake),
        });
    prop_oneof![
        24 => gates.prop_map(Ok),
        1 => Just(Err(InvalidSpec("spec.schedule.bake: \"x\" is no duration".to_owned()))),
    ]
}

/// Before, over and after noon.
pub fn freezes() -> impl Strategy<Value = Vec<Freeze>> {
    let time = || {
        option::of(select(vec![
            at("2026-11-23T11:00:00Z"),
            at("2026-11-23T12:00:00Z"),
            at("2026-11-23T12:00:01Z"),
            at("2026-11-24T00:00:00Z"),
        ]))
    };
    let one = (select(vec!["sale", "stop"]), time(), time())
        .prop_map(|(name, from, until)| freeze(name, from, until));
    prop_oneof![5 => Just(Vec::new()).boxed(), 1 => vec(one, 1..3).boxed()]
}

pub fn hold() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.1, Just("ask team-db".to_owned()))
}

pub fn health() -> impl Strategy<Value = Vec<HealthIssue>> {
    let issue = HealthIssue {
        code: "AccessDenied".to_owned(),
        message: "The cluster role is gone.".to_owned(),
        resource_ids: Vec::new(),
    };
    prop_oneof![12 => Just(Vec::new()), 1 => Just(vec![issue])]
}
