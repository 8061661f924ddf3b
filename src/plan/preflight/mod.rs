//! The checks before an upgrade by one minor: what they look at, what they find, and what that means for a start.
//!
//! One file per check. Each makes findings of facts; what a finding means for the start is settled here, in one place.

mod addons;
mod health;
mod insights;
mod offered;
mod skew;

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::api::{
    Check, CheckCode, CheckResult, Finding, OnUnknown, PreflightMode, PreflightStatus, Reason,
};
use crate::eks::{ClusterView, EksError, OfferedVersion, RefreshStatus, UpdateView};
use crate::text::plain;

use super::decision::Wake;
use super::evidence::{Evidence, Part, Reading, is_passing};
use super::facts::Facts;
use super::gates::{AcceptedFinding, Gates};
use super::hop::Hop;
use super::refresh::{self, Refreshed};
use super::rollback::LastSuccess;
use super::time::{before, shown, until};
use super::wish::Wish;
use super::{rollback_gate, say, trouble};

pub use offered::{near_end, support, supported_until};

/// How long before a start an answer may have been given.
const FRESH_TO_START: SignedDuration = SignedDuration::from_secs(60);
/// For how many resync intervals an answer will do while nothing can start.
const RESYNCS_AHEAD: i32 = 3;
/// How old a refresh of EKS's insights may be at a start.
const REFRESHED_TO_START: SignedDuration = SignedDuration::from_hours(1);
/// How old it may be while nothing can start.
const REFRESHED_AHEAD: SignedDuration = SignedDuration::from_hours(12);
/// How often is looked whether a refresh has ended, at least.
const REFRESH_POLL: SignedDuration = SignedDuration::from_secs(15);
/// So long before a start it is refreshed, so that nothing has to be waited for then.
pub const REFRESH_BEFORE: SignedDuration = SignedDuration::from_mins(30);

/// The ids of findings that EKS ends by itself in a while, without anybody's doing.
pub const ENDS_BY_ITSELF: [&str; 3] = [
    health::CLUSTER_STATUS,
    health::RUNNING_UPDATE,
    insights::INSIGHTS_REFRESH,
];

/// What is looked at, and for what.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The facts.
    pub facts: &'a Facts<'a>,
    /// What the spec asks for.
    pub wish: &'a Wish,
    /// What it says of checks.
    pub gates: &'a Gates,
    /// The cluster.
    pub view: &'a ClusterView,
    /// The upgrade that comes next.
    pub hop: Hop,
    /// When it can start by freezes, windows and baking; `None` where that is not known.
    pub earliest: Option<Timestamp>,
}

/// What the checks mean for a start.
#[derive(Clone, Debug)]
pub enum Preflight {
    /// It may start.
    Open,
    /// This has to be read.
    Ask(Part, Timestamp),
    /// It does not start.
    Closed(Reason, String, Wake),
    /// Not known for a moment. What is said stays.
    Wait(Wake),
}

/// One check's findings, before it is settled what they mean.
#[derive(Clone, Debug)]
pub struct Looked {
    code: CheckCode,
    findings: Vec<Finding>,
    /// What is said where nothing was found.
    passed: String,
}

/// A reading that a check needs: there, or what stands in its place.
enum Needed<'a, T> {
    Read(&'a T),
    /// It could not be read: a finding says why.
    Missing(Finding),
}

/// Whether the hop may start, by the checks.
///
/// What was read ahead is enough for a no; a start wants fresh answers.
pub fn look(question: &Question<'_>, is_first_send: bool) -> Preflight {
    match judge(question, ahead_since(question), is_first_send) {
        Preflight::Open => {}
        other => return other,
    }
    if !is_first_send {
        return Preflight::Open;
    }
    judge(question, before(question.facts.now, FRESH_TO_START), true)
}

fn judge(question: &Question<'_>, since: Timestamp, is_start: bool) -> Preflight {
    let facts = question.facts;
    if let Some(part) = next_part(question, since, is_start) {
        return Preflight::Ask(part, since);
    }
    if let Some(error) = facts.observed.evidence.setback()
        && !trouble::has_lasted(facts, error)
    {
        return Preflight::Wait(trouble::wake(facts, error));
    }
    let found = found(question);
    if is_refreshing(question) {
        // They are refreshed each hour: what blocked a moment ago is no news, and saying so would be.
        if said_closed(facts) {
            return Preflight::Wait(refresh_wake(facts));
        }
        let message = format!(
            "EKS refreshes its upgrade-readiness insights of cluster {}; whether it can go from {} to {} is known after that.",
            question.wish.target.name, question.hop.from, question.hop.to
        );
        return Preflight::Closed(Reason::WaitingForCluster, message, refresh_wake(facts));
    }
    settle(question, &found)
}

