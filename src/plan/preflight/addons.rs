//! `AddonCompatibility`: the installed EKS add-ons against the versions that EKS offers for the hop's version.

use crate::api::{CheckCode, CheckResult, Finding, Minor};
use crate::eks::{AddonVersion, AddonView, HealthIssue};
use crate::plan::evidence::Addon;

use super::insights::some;
use super::{Looked, Needed, Question, needed};

pub fn look(question: &Question<'_>) -> Looked {
    let to = question.hop.to;
    let addons = question.facts.observed.evidence.addons.as_ref();
    let findings = match needed(question, addons) {
        Some(Needed::Read(addons)) => addons
            .iter()
            .filter_map(|addon| finding(addon, to))
            .collect(),
        Some(Needed::Missing(finding)) => vec![finding],
        None => vec![Finding::new(
            "eks:ListAddons",
            None,
            CheckResult::Unknown,
            "The add-ons are not known yet.",
        )],
    };
    Looked {
        code: CheckCode::AddonCompatibility,
        findings,
        passed: format!("Every installed EKS add-on fits Kubernetes {to}."),
    }
}

fn finding(addon: &Addon, to: Minor) -> Option<Finding> {
    let Addon { view, fits } = addon;
    let AddonView {
        name,
        version,
        status,
        issues,
    } = view;
    if !fits.iter().any(|fitting| fitting.version == *version) {
        let remedy = if fits.is_empty() {
            format!("EKS offers no version of it for {to}.")
        } else {
            format!("Update it to one that does: {}.", named(fits))
        };
        return Some(Finding::new(
            name,
            None,
            CheckResult::Failed,
            &format!("Version {version} does not fit Kubernetes {to}. {remedy}"),
        ));
    }
    let is_well = ["ACTIVE", "CREATING", "UPDATING"].contains(&status.as_str());
    (!is_well || !issues.is_empty()).then(|| {
        let issues: Vec<_> = issues
            .iter()
            .map(|issue| {
                let HealthIssue {
                    code,
                    message,
                    resource_ids: _,
                } = issue;
                format!("{code}: {}", message.trim_end_matches('.'))
            })
            .collect();
        let why = if issues.is_empty() {
            String::new()
        } else {
            format!(": {}", some(&issues, 3))
        };
        Finding::new(
            name,
            None,
            CheckResult::Warning,
            &format!("EKS reports it as {status}{why}."),
        )
    })
}

/// The default, and the first few others, in EKS's order: the newest first.
fn named(fits: &[AddonVersion]) -> String {
    let default = fits
        .iter()
        .filter(|fitting| fitting.is_default)
        .map(|fitting| format!("{} (default)", fitting.version));
    let others = fits
        .iter()
        .filter(|fitting| !fitting.is_default)
        .map(|fitting| fitting.version.clone());
    let all: Vec<_> = default.chain(others).collect();
    some(&all, 4)
}
