//! What is said when EKS could not be asked.

use jiff::{SignedDuration, Timestamp};

use crate::api::Reason;
use crate::eks::{EksError, ErrorKind};

use super::decision::{Outcome, Wake};
use super::facts::{Facts, Trouble};
use super::say;
use super::time::{after, backoff, shown};

/// Failed observations in a row before it is said.
const SAID_AFTER: u32 = 3;
/// How long a refused permission or a refused credential is given to spread through IAM.
pub const IAM_SPREADS_WITHIN: SignedDuration = SignedDuration::from_mins(5);
/// How often is looked again meanwhile.
pub const IAM_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// When to look again after a failure.
pub fn wake(facts: &Facts<'_>, error: &EksError) -> Wake {
    let trouble = run(facts, error);
    let resync = facts.settings.resync_interval;
    Wake::After(match error.kind {
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::ClockSkew | ErrorKind::InUse => {
            backoff(
                SignedDuration::from_secs(1),
                SignedDuration::from_mins(1),
                trouble.in_a_row,
            )
        }
        ErrorKind::NotFound => {
            if trouble.of_kind < 2 {
                SignedDuration::from_secs(2)
            } else {
                resync
            }
        }
        ErrorKind::AccessDenied | ErrorKind::CredentialsRefused => {
            if iam_may_still_spread(facts, trouble) {
                IAM_RETRY.min(resync)
            } else {
                resync
            }
        }
        ErrorKind::CredentialsMissing
        | ErrorKind::InvalidState
        | ErrorKind::InvalidParameter
        | ErrorKind::Rejected => resync,
    })
}

/// The run of failures; one that the caller did not count is the first.
pub fn run(facts: &Facts<'_>, error: &EksError) -> Trouble {
    facts.trouble.unwrap_or(Trouble {
        kind: error.kind,
        in_a_row: 1,
        of_kind: 1,
        since: facts.now,
    })
}

/// The run of refused sends of this kind; one that the caller did not count began when the intent was closed.
pub fn refusals(facts: &Facts<'_>, kind: ErrorKind, closed: Timestamp) -> Trouble {
    facts
        .refusals
        .filter(|run| run.kind == kind)
        .unwrap_or(Trouble {
            kind,
            in_a_row: 1,
            of_kind: 1,
            since: closed,
        })
}

/// Whether a refused permission may still be one that IAM has not spread yet.
pub fn iam_may_still_spread(facts: &Facts<'_>, trouble: Trouble) -> bool {
    facts.now.duration_since(trouble.since) < IAM_SPREADS_WITHIN
}

