//! What governs the time of a start, and what the checks before an upgrade find.

use eks_upgrade_operator::api::{Minor, OnUnknown, PreflightMode, Reason};
use eks_upgrade_operator::eks::{EksError, ErrorKind, RefreshStatus, RefreshView};
use eks_upgrade_operator::plan::{Gates, Reading};
use jiff::{SignedDuration, Timestamp};

use super::super::timing::WINDOWS;
use super::hop::Step;
use super::{Case, Rule, Rules, Said, rollback};

/// What the spec says; nothing where it makes no sense.
fn gates(case: &Case<'_>) -> Gates {
    let gates = case.wish().and_then(|wish| wish.gates.as_ref().ok());
    gates.cloned().unwrap_or_default()
}

pub fn rules(case: &Case<'_>, step: Step, rules: &mut Rules) {
    let mut say = |rule, reason| {
        rules.insert(rule, Said::Reason(reason));
    };
    let gates = gates(case);
    if case.cluster().is_some_and(|view| view.hold.is_some()) {
        say(Rule::Held, Reason::Held);
    }
    let mut freezes = case.all.standing.freezes.iter();
    if freezes.any(|freeze| {
        let is_over = freeze.until.is_some_and(|until| until <= case.now);
        let is_to_come = freeze.from.is_some_and(|from| from > case.now);
        !is_over && !is_to_come
    }) {
        say(Rule::Frozen, Reason::Frozen);
    }
    let mut open = WINDOWS.iter().filter(|(window, span)| {
        gates.windows.contains(window)
            && span.is_some_and(|(from, until)| from <= case.now && case.now < until)
    });
    if !gates.windows.is_empty() && open.next().is_none() {
        say(Rule::OutsideWindow, Reason::OutsideWindow);
    }
    if step.is_down() {
        return;
    }
    let bakes = gates.bake > SignedDuration::ZERO;
    if bakes && baked_at(case, step.from).is_some_and(|end| case.now < end + gates.bake) {
        say(Rule::Baking, Reason::Baking);
    }
    checks(case, step, &gates, rules);
}

/// Since when the cluster has its version, where an upgrade brought it there.
fn baked_at(case: &Case<'_>, version: Minor) -> Option<Timestamp> {
    let last = rollback::newest_success(case)?;
    if last.kind != "VersionUpdate" || last.to != Some(version) {
        return None;
    }
    let mut remembered = case.memory.history.iter().rev().chain(&case.memory.update);
    let seen = remembered.find(|update| update.id.as_deref() == Some(last.id));
    let seen = seen.and_then(|update| update.finished_at);
    let longest = SignedDuration::from_mins(90);
    let clocks_differ = SignedDuration::from_mins(5);
    let is_after = |at: &Timestamp| {
        last.created_at
            .is_none_or(|began| *at >= began - clocks_differ)
    };
    seen.filter(|at| *at <= case.now && is_after(at))
        .or(last.created_at.map(|at| at + longest))
}

/// What is found, by what the manifest accepts.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is true or not whatever the others are"
)]
struct Found<'a> {
    case: &'a Case<'a>,
    step: Step,
    gates: &'a Gates,
    failed: bool,
    unknown: bool,
    /// Something could not be read, which may be gone in a moment.
    passing: bool,
    /// EKS's insights are being refreshed.
    refreshing: bool,
}

impl Found<'_> {
    fn is_accepted(&self, check: &str, finding: [&str; 2]) -> bool {
        let is_forced = check == "UpgradeInsights" && self.step.force;
        let mut accepted = self.gates.preflight.accepted.iter();
        is_forced
            || accepted.any(|waiver| {
                waiver.check.as_str() == check
                    && waiver.version == self.step.to
                    && finding.contains(&waiver.finding.as_str())
                    && self.case.now < waiver.expires
            })
    }

    fn fail(&mut self, check: &str, finding: [&str; 2]) {
        self.failed |= !self.is_accepted(check, finding);
    }

    fn unknown(&mut self, check: &str, finding: [&str; 2]) {
        self.unknown |= !self.is_accepted(check, finding);
    }

    /// The answer, or that there is none.
    fn read<T: Clone>(&mut self, check: &str, reading: Option<&Reading<T>>) -> Option<T> {
        match &reading?.answer {
            Ok(answer) => Some(answer.clone()),
            Err(error) => {
                self.unread(check, error);
                None
            }
        }
    }

    fn unread(&mut self, check: &str, error: &EksError) {
        let run = self.case.seen.trouble.map_or(1, |run| run.in_a_row);
        self.passing |= run < 3
            && matches!(
                error.kind,
                ErrorKind::Throttled
                    | ErrorKind::Unavailable
                    | ErrorKind::InUse
                    | ErrorKind::ClockSkew
            );
        self.unknown(check, [error.operation, ""]);
    }
}

