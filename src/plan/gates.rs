//! What the spec says of checks and times, once it is known to make sense.

use jiff::{SignedDuration, Timestamp};

use crate::api::{
    CheckCode, Minor, OnUnknown, Preflight, PreflightMode, Schedule, Waiver, whole_minutes,
};

use super::window::Window;
use super::wish::{InvalidSpec, minor, quoted};

/// What has to be passed before a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// What the checks may hold up.
    pub preflight: PreflightPolicy,
    /// When a hop may start; at any time where there are none.
    pub windows: Vec<Window>,
    /// How long a version has to last before the next upgrade.
    pub bake: SignedDuration,
}

/// What the checks may hold up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreflightPolicy {
    /// Whether failed checks hold an upgrade up.
    pub mode: PreflightMode,
    /// What a check that could not run does.
    pub on_unknown: OnUnknown,
    /// What is accepted.
    pub accepted: Vec<AcceptedFinding>,
}

/// A waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedFinding {
    /// Of which check.
    pub check: CheckCode,
    /// Its id or name.
    pub finding: String,
    /// For the hop to which version.
    pub version: Minor,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Timestamp,
}

impl Gates {
    /// Reads what the spec says.
    pub fn new(
        preflight: Option<&Preflight>,
        schedule: Option<&Schedule>,
    ) -> Result<Self, InvalidSpec> {
        let (windows, bake) = match schedule {
            None => (Vec::new(), SignedDuration::ZERO),
            Some(Schedule { windows, bake }) => (
                windows
                    .iter()
                    .enumerate()
                    .map(|(index, window)| {
                        Window::new(window).map_err(|why| {
                            InvalidSpec(format!("spec.schedule.windows[{index}]: {why}"))
                        })
                    })
                    .collect::<Result<_, _>>()?,
                bake.as_deref()
                    .map_or(Ok(SignedDuration::ZERO), bake_time)?,
            ),
        };
        Ok(Self {
            preflight: preflight.map_or_else(|| Ok(PreflightPolicy::default()), policy)?,
            windows,
            bake,
        })
    }
}

fn bake_time(text: &str) -> Result<SignedDuration, InvalidSpec> {
    whole_minutes(text)
        .map(|minutes| SignedDuration::from_mins(minutes.into()))
        .ok_or_else(|| {
            InvalidSpec(format!(
                "spec.schedule.bake: {:?} is no duration in hours and minutes such as 24h or 90m",
                quoted(text)
            ))
        })
}

fn policy(preflight: &Preflight) -> Result<PreflightPolicy, InvalidSpec> {
    let Preflight {
        mode,
        on_unknown,
        waivers,
    } = preflight;
    Ok(PreflightPolicy {
        mode: mode.unwrap_or_default(),
        on_unknown: on_unknown.unwrap_or_default(),
        accepted: waivers
            .iter()
            .enumerate()
            .map(|(index, waiver)| accepted(index, waiver))
            .collect::<Result<_, _>>()?,
    })
}

fn accepted(index: usize, waiver: &Waiver) -> Result<AcceptedFinding, InvalidSpec> {
    let Waiver {
        check,
        finding,
        version,
        reason,
        expires,
    } = waiver;
    let field = |name: &str| format!("preflight.waivers[{index}].{name}");
    Ok(AcceptedFinding {
        check: quoted(check)
            .parse()
            .map_err(|error| InvalidSpec(format!("spec.{}: {error}", field("check"))))?,
        finding: finding.clone(),
        version: minor(&field("version"), version)?,
        reason: reason.clone(),
        expires: expires.parse().map_err(|_| {
            InvalidSpec(format!(
                "spec.{}: {:?} is no RFC 3339 time such as 2026-01-31T12:00:00Z",
                field("expires"),
                quoted(expires)
            ))
        })?,
    })
}
