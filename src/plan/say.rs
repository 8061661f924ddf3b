//! The sentences. Each says what is, why, and what to do next; none changes while nothing changes.

use crate::api::{ErrorDetail, Minor, RETRY_ANNOTATION, Update};
use crate::eks::EksError;

/// "; then 1.35 and 1.36", or nothing.
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

/// "update 1a2b (attempt 2)".
pub fn named(update: &Update) -> String {
    let id = update.id.as_deref().unwrap_or("not known yet");
    match update.attempt {
        Some(attempt) if attempt > 1 => format!("update {id}, attempt {attempt}"),
        Some(_) => format!("update {id}"),
        None => format!("update {id}, started outside this object"),
    }
}

/// EKS's errors, in its words.
pub fn errors(errors: &[ErrorDetail]) -> String {
    if errors.is_empty() {
        return "EKS gave no reason".to_owned();
    }
    let said: Vec<_> = errors
        .iter()
        .map(|error| {
            let ErrorDetail {
                error_code,
                error_message,
                resource_ids,
            } = error;
            let about = if resource_ids.is_empty() {
                String::new()
            } else {
                format!(" [{}]", resource_ids.join(", "))
            };
            let words = error_message.trim_end_matches('.');
            if words.is_empty() {
                format!("{error_code}{about}")
            } else {
                format!("{error_code}: {words}{about}")
            }
        })
        .collect();
    said.join("; ")
}

/// What a call that brought nothing ran into. Without the request id, which differs each time.
pub fn trouble(error: &EksError) -> String {
    format!(
        "{} answered {}: {}",
        error.operation,
        error.code,
        error.message.trim_end_matches('.')
    )
}

/// How a person permits another try.
pub fn how_to_retry() -> String {
    format!(
        "To try again, remove the cause and set the annotation {RETRY_ANNOTATION} to the present time \
         (kubectl annotate --overwrite clusterupgrade NAME {RETRY_ANNOTATION}=$(date -u +%Y-%m-%dT%H:%M:%SZ)), or change spec.version."
    )
}

/// The path from one version to another: every minor in between, the last included.
pub fn path(from: Minor, to: Minor) -> Vec<Minor> {
    // EKS offers about a dozen minors at a time; a longer path is refused elsewhere and need not be listed.
    std::iter::successors(Some(from.next()), |version| Some(version.next()))
        .take_while(|version| *version <= to)
        .take(32)
        .collect()
}