fn checks(case: &Case<'_>, step: Step, gates: &Gates, rules: &mut Rules) {
    let evidence = &case.all.observed.evidence;
    let mut found = Found {
        case,
        step,
        gates,
        failed: false,
        unknown: false,
        passing: false,
        refreshing: false,
    };
    for issue in case.cluster().into_iter().flat_map(|view| &view.health) {
        found.fail("ClusterHealth", [&issue.code, ""]);
    }
    let groups = found.read("NodeSkew", evidence.nodegroups.as_ref());
    for group in groups.into_iter().flatten() {
        match group.version.parse::<Minor>() {
            Err(_) => found.unknown("NodeSkew", [&group.name, ""]),
            Ok(version) => {
                let behind = i32::from(step.to.number()) - i32::from(version.number());
                if !(0..=3).contains(&behind) {
                    found.fail("NodeSkew", [&group.name, ""]);
                }
            }
        }
    }
    let addons = found.read("AddonCompatibility", evidence.addons.as_ref());
    for addon in addons.into_iter().flatten() {
        let mut fits = addon.fits.iter();
        if fits.all(|fit| fit.version != addon.view.version) {
            found.fail("AddonCompatibility", [&addon.view.name, ""]);
        }
    }
    if step.force || is_refreshed(case, &mut found) {
        let insights = found.read("UpgradeInsights", evidence.insights.as_ref());
        for insight in insights.into_iter().flatten() {
            let names = [insight.view.id.as_str(), insight.view.name.as_str()];
            match insight.view.status.as_str() {
                "PASSING" | "WARNING" | "UNKNOWN" => {}
                "ERROR" => found.fail("UpgradeInsights", names),
                _ => found.unknown("UpgradeInsights", names),
            }
        }
    }
    let policy = &gates.preflight;
    let is_enforced = policy.mode == PreflightMode::Enforce;
    if found.passing || (found.refreshing && (is_said(case) || says(case, "PreflightUnknown"))) {
        rules.insert(Rule::PreflightUnknown, Said::Keep);
    } else if found.refreshing {
        let waits = Said::Reason(Reason::WaitingForCluster);
        rules.insert(Rule::PreflightUnknown, waits);
    } else if found.unknown && is_enforced && policy.on_unknown == OnUnknown::Hold {
        let unknown = Said::Reason(Reason::PreflightUnknown);
        rules.insert(Rule::PreflightUnknown, unknown);
    }
    if found.failed && is_enforced {
        rules.insert(Rule::Insights, Said::Reason(Reason::PreflightFailed));
    }
}

/// From when on a refresh counts for a person who asks for another look.
pub fn asked_at(case: &Case<'_>) -> Option<Timestamp> {
    let annotation = case.all.object.retry_requested_at.as_deref();
    annotation
        .and_then(|text| text.parse::<Timestamp>().ok())
        .filter(|at| *at <= case.now)
}

/// Whether there is a refresh that counts for a start.
fn is_refreshed(case: &Case<'_>, found: &mut Found<'_>) -> bool {
    let evidence = &case.all.observed.evidence;
    let Some(view) = found.read("UpgradeInsights", evidence.refresh.as_ref()) else {
        return false;
    };
    let RefreshView {
        status,
        started_at,
        ended_at,
    } = view;
    let within =
        |at: Option<Timestamp>, most: SignedDuration| at.is_some_and(|at| case.now <= at + most);
    let half_an_hour = SignedDuration::from_mins(30);
    let is_stuck = match status {
        RefreshStatus::InProgress => started_at.is_some() && !within(started_at, half_an_hour),
        RefreshStatus::Failed(_) => {
            within(ended_at.or(started_at), case.all.settings.resync_interval)
        }
        RefreshStatus::Completed => is_of_a_time_to_come(case, ended_at),
        RefreshStatus::None => false,
    };
    if is_stuck {
        found.unknown("UpgradeInsights", ["InsightsRefresh", ""]);
        return false;
    }
    let counts = status == RefreshStatus::Completed
        && within(ended_at, SignedDuration::from_hours(1))
        && ended_at >= rollback::known_since(case)
        && ended_at >= asked_at(case);
    // One that runs is waited for; in place of any other, one is begun.
    found.refreshing = !counts;
    counts
}

/// By a clock that is wrong.
pub fn is_of_a_time_to_come(case: &Case<'_>, at: Option<Timestamp>) -> bool {
    at.is_some_and(|at| at > case.now + SignedDuration::from_mins(5))
}

/// Whether the object says of its present spec that something blocks it; of an open intent other things are said.
pub fn is_said(case: &Case<'_>) -> bool {
    says(case, "PreflightFailed") || says(case, "RequestRejected")
}

/// Whether status says this of the present spec. Of an open intent other things are said.
fn says(case: &Case<'_>, reason: &str) -> bool {
    let memory = &case.all.memory;
    let is_of_now = memory.observed_generation == Some(case.all.object.generation);
    let mut conditions = memory.conditions.iter();
    is_of_now && !case.has_open_intent() && conditions.any(|condition| condition.reason == reason)
}