/// What a failed observation says about an object that has nothing running.
pub fn outcome(facts: &Facts<'_>, error: &EksError) -> Outcome {
    let trouble = run(facts, error);
    let said = say::trouble(error);
    match error.kind {
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse => {
            if trouble.in_a_row < SAID_AFTER {
                return Outcome::Keep;
            }
            Outcome::Say(
                Reason::EksUnavailable,
                format!(
                    "EKS cannot be asked: {said}. Nothing is started meanwhile; it is tried again by itself."
                ),
            )
        }
        ErrorKind::ClockSkew => {
            if trouble.in_a_row < SAID_AFTER {
                return Outcome::Keep;
            }
            // To the minute: seconds would differ with each look.
            let off = match error.clock_behind {
                Some(seconds) => format!(
                    "The operator's clock is {} minutes {} AWS's",
                    seconds.unsigned_abs().saturating_add(30) / 60,
                    if seconds >= 0 { "behind" } else { "ahead of" }
                ),
                None => "The operator's clock is off".to_owned(),
            };
            Outcome::Say(
                Reason::EksUnavailable,
                format!(
                    "{off}, so AWS refuses its signatures ({said}). Set the node's clock right; it is tried again by itself."
                ),
            )
        }
        ErrorKind::NotFound => {
            if trouble.of_kind < 2 {
                return Outcome::Keep;
            }
            let place = facts.object.wish.as_ref().map_or_else(
                |_| String::new(),
                |wish| {
                    format!(
                        " There is no cluster {} in account {}, region {}, as far as these credentials see.",
                        wish.target.name, wish.target.account_id, wish.target.region
                    )
                },
            );
            Outcome::Say(
                Reason::ClusterNotFound,
                format!(
                    "{said}.{place} Check spec.cluster and spec.roleArn; delete this object if the cluster is gone for good."
                ),
            )
        }
        ErrorKind::AccessDenied => iam(
            facts,
            trouble,
            Reason::AccessDenied,
            &format!(
                "{} is denied to {}: {}.",
                error.operation,
                identity(facts),
                say::answer(error)
            ),
            "Allow it in that identity's IAM policy (and in service control policies); it is looked at again by itself.",
        ),
        ErrorKind::CredentialsRefused => iam(
            facts,
            trouble,
            Reason::CredentialsUnavailable,
            &format!(
                "AWS does not accept the credentials of {}: {said}.",
                identity(facts)
            ),
            "Check the identity's source (IRSA, Pod Identity, profile) and that the region is enabled for the account; it is looked at again by itself.",
        ),
        ErrorKind::CredentialsMissing => Outcome::Say(
            Reason::CredentialsUnavailable,
            format!(
                "There are no credentials for {}: {said}. {} It is looked at again by itself.",
                identity(facts),
                if error.operation == "sts:AssumeRole" {
                    "Let the role's trust policy name the operator's identity, with the external id if it asks for one, and let the operator call sts:AssumeRole on it."
                } else {
                    "Give the operator an identity (IRSA, Pod Identity, or AWS_PROFILE) and a region."
                }
            ),
        ),
        ErrorKind::InvalidState | ErrorKind::InvalidParameter | ErrorKind::Rejected => {
            Outcome::Say(
                Reason::RequestRejected,
                format!(
                    "{said}. EKS refuses even to be asked; check spec.cluster. It is looked at again by itself."
                ),
            )
        }
    }
}

/// Why nothing may be asked on this object's behalf.
pub fn unreachable(facts: &Facts<'_>) -> Option<String> {
    match &facts.object.wish {
        Err(error) => Some(error.to_string()),
        Ok(_) => facts.standing.not_allowed.clone(),
    }
}

/// "role ROLE" or "the operator's own identity".
pub fn identity(facts: &Facts<'_>) -> String {
    let role = facts
        .object
        .wish
        .as_ref()
        .ok()
        .and_then(|wish| wish.target.role_arn.as_deref());
    role.map_or_else(
        || "the operator's own identity".to_owned(),
        |role| format!("role {role}"),
    )
}

/// Whether a failure that may be gone in a moment has come back so often that it is said.
pub fn has_lasted(facts: &Facts<'_>, error: &EksError) -> bool {
    run(facts, error).in_a_row >= SAID_AFTER
}

/// Why something could not be read, and who can change that.
pub fn why(facts: &Facts<'_>, error: &EksError) -> String {
    if error.kind == ErrorKind::AccessDenied {
        format!(
            "{} is denied to {}: {}. Allow it in that identity's IAM policy (and in service control policies).",
            error.operation,
            identity(facts),
            say::answer(error)
        )
    } else {
        format!("{}.", say::trouble(error))
    }
}

/// A refusal that may only be IAM spreading slowly. An object that has said nothing yet for its generation says it at
/// once, so that nobody looks at an empty status for minutes; any other keeps its conditions meanwhile.
pub fn iam(
    facts: &Facts<'_>,
    trouble: Trouble,
    reason: Reason,
    what: &str,
    remedy: &str,
) -> Outcome {
    if !iam_may_still_spread(facts, trouble) {
        return Outcome::Say(reason, format!("{what} {remedy}"));
    }
    let has_spoken = facts.memory.observed_generation == Some(facts.object.generation)
        && facts
            .memory
            .conditions
            .iter()
            .any(|condition| condition.reason != Reason::EksUnavailable.as_str());
    if has_spoken {
        return Outcome::Keep;
    }
    Outcome::Say(
        Reason::EksUnavailable,
        format!(
            "{what} Changes in IAM take minutes to spread, so it is tried until {} before it counts as final.",
            shown(after(trouble.since, IAM_SPREADS_WITHIN))
        ),
    )
}
