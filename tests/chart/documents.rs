//! Kubernetes objects as YAML documents.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::Value;

/// What tells an object from all others: kind, namespace and name.
pub type Key = (String, String, String);

/// All documents of a YAML text, empty ones left out.
pub fn parse(yaml: &str) -> Vec<Value> {
    serde_norway::Deserializer::from_str(yaml)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|document| !document.is_null())
        .collect()
}

/// The same by what tells them apart; two of the same are a mistake.
pub fn by_key(documents: Vec<Value>) -> BTreeMap<Key, Value> {
    let mut found = BTreeMap::new();
    for document in documents {
        let text = |pointer: &str| {
            let value = document.pointer(pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let key = (
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name"),
        );
        let before = found.insert(key.clone(), document);
        assert!(before.is_none(), "{key:?} is there twice");
    }
    found
}

/// Those of one kind.
pub fn of_kind<'a>(documents: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let of_kind = documents.iter().filter(|document| document["kind"] == kind);
    of_kind.collect()
}

/// The only one of its kind.
pub fn the<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    let found = of_kind(documents, kind);
    assert_eq!(found.len(), 1, "of kind {kind}");
    found[0]
}
