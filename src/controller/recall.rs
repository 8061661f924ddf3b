//! What this process remembers of an object beyond its status: runs of failures, and when it saw a spec first.
//!
//! Losing it costs patience, never safety.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::api::Reason;
use crate::eks::EksError;
use crate::plan::Trouble;
use crate::store::Note;

/// By uid.
#[derive(Debug, Default)]
pub struct Recall(Mutex<HashMap<String, Memory>>);

#[derive(Debug, Default)]
struct Memory {
    trouble: Option<Trouble>,
    refusals: Option<Trouble>,
    generation: Option<(i64, Timestamp)>,
    overdue: HashSet<String>,
    refusals_told: (i64, BTreeSet<(String, String)>),
}

/// What is told of a request that EKS refuses. It is made again and again, and refused again and again.
const OF_REFUSALS: [&str; 4] = [
    "UpdateRefused",
    Reason::RequestRejected.as_str(),
    Reason::PreflightFailed.as_str(),
    Reason::AccessDenied.as_str(),
];

impl Recall {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Memory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what came of looking at EKS. Returns the present run of failures.
    pub fn looked(&self, uid: &str, failure: Option<&EksError>, now: Timestamp) -> Option<Trouble> {
        let mut all = self.all();
        let memory = all.entry(uid.to_owned()).or_default();
        memory.trouble = failure.map(|error| counted(memory.trouble, error, now));
        memory.trouble
    }

    /// Counts what came of a send that was answered.
    pub fn sent(&self, uid: &str, refusal: Option<&EksError>, now: Timestamp) {
        let mut all = self.all();
        let memory = all.entry(uid.to_owned()).or_default();
        memory.refusals = refusal.map(|error| counted(memory.refusals, error, now));
    }

    /// The present run of refused sends.
    pub fn refusals(&self, uid: &str) -> Option<Trouble> {
        self.all().get(uid).and_then(|memory| memory.refusals)
    }

    /// When this process saw this generation of the spec first. Where the clock was set back since, that is now: a time to
    /// come would hold the object up until then.
    pub fn first_seen(&self, uid: &str, generation: i64, now: Timestamp) -> Timestamp {
        let mut all = self.all();
        let memory = all.entry(uid.to_owned()).or_default();
        match memory.generation {
            Some((known, at)) if known == generation && at <= now => at,
            _ => {
                memory.generation = Some((generation, now));
                now
            }
        }
    }

    /// Whether an update is found overdue for the first time.
    pub fn overdue_first_time(&self, uid: &str, update: &str) -> bool {
        self.all()
            .entry(uid.to_owned())
            .or_default()
            .overdue
            .insert(update.to_owned())
    }

    /// Whether an Event tells anything new. A refusal is told once in the same words, until something else happens or
    /// the spec changes.
    pub fn is_news(&self, uid: &str, generation: i64, note: &Note) -> bool {
        let mut all = self.all();
        let (at, told) = &mut all.entry(uid.to_owned()).or_default().refusals_told;
        let is_of_refusal = OF_REFUSALS.contains(&note.reason.as_str());
        // The checks before a hop are made with each try.
        let is_of_checks = note.action.starts_with("Preflight");
        if *at != generation || !(is_of_refusal || is_of_checks) {
            *at = generation;
            told.clear();
        }
        !is_of_refusal || told.insert((note.reason.clone(), note.text.clone()))
    }

    /// Forgets a deleted object.
    pub fn forget(&self, uid: &str) {
        self.all().remove(uid);
    }
}

/// The run of failures with one more.
fn counted(before: Option<Trouble>, error: &EksError, now: Timestamp) -> Trouble {
    match before {
        Some(run) if run.kind == error.kind => Trouble {
            in_a_row: run.in_a_row.saturating_add(1),
            of_kind: run.of_kind.saturating_add(1),
            // Where the clock was set back since, patience begins now and not in a time to come.
            since: run.since.min(now),
            kind: run.kind,
        },
        other => Trouble {
            kind: error.kind,
            in_a_row: other.map_or(1, |run| run.in_a_row.saturating_add(1)),
            of_kind: 1,
            since: now,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eks::ErrorKind;

    fn error(kind: ErrorKind) -> EksError {
        EksError {
            kind,
            operation: "eks:DescribeCluster",
            code: String::new(),
            message: String::new(),
            request_id: None,
            clock_behind: None,
        }
    }

    #[test]
    fn a_run_ends_with_a_success_and_a_kind_with_another() {
        let recall = Recall::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let run = |kind, in_a_row, of_kind, since| {
            Some(Trouble {
                kind,
                in_a_row,
                of_kind,
                since: at(since),
            })
        };
        let (denied, down) = (
            error(ErrorKind::AccessDenied),
            error(ErrorKind::Unavailable),
        );
        assert_eq!(
            recall.looked("uid", Some(&down), at(1)),
            run(ErrorKind::Unavailable, 1, 1, 1)
        );
        assert_eq!(
            recall.looked("uid", Some(&down), at(2)),
            run(ErrorKind::Unavailable, 2, 2, 1)
        );
        assert_eq!(
            recall.looked("uid", Some(&denied), at(3)),
            run(ErrorKind::AccessDenied, 3, 1, 3)
        );
        assert_eq!(recall.looked("uid", None, at(4)), None);
        assert_eq!(
            recall.looked("uid", Some(&denied), at(5)),
            run(ErrorKind::AccessDenied, 1, 1, 5)
        );
        assert_eq!(
            recall.looked("other", Some(&denied), at(9)),
            run(ErrorKind::AccessDenied, 1, 1, 9)
        );
    }

    #[test]
    fn a_clock_that_is_set_back_holds_nothing_up() {
        let recall = Recall::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(recall.first_seen("uid", 1, at(1000)), at(1000));
        assert_eq!(recall.first_seen("uid", 1, at(1001)), at(1000));
        assert_eq!(recall.first_seen("uid", 1, at(10)), at(10));
        assert_eq!(recall.first_seen("uid", 1, at(11)), at(10));

        let denied = error(ErrorKind::AccessDenied);
        recall.looked("uid", Some(&denied), at(1000));
        let run = recall.looked("uid", Some(&denied), at(10)).unwrap();
        assert_eq!((run.of_kind, run.since), (2, at(10)));
    }

    #[test]
    fn a_refusal_is_told_once_until_something_else_happens() {
        let recall = Recall::default();
        let note = |reason: &str, text: &str| Note {
            warning: true,
            reason: reason.to_owned(),
            action: String::new(),
            text: text.to_owned(),
        };
        let is_news =
            |generation, reason, text| recall.is_news("uid", generation, &note(reason, text));
        assert!(is_news(1, "UpdateRefused", "a"));
        assert!(is_news(1, "RequestRejected", "a"));
        assert!(!is_news(1, "UpdateRefused", "a"));
        assert!(!is_news(1, "RequestRejected", "a"));
        assert!(is_news(1, "UpdateRefused", "b"));
        assert!(is_news(2, "UpdateRefused", "a"), "asked for anew");
        assert!(is_news(2, "UpdateStarted", "a"));
        assert!(is_news(2, "UpdateRefused", "a"));
        assert!(is_news(2, "UpToDate", "a"));
        assert!(is_news(2, "UpToDate", "a"), "another matter");
    }
}
