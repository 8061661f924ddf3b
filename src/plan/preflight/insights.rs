//! `UpgradeInsights`: what EKS itself finds about the upgrade, from a refresh that counts.

use crate::api::{CheckCode, CheckResult, Finding};
use crate::eks::{Deprecation, InsightDetail, InsightView};
use crate::plan::evidence::Insight;
use crate::plan::refresh::{self, Refreshed};

use super::{Looked, Needed, Question, limits, needed, say};

/// What a finding is called where EKS has yet to find anything out.
pub const INSIGHTS_REFRESH: &str = "InsightsRefresh";

pub fn look(question: &Question<'_>) -> Looked {
    let hop = question.hop;
    Looked {
        code: CheckCode::UpgradeInsights,
        findings: findings(question),
        passed: format!("No insight of EKS speaks against Kubernetes {}.", hop.to),
    }
}

fn findings(question: &Question<'_>) -> Vec<Finding> {
    let evidence = &question.facts.observed.evidence;
    if !question.hop.force {
        let view = match needed(question, evidence.refresh.as_ref()) {
            Some(Needed::Read(view)) => view,
            Some(Needed::Missing(finding)) => return vec![finding],
            None => return vec![unknown("They are not known yet.")],
        };
        match refresh::judge(question.facts, view, limits(question, true)) {
            Refreshed::Failed(word) => {
                return vec![unknown(&format!(
                    "EKS could not refresh its insights ({word}); it is tried again by itself."
                ))];
            }
            Refreshed::Running => return vec![unknown("EKS is refreshing its insights.")],
            // Too old to start on, and good enough to be shown meanwhile.
            Refreshed::At(_) | Refreshed::Due => {}
        }
    }
    match needed(question, evidence.insights.as_ref()) {
        Some(Needed::Read(insights)) => insights.iter().filter_map(finding).collect(),
        Some(Needed::Missing(finding)) => vec![finding],
        None => vec![unknown("They are not known yet.")],
    }
}

fn unknown(why: &str) -> Finding {
    Finding::new(INSIGHTS_REFRESH, None, CheckResult::Unknown, why)
}

fn finding(insight: &Insight) -> Option<Finding> {
    let Insight { view, detail } = insight;
    let result = match view.status.as_str() {
        "PASSING" => return None,
        "WARNING" | "UNKNOWN" => CheckResult::Warning,
        "ERROR" => CheckResult::Failed,
        // EKS has a word that this build does not know.
        _ => CheckResult::Unknown,
    };
    let detail = detail.as_ref().map(details).unwrap_or_default();
    Some(Finding::new(
        &view.id,
        Some(&view.name),
        result,
        &format!("{}{detail}", words(view)),
    ))
}

/// "STATUS: REASON."
fn words(view: &InsightView) -> String {
    match view.reason.trim() {
        "" => say::sentence(&view.status),
        reason => say::sentence(&format!("{}: {reason}", view.status)),
    }
}

fn details(detail: &InsightDetail) -> String {
    let InsightDetail {
        recommendation,
        resources,
        deprecations,
    } = detail;
    let mut said = Vec::new();
    for deprecation in deprecations.iter().take(4) {
        let Deprecation {
            usage,
            replaced_with,
            stop_serving_version,
            clients,
        } = deprecation;
        let until = stop_serving_version
            .as_ref()
            .map_or_else(String::new, |version| {
                format!(", not served from {version} on")
            });
        let instead = replaced_with
            .as_ref()
            .map_or_else(String::new, |other| format!(", replaced by {other}"));
        let who = if clients.is_empty() {
            String::new()
        } else {
            format!(", still used by {}", some(clients, 6))
        };
        said.push(format!(" {usage}{until}{instead}{who}."));
    }
    if deprecations.is_empty() && !resources.is_empty() {
        said.push(format!(" It concerns {}.", some(resources, 6)));
    }
    if !recommendation.trim().is_empty() {
        said.push(format!(
            " EKS recommends: {}",
            say::sentence(recommendation)
        ));
    }
    said.concat()
}

/// The first few of a list.
pub fn some(items: &[String], most: usize) -> String {
    let mut said: Vec<_> = items.iter().take(most).cloned().collect();
    if items.len() > said.len() {
        said.push(format!("{} more", items.len() - said.len()));
    }
    said.join(", ")
}
