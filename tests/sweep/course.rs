//! What came of an upgrade, in a form in which two runs can be compared.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::world::{Send, World};

/// What may differ between two runs: when things happened, and how often a request was repeated.
const TIMES: [&str; 8] = [
    "checkedAt",
    "createdAt",
    "expiresAt",
    "finishedAt",
    "lastSendAt",
    "lastTransitionTime",
    "requestedAt",
    "since",
];
const REPETITIONS: &str = "sends";

/// The accepted calls and the object's status.
#[derive(Clone, PartialEq)]
pub struct Course {
    /// The versions of the accepted calls.
    accepted: Vec<String>,
    /// Calls that were refused, or whose token is that of no accepted call: attempts in vain.
    vain: Vec<String>,
    /// The updates that EKS has of it, beyond those that were there before.
    updates: usize,
    /// The status, with the n-th accepted call's token and id called `token n` and `id n`.
    status: Value,
}

impl Course {
    /// How it stands now.
    pub async fn of(world: &World, name: &str) -> Self {
        let sends = world.sends(name);
        let accepted = world.accepted(name);
        let updates = world.truth(name).updates;
        let is_vain = |send: &Send| {
            let mut tokens = accepted.iter().map(|send| &send.token);
            send.error.is_some() || !tokens.any(|token| *token == send.token)
        };
        let mut names: Vec<(String, String)> = Vec::new();
        for (index, send) in accepted.iter().enumerate() {
            names.push((send.token.clone(), format!("token {index}")));
        }
        for (index, update) in updates.iter().enumerate() {
            names.push((update.id.clone(), format!("id {index}")));
        }
        names.push((world.namespace.clone(), "the namespace".to_owned()));
        let object = world.get(name).await;
        let mut status = serde_json::to_value(&object.status).unwrap();
        comparable(&mut status, &names);
        let vain = sends.into_iter().filter(is_vain);
        Self {
            vain: vain.map(|send| format!("{send:?}")).collect(),
            accepted: accepted.into_iter().map(|send| send.version).collect(),
            updates: updates
                .iter()
                .filter(|update| update.client_request_token.is_some())
                .count(),
            status,
        }
    }

    /// Whether just these versions were accepted, each at the first attempt.
    pub fn is_of(&self, versions: &[&str]) -> bool {
        let Self {
            accepted,
            vain,
            updates,
            status,
        } = self;
        accepted == versions
            && vain.is_empty()
            && *updates == versions.len()
            && status["attempts"] == versions.len()
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            accepted,
            vain,
            updates,
            status,
        } = self;
        write!(
            f,
            "accepted {accepted:?}, in vain {vain:?}, {updates} updates, {status:#}"
        )
    }
}

impl fmt::Debug for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn comparable(value: &mut Value, names: &[(String, String)]) {
    match value {
        Value::Object(members) => {
            members.remove(REPETITIONS);
            for (key, value) in members {
                if TIMES.contains(&key.as_str()) && !value.is_null() {
                    *value = "a time".into();
                } else {
                    comparable(value, names);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| comparable(item, names)),
        Value::String(text) => {
            for (id, name) in names {
                *text = text.replace(id, name);
            }
            *text = text.split(' ').map(timeless).collect::<Vec<_>>().join(" ");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A word of a message, without the time in it.
fn timeless(word: &str) -> String {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match bare.parse::<Timestamp>() {
        Ok(_) => word.replace(bare, "a time"),
        Err(_) => word.to_owned(),
    }
}
