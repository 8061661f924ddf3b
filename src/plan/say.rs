//! The sentences. Each says what is, why, and what to do next; none changes while nothing changes.

use crate::api::{ClusterUpgradeStatus, ErrorDetail, Minor, PATH_LIMIT, RETRY_ANNOTATION, Update};
use crate::eks::{EksError, ErrorKind, UpdateView};
use crate::text::plain;

use super::VERSION_ROLLBACK;
use super::facts::Facts;
use super::time::shown;
use super::track;

/// As much as is said at a time, in bytes. A condition's message takes 32768 characters, but nobody reads them.
pub const MESSAGE_LIMIT: usize = 8_000;

/// What an update of this type is called.
pub fn noun(kind: &str) -> &'static str {
    if kind == VERSION_ROLLBACK {
        "rollback"
    } else {
        "upgrade"
    }
}

/// "upgrade cluster payments" or "roll cluster payments back".
pub fn to_do(kind: &str, cluster: &str) -> String {
    if kind == VERSION_ROLLBACK {
        format!("roll {cluster} back")
    } else {
        format!("upgrade {cluster}")
    }
}

/// "upgrades cluster payments" or "rolls cluster payments back".
pub fn does(kind: &str, cluster: &str) -> String {
    if kind == VERSION_ROLLBACK {
        format!("rolls {cluster} back")
    } else {
        format!("upgrades {cluster}")
    }
}

/// Which of EKS's insights speak of an update of this type.
pub fn insights(kind: &str) -> &'static str {
    if kind == VERSION_ROLLBACK {
        "rollback-readiness insights"
    } else {
        "upgrade-readiness insights"
    }
}

/// ", then to 1.35 and 1.36", or nothing.
pub fn then(path: &[Minor], after: Minor) -> String {
    let rest: Vec<_> = path
        .iter()
        .filter(|version| **version > after)
        .map(ToString::to_string)
        .collect();
    match rest.split_last() {
        None => String::new(),
        Some((only, [])) => format!(", then to {only}"),
        Some((last, others)) => format!(", then to {} and {last}", others.join(", ")),
    }
}

/// "update 1a2b". Without the attempt, which counts over the object's life and reads like a failure at a second hop.
pub fn named(update: &Update) -> String {
    let id = update.id.as_deref().unwrap_or("not known yet");
    if update.attempt.is_some() {
        format!("update {id}")
    } else {
        format!("update {id}, started outside this object")
    }
}

/// "cluster payments", or "the cluster" where the spec cannot be understood.
pub fn cluster(facts: &Facts<'_>) -> String {
    facts.object.wish.as_ref().map_or_else(
        |_| "the cluster".to_owned(),
        |wish| format!("cluster {}", wish.target.name),
    )
}

/// What is said about a running update, from its acceptance on: the same words, so that status is written once.
pub fn running(
    cluster: &str,
    memory: &ClusterUpgradeStatus,
    update: &Update,
    is_suspended: bool,
    overdue_minutes: Option<i64>,
) -> String {
    let (from, to) = (update.from_version, update.to_version);
    let next = if is_suspended {
        "; suspended, so nothing follows".to_owned()
    } else {
        then(&memory.path, to)
    };
    let since =
        track::began(update).map_or_else(String::new, |at| format!(", since {}", shown(at)));
    let which = named(update);
    let is_rollback = update.kind == VERSION_ROLLBACK;
    let pace = match overdue_minutes {
        Some(minutes) if is_rollback => format!(
            "It is overdue, at more than {minutes} minutes, after which EKS should have given up: see the cluster's health and AWS support. It is still followed."
        ),
        None if is_rollback => {
            "On an Auto Mode cluster the nodes go back first, which takes up to days while the cluster is ACTIVE.".to_owned()
        }
        Some(minutes) => format!(
            "It is overdue, at more than {minutes} minutes: see the cluster's health and AWS support. EKS cannot stop it, and it is still followed."
        ),
        None => "This usually takes 8 to 15 minutes.".to_owned(),
    };
    let does = does(&update.kind, cluster);
    format!("EKS {does} from {from} to {to} ({which}{since}){next}. {pace}")
}

/// EKS's errors, in its words; as many as a person reads.
pub fn errors(errors: &[ErrorDetail]) -> String {
    if errors.is_empty() {
        return "EKS gave no reason".to_owned();
    }
    let mut said: Vec<_> = errors.iter().take(3).map(one_error).collect();
    if errors.len() > said.len() {
        said.push(format!("and {} more in status", errors.len() - said.len()));
    }
    said.join("; ")
}

fn one_error(error: &ErrorDetail) -> String {
    let ErrorDetail {
        error_code,
        error_message,
        resource_ids,
    } = error;
    let mut about = resource_ids.iter().take(8).cloned().collect::<Vec<_>>();
    if resource_ids.len() > about.len() {
        about.push(format!("{} more", resource_ids.len() - about.len()));
    }
    let about = if about.is_empty() {
        String::new()
    } else {
        format!(" [{}]", plain(&about.join(", "), 1024))
    };
    format!("{}{about}", words(error_code, error_message))
}

/// "CODE: MESSAGE", without a full stop at the end.
fn words(code: &str, message: &str) -> String {
    let code = plain(code, 128);
    let message = plain(message, 1024);
    match message.trim().trim_end_matches('.') {
        "" => code,
        message => format!("{code}: {message}"),
    }
}

/// What a call that brought nothing ran into.
pub fn trouble(error: &EksError) -> String {
    format!("{} answered {}", error.operation, answer(error))
}

/// AWS's answer alone. Without what differs each time: the request id, and the times that AWS names where the clock is off.
pub fn answer(error: &EksError) -> String {
    let message = if error.kind == ErrorKind::ClockSkew {
        ""
    } else {
        &error.message
    };
    words(&error.code, message)
}

/// `text` as a sentence, or several: with a full stop at the end.
pub fn sentence(text: &str) -> String {
    format!("{}.", text.trim_end().trim_end_matches('.'))
}

/// The version an update leads to.
pub fn version_of(update: &UpdateView) -> Option<Minor> {
    update.to_version.as_deref()?.parse().ok()
}

/// How a person permits another try of what `object` ("namespace/name") did.
pub fn how_to_retry(object: &str, tried: &Update) -> String {
    let (namespace, name) = object.split_once('/').unwrap_or(("default", object));
    // Where it is not known what was asked for, no edit tells that something else is asked for now.
    let or_edit = if tried.for_version.is_some() {
        if tried.timeout.is_some() {
            ", or change spec.version, spec.force or spec.rollback.timeout"
        } else {
            ", or change spec.version or spec.force"
        }
    } else {
        ""
    };
    format!(
        "To try again, remove the cause and run kubectl annotate --overwrite --namespace {namespace} clusterupgrade {name} \
         {RETRY_ANNOTATION}=$(date -u +%Y-%m-%dT%H:%M:%SZ){or_edit}."
    )
}

/// The path from one version to another: every minor in between, the last included.
pub fn path(from: Minor, to: Minor) -> Vec<Minor> {
    // A longer path is refused elsewhere and need not be listed.
    std::iter::successors(Some(from.next()), |version| Some(version.next()))
        .take_while(|version| *version <= to)
        .take(PATH_LIMIT)
        .collect()
}
