//! What has to let a start through: the cluster's own veto, freezes, windows, baking and checks. By the object at the guarded
//! write, by what is in the API server, by the truth, and by what EKS told the process that sends.

use std::collections::BTreeMap;

use eks_upgrade_operator::api::{
    CheckCode, ClusterUpgradeSpec, Minor, OnUnknown, PreflightMode, UpgradeFreezeSpec, Window,
};
use eks_upgrade_operator::eks::{
    ClusterView, EksError, ErrorKind, InsightCategory, NodegroupView, RefreshStatus, Target,
};
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::memory::{self, Answer, Question};
use eks_upgrade_operator::simulator::model::UpdateTruth;
use serde_json::Value;

use super::{Announcement, Invariant, Oracle, SEND_WITHIN, is_of_version};
use crate::api_server::ApiServer;
use crate::call::Life;
use crate::carry_out::updates;
use crate::time::{HOUR, MINUTE, Millis, SECOND, at, since_start};

/// How old an answer may be at a start.
const FRESH: Millis = MINUTE;
/// How old it may be where an open intent is sent again: three resync intervals.
const FRESH_TO_REPEAT: Millis = 30 * MINUTE;
/// How old a refresh of the insights may be.
const REFRESHED: Millis = HOUR;
/// So many minors may a kubelet be behind (Kubernetes version skew policy).
const MOST_BEHIND: u16 = 3;

/// An answer that a process got.
struct Told {
    at: Millis,
    question: Question,
    answer: Result<Answer, ErrorKind>,
}

/// What it is judged by.
#[derive(Default)]
pub struct Gates {
    told: BTreeMap<(Life, String), Vec<Told>>,
    /// By how much the clock of a replica is off, at most, and may jump.
    off: Millis,
    jump: Millis,
}

impl Gates {
    /// The answers that a process got about a cluster since then.
    fn since(&self, life: Life, cluster: &str, since: Millis) -> Vec<&Told> {
        let told = self.told.get(&(life, cluster.to_owned()));
        let told = told.into_iter().flatten();
        told.filter(|told| told.at >= since).collect()
    }
}

impl Oracle {
    /// Judges with clocks that are off and jump by so much.
    #[must_use]
    pub fn with_clocks(mut self, off: Millis, jump: Millis) -> Self {
        self.gates.off = off;
        self.gates.jump = jump;
        self
    }

    /// EKS's answer has reached a process.
    pub fn told(
        &mut self,
        life: Life,
        cluster: &str,
        question: &Question,
        answer: &Result<Answer, EksError>,
        now: Millis,
    ) {
        let counts = matches!(
            question,
            Question::Cluster
                | Question::Refresh
                | Question::Insights(InsightCategory::UpgradeReadiness(_))
                | Question::Nodegroups
                | Question::Nodegroup(_)
                | Question::Addons
                | Question::Addon(_)
        );
        if !counts {
            return;
        }
        let told = self
            .gates
            .told
            .entry((life, cluster.to_owned()))
            .or_default();
        if told.len() > 200 {
            told.retain(|told| now - told.at <= 2 * REFRESHED);
        }
        told.push(Told {
            at: now,
            question: question.clone(),
            answer: answer.clone().map_err(|error| error.kind),
        });
    }