/// When to look again at a refresh that goes on.
pub fn refresh_wake(facts: &Facts<'_>) -> Wake {
    Wake::After(REFRESH_POLL.min(facts.settings.poll_interval))
}

/// What the results mean.
fn settle(question: &Question<'_>, found: &PreflightStatus) -> Preflight {
    let Question {
        facts,
        wish,
        gates,
        hop,
        ..
    } = question;
    let policy = &gates.preflight;
    if policy.mode == PreflightMode::Warn {
        return Preflight::Open;
    }
    let of = |result: CheckResult| -> Vec<String> {
        let checks = found.checks.iter().filter(|check| {
            let mut findings = check.findings.iter();
            findings.any(|finding| finding.result == result)
        });
        checks
            .map(|check| format!("{}: {}", check.code, said(&check.findings, result)))
            .collect()
    };
    let (failed, unknown) = (of(CheckResult::Failed), of(CheckResult::Unknown));
    let is_unknown = !unknown.is_empty() && policy.on_unknown == OnUnknown::Hold;
    if failed.is_empty() && !is_unknown {
        return Preflight::Open;
    }
    let name = &wish.target.name;
    let Hop { from, to, .. } = hop;
    let mut parts = Vec::new();
    if is_unknown {
        parts.push(format!(
            "Checks before the upgrade of cluster {name} from {from} to {to} could not run, which holds it up: {}.",
            unknown.join("; ")
        ));
    }
    if !failed.is_empty() {
        parts.push(format!(
            "Checks before the upgrade of cluster {name} from {from} to {to} failed: {}.",
            failed.join("; ")
        ));
    }
    let remedy = if is_unknown {
        "Give what is missing (or set spec.preflight.onUnknown to Proceed); it is looked at again by itself."
    } else {
        "Mend what they name; it is looked at again by itself. To accept a finding, add it to spec.preflight.waivers (check, finding, version, reason, expires)."
    };
    let wake = match facts.observed.evidence.errors().next() {
        Some(error) if is_unknown => trouble::wake(facts, error),
        _ => Wake::After(facts.settings.resync_interval),
    };
    let reason = if is_unknown {
        Reason::PreflightUnknown
    } else {
        Reason::PreflightFailed
    };
    Preflight::Closed(reason, format!("{} {remedy}", parts.join(" ")), wake)
}

/// The findings of this result, as many as a person reads.
fn said(findings: &[Finding], result: CheckResult) -> String {
    const SAID: usize = 3;
    let of: Vec<_> = findings
        .iter()
        .filter(|finding| finding.result == result)
        .collect();
    let mut said: Vec<_> = of
        .iter()
        .take(SAID)
        .map(|finding| {
            let name = finding.name.as_deref().unwrap_or(&finding.id);
            let message = plain(&finding.message, 600);
            match message.trim_end().trim_end_matches('.') {
                "" => name.to_owned(),
                message => format!("{name} ({message})"),
            }
        })
        .collect();
    if of.len() > said.len() {
        said.push(format!("and {} more in status", of.len() - said.len()));
    }
    said.join(", ")
}

/// What has to be read to show the checks while nothing can start.
pub fn next_read_ahead(question: &Question<'_>) -> Option<(Part, Timestamp)> {
    let since = ahead_since(question);
    next_part(question, since, false).map(|part| (part, since))
}

/// The checks as they are found now. `None` where that is not known for a moment: what was shown stays.
pub fn shown_checks(question: &Question<'_>) -> Option<PreflightStatus> {
    let facts = question.facts;
    let evidence = &facts.observed.evidence;
    let is_read = next_part(question, ahead_since(question), false).is_none();
    let is_setback = evidence
        .setback()
        .is_some_and(|error| !trouble::has_lasted(facts, error));
    let known = facts.memory.preflight.as_ref();
    let is_known = known.is_some_and(|known| known.version == question.hop.to);
    if is_known && (!is_read || is_setback || is_refreshing(question)) {
        return known.cloned();
    }
    (is_read && !is_setback).then(|| found(question))
}

