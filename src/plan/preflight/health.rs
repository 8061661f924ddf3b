//! `ClusterHealth`: EKS calls the cluster healthy, and nothing else goes on.

use std::collections::BTreeSet;

use crate::api::{CheckCode, CheckResult, Finding};
use crate::eks::HealthIssue;
use crate::plan::elsewhere;

use super::{Looked, Question, updates};

/// What a finding is called where EKS is busy with the cluster.
pub const CLUSTER_STATUS: &str = "ClusterStatus";
/// What an update that runs is called.
pub const RUNNING_UPDATE: &str = "RunningUpdate";

pub fn look(question: &Question<'_>) -> Looked {
    let view = question.view;
    let issues = view.health.iter().map(|issue| {
        let HealthIssue {
            code,
            message,
            resource_ids,
        } = issue;
        let about = if resource_ids.is_empty() {
            String::new()
        } else {
            format!(" [{}]", resource_ids.join(", "))
        };
        Finding::new(
            code,
            None,
            CheckResult::Failed,
            &format!("{message}{about}"),
        )
    });
    let busy = (view.status != "ACTIVE").then(|| {
        Finding::new(
            CLUSTER_STATUS,
            None,
            CheckResult::Failed,
            &format!("EKS reports the cluster as {}.", view.status),
        )
    });
    let running = updates(question.facts)
        .iter()
        .filter(|update| elsewhere::is_running(update));
    // EKS promises no order of its list.
    let running: BTreeSet<_> = running.map(|update| (&update.kind, &update.id)).collect();
    let running = running.into_iter().map(|(kind, id)| {
        Finding::new(
            RUNNING_UPDATE,
            None,
            CheckResult::Failed,
            &format!("{kind} {id} runs."),
        )
    });
    Looked {
        code: CheckCode::ClusterHealth,
        findings: issues.chain(busy).chain(running).collect(),
        passed: "The cluster is ACTIVE, EKS reports no health issue, and no update runs."
            .to_owned(),
    }
}