    /// A send leaves a process.
    pub(super) fn check_gates(
        &mut self,
        announcement: &Announcement,
        target: &Target,
        api: &ApiServer,
        model: &mut Model,
        now: Millis,
    ) {
        let Announcement {
            life,
            key,
            spec,
            intent,
            labels,
            ..
        } = announcement;
        let Gates { off, jump, .. } = self.gates;
        let to = intent.to_version;
        let earliest = now - SEND_WITHIN - off;
        let frozen = api.freezes().find(|(since, stored)| {
            now - since > SEND_WITHIN
                && stored
                    .freeze
                    .as_ref()
                    .map_or(true, |freeze| stops(freeze, labels, earliest, now + off))
        });
        self.check(frozen.is_none(), Invariant::Gated, now, || {
            format!("{key} sends, and {frozen:?} stops it")
        });
        let windows = spec.schedule.iter().flat_map(|one| &one.windows);
        let windows: Vec<_> = windows.collect();
        let is_open =
            windows.is_empty() || windows.iter().any(|one| is_open(one, earliest, now + off));
        self.check(is_open, Invariant::Gated, now, || {
            format!("{key} sends, and none of {windows:?} is open")
        });
        if intent.kind == VERSION_UPDATE {
            self.check_baked(announcement, &target.name, model, now);
        }

        let looks = self.gates.since(*life, &target.name, now - SEND_WITHIN);
        let clusters: Vec<_> = looks
            .iter()
            .filter_map(|told| match &told.answer {
                Ok(Answer::Cluster(cluster)) => Some(cluster.clone()),
                _ => None,
            })
            .collect();
        let is_free = clusters.iter().any(|cluster| cluster.hold.is_none());
        self.check(is_free, Invariant::Gated, now, || {
            format!("{key} sends, and EKS showed the cluster's hold: {clusters:#?}")
        });
        let preflight = spec.preflight.clone().unwrap_or_default();
        if intent.kind == VERSION_ROLLBACK || preflight.mode == Some(PreflightMode::Warn) {
            return;
        }
        let is_well = |cluster: &ClusterView| {
            let mut issues = cluster.health.iter();
            let is_waived =
                |name: &str| is_waived(spec, CheckCode::ClusterHealth, &[name], to, earliest);
            cluster.status == "ACTIVE" && issues.all(|issue| is_waived(&issue.code))
        };
        let is_healthy = clusters.iter().any(is_well);
        self.check(is_healthy, Invariant::Gated, now, || {
            format!("{key} sends, and EKS called the cluster unwell: {clusters:#?}")
        });
        if preflight.on_unknown == Some(OnUnknown::Proceed) {
            // Whether an answer came in time to count cannot be told from outside.
            return;
        }
        let fresh = if intent.sends == Some(1) {
            FRESH
        } else {
            FRESH_TO_REPEAT
        };
        let since = now - SEND_WITHIN - fresh - jump;
        let told = self.gates.since(*life, &target.name, since);
        let is_skewed = !are_nodes_well(&told, spec, to, earliest);
        let is_misfit = !are_addons_well(&told, spec, to, earliest, target, model, now);
        let about: Vec<_> = told
            .iter()
            .map(|told| format!("{}: {:?} {:?}", told.at, told.question, told.answer))
            .collect();
        self.check(!is_skewed, Invariant::Gated, now, || {
            format!(
                "{key} sends to {to}; since {since} no answers about node groups let it: {about:#?}"
            )
        });
        self.check(!is_misfit, Invariant::Gated, now, || {
            format!(
                "{key} sends to {to}; since {since} no answers about add-ons let it: {about:#?}"
            )
        });
        if !intent.force {
            self.check_insights(announcement, target, model, since, now);
        }
    }