/// Whether EKS is refreshing its insights, and it matters.
pub fn is_refreshing(question: &Question<'_>) -> bool {
    let refresh = question.facts.observed.evidence.refresh.as_ref();
    let status = refresh.and_then(|reading| reading.answer.as_ref().ok());
    !question.hop.force
        && status.is_some_and(|view| {
            refresh::judge(question.facts, view, limits(question, true)) == Refreshed::Running
        })
}

/// The next part to read, where what is there was read before `since`.
fn next_part(question: &Question<'_>, since: Timestamp, is_start: bool) -> Option<Part> {
    let Evidence {
        nodegroups,
        addons,
        refresh,
        insights,
    } = &question.facts.observed.evidence;
    let version = question.hop.to;
    if !is_read(nodegroups.as_ref(), since) {
        return Some(Part::Nodegroups);
    }
    if !is_read(addons.as_ref(), since) {
        return Some(Part::Addons(version));
    }
    let refreshed_at = if question.hop.force {
        // Nothing of them is waited for.
        None
    } else {
        match refresh {
            Some(Reading {
                answer: Ok(view), ..
            }) if is_read(refresh.as_ref(), since) || view.status == RefreshStatus::Completed => {
                match refresh::judge(question.facts, view, limits(question, is_start)) {
                    Refreshed::Due if is_new(refresh.as_ref()) => {
                        return Some(Part::StartRefresh);
                    }
                    // Known after that. A reading from before says nothing of its end.
                    Refreshed::Running if is_new(refresh.as_ref()) => return None,
                    Refreshed::Due | Refreshed::Running => return Some(Part::Refresh),
                    Refreshed::Failed(_) => return None,
                    Refreshed::At(at) => Some(at),
                }
            }
            Some(Reading {
                answer: Err(_),
                is_new: true,
                ..
            }) => return None,
            _ => return Some(Part::Refresh),
        }
    };
    (!is_read(insights.as_ref(), since)).then_some(Part::Insights {
        version,
        refreshed_at,
    })
}

fn is_read<T>(reading: Option<&Reading<T>>, since: Timestamp) -> bool {
    reading.is_some_and(|reading| reading.is_since(since))
}

fn is_new<T>(reading: Option<&Reading<T>>) -> bool {
    reading.is_some_and(|reading| reading.is_new)
}

/// From when on an answer will do while nothing can start. A person who asks for another try asks for another look.
fn ahead_since(question: &Question<'_>) -> Timestamp {
    let facts = question.facts;
    let age = facts
        .settings
        .resync_interval
        .checked_mul(RESYNCS_AHEAD)
        .unwrap_or(facts.settings.resync_interval);
    let since = before(facts.now, age);
    refresh::asked_at(facts).map_or(since, |asked| asked.max(since))
}

/// How old a refresh may be.
fn limits(question: &Question<'_>, is_start: bool) -> refresh::Limits {
    let facts = question.facts;
    let wait = question.earliest.map(|at| until(facts.now, at));
    let last = match &facts.observed.updates {
        Some(Ok(updates)) => LastSuccess::of(facts, updates),
        _ => LastSuccess::known(facts),
    };
    let age = match wait {
        _ if is_start => REFRESHED_TO_START,
        Some(wait) if wait.is_zero() => REFRESHED_TO_START,
        // So that it is fresh at the start.
        Some(wait) if wait <= REFRESH_BEFORE => REFRESHED_TO_START - REFRESH_BEFORE,
        Some(_) | None => REFRESHED_AHEAD,
    };
    refresh::Limits {
        age,
        since: last.and_then(|last| last.over_since(facts)),
    }
}

/// Whether status says of this very spec that a check holds the hop up, or could not run.
fn said_closed(facts: &Facts<'_>) -> bool {
    rollback_gate::is_said(
        facts,
        &[
            Reason::PreflightFailed,
            Reason::PreflightUnknown,
            Reason::RequestRejected,
        ],
    )
}

/// Every check, with what it found.
fn found(question: &Question<'_>) -> PreflightStatus {
    let looked = [
        offered::look(question),
        health::look(question),
        insights::look(question),
        skew::look(question),
        addons::look(question),
    ];
    let version = question.hop.to;
    let known = question.facts.memory.preflight.as_ref();
    let known = known.filter(|known| known.version == version);
    let checks: Vec<_> = looked
        .into_iter()
        .map(|looked| {
            let check = check(question, looked);
            let before = known.and_then(|known| {
                let mut checks = known.checks.iter();
                checks.find(|before| before.code == check.code && before.result == check.result)
            });
            Check {
                since: before.map_or(check.since, |before| before.since),
                ..check
            }
        })
        .collect();
    PreflightStatus {
        version,
        result: checks
            .iter()
            .map(|check| check.result)
            .max()
            .unwrap_or(CheckResult::Passed),
        checks,
    }
}

