//! `NodeSkew`: the kubelet may be up to three minors older than the control plane, never newer (Kubernetes version skew policy).

use crate::api::{CheckCode, CheckResult, Finding, Minor};
use crate::eks::NodegroupView;

use super::{Looked, Needed, Question, needed};

/// How many minors a kubelet may be behind.
const MOST_BEHIND: u16 = 3;

/// What EKS's insight about kubelets is called. It looks at every node, also those that are in no node group.
const KUBELET_INSIGHT: &str = "kubelet version skew";

/// EKS's word for an insight that found nothing.
const PASSING: &str = "PASSING";

pub fn look(question: &Question<'_>) -> Looked {
    let to = question.hop.to;
    let groups = question.facts.observed.evidence.nodegroups.as_ref();
    let findings = match needed(question, groups) {
        Some(Needed::Read(groups)) => {
            let groups = groups.iter().filter_map(|group| finding(group, to));
            groups.chain(others(question)).collect()
        }
        Some(Needed::Missing(finding)) => vec![finding],
        None => vec![Finding::new(
            "eks:ListNodegroups",
            None,
            CheckResult::Unknown,
            "The node groups are not known yet.",
        )],
    };
    Looked {
        code: CheckCode::NodeSkew,
        findings,
        passed: format!(
            "Managed node groups run {to}, and EKS's insight finds no other kubelet that is too old or newer."
        ),
    }
}

fn finding(group: &NodegroupView, to: Minor) -> Option<Finding> {
    let NodegroupView { name, version } = group;
    let (result, message) = match version.parse::<Minor>() {
        Err(_) => (
            CheckResult::Unknown,
            format!("Its version {version:?} is no Kubernetes minor."),
        ),
        Ok(version) if version > to => (
            CheckResult::Failed,
            format!(
                "Its nodes run {version}, newer than {to}; a kubelet may not be newer than the control plane."
            ),
        ),
        Ok(version) => match to.number().saturating_sub(version.number()) {
            0 => return None,
            behind if behind > MOST_BEHIND => (
                CheckResult::Failed,
                format!(
                    "Its nodes run {version}, {behind} minors behind {to}; a kubelet may be three behind. Update the node group first."
                ),
            ),
            behind => (
                CheckResult::Warning,
                format!("Its nodes run {version}, {behind} behind {to} after the upgrade."),
            ),
        },
    };
    Some(Finding::new(name, None, result, &message))
}

/// What is known of nodes outside managed node groups, and of Fargate: only what EKS's own insight says. Where there is none, or it
/// does not know, that they were not looked at.
fn others(question: &Question<'_>) -> Option<Finding> {
    let insights = question.facts.observed.evidence.insights.as_ref();
    let insights = insights.and_then(|reading| reading.answer.as_ref().ok());
    let mut about_kubelets = insights.into_iter().flatten().filter(|insight| {
        let name = insight.view.name.to_lowercase();
        name.contains(KUBELET_INSIGHT)
    });
    let first = about_kubelets.next();
    let worst = about_kubelets.fold(first, |worst, other| {
        worst
            .filter(|worst| worst.view.status != PASSING)
            .or(Some(other))
    });
    let why = match worst.map(|insight| insight.view.status.as_str()) {
        Some(PASSING) => return None,
        Some(status @ ("WARNING" | "ERROR")) => {
            format!("see EKS's insight about kubelets, which is {status}")
        }
        Some(status) => format!("since EKS's insight about kubelets is {status:?}"),
        None => "since EKS has no insight about kubelets of this cluster".to_owned(),
    };
    Some(Finding::new(
        "OtherNodes",
        None,
        CheckResult::Warning,
        &format!("Not checked: Fargate and nodes outside managed node groups, {why}."),
    ))
}
