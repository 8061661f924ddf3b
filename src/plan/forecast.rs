//! What would be done now, with all that a person wants to know of it.

use crate::api::{PlanStatus, PreflightStatus, SupportStatus};

use super::decision::Decision;
use super::facts::Facts;
use super::{decide, outlook};

/// A decision that nobody carries out, and what is to come.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What [`decide`] says.
    pub decision: Decision,
    /// Each hop to come with its gates.
    pub plan: Option<PlanStatus>,
    /// The checks before the first hop.
    pub preflight: Option<PreflightStatus>,
    /// Until when the present and the wanted version are supported.
    pub support: Option<SupportStatus>,
    /// Whether EKS refreshes its insights: the next look tells more.
    pub is_refreshing: bool,
}

/// The decision on these facts, and what is to come also where it would begin at once.
pub fn forecast(facts: &Facts<'_>) -> Forecast {
    let decision = decide(facts);
    let (plan, preflight, is_refreshing) = outlook::to_come(facts, &decision);
    Forecast {
        plan,
        preflight,
        support: decision.memory.support.clone(),
        is_refreshing,
        decision,
    }
}