fn check(question: &Question<'_>, looked: Looked) -> Check {
    let Looked {
        code,
        findings,
        passed,
    } = looked;
    let mut findings: Vec<_> = findings
        .into_iter()
        .map(|finding| weighed(question, code, finding))
        .collect();
    // EKS promises no order of its lists, and what only stands in another order is no news.
    let about = |finding: &Finding| {
        let Finding {
            id,
            name,
            result: _,
            message,
        } = finding;
        (name.clone(), id.clone(), message.clone())
    };
    findings.sort_by_cached_key(|finding| (Reverse(finding.result), about(finding)));
    let result = findings
        .first()
        .map_or(CheckResult::Passed, |finding| finding.result);
    let message = match findings.len() {
        0 => passed,
        more => {
            let worst = said(&findings, result);
            if more > Check::FINDINGS_KEPT {
                format!("{worst} ({more} findings, {} shown).", Check::FINDINGS_KEPT)
            } else {
                say::sentence(&worst)
            }
        }
    };
    findings.truncate(Check::FINDINGS_KEPT);
    Check {
        code: code.to_string(),
        result,
        message: plain(&message, Check::MESSAGE_KEPT),
        findings,
        since: whole_seconds(question.facts.now),
    }
}

/// As the API keeps such times.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A finding with what the manifest says of it.
fn weighed(question: &Question<'_>, code: CheckCode, finding: Finding) -> Finding {
    if finding.result < CheckResult::Unknown {
        return finding;
    }
    let now = question.facts.now;
    let accepts = |accepted: &&AcceptedFinding| {
        accepted.check == code
            && accepted.version == question.hop.to
            && (accepted.finding == finding.id || Some(&accepted.finding) == finding.name.as_ref())
    };
    let waivers = question.gates.preflight.accepted.iter();
    let with = |result, more: String| {
        let message = say::sentence(&finding.message);
        // Cut before it is added, so that the waiver is always told.
        let message = plain(
            &message,
            Finding::MESSAGE_KEPT.saturating_sub(more.len() + 1),
        );
        Finding::new(
            &finding.id,
            finding.name.as_deref(),
            result,
            &format!("{message} {more}"),
        )
    };
    match waivers.filter(accepts).max_by_key(|waiver| waiver.expires) {
        Some(waiver) if now < waiver.expires => {
            let more = format!(
                "Waived until {}: {}",
                shown(waiver.expires),
                say::sentence(&plain(&waiver.reason, 200))
            );
            with(CheckResult::Waived, more)
        }
        _ if code == CheckCode::UpgradeInsights && question.hop.force => with(
            CheckResult::Waived,
            "Overridden by spec.force for this hop.".to_owned(),
        ),
        Some(waiver) => {
            let more = format!("The waiver for it expired at {}.", shown(waiver.expires));
            with(finding.result, more)
        }
        None => finding,
    }
}

/// What a check reads, or the finding that it could not.
fn needed<'a, T>(
    question: &Question<'_>,
    reading: Option<&'a Reading<T>>,
) -> Option<Needed<'a, T>> {
    reading.map(|reading| match &reading.answer {
        Ok(answer) => Needed::Read(answer),
        Err(error) => Needed::Missing(missing(question.facts, error)),
    })
}

/// A finding that something could not be read, named by the permission it takes.
fn missing(facts: &Facts<'_>, error: &EksError) -> Finding {
    let message = if is_passing(error.kind) {
        format!("It cannot be asked: {}.", say::trouble(error))
    } else {
        trouble::why(facts, error)
    };
    Finding::new(error.operation, None, CheckResult::Unknown, &message)
}

/// The updates of the cluster, where they are known.
fn updates<'a>(facts: &Facts<'a>) -> &'a [UpdateView] {
    match &facts.observed.updates {
        Some(Ok(updates)) => updates,
        _ => &[],
    }
}

/// The versions on offer, where they are known.
pub fn offered<'a>(facts: &Facts<'a>) -> Option<&'a [OfferedVersion]> {
    match (&facts.observed.versions, &facts.observed.support) {
        (Some(Ok(offered)), _) | (_, Some(Ok(offered))) => Some(offered),
        _ => None,
    }
}