    fn check_insights(
        &mut self,
        announcement: &Announcement,
        target: &Target,
        model: &mut Model,
        since: Millis,
        now: Millis,
    ) {
        let Announcement {
            life,
            key,
            spec,
            intent,
            uid,
            ..
        } = announcement;
        let (to, off) = (intent.to_version, self.gates.off);
        if has_waiver_of_unknown(spec, CheckCode::UpgradeInsights, to) {
            return;
        }
        // EKS had nothing to look at before the last hop was over.
        let last = self.last_success(announcement, &target.name, model, now);
        let over = last.map_or(Millis::MIN, |last| {
            let begun = since_start(last.created_at);
            let ended = last.finished_at.map_or(begun, since_start);
            if self.is_remembered(&last, uid) {
                begun.max(ended - 2 * off)
            } else {
                begun
            }
        });
        let oldest = (now - REFRESHED - SEND_WITHIN - off).max(over);
        let all = self.gates.since(*life, &target.name, Millis::MIN);
        let refreshed = all.iter().filter_map(|told| match &told.answer {
            Ok(Answer::Refresh(view)) if view.status == RefreshStatus::Completed => view.ended_at,
            _ => None,
        });
        let refreshed = refreshed.map(since_start).filter(|ended| *ended >= oldest);
        let refreshed = refreshed.min();
        let told = self.gates.since(*life, &target.name, since);
        let lets = |told: &&Told| {
            let is_of_refresh = refreshed.is_some_and(|ended| told.at >= ended);
            let Ok(Answer::Insights(insights)) = &told.answer else {
                return false;
            };
            let asked = Question::Insights(InsightCategory::UpgradeReadiness(to));
            is_of_refresh
                && told.question == asked
                && insights.iter().all(|insight| {
                    let names = [insight.id.as_str(), insight.name.as_str()];
                    insight.status != "ERROR"
                        || is_waived(
                            spec,
                            CheckCode::UpgradeInsights,
                            &names,
                            to,
                            now - SEND_WITHIN - off,
                        )
                })
        };
        let is_ready = told.iter().any(lets);
        let about: Vec<_> = all
            .iter()
            .map(|told| format!("{}: {:?} {:?}", told.at, told.question, told.answer))
            .filter(|told| told.contains("Insights") || told.contains("Refresh"))
            .collect();
        self.check(is_ready, Invariant::Gated, now, || {
            format!(
                "{key} sends to {to}; refreshed at {refreshed:?} where {oldest} was asked for, and since {since} no insights let it: {about:#?}"
            )
        });
    }

    /// The present version has to last for a while before the next upgrade.
    fn check_baked(
        &mut self,
        announcement: &Announcement,
        cluster: &str,
        model: &mut Model,
        now: Millis,
    ) {
        let Announcement {
            key, spec, intent, ..
        } = announcement;
        let bake = spec.schedule.as_ref().and_then(|one| one.bake.as_deref());
        let Some(bake) = bake.map(length) else { return };
        let last = self.last_success(announcement, cluster, model, now);
        let kept = last.filter(|last| {
            last.kind == VERSION_UPDATE && last.to_version == Some(intent.from_version)
        });
        let ended = kept.and_then(|last| last.finished_at).map(since_start);
        let off = self.gates.off;
        self.check(
            ended.is_none_or(|ended| now >= ended + bake - 2 * off),
            Invariant::Gated,
            now,
            || {
                format!(
                    "{key} sends at {now}; the last hop ended at {ended:?}, and it bakes for {bake}"
                )
            },
        );
    }

    /// The last change of the version, where the operator has to know of it.
    fn last_success(
        &self,
        announcement: &Announcement,
        cluster: &str,
        model: &mut Model,
        now: Millis,
    ) -> Option<UpdateTruth> {
        let all = updates(model, cluster, now).into_iter();
        // What an earlier send of the same intent has started is what it is asked again for.
        let token = &announcement.intent.client_request_token;
        let successes = all.filter(|one| {
            is_of_version(one)
                && one.status == TrueStatus::Successful
                && (one.client_request_token.is_none() || one.client_request_token != *token)
        });
        successes
            .max_by_key(|one| one.created_at)
            .filter(|last| self.is_known(last, announcement, now))
            .filter(|last| {
                // Told that EKS refused it, one believes otherwise once EKS lists it.
                let token = last.client_request_token.as_ref();
                let listed =
                    since_start(last.created_at) + self.listed_within + self.arrives_within;
                token.is_none_or(|token| !self.refused.contains(token)) || listed <= now
            })
    }
}

/// Whether a freeze stops an object with these labels all that time.
fn stops(
    freeze: &UpgradeFreezeSpec,
    labels: &BTreeMap<String, String>,
    from: Millis,
    until: Millis,
) -> bool {
    freeze.from.is_none_or(|begins| begins <= at(from))
        && freeze.until.is_none_or(|ends| ends > at(until))
        && selects(
            &serde_json::to_value(&freeze.selector).unwrap_or_default(),
            labels,
        )
}

/// Kubernetes' selectors: all of what they ask for has to be so.
fn selects(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let mut equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut expressions = selector["matchExpressions"]
        .as_array()
        .into_iter()
        .flatten();
    equal.all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
        && expressions.all(|one| {
            let label = one["key"].as_str().and_then(|key| labels.get(key));
            let mut values = one["values"].as_array().into_iter().flatten();
            let is_in = label.is_some_and(|label| values.any(|value| value == label));
            match one["operator"].as_str() {
                Some("In") => is_in,
                Some("NotIn") => !is_in,
                Some("Exists") => label.is_some(),
                _ => label.is_none(),
            }
        })
}

