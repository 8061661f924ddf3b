//! The freezes, and which of them concern an object.
//!
//! In doubt a freeze counts: one that cannot be read, or whose selector cannot be understood, is meant to stop something.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use kube::core::{Selector, SelectorExt as _};

use crate::api::UpgradeFreezeSpec;
use crate::plan::Freeze;
use crate::store::StoredFreeze;
use crate::text::plain;

/// The most bytes of a freeze's reason that are kept. The CRD takes no more.
const REASON_LIMIT: usize = 1024;

/// All freezes at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FreezeSet(BTreeMap<String, Rule>);

/// One freeze, and whom it concerns.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    freeze: Freeze,
    /// Everything where it is empty.
    selector: Selector,
}

impl FreezeSet {
    /// The freezes of a list.
    pub fn of(list: impl IntoIterator<Item = StoredFreeze>) -> Self {
        Self(list.into_iter().map(rule).collect())
    }

    /// Those that concern an object with these labels, by name.
    pub fn selecting(&self, labels: &BTreeMap<String, String>) -> Vec<Freeze> {
        let rules = self.0.values();
        rules
            .filter(|rule| rule.selector.matches(labels))
            .map(|rule| rule.freeze.clone())
            .collect()
    }
}

/// The freezes as the watch showed them last.
#[derive(Debug, Default)]
pub struct Freezes(Mutex<Arc<FreezeSet>>);

impl Freezes {
    fn set(&self) -> MutexGuard<'_, Arc<FreezeSet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As they are known at the moment.
    pub fn now(&self) -> Arc<FreezeSet> {
        Arc::clone(&self.set())
    }

    /// Takes a complete list in. Says whether anything that counts is another.
    pub fn replace(&self, list: impl IntoIterator<Item = StoredFreeze>) -> bool {
        let new = FreezeSet::of(list);
        let mut set = self.set();
        let is_news = **set != new;
        *set = Arc::new(new);
        is_news
    }

    /// Takes one in that was made or changed. Says whether anything that counts is another.
    pub fn apply(&self, freeze: StoredFreeze) -> bool {
        let (name, rule) = rule(freeze);
        let mut set = self.set();
        let is_news = set.0.get(&name) != Some(&rule);
        Arc::make_mut(&mut *set).0.insert(name, rule);
        is_news
    }

    /// Forgets one that was deleted. Says whether it was known.
    pub fn remove(&self, name: &str) -> bool {
        Arc::make_mut(&mut *self.set()).0.remove(name).is_some()
    }
}

fn rule(stored: StoredFreeze) -> (String, Rule) {
    let StoredFreeze { name, freeze } = stored;
    let understood = freeze.map_err(|why| why.to_string()).and_then(|spec| {
        let UpgradeFreezeSpec {
            from,
            until,
            reason,
            selector,
        } = spec;
        let selector = understood(selector.unwrap_or_default())?;
        let freeze = Freeze {
            name: name.clone(),
            reason: plain(&reason, REASON_LIMIT),
            from,
            until,
        };
        Ok(Rule { freeze, selector })
    });
    let rule = understood.unwrap_or_else(|why| Rule {
        freeze: Freeze {
            name: name.clone(),
            reason: plain(
                &format!(
                    "it cannot be understood, and so counts for every object until it is corrected or deleted: {why}"
                ),
                REASON_LIMIT,
            ),
            from: None,
            until: None,
        },
        selector: Selector::default(),
    });
    (name, rule)
}

/// A selector that means something. The API server refuses others at apply; where its CRD is another one, it may not.
fn understood(selector: LabelSelector) -> Result<Selector, String> {
    for key in selector.match_labels.iter().flatten().map(|(key, _)| key) {
        is_key(key)?;
    }
    for requirement in selector.match_expressions.iter().flatten() {
        let LabelSelectorRequirement {
            key,
            operator,
            values,
        } = requirement;
        is_key(key)?;
        let has_values = values.as_ref().is_some_and(|values| !values.is_empty());
        let is_meant = match operator.as_str() {
            "In" | "NotIn" => has_values,
            "Exists" | "DoesNotExist" => !has_values,
            _ => false,
        };
        if !is_meant {
            return Err(format!(
                "in its selector, operator {:?} of {:?} with {} values means nothing",
                plain(operator, 64),
                plain(key, 64),
                values.as_ref().map_or(0, Vec::len),
            ));
        }
    }
    Selector::try_from(selector).map_err(|error| error.to_string())
}

