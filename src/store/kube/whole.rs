//! What of a status is ours, and how all of it is replaced where an apply leaves somebody else's fields.

use kube::api::DynamicObject;
use serde_json::Value;

use crate::api::ClusterUpgradeStatus;
use crate::api::condition::{PREFLIGHT_PASSED, READY, RECONCILING, STALLED};

/// Whether the API server keeps this status, but for others' conditions.
pub(super) fn is_written(written: &DynamicObject, status: &ClusterUpgradeStatus) -> bool {
    let kept = written.data.get("status").cloned().unwrap_or_default();
    serde_json::from_value(kept).is_ok_and(|kept: ClusterUpgradeStatus| own(kept) == *status)
}

/// A status without the conditions of others, which are none of our business.
pub(super) fn own(mut status: ClusterUpgradeStatus) -> ClusterUpgradeStatus {
    status
        .conditions
        .retain(|condition| is_own(&condition.type_));
    status
}

fn is_own(condition: &str) -> bool {
    [READY, RECONCILING, STALLED, PREFLIGHT_PASSED].contains(&condition)
}

/// Adds others' conditions to a status that is going to replace another.
pub(super) fn retain_others_conditions(kept: &Value, wanted: &mut Value) {
    let others = kept.get("conditions").and_then(Value::as_array);
    let others = others.into_iter().flatten().filter(|condition| {
        let kind = condition.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| !is_own(kind))
    });
    if let Some(conditions) = wanted.get_mut("conditions").and_then(Value::as_array_mut) {
        conditions.extend(others.cloned());
    }
}

/// The merge patch that makes `new` of `old`: what is no longer there has to be named.
pub(super) fn replacing(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(fields)) = (old, new) else {
        return new.clone();
    };
    let gone = old
        .keys()
        .filter(|name| !fields.contains_key(*name))
        .map(|name| (name.clone(), Value::Null));
    let nothing = Value::Null;
    let set = fields.iter().map(|(name, value)| {
        let before = old.get(name).unwrap_or(&nothing);
        (name.clone(), replacing(before, value))
    });
    gone.chain(set).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replacement_names_what_is_gone_however_deep() {
        let old = json!({"update": {"id": "a", "type": "t", "errors": [{"errorCode": "x"}]}, "path": ["1.34"]});
        let new = json!({"update": {"type": "u"}, "attempts": 1});
        assert_eq!(
            replacing(&old, &new),
            json!({"update": {"id": null, "type": "u", "errors": null}, "path": null, "attempts": 1})
        );
        assert_eq!(replacing(&Value::Null, &new), new);
    }

    #[test]
    fn others_conditions_are_kept_and_ours_are_not() {
        let kept = json!({"conditions": [{"type": "Stalled"}, {"type": "PreflightPassed"}, {"type": "Reviewed"}]});
        let mut wanted = json!({"conditions": [{"type": "Ready"}]});
        retain_others_conditions(&kept, &mut wanted);
        assert_eq!(
            wanted,
            json!({"conditions": [{"type": "Ready"}, {"type": "Reviewed"}]})
        );
    }
}
