//! What an object says, in a person's words.

use std::fmt;

use console::{Term, measure_text_width};
use jiff::{SignedDuration, Timestamp};

use crate::api::condition::READY;
use crate::api::{ClusterUpgrade, Reason, Update};
use crate::text::plain;

/// Adds words to a text.
pub fn add(text: &mut String, words: fmt::Arguments<'_>) {
    text.push_str(&words.to_string());
}

/// A text with its long lines broken between words for the terminal that it goes to, if it goes to one.
pub fn fitted(text: &str) -> String {
    let term = Term::stdout();
    if term.is_term() {
        broken(text, usize::from(term.size().1))
    } else {
        text.to_owned()
    }
}

/// What follows of a line is indented a little more than its beginning.
fn broken(text: &str, width: usize) -> String {
    let mut whole = String::new();
    for line in text.lines() {
        let words = line.trim_start();
        let margin = line.len() - words.len();
        let mut used = margin;
        whole.push_str(&" ".repeat(margin));
        for (index, word) in words.split(' ').enumerate() {
            let length = measure_text_width(word);
            if index > 0 && used + 1 + length > width {
                used = margin + 2;
                whole.push('\n');
                whole.push_str(&" ".repeat(used));
            } else if index > 0 {
                used += 1;
                whole.push(' ');
            }
            whole.push_str(word);
            used += length;
        }
        whole.push('\n');
    }
    whole
}

/// The reason of the Ready condition, if it is one this build knows.
pub fn reason(object: &ClusterUpgrade) -> Option<Reason> {
    let said = reason_word(object)?;
    Reason::ALL
        .into_iter()
        .find(|reason| reason.as_str() == said)
}

/// The reason of the Ready condition as it is written.
pub fn reason_word(object: &ClusterUpgrade) -> Option<&str> {
    Some(ready(object)?.reason.as_str())
}

/// The message of the Ready condition.
pub fn message(object: &ClusterUpgrade) -> &str {
    ready(object).map_or("", |ready| ready.message.as_str())
}

fn ready(
    object: &ClusterUpgrade,
) -> Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    let conditions = &object.status.as_ref()?.conditions;
    conditions.iter().find(|condition| condition.type_ == READY)
}

/// Whether the operator has decided on the spec as it is now.
pub fn is_decided(object: &ClusterUpgrade) -> bool {
    let observed = object.status.as_ref().and_then(|s| s.observed_generation);
    observed.is_some() && observed == object.metadata.generation
}

/// The reason in a column: that of a status which is of an older spec is none.
pub fn state(object: &ClusterUpgrade) -> String {
    match reason_word(object) {
        Some(_) if !is_decided(object) => "(not looked at yet)".to_owned(),
        // Whoever may write the status may write anything here.
        Some(reason) => plain(reason, 64),
        None => "(not looked at yet)".to_owned(),
    }
}

/// The update that runs or is asked for, with its age: `1.33→1.34 7m12s`.
pub fn running(object: &ClusterUpgrade, now: Timestamp) -> Option<String> {
    let update = object.status.as_ref()?.update.as_ref()?;
    if !update.is_running() && !update.is_open_intent() {
        return None;
    }
    let age = began(update).map_or_else(String::new, |at| format!(" {}", age(at, now)));
    Some(format!(
        "{}→{}{age}",
        update.from_version, update.to_version
    ))
}

/// When EKS took an update, or it was asked for.
pub fn began(update: &Update) -> Option<Timestamp> {
    update.created_at.or(update.requested_at)
}

/// What a person does about an object with this reason, or that nobody has to.
pub const fn next_step(reason: Reason) -> &'static str {
    match reason {
        Reason::UpToDate => "Nothing: the cluster runs what is asked for.",
        Reason::Updating => "Wait: EKS takes 8 to 15 minutes as a rule.",
        Reason::WaitingForCluster | Reason::EksUnavailable => "Wait: it goes on by itself.",
        Reason::Queued => "Wait: it starts when its turn has come.",
        Reason::Suspended => "`kubectl eks-upgrade resume` ends the suspension.",
        Reason::Held => "Ask the cluster's team, which put a hold on it by a tag.",
        Reason::Frozen => "Wait, or have the UpgradeFreeze lifted.",
        Reason::OutsideWindow => {
            "Wait for the window; one that is open now could be added to spec.schedule.windows."
        }
        Reason::Baking => {
            "Wait: the present version is kept for as long as spec.schedule.bake says."
        }
        Reason::PreflightFailed => {
            "Mend what the checks name, or accept a finding in spec.preflight.waivers; it is looked at again by itself."
        }
        Reason::PreflightUnknown => "Give what the checks lack; it is looked at again by itself.",
        Reason::UpdateFailed | Reason::UpdateCancelled | Reason::UpdateLost => {
            "Remove the cause, then permit another try: `kubectl eks-upgrade retry`."
        }
        Reason::ClusterAheadOfSpec => {
            "Set spec.version to what the cluster runs; to take the upgrade back: `kubectl eks-upgrade rollback`."
        }
        Reason::RolledBackElsewhere => {
            "Set spec.version to what the cluster runs, or permit another try: `kubectl eks-upgrade retry`."
        }
        Reason::UnsupportedVersion => "Set spec.version to one that EKS offers.",
        Reason::RequestRejected => "Mend what EKS says; it is asked again by itself.",
        Reason::ClusterNotFound | Reason::ClusterReplaced => {
            "See which cluster is meant: account, region and name in the manifest."
        }
        Reason::ClusterFailed => "Look at the cluster in EKS; AWS support can help.",
        Reason::UnsupportedCluster => "Upgrade it by its own means: EKS does not.",
        Reason::ClusterConflict => "Keep one ClusterUpgrade for the cluster, and delete the other.",
        Reason::AccessDenied | Reason::CredentialsUnavailable | Reason::NotAllowed => {
            "Give the operator what the message names."
        }
        Reason::InvalidSpec => "Correct the manifest.",
    }
}

/// A length of time as kubectl writes it: `42s`, `7m12s`, `3h5m`, `12d`. Below zero is `0s`.
pub fn length(length: SignedDuration) -> String {
    let seconds = length.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..600 if seconds % 60 != 0 => format!("{minutes}m{}s", seconds % 60),
        60..10_800 => format!("{minutes}m"),
        10_800..172_800 => format!("{hours}h{}m", minutes % 60),
        _ => format!("{days}d"),
    }
}

/// How long ago.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words_and_short_ones_stay() {
        let text = "head\n\n  one two three four\n    a-word-that-is-longer-than-the-line\n";
        assert_eq!(
            broken(text, 12),
            "head\n\n  one two\n    three\n    four\n    a-word-that-is-longer-than-the-line\n"
        );
        assert_eq!(broken(text, 80), text);
    }

    #[test]
    fn lengths_have_two_units_at_most() {
        for (seconds, shown) in [
            (-5, "0s"),
            (42, "42s"),
            (432, "7m12s"),
            (480, "8m"),
            (900, "15m"),
            (11_100, "3h5m"),
            (1_036_800, "12d"),
        ] {
            assert_eq!(length(SignedDuration::from_secs(seconds)), shown);
        }
    }
}
