//! When hops may start: what the spec says, and what status shows of it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{self, rule};
use super::version::Minor;
use crate::text::plain;

/// How many windows an object may have.
pub const WINDOWS_LIMIT: usize = 16;

/// When hops may start. A running update is never touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// When a hop may start; at any time where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = WINDOWS_LIMIT))]
    pub windows: Vec<Window>,

    /// How long the cluster stays at a version before the next upgrade starts, such as "24h": going on gives up the
    /// rollback to the version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 32), extend("x-kubernetes-validations" = rules::duration(720)))]
    pub bake: Option<String>,
}

/// A time of the week in which a hop may start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Window {
    /// The days on which it opens: Mon, Tue, Wed, Thu, Fri, Sat, Sun.
    #[schemars(with = "Vec<Day>", length(max = 7), extend("x-kubernetes-validations" = days_rule()))]
    pub days: Vec<String>,
    /// When it opens, by the clocks of the time zone: "HH:MM".
    #[schemars(length(max = 16), extend("x-kubernetes-validations" = start_rule()))]
    pub start: String,
    /// For how long it is open, such as "4h" or "90m", at most a week; also over midnight.
    #[schemars(length(max = 32), extend("x-kubernetes-validations" = rules::duration(168)))]
    pub duration: String,
    /// An IANA time zone such as "Europe/Berlin"; UTC by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 64), extend("x-kubernetes-validations" = time_zone_rule()))]
    pub time_zone: Option<String>,
}

/// A day of the week.
// Short in the schema, so that the rule over all of them is cheap.
#[derive(JsonSchema)]
#[schemars(inline)]
#[expect(dead_code, reason = "only its schema is used")]
struct Day(#[schemars(length(max = 32))] String);

fn days_rule() -> serde_json::Value {
    rule(
        "size(self) > 0 && self.all(day, day in ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] && \
         self.exists_one(other, other == day))",
        "must be one or more of Mon, Tue, Wed, Thu, Fri, Sat and Sun, each at most once",
    )
}

fn start_rule() -> serde_json::Value {
    rule(
        "self.matches('^([01][0-9]|2[0-3]):[0-5][0-9]$')",
        "must be a time of day from \"00:00\" to \"23:59\", in quotes",
    )
}

fn time_zone_rule() -> serde_json::Value {
    rule(
        "self.matches('^[A-Za-z][0-9A-Za-z_+/-]*$')",
        "must be the name of an IANA time zone, such as \"Europe/Berlin\" or \"UTC\"",
    )
}

/// When the next hop starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScheduleStatus {
    /// The earliest time at which the next hop can start, RFC 3339; absent where it is not known or now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_start: Option<String>,
}

/// What will be done, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// Each step to come, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
}

/// One step to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The version before.
    #[schemars(with = "String")]
    pub from: Minor,
    /// The version after.
    #[schemars(with = "String")]
    pub to: Minor,
    /// The call that will be made.
    pub call: String,
    /// What it has to pass, and whether it could now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gates: Vec<StepGate>,
    /// The earliest time at which it can start; absent where that is not known or now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>")]
    pub earliest_start: Option<Timestamp>,
}

/// One thing that a step has to pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StepGate {
    /// `Suspend`, `Hold`, `Freeze`, `Window`, `Bake` or `Preflight`.
    pub gate: String,
    /// Whether it lets the step through.
    pub state: GateState,
    /// Why, and until when, where it does not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
}

impl StepGate {
    /// How many gates of a step are kept, and so how many there may be.
    pub const KEPT: usize = 8;
    /// As many bytes of a gate's name and of what it says are kept.
    const WORD_KEPT: usize = 64;
    const MESSAGE_KEPT: usize = 1024;

    /// A gate, as much of its words as is kept.
    pub fn new(gate: &str, state: GateState, message: &str) -> Self {
        Self {
            gate: plain(gate, Self::WORD_KEPT),
            state,
            message: plain(message, Self::MESSAGE_KEPT),
        }
    }
}

/// Whether a gate lets a step through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GateState {
    /// It does now.
    Open,
    /// It does not.
    Closed,
    /// It could not be looked at, which holds the step up.
    Unknown,
    /// It is looked at when the step's turn has come.
    Pending,
}

/// Until when Kubernetes versions are supported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportStatus {
    /// Of the version that the cluster has.
    pub current: Support,
    /// Of `spec.version`, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Support>,
}

/// Until when one Kubernetes version is supported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Support {
    /// The version.
    #[schemars(with = "String")]
    pub version: Minor,
    /// When standard support ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>")]
    pub end_of_standard_support: Option<Timestamp>,
    /// When extended support ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>")]
    pub end_of_extended_support: Option<Timestamp>,
}