/// A duration such as "90m" or "2h".
pub fn length(text: &str) -> Millis {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: Millis = number.parse().expect("a number");
    number * if unit == "h" { HOUR } else { MINUTE }
}

/// Whether a window in UTC is open at some time from one moment to another. The simulation starts on a Monday.
fn is_open(window: &Window, from: Millis, until: Millis) -> bool {
    const DAY: Millis = 24 * HOUR;
    let (hours, minutes) = window.start.split_once(':').expect("a time of day");
    let start = [(hours, HOUR), (minutes, MINUTE)]
        .map(|(number, unit)| number.parse::<Millis>().expect("a number") * unit);
    let lasts = length(&window.duration);
    (from / DAY - 8..=from / DAY + 8).any(|day| {
        let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let name = names[usize::try_from(day.rem_euclid(7)).expect("a day of the week")];
        let opens = day * DAY + start[0] + start[1];
        window.days.iter().any(|one| one == name) && opens <= until && from < opens + lasts
    })
}

/// Whether the manifest accepts a finding at that time.
fn is_waived(
    spec: &ClusterUpgradeSpec,
    check: CheckCode,
    names: &[&str],
    to: Minor,
    when: Millis,
) -> bool {
    let waivers = spec.preflight.iter().flat_map(|one| &one.waivers);
    let mut waivers = waivers.filter(|waiver| waiver.check == check.as_str());
    waivers.any(|waiver| {
        names.contains(&waiver.finding.as_str())
            && waiver.version.parse() == Ok(to)
            && waiver
                .expires
                .parse()
                .is_ok_and(|end: jiff::Timestamp| end > at(when))
    })
}

/// Whether it accepts that a check could not run.
fn has_waiver_of_unknown(spec: &ClusterUpgradeSpec, check: CheckCode, to: Minor) -> bool {
    let waivers = spec.preflight.iter().flat_map(|one| &one.waivers);
    let mut waivers = waivers.filter(|waiver| waiver.check == check.as_str());
    waivers.any(|waiver| waiver.finding.contains("eks:") && waiver.version.parse() == Ok(to))
}

/// Whether nodes of this version suit a control plane of that one.
fn is_near(nodes: &str, to: Minor) -> bool {
    let nodes: Option<Minor> = nodes.parse().ok();
    nodes.is_some_and(|nodes| nodes <= to && to.number() - nodes.number() <= MOST_BEHIND)
}

/// Whether some answers name all node groups, and each of them is near enough or accepted.
fn are_nodes_well(told: &[&Told], spec: &ClusterUpgradeSpec, to: Minor, when: Millis) -> bool {
    let lets = |name: &String| {
        told.iter()
            .any(|told| match (&told.question, &told.answer) {
                (Question::Nodegroup(of), Ok(Answer::Nodegroup(NodegroupView { version, .. }))) => {
                    let is_waived = is_waived(spec, CheckCode::NodeSkew, &[name], to, when);
                    of == name && (is_near(version, to) || is_waived)
                }
                (Question::Nodegroup(of), Err(ErrorKind::NotFound)) => of == name,
                _ => false,
            })
    };
    let is_complete = |told: &&&Told| match &told.answer {
        Ok(Answer::Nodegroups(names)) => names.iter().all(lets),
        _ => false,
    };
    told.iter().any(|told| is_complete(&told))
        || has_waiver_of_unknown(spec, CheckCode::NodeSkew, to)
}

