//! What is to come, as status shows it: the checks, the plan with its gates, the next start, and how long versions are supported.
//!
//! Nothing is decided here. It is made from the same facts as the decision, and only goes with it.

use jiff::Timestamp;

use crate::api::{
    CheckResult, ClusterUpgradeStatus, GateState, Minor, OnUnknown, PlanStatus, PreflightMode,
    PreflightStatus, Reason, ScheduleStatus, Step, StepGate, SupportStatus,
};
use crate::eks::ClusterView;
use crate::text::plain;

use super::cluster;
use super::decision::{Decision, Outcome, Wake};
use super::facts::Facts;
use super::gates::Gates;
use super::hop::Hop;
use super::preflight::{self, Question};
use super::read::Read;
use super::time::shown;
use super::timing::Timing;
use super::window::Opening;
use super::wish::Wish;
use super::{rollback, say};

/// As many bytes are said of a gate.
const GATE_SAID: usize = 512;

/// A hop that waits for its start, and what it is judged by.
struct Waiting<'a> {
    wish: &'a Wish,
    gates: &'a Gates,
    view: &'a ClusterView,
    hop: Hop,
    timing: Timing<'a>,
}

impl<'a> Waiting<'a> {
    /// `None` where no hop is to come, or what it is judged by is not known.
    fn of(facts: &'a Facts<'a>) -> Option<Self> {
        let wish = facts.object.wish.as_ref().ok()?;
        let gates = wish.gates.as_ref().ok()?;
        let seen = cluster::healthy(facts)?;
        let (Some(Ok(view)), Some(Ok(updates))) =
            (&facts.observed.cluster, &facts.observed.updates)
        else {
            return None;
        };
        let hop = if seen.version < wish.version {
            Hop::up(wish, seen.version)
        } else {
            rollback::by_manifest(wish, seen)?
        };
        Some(Self {
            wish,
            gates,
            view,
            hop,
            timing: Timing::of(facts, gates, view, updates, hop),
        })
    }

    /// When it can start, where only the time stands in the way.
    fn known_start(&self) -> Option<Timestamp> {
        if self.wish.suspend || self.timing.hold().is_some() {
            return None;
        }
        self.timing.earliest()
    }

    /// What the checks are asked. A rollback has gates of its own.
    fn question(&self, facts: &'a Facts<'a>) -> Option<Question<'a>> {
        (!self.hop.is_rollback()).then(|| Question {
            facts,
            wish: self.wish,
            gates: self.gates,
            view: self.view,
            hop: self.hop,
            earliest: self.known_start(),
        })
    }
}

/// Whether an object with this reason has a hop to come that waits by itself, for people or for a time.
pub const fn waits(reason: Reason) -> bool {
    match reason {
        Reason::WaitingForCluster
        | Reason::Queued
        | Reason::Suspended
        | Reason::Held
        | Reason::Frozen
        | Reason::OutsideWindow
        | Reason::Baking
        | Reason::PreflightFailed
        | Reason::PreflightUnknown
        | Reason::RequestRejected => true,
        Reason::UpToDate
        | Reason::Updating
        | Reason::EksUnavailable
        | Reason::UpdateFailed
        | Reason::UpdateCancelled
        | Reason::UpdateLost
        | Reason::ClusterAheadOfSpec
        | Reason::RolledBackElsewhere
        | Reason::UnsupportedVersion
        | Reason::ClusterNotFound
        | Reason::ClusterReplaced
        | Reason::ClusterFailed
        | Reason::UnsupportedCluster
        | Reason::ClusterConflict
        | Reason::AccessDenied
        | Reason::CredentialsUnavailable
        | Reason::NotAllowed
        | Reason::InvalidSpec => false,
    }
}

/// What has to be read to show it, beyond what deciding needs. Nothing else waits for it.
pub fn next_read(facts: &Facts<'_>, reason: Reason) -> Option<Read> {
    let observed = facts.observed;
    if observed.versions.is_none() && observed.support.is_none() && is_support_due(facts, reason) {
        return Some(Read::Support);
    }
    if !waits(reason) {
        return None;
    }
    let waiting = Waiting::of(facts)?;
    let question = waiting.question(facts)?;
    let (part, since) = preflight::next_read_ahead(&question)?;
    Some(Read::Evidence(part, since))
}

/// Whether status does not say how long the versions are supported.
fn is_support_due(facts: &Facts<'_>, reason: Reason) -> bool {
    if waits(reason) {
        return true;
    }
    let is_calm = matches!(reason, Reason::UpToDate | Reason::ClusterAheadOfSpec);
    let (Some(seen), Ok(wish)) = (cluster::healthy(facts), &facts.object.wish) else {
        return false;
    };
    let known = facts.memory.support.as_ref();
    is_calm && known.is_none_or(|known| !is_about(known, seen.version, wish.version))
}

