//! One object that is followed: what it says, and since when.

use jiff::Timestamp;

use crate::api::{ClusterUpgrade, Minor, Reason, Update, UpdateStatus};
use crate::plan::{Durations, Usual};
use crate::text::plain;

use super::super::retry;
use super::super::shown::{self, add};

/// As many bytes of what an object says are shown.
const SAID: usize = 1024;

/// One object, as the watch brought it last.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The version before the first hop that was seen.
    start: Option<Minor>,
    object: Result<Box<ClusterUpgrade>, String>,
    said: String,
    is_gone: bool,
}

/// How far a hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    Done,
    Running,
    /// Asked for, but not accepted yet.
    Asked,
    Failed,
    ToCome,
}

/// How an object stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A person must act.
    Stalled,
    /// Something runs.
    Active,
    /// It waits for something.
    Waiting,
    /// It is up to date.
    Done,
    /// It was deleted.
    Gone,
}

impl Followed {
    pub fn new() -> Self {
        Self {
            start: None,
            object: Err(String::new()),
            said: String::new(),
            is_gone: false,
        }
    }

    /// Takes over what the watch brought. Says what is new.
    pub fn see(&mut self, read: Result<ClusterUpgrade, String>) -> Option<String> {
        self.is_gone = false;
        let target = self.target();
        let was_done = self.standing() == Standing::Done;
        self.object = read.map(|mut object| {
            // Nothing of it is shown, and it is a good part of an object.
            object.metadata.managed_fields = None;
            Box::new(object)
        });
        // What is asked for after the end is another way.
        if was_done && self.target() != target {
            self.start = None;
        }
        self.start = self.start.or_else(|| self.first());
        self.news()
    }

    pub fn gone(&mut self) -> Option<String> {
        self.is_gone = true;
        self.news()
    }

    fn news(&mut self) -> Option<String> {
        let said = self.says();
        if said == self.said {
            return None;
        }
        self.said.clone_from(&said);
        Some(said)
    }

    fn object(&self) -> Option<&ClusterUpgrade> {
        self.object.as_ref().ok().map(Box::as_ref)
    }

    fn update(&self) -> Option<&Update> {
        self.object()?.status.as_ref()?.update.as_ref()
    }

    /// The update that runs or is asked for: not one that has ended, while the next is not begun.
    fn unfinished(&self) -> Option<&Update> {
        self.update()
            .filter(|update| update.is_running() || update.is_open_intent())
    }

    fn first(&self) -> Option<Minor> {
        let running = self.unfinished().map(|update| update.from_version);
        running.or(self.current())
    }

    /// The version that the cluster runs.
    pub fn current(&self) -> Option<Minor> {
        let status = self.object()?.status.as_ref()?;
        status.cluster.as_ref()?.version.parse().ok()
    }

    /// The version that is asked for.
    pub fn target(&self) -> Option<Minor> {
        self.object()?.spec.version.parse().ok()
    }

    /// The version before the first hop.
    pub fn start(&self) -> Option<Minor> {
        self.start
    }

    /// The reason, if it is about the object as it is now.
    pub fn reason(&self) -> Option<Reason> {
        let object = self.object()?;
        shown::reason(object).filter(|_| shown::is_decided(object))
    }

    /// The reason in a column.
    pub fn state(&self) -> String {
        match (&self.object, self.is_gone) {
            (_, true) => "deleted".to_owned(),
            (Ok(object), _) if self.is_to_be_tried_again() => {
                format!("{}, to be tried again", shown::state(object))
            }
            (Ok(object), _) => shown::state(object),
            (Err(_), _) => "cannot be read".to_owned(),
        }
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        if self.is_gone {
            return Standing::Gone;
        }
        match self.reason() {
            Some(Reason::UpToDate) => Standing::Done,
            Some(Reason::Updating) => Standing::Active,
            _ if self.is_to_be_tried_again() => Standing::Waiting,
            Some(reason) if reason.is_stalled() => Standing::Stalled,
            _ if self.object.is_err() => Standing::Stalled,
            _ => Standing::Waiting,
        }
    }

