//! JSON of any kind, and real JSON with something in it replaced.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// What a terminal would obey.
pub const ESCAPE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m";

/// Strings that somebody may not have thought of.
pub fn odd_string() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(vec![
            "", " ", ".", "..", "/", "../../etc", "a/b\r\nc", "%2e%2e", "\u{0}", "\u{7f}", ESCAPE, "\u{202e}", "\u{feff}",
            "\u{2028}", "\u{ffff}", "NaN", "-1", "1e999", "1.34", "1.34\n", "1.034", "2.0", "1.999", "1.65536", "true", "null", "{}",
            "9999-12-30T22:00:00.999999999Z", "-009999-01-02T01:59:59Z", "2026-13-40T99:99:99Z", "2026-01-01T00:00:00.123456789Z",
            "InProgress", "Successful", "Failed", "Cancelled", "Lost", "Refused", "NotSent", "VersionRollback", "FAILED",
        ])
        .prop_map(ToOwned::to_owned),
        2 => ".{0,40}",
        1 => vec(any::<char>(), 0..40).prop_map(String::from_iter),
        1 => (select(vec!["x", "\"\\", "\u{1b}", "🦀", "\n"]), select(vec![130_usize, 1_100, 33_000, 70_000]))
            .prop_map(|(piece, times)| piece.repeat(times)),
    ]
}

/// Any JSON, not too deep: what is deeper does not get past the client.
pub fn arbitrary() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![0.0, -0.0, 1e308, -1e300, 0.5]).prop_map(Value::from),
        odd_string().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 30, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(odd_key(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn odd_key() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => select(vec![
            "cluster", "version", "update", "history", "conditions", "id", "status", "type", "name", "createdAt", "errors",
        ])
        .prop_map(ToOwned::to_owned),
        1 => ".{0,12}",
    ]
}

/// One change to a document.
#[derive(Clone, Debug)]
pub enum Change {
    /// Takes something out.
    Remove(Index),
    /// Puts something else in the place of anything.
    Replace(Index, Value),
    /// Puts a string into the place of a string, so that it gets as far as it can.
    Text(Index, String),
    /// Adds a field to an object.
    Add(Index, String, Value),
    /// Repeats the entries of a list.
    Repeat(Index, u16),
    /// Wraps something many times.
    Wrap(Index, u8),
}

pub fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
    let index = any::<Index>;
    vec(
        prop_oneof![
            2 => index().prop_map(Change::Remove),
            2 => (index(), arbitrary()).prop_map(|(at, value)| Change::Replace(at, value)),
            5 => (index(), odd_string()).prop_map(|(at, text)| Change::Text(at, text)),
            1 => (index(), odd_key(), arbitrary()).prop_map(|(at, key, value)| Change::Add(at, key, value)),
            1 => (index(), 2_u16..400).prop_map(|(at, times)| Change::Repeat(at, times)),
            1 => (index(), 1_u8..50).prop_map(|(at, times)| Change::Wrap(at, times)),
        ],
        0..=most,
    )
}

/// The document with the changes made, one after the other, somewhere below its top.
pub fn changed(mut document: Value, changes: &[Change]) -> Value {
    for change in changes {
        apply(&mut document, change);
    }
    document
}

fn apply(document: &mut Value, change: &Change) {
    let at = |document: &Value, index: &Index, is: fn(&Value) -> bool| {
        let mut found = Vec::new();
        pointers(document, String::new(), &mut found);
        found.retain(|pointer| document.pointer(pointer).is_some_and(is));
        (!found.is_empty()).then(|| index.get(&found).clone())
    };
    match change {
        Change::Remove(index) => {
            if let Some(pointer) = at(document, index, |_| true) {
                remove(document, &pointer);
            }
        }
        Change::Replace(index, value) => {
            set(document, at(document, index, |_| true), |_| value.clone());
        }
        Change::Text(index, text) => set(document, at(document, index, Value::is_string), |_| {
            json!(text)
        }),
        Change::Wrap(index, times) => set(document, at(document, index, |_| true), |old| {
            (0..*times).fold(old, |inner, _| json!([inner]))
        }),
        Change::Add(index, key, value) => set(
            document,
            at(document, index, Value::is_object),
            |mut old| {
                old[key] = value.clone();
                old
            },
        ),
        Change::Repeat(index, times) => {
            set(document, at(document, index, Value::is_array), |old| {
                let entries = old.as_array().unwrap();
                let times = usize::from(*times).min(4_000 / (entries.len() + 1));
                Value::from(vec![entries.clone(); times].concat())
            });
        }
    }
}

/// Pointers to everything below the top.
fn pointers(value: &Value, here: String, found: &mut Vec<String>) {
    let escaped = |key: &str| key.replace('~', "~0").replace('/', "~1");
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (escaped(key), value))
            .collect(),
        // The first few stand for all.
        Value::Array(entries) => entries
            .iter()
            .take(4)
            .enumerate()
            .map(|(n, value)| (n.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        pointers(child, format!("{here}/{key}"), found);
    }
    if !here.is_empty() {
        found.push(here);
    }
}

fn set(document: &mut Value, pointer: Option<String>, new: impl FnOnce(Value) -> Value) {
    if let Some(place) = pointer.and_then(|pointer| document.pointer_mut(&pointer)) {
        *place = new(place.take());
    }
}

fn remove(document: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(fields) => {
            fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Value::Array(entries) => {
            entries.remove(key.parse().unwrap());
        }
        _ => unreachable!("it has children"),
    }
}