fn is_about(support: &SupportStatus, current: Minor, wanted: Minor) -> bool {
    let target = support.target.as_ref();
    support.current.version == current && target.map_or(current, |target| target.version) == wanted
}

/// The decision with what is to come in its memory.
pub fn added(facts: &Facts<'_>, mut decision: Decision) -> Decision {
    let Outcome::Say(reason, _) = &decision.outcome else {
        return decision;
    };
    let reason = *reason;
    let waiting = Waiting::of(facts);
    let question = waiting.as_ref().and_then(|waiting| waiting.question(facts));
    let memory = &mut decision.memory;
    memory.support = support(facts, memory);
    let checks = question.as_ref().and_then(preflight::shown_checks);
    if waits(reason) {
        if let Some(waiting) = &waiting {
            memory.plan = Some(plan(waiting, reason, checks.as_ref()));
            memory.schedule = waiting
                .known_start()
                .filter(|at| *at > facts.now)
                .map(|at| ScheduleStatus {
                    next_start: Some(shown(at)),
                });
            memory.preflight = checks;
        }
        let is_pending = question.as_ref().is_some_and(preflight::is_refreshing);
        if is_pending {
            decision.wake = sooner(facts, decision.wake);
        }
        return decision;
    }
    memory.schedule = None;
    if reason == Reason::Updating {
        let to = memory.update.as_ref().map(|update| update.to_version);
        let known = memory.preflight.take();
        memory.preflight = checks.or(known).filter(|checks| Some(checks.version) == to);
        memory.plan = to.and_then(|to| plan_after(facts, to));
    } else {
        memory.preflight = None;
        memory.plan = None;
    }
    decision
}

/// The plan and the checks of the hop to come, whatever the decision on it is, and whether a refresh of insights goes on.
pub fn to_come(
    facts: &Facts<'_>,
    decision: &Decision,
) -> (Option<PlanStatus>, Option<PreflightStatus>, bool) {
    let Some(waiting) = Waiting::of(facts) else {
        return (None, None, false);
    };
    let question = waiting.question(facts);
    let checks = question.as_ref().and_then(preflight::shown_checks);
    let reason = match &decision.outcome {
        Outcome::Say(reason, _) => *reason,
        Outcome::Keep | Outcome::Silent => Reason::PreflightUnknown,
    };
    let is_refreshing = question.as_ref().is_some_and(preflight::is_refreshing);
    let plan = plan(&waiting, reason, checks.as_ref());
    (Some(plan), checks, is_refreshing)
}

/// A look at a refresh, where it would be later.
fn sooner(facts: &Facts<'_>, wake: Wake) -> Wake {
    let refresh = preflight::refresh_wake(facts);
    match (wake, refresh) {
        (Wake::After(wait) | Wake::Exactly(wait), Wake::After(look)) if wait <= look => wake,
        (Wake::Now, _) => wake,
        _ => refresh,
    }
}

fn support(facts: &Facts<'_>, memory: &ClusterUpgradeStatus) -> Option<SupportStatus> {
    let wish = facts.object.wish.as_ref().ok()?;
    let current = memory.cluster.as_ref()?.version.parse().ok()?;
    if let Some(offered) = preflight::offered(facts) {
        return preflight::support(offered, current, wish.version);
    }
    let known = memory.support.as_ref()?;
    if known.current.version == current {
        return Some(known.clone());
    }
    // The hop is done: what was wanted is what it has.
    let reached = known.target.clone()?;
    (reached.version == current).then_some(SupportStatus {
        current: reached,
        target: None,
    })
}

/// The steps of a hop that waits and of those after it.
fn plan(waiting: &Waiting<'_>, reason: Reason, checks: Option<&PreflightStatus>) -> PlanStatus {
    let Waiting {
        wish,
        gates,
        hop,
        timing,
        view: _,
    } = waiting;
    let start = waiting.known_start().filter(|at| timing.is_to_come(*at));
    let first = Step {
        from: hop.from,
        to: hop.to,
        call: call(*hop),
        gates: first_gates(waiting, reason, checks),
        earliest_start: start,
    };
    let mut steps = vec![first];
    if !hop.is_rollback() {
        let mut earliest = start;
        for hop in hops(wish, hop.to) {
            earliest = earliest.and_then(|at| timing.earliest_after(at));
            steps.push(later_step(gates, hop, earliest));
        }
    }
    PlanStatus { steps }
}

