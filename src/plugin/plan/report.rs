//! What `plan` found, as `-o json` has it.

use jiff::Timestamp;
use serde::Serialize;

use crate::api::{
    Check, CheckResult, ClusterUpgradeSpec, GateState, Minor, PlanStatus, PreflightStatus, Reason,
    Step, SupportStatus,
};
use crate::plan::{Action, Forecast, Observed, Outcome, Usual};

/// Whether and how a cluster can be upgraded. The fields are for programs: they stay.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The cluster.
    pub cluster: Cluster,
    /// The version that was asked for.
    pub to: Minor,
    /// Whether the operator would start the first hop now, or nothing is to be done.
    pub ready: bool,
    /// Why it would not: the reason that the object would have.
    pub reason: String,
    /// What is, why, and what to do.
    pub message: String,
    /// Each hop with its gates.
    pub steps: Vec<Step>,
    /// How long the hops usually take; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usually: Option<Usually>,
    /// The checks of the first hop; those of later ones cannot be made before.
    pub checks: Vec<Check>,
    /// Until when the versions are supported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support: Option<SupportStatus>,
    /// Whether EKS was still refreshing its insights.
    pub refreshing: bool,
    /// When EKS was asked.
    pub asked_at: Timestamp,
}

/// The cluster as EKS describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// Its name.
    pub name: String,
    /// Its region.
    pub region: String,
    /// Its account.
    pub account_id: String,
    /// Its ARN.
    pub arn: String,
    /// Its version.
    pub version: String,
    /// Its status.
    pub status: String,
}

/// Minutes, of all hops together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usually {
    /// How many hops.
    pub hops: i64,
    /// Few are done before.
    pub early_minutes: i64,
    /// Few take longer.
    pub late_minutes: i64,
}

impl Usually {
    fn of(hops: usize) -> Option<Self> {
        let hops = i64::try_from(hops).ok().filter(|hops| *hops > 0)?;
        let Usual { early, late } = Usual::OF_AN_UPGRADE;
        Some(Self {
            hops,
            early_minutes: early.as_mins().saturating_mul(hops),
            late_minutes: late.as_mins().saturating_mul(hops),
        })
    }
}

impl Report {
    /// From what was observed and would be decided.
    pub fn of(
        spec: &ClusterUpgradeSpec,
        to: Minor,
        observed: &Observed,
        forecast: Forecast,
        asked_at: Timestamp,
    ) -> Self {
        let Forecast {
            decision,
            plan,
            preflight,
            support,
            is_refreshing,
        } = forecast;
        let starts = matches!(decision.action, Some(Action::Send(_)));
        let (reason, message) = match decision.outcome {
            Outcome::Say(reason, message) => (Some(reason), message),
            Outcome::Keep | Outcome::Silent => (None, String::new()),
        };
        let is_there = reason == Some(Reason::UpToDate);
        let view = observed
            .cluster
            .as_ref()
            .and_then(|read| read.as_ref().ok());
        let said =
            |of: fn(&crate::eks::ClusterView) -> &String| view.map(of).cloned().unwrap_or_default();
        let steps = plan.map_or_else(Vec::new, |PlanStatus { steps }| steps);
        let checks = preflight.map_or_else(Vec::new, |status| {
            let PreflightStatus {
                version: _,
                result: _,
                checks,
            } = status;
            checks
        });
        let message = if starts {
            "The operator would start the first hop now.".to_owned()
        } else {
            message
        };
        Self {
            cluster: Cluster {
                name: spec.cluster.name.clone(),
                region: spec.cluster.region.clone(),
                account_id: spec.cluster.account_id.clone(),
                arn: said(|view| &view.arn),
                version: said(|view| &view.version),
                status: said(|view| &view.status),
            },
            to,
            ready: starts || is_there,
            reason: match reason {
                Some(_) if starts => "Ready".to_owned(),
                Some(reason) => reason.as_str().to_owned(),
                None => "Unknown".to_owned(),
            },
            message,
            usually: Usually::of(steps.len()),
            steps,
            checks,
            support,
            refreshing: is_refreshing,
            asked_at,
        }
    }

    /// What stands in the way of the first hop beside the checks.
    pub fn gates_closed(&self) -> impl Iterator<Item = &crate::api::StepGate> {
        let first = self.steps.first().into_iter().flat_map(|step| &step.gates);
        first.filter(|gate| gate.state != GateState::Open && gate.gate != "Preflight")
    }

    /// Whether nothing but the checks of the first hop stands in the way.
    pub fn is_held_by_checks(&self) -> bool {
        let is_said = |reason: Reason| self.reason == reason.as_str();
        let fails =
            |check: &Check| matches!(check.result, CheckResult::Failed | CheckResult::Unknown);
        (is_said(Reason::PreflightFailed) || is_said(Reason::PreflightUnknown))
            && self.checks.iter().any(fails)
    }

    /// Whether a person would have to act before the operator does.
    pub fn is_stalled(&self) -> bool {
        let reason = Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == self.reason);
        reason.is_some_and(Reason::is_stalled)
    }
}