/// No object has a label with another key, so that a selector with one would select nothing, or everything, by a mistake.
fn is_key(key: &str) -> Result<(), String> {
    let name = key.split_once('/').map_or(key, |(_, name)| name);
    let is_of = |text: &str, more: &[u8]| {
        text.bytes()
            .all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    let is_key = !name.is_empty() && key.len() <= 317 && is_of(key, b"-_./") && is_of(name, b"-_.");
    if is_key {
        Ok(())
    } else {
        Err(format!(
            "in its selector, {:?} is the key of no label",
            plain(key, 64)
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::store::Unreadable;

    fn freeze(name: &str, spec: Value) -> StoredFreeze {
        StoredFreeze {
            name: name.to_owned(),
            freeze: serde_json::from_value(spec).map_err(|error| Unreadable(error.to_string())),
        }
    }

    fn selecting(name: &str, selector: &Value) -> StoredFreeze {
        freeze(name, json!({"reason": "why", "selector": selector}))
    }

    fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        labels.iter().map(owned).collect()
    }

    fn names(set: &FreezeSet, on: &[(&str, &str)]) -> Vec<String> {
        let freezes = set.selecting(&labels(on));
        freezes.into_iter().map(|freeze| freeze.name).collect()
    }

    #[test]
    fn concerns_the_objects_whose_labels_it_selects() {
        let expression = |key: &str, operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
        let set = FreezeSet::of([
            freeze("all", json!({"reason": "r"})),
            selecting("empty", &json!({})),
            selecting("equal", &json!({"matchLabels": {"tier": "prod"}})),
            selecting(
                "both",
                &json!({"matchLabels": {"tier": "prod", "team": "a"}}),
            ),
            selecting("in", &expression("tier", "In", &["prod", "stage"])),
            selecting("not-in", &expression("tier", "NotIn", &["prod"])),
            selecting("exists", &expression("team", "Exists", &[])),
            selecting(
                "not",
                &expression("example.com/exempt", "DoesNotExist", &[]),
            ),
        ]);
        for (on, expected) in [
            (&[][..], &["all", "empty", "not", "not-in"][..]),
            (&[("tier", "prod")], &["all", "empty", "equal", "in", "not"]),
            (
                &[("tier", "stage"), ("team", "a")],
                &["all", "empty", "exists", "in", "not", "not-in"],
            ),
            (
                &[("tier", "prod"), ("team", "a"), ("example.com/exempt", "")],
                &["all", "both", "empty", "equal", "exists", "in"],
            ),
        ] {
            assert_eq!(names(&set, on), expected, "{on:?}");
        }
    }

    #[test]
    fn one_that_cannot_be_understood_counts_for_all_and_without_dates() {
        let with = |selector: Value| json!({"reason": "r", "until": "2020-01-01T00:00:00Z", "selector": selector});
        let expression = |expression: Value| with(json!({"matchExpressions": [expression]}));
        for spec in [
            json!({}),
            json!({"reason": "r", "until": "tomorrow"}),
            json!({"reason": 7}),
            with(json!("all")),
            with(json!({"matchLabels": {"": "a"}})),
            with(json!({"matchLabels": {"team ": "a"}})),
            with(json!({"matchLabels": {"a/": "a"}})),
            expression(json!({"key": "a", "operator": "In"})),
            expression(json!({"key": "a", "operator": "In", "values": []})),
            expression(json!({"key": "a", "operator": "NotIn", "values": []})),
            expression(json!({"key": "a", "operator": "Exists", "values": ["b"]})),
            expression(json!({"key": "a", "operator": "DoesNotExist", "values": ["b"]})),
            expression(json!({"key": "a", "operator": "Equals", "values": ["b"]})),
            expression(json!({"key": "", "operator": "Exists"})),
        ] {
            let set = FreezeSet::of([freeze("odd", spec.clone())]);
            for on in [&[][..], &[("team", "a")]] {
                let freezes = set.selecting(&labels(on));
                let [found] = freezes.as_slice() else {
                    panic!("{spec}: {freezes:?}");
                };
                assert_eq!((found.from, found.until), (None, None), "{spec}");
                assert!(found.reason.contains("cannot be understood"), "{spec}");
                assert!(found.reason.len() <= REASON_LIMIT);
            }
        }
    }

    #[test]
    fn says_what_is_news_and_forgets_what_is_gone() {
        let freezes = Freezes::default();
        let (one, two) = (
            || freeze("one", json!({"reason": "r"})),
            || selecting("two", &json!({"matchLabels": {"team": "a"}})),
        );
        assert!(!freezes.replace([]), "none, as before");
        assert!(freezes.replace([one(), two()]));
        assert!(!freezes.replace([two(), one()]), "a list of the same");
        assert!(!freezes.apply(one()), "a change that does not matter");
        assert!(freezes.apply(freeze("one", json!({"reason": "another"}))));
        let before = freezes.now();
        assert!(freezes.remove("one"));
        assert!(!freezes.remove("one"));
        assert_eq!(
            names(&before, &[]),
            ["one"],
            "a look under way is not changed"
        );
        assert_eq!(names(&freezes.now(), &[]), [] as [&str; 0]);
        assert_eq!(names(&freezes.now(), &[("team", "a")]), ["two"]);
        assert!(freezes.replace([]), "a list without it");
        assert_eq!(names(&freezes.now(), &[("team", "a")]), [] as [&str; 0]);
    }
}