/// The steps after an update to `to` that is asked for or runs.
fn plan_after(facts: &Facts<'_>, to: Minor) -> Option<PlanStatus> {
    let wish = facts.object.wish.as_ref().ok()?;
    let gates = wish.gates.as_ref().ok()?;
    let steps: Vec<_> = hops(wish, to)
        .map(|hop| later_step(gates, hop, None))
        .collect();
    (!steps.is_empty()).then_some(PlanStatus { steps })
}

/// The upgrades from a version to the wanted one.
fn hops(wish: &Wish, from: Minor) -> impl Iterator<Item = Hop> {
    let path = say::path(from, wish.version);
    path.into_iter()
        .filter_map(|to| Some(Hop::up(wish, to.previous()?)))
}

fn later_step(gates: &Gates, hop: Hop, earliest_start: Option<Timestamp>) -> Step {
    let pending = |gate: &str, message: String| StepGate {
        gate: gate.to_owned(),
        state: GateState::Pending,
        message,
    };
    let window = (!gates.windows.is_empty()).then(|| pending("Window", String::new()));
    let bake = (!gates.bake.is_zero()).then(|| {
        pending(
            "Bake",
            format!("{} minutes after the step before.", gates.bake.as_mins()),
        )
    });
    let preflight = pending("Preflight", String::new());
    Step {
        from: hop.from,
        to: hop.to,
        call: call(hop),
        gates: window.into_iter().chain(bake).chain([preflight]).collect(),
        earliest_start,
    }
}

/// What will be asked of EKS.
fn call(hop: Hop) -> String {
    let force = if hop.force { ", force" } else { "" };
    format!("UpdateClusterVersion {}{force}", hop.to)
}

fn first_gates(
    waiting: &Waiting<'_>,
    reason: Reason,
    checks: Option<&PreflightStatus>,
) -> Vec<StepGate> {
    let Waiting {
        wish,
        gates,
        hop,
        timing,
        view: _,
    } = waiting;
    let gate = |gate: &str, why: Option<String>| StepGate {
        gate: gate.to_owned(),
        state: if why.is_some() {
            GateState::Closed
        } else {
            GateState::Open
        },
        message: plain(&why.unwrap_or_default(), GATE_SAID),
    };
    let until =
        |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" until {}", shown(at)));
    let suspended = wish.suspend.then(|| "spec.suspend is true.".to_owned());
    let held = timing.hold().map(|value| format!("{value:?}"));
    let frozen = timing.freeze().map(|freeze| {
        format!(
            "UpgradeFreeze {}{}: {}",
            freeze.name,
            until(freeze.until),
            say::sentence(&freeze.reason)
        )
    });
    let window = match timing.opening() {
        Opening::Open => None,
        Opening::At(at) => Some(format!("The next one opens at {}.", shown(at))),
        Opening::Never => Some("None opens.".to_owned()),
    };
    let bake = timing
        .baking()
        .map(|(_, end)| format!("Until {}.", shown(end)));
    let mut all = vec![
        gate("Suspend", suspended),
        gate("Hold", held),
        gate("Freeze", frozen),
    ];
    if !gates.windows.is_empty() {
        all.push(gate("Window", window));
    }
    if !gates.bake.is_zero() && !hop.is_rollback() {
        all.push(gate("Bake", bake));
    }
    all.push(preflight_gate(gates, reason, checks));
    all
}

fn preflight_gate(gates: &Gates, reason: Reason, checks: Option<&PreflightStatus>) -> StepGate {
    let policy = &gates.preflight;
    let is_enforced = policy.mode == PreflightMode::Enforce;
    let state = match checks.map(|checks| checks.result) {
        Some(CheckResult::Failed) if is_enforced => GateState::Closed,
        Some(CheckResult::Unknown) if is_enforced && policy.on_unknown == OnUnknown::Hold => {
            GateState::Unknown
        }
        Some(_) => GateState::Open,
        // A rollback's checks show in the reason alone.
        None => match reason {
            Reason::PreflightFailed => GateState::Closed,
            Reason::PreflightUnknown => GateState::Unknown,
            _ => GateState::Pending,
        },
    };
    let named: Vec<_> = checks
        .into_iter()
        .flat_map(|checks| &checks.checks)
        .filter(|check| check.result != CheckResult::Passed)
        .map(|check| format!("{} {}", check.code, check.result))
        .collect();
    StepGate {
        gate: "Preflight".to_owned(),
        state,
        message: if named.is_empty() {
            String::new()
        } else {
            say::sentence(&named.join(", "))
        },
    }
}
