//! What Kubernetes takes, and what a terminal bears.

use eks_upgrade_operator::api::{CheckResult, HISTORY_LIMIT, Reason};
use eks_upgrade_operator::store::Note;
use serde_json::Value;

/// What etcd takes of one object, by default.
const OBJECT: usize = 3 << 19;

/// Whether there can be such an object, with room for what the operator may write.
pub fn can_be(object: &Value) -> bool {
    object.to_string().len() <= OBJECT / 2
}

fn is_shown_as_it_is(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(
                c,
                '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}' | '\u{ffff}'
            )
    })
}

pub fn assert_text(what: &str, text: &str, most: usize) {
    assert!(text.len() <= most, "{what} has {} bytes", text.len());
    assert!(is_shown_as_it_is(text), "{what}: {text:?}");
}

/// An Event that the API server takes.
pub fn assert_published(note: &Note) {
    let Note {
        warning: _,
        reason,
        action,
        text,
    } = note;
    assert_text("note", text, 1024);
    for (what, word) in [("reason", reason), ("action", action)] {
        assert!(!word.is_empty(), "{what}");
        assert_text(what, word, 128);
    }
}

/// The conditions that the operator writes, if any: by the API's rules, in our words.
pub fn assert_conditions(status: &Value) {
    let conditions = status["conditions"].as_array();
    assert!(
        conditions.is_none_or(|all| all.len() <= 4),
        "{conditions:?}"
    );
    for condition in conditions.into_iter().flatten() {
        let field = |name: &str| condition[name].as_str().unwrap();
        let of_checks = field("type") == "PreflightPassed";
        assert!(of_checks || ["Ready", "Reconciling", "Stalled"].contains(&field("type")));
        assert!(["True", "False", "Unknown"].contains(&field("status")));
        let reason = field("reason");
        let is_ours = if of_checks {
            CheckResult::ALL.iter().any(|word| word.as_str() == reason)
        } else {
            Reason::ALL.iter().any(|word| word.as_str() == reason)
        };
        assert!(is_ours, "{condition}");
        // In characters it is 32768.
        assert_text("message", field("message"), 32_768);
        let at = field("lastTransitionTime");
        assert!(
            at.len() == 20 && at.starts_with(|c: char| c.is_ascii_digit()),
            "{at}"
        );
    }
}

/// A status that the operator writes, within an object that fits.
pub fn assert_status(status: &Value, object: &Value) {
    assert_conditions(status);
    for update in status["history"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(status.get("update"))
    {
        assert_words("an update", update);
    }
    if let Some(cluster) = status.get("cluster") {
        assert_words("the cluster", cluster);
    }
    let history = status["history"].as_array().map_or(0, Vec::len);
    assert!(history <= HISTORY_LIMIT, "{history}");
    let size = status.to_string().len();
    assert!(size <= OBJECT / 2, "a status of {size} bytes");
    let size = object.to_string().len();
    assert!(size <= OBJECT, "an object of {size} bytes");
}

/// Every string in there, however deep.
fn assert_words(what: &str, value: &Value) {
    match value {
        Value::String(text) => assert_text(what, text, 2048),
        Value::Array(entries) => {
            assert!(entries.len() <= 16, "{what}: {} entries", entries.len());
            for entry in entries {
                assert_words(what, entry);
            }
        }
        Value::Object(fields) => {
            for field in fields.values() {
                assert_words(what, field);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
