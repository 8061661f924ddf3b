//! What a scenario says about faults of calls.

use serde::Deserialize;

use crate::api::Minor;
use crate::simulator::api::Operation;
use crate::simulator::period::Period;

/// A fault, and the calls it strikes. Every filter that is absent lets all calls through.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only calls of these operations.
    #[serde(default)]
    pub operations: Vec<Operation>,
    /// Only calls about these clusters.
    #[serde(default)]
    pub clusters: Vec<String>,
    /// Only calls of this account.
    #[serde(default)]
    pub account_id: Option<String>,
    /// Only calls signed for this region.
    #[serde(default)]
    pub region: Option<String>,
    /// Only UpdateClusterVersion to this version.
    #[serde(default)]
    pub version: Option<Minor>,
    /// How many calls it strikes; no limit when absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// How many calls that fit it lets pass first.
    #[serde(default)]
    pub skip: u32,
    /// From when on, counted from the start (or from when the fault was added).
    #[serde(default)]
    pub from: Option<Period>,
    /// Until when, counted from the start (or from when the fault was added).
    #[serde(default)]
    pub until: Option<Period>,
    /// The share of the calls that fit it which it strikes, 0 to 1; all when absent.
    #[serde(default)]
    pub probability: Option<f64>,
    /// The error code; required for `error`, possible for the kinds that answer with an error.
    #[serde(default)]
    pub code: Option<String>,
    /// The HTTP status; the code's usual one when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// The error message.
    #[serde(default)]
    pub message: Option<String>,
    /// How long `hang` keeps the connection open and `delay` holds the answer back.
    #[serde(default)]
    pub lasts: Option<Period>,
    /// When `hang` does the work after all; never when absent.
    #[serde(default)]
    pub work: Option<Work>,
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FaultKind {
    /// `ThrottlingException`, 429.
    Throttling,
    /// `ServerException`, 500.
    ServerError,
    /// `ServiceUnavailableException`, 503.
    ServiceUnavailable,
    /// `AccessDeniedException`, 403.
    AccessDenied,
    /// Any error, by its code.
    Error,
    /// The connection is closed without an answer, and nothing was done.
    LostBefore,
    /// The connection is closed without an answer after the work was done.
    LostAfter,
    /// The connection stays open without an answer, then closes.
    Hang,
    /// The work is done at once, the answer comes late.
    Delay,
    /// The work is done, the answer's body is cut off.
    Malformed,
}

/// When a hanging call does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Work {
    /// Not at all.
    #[default]
    Never,
    /// When it comes in.
    AtOnce,
    /// When the connection closes: a request that was held up on its way.
    AtEnd,
}