    /// Whether a person has permitted another try since, which the operator has not seen yet.
    fn is_to_be_tried_again(&self) -> bool {
        let Some(object) = self.object() else {
            return false;
        };
        let ends_a_try = matches!(
            self.reason(),
            Some(
                Reason::UpdateFailed
                    | Reason::UpdateCancelled
                    | Reason::UpdateLost
                    | Reason::RolledBackElsewhere
            )
        );
        ends_a_try && retry::is_permitted(object)
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(&self) -> bool {
        matches!(
            self.standing(),
            Standing::Stalled | Standing::Done | Standing::Gone
        )
    }

    /// The message of the Ready condition, or why it cannot be read.
    pub fn message(&self) -> String {
        match &self.object {
            Ok(object) => plain(shown::message(object), SAID),
            Err(why) => plain(why, SAID),
        }
    }

    /// When the next hop starts, where it waits for a time.
    pub fn next_start(&self) -> Option<String> {
        let status = self.object()?.status.as_ref()?;
        let at = status.schedule.as_ref()?.next_start.as_ref()?;
        Some(plain(at, 64))
    }

    /// The versions to reach, in order, and how far each is.
    pub fn path(&self) -> Vec<(Minor, Hop)> {
        let (Some(start), Some(target)) = (self.start, self.target()) else {
            return Vec::new();
        };
        if target < start {
            return vec![(target, self.hop(start, target))];
        }
        let next = |version: &Minor| (*version < target).then(|| version.next());
        std::iter::successors(next(&start), next)
            .map(|version| (version, self.hop(start, version)))
            .collect()
    }

    fn hop(&self, start: Minor, to: Minor) -> Hop {
        let is_there = |current: Minor| {
            if to < start {
                current <= to
            } else {
                current >= to
            }
        };
        if self.current().is_some_and(is_there) {
            return Hop::Done;
        }
        match self.update().filter(|update| update.to_version == to) {
            Some(update) if update.status == Some(UpdateStatus::Failed) => Hop::Failed,
            Some(update) if update.is_running() => Hop::Running,
            Some(update) if update.is_open_intent() => Hop::Asked,
            _ => Hop::ToCome,
        }
    }

    /// The time in the running hop, and how long such ones usually take.
    pub fn running(&self, usual: Durations, now: Timestamp) -> Option<(i64, Option<Usual>)> {
        let update = self.unfinished()?;
        let age = now.duration_since(shown::began(update)?).as_secs().max(0);
        Some((age, usual.of(&update.kind)))
    }

    /// A line that changes when something happens.
    fn says(&self) -> String {
        if self.is_gone {
            return "deleted".to_owned();
        }
        let Some(object) = self.object() else {
            return format!("cannot be read: {}", self.message());
        };
        let mut said = format!(
            "{} to {}: {}",
            self.current()
                .map_or_else(|| "?".to_owned(), |version| version.to_string()),
            plain(&object.spec.version, 64),
            self.state()
        );
        match self.standing() {
            Standing::Stalled => {
                said.push_str(": ");
                said.push_str(&self.message());
            }
            Standing::Active => {
                if let Some(update) = self.unfinished() {
                    let id = update.id.as_deref().unwrap_or("not accepted yet");
                    let hop = format!(
                        " {} → {}, update {}",
                        update.from_version,
                        update.to_version,
                        plain(id, 128)
                    );
                    said.push_str(&hop);
                }
            }
            Standing::Waiting => {
                if let Some(at) = self.next_start() {
                    add(&mut said, format_args!(", until {at}"));
                }
            }
            Standing::Done | Standing::Gone => {}
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(current: &str, status: &str) -> ClusterUpgrade {
        serde_json::from_value(json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": "prod", "generation": 1},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "prod"},
                "version": "1.35",
            },
            "status": {
                "observedGeneration": 1,
                "cluster": {"arn": "a", "version": current, "status": "ACTIVE"},
                "update": {
                    "id": "u-1", "type": "VersionUpdate", "status": status, "fromVersion": "1.33", "toVersion": "1.34",
                    "requestedAt": "2026-11-24T12:00:00Z",
                },
                "conditions": [{
                    "type": "Ready", "status": "Unknown", "reason": "Updating", "message": "",
                    "lastTransitionTime": "2026-11-24T12:00:00Z",
                }],
            },
        }))
        .unwrap()
    }

    #[test]
    fn another_try_that_is_permitted_is_no_end() {
        let mut failed = object("1.33", "Failed");
        let condition = &mut failed.status.as_mut().unwrap().conditions[0];
        condition.reason = "UpdateFailed".to_owned();
        let retried = |at: &str| {
            let mut retried = failed.clone();
            let annotations = [(crate::api::RETRY_ANNOTATION.to_owned(), at.to_owned())];
            retried.metadata.annotations = Some(annotations.into());
            let mut one = Followed::new();
            one.see(Ok(retried));
            one
        };
        assert!(retried("2026-11-24T11:59:59Z").is_over());
        assert!(retried("soon").is_over());
        let again = retried("2026-11-24T12:00:01Z");
        assert!(!again.is_over());
        assert_eq!(again.state(), "UpdateFailed, to be tried again");
    }

    #[test]
    fn news_names_the_update_that_runs_and_not_one_that_has_ended() {
        let mut one = Followed::new();
        let said = one.see(Ok(object("1.33", "InProgress")));
        assert_eq!(
            said.as_deref(),
            Some("1.33 to 1.35: Updating 1.33 → 1.34, update u-1")
        );
        assert_eq!(one.see(Ok(object("1.33", "InProgress"))), None);
        let said = one.see(Ok(object("1.34", "Successful")));
        assert_eq!(said.as_deref(), Some("1.34 to 1.35: Updating"));
        let version = |text: &str| text.parse::<Minor>().unwrap();
        assert_eq!(
            one.path(),
            [(version("1.34"), Hop::Done), (version("1.35"), Hop::ToCome)]
        );
    }
}