/// The same of add-ons.
fn are_addons_well(
    told: &[&Told],
    spec: &ClusterUpgradeSpec,
    to: Minor,
    when: Millis,
    target: &Target,
    model: &mut Model,
    now: Millis,
) -> bool {
    let mut lets = |name: &String| {
        let fits = fitting(model, target, name, to, now);
        told.iter()
            .any(|told| match (&told.question, &told.answer) {
                (Question::Addon(of), Ok(Answer::Addon(addon))) => {
                    let is_waived =
                        is_waived(spec, CheckCode::AddonCompatibility, &[name], to, when);
                    of == name && (fits.contains(&addon.version) || is_waived)
                }
                (Question::Addon(of), Err(ErrorKind::NotFound)) => of == name,
                _ => false,
            })
    };
    let mut is_complete = |told: &Told| match &told.answer {
        Ok(Answer::Addons(names)) => names.iter().all(&mut lets),
        _ => false,
    };
    told.iter().any(|told| is_complete(told))
        || has_waiver_of_unknown(spec, CheckCode::AddonCompatibility, to)
}

fn fitting(model: &mut Model, target: &Target, addon: &str, to: Minor, now: Millis) -> Vec<String> {
    let question = Question::AddonVersions(addon.to_owned(), to);
    match memory::ask(model, target, &question, at(now)) {
        Ok(Answer::AddonVersions(all)) => all.into_iter().map(|one| one.version).collect(),
        _ => Vec::new(),
    }
}

/// Whether checks hold the upgrade to a version up, for as long as nobody does anything: by the truth, as a refresh of the
/// insights would find it.
pub fn are_against(
    spec: &ClusterUpgradeSpec,
    target: &Target,
    to: Minor,
    model: &Model,
    now: Millis,
) -> bool {
    let preflight = spec.preflight.clone().unwrap_or_default();
    if preflight.mode == Some(PreflightMode::Warn) {
        return false;
    }
    // What is tried here is undone with the copy.
    let mut model = model.clone();
    let mut ask =
        |question: Question, now: Millis| memory::ask(&mut model, target, &question, at(now));
    let is_waived = |check, names: &[&str]| is_waived(spec, check, names, to, now);
    let is_ill = match ask(Question::Cluster, now) {
        Ok(Answer::Cluster(cluster)) => cluster
            .health
            .iter()
            .any(|issue| !is_waived(CheckCode::ClusterHealth, &[&issue.code])),
        _ => false,
    };
    let Ok(Answer::Nodegroups(groups)) = ask(Question::Nodegroups, now) else {
        return is_ill;
    };
    let is_skewed = groups.into_iter().any(|name| {
        let is_waived = is_waived(CheckCode::NodeSkew, &[&name]);
        match ask(Question::Nodegroup(name), now) {
            Ok(Answer::Nodegroup(group)) => !is_near(&group.version, to) && !is_waived,
            _ => false,
        }
    });
    let Ok(Answer::Addons(addons)) = ask(Question::Addons, now) else {
        return is_ill;
    };
    let is_misfit = addons.into_iter().any(|name| {
        let fits = match ask(Question::AddonVersions(name.clone(), to), now) {
            Ok(Answer::AddonVersions(all)) => all,
            _ => Vec::new(),
        };
        let is_waived = is_waived(CheckCode::AddonCompatibility, &[&name]);
        match ask(Question::Addon(name), now) {
            Ok(Answer::Addon(addon)) => {
                !is_waived && fits.iter().all(|one| one.version != addon.version)
            }
            _ => false,
        }
    });
    let is_forced = spec
        .force
        .as_ref()
        .is_some_and(|force| force.version.parse() == Ok(to));
    if is_ill || is_skewed || is_misfit || is_forced {
        return is_ill || is_skewed || is_misfit;
    }
    let mut then = now;
    for _ in 0..6 {
        // Some of them fail.
        let _started = ask(Question::StartRefresh, then).is_ok();
        then += 13 * MINUTE + SECOND;
        let refreshed = ask(Question::Refresh, then);
        if matches!(refreshed, Ok(Answer::Refresh(view)) if view.status == RefreshStatus::Completed)
        {
            break;
        }
    }
    let category = InsightCategory::UpgradeReadiness(to);
    match ask(Question::Insights(category), then) {
        Ok(Answer::Insights(insights)) => insights.iter().any(|insight| {
            insight.status == "ERROR"
                && !is_waived(CheckCode::UpgradeInsights, &[&insight.id, &insight.name])
        }),
        _ => false,
    }
}
