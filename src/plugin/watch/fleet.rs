//! All objects that are followed, and how they look.

use std::collections::{BTreeMap, BTreeSet};

use console::{style, truncate_str};
use jiff::Timestamp;

use crate::controller::Lengths;

use super::super::objects::Listed;
use super::super::shown::add;
use super::bar;
use super::followed::{Followed, Standing};

/// Namespace and name.
type Key = (String, String);

/// All objects that are followed.
pub struct Fleet {
    names: Vec<String>,
    namespaces: bool,
    objects: BTreeMap<Key, Followed>,
    /// Those that a list which is under way has not brought yet.
    unseen: BTreeSet<Key>,
    lengths: Lengths,
}

impl Fleet {
    /// Those of these names, or all.
    pub fn new(names: Vec<String>, namespaces: bool) -> Self {
        Self {
            names,
            namespaces,
            objects: BTreeMap::new(),
            unseen: BTreeSet::new(),
            lengths: Lengths::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(&self) -> bool {
        self.objects.values().all(Followed::is_over)
    }

    pub fn has_stalled(&self) -> bool {
        let mut all = self.objects.values();
        all.any(|one| one.standing() == Standing::Stalled)
    }

    /// Whether one was deleted.
    pub fn has_lost(&self) -> bool {
        let mut all = self.objects.values();
        all.any(|one| one.standing() == Standing::Gone)
    }

    pub fn list_begins(&mut self) {
        self.unseen = self.objects.keys().cloned().collect();
    }

    /// What the list did not bring is gone.
    pub fn list_ends(&mut self) -> Vec<String> {
        let unseen = std::mem::take(&mut self.unseen);
        let mut news = Vec::new();
        for key in unseen {
            let line = self.objects.get_mut(&key).and_then(Followed::gone);
            news.extend(line.map(|line| self.told(&key, &line)));
        }
        news
    }

    fn key(&self, listed: &Listed) -> Option<Key> {
        let name = listed.name();
        let is_meant = self.names.is_empty() || self.names.iter().any(|meant| meant == name);
        is_meant.then(|| (listed.namespace().to_owned(), name.to_owned()))
    }

    /// Takes an object in. Says what is new.
    pub fn see(&mut self, listed: Listed, now: Timestamp) -> Option<String> {
        let key = self.key(&listed)?;
        self.unseen.remove(&key);
        if let Ok(object) = &listed.read
            && let Some(status) = &object.status
        {
            self.lengths.learn(status, now);
        }
        let followed = self
            .objects
            .entry(key.clone())
            .or_insert_with(Followed::new);
        let line = followed.see(listed.read)?;
        Some(self.told(&key, &line))
    }

    pub fn gone(&mut self, listed: &Listed) -> Option<String> {
        let key = self.key(listed)?;
        let line = self.objects.get_mut(&key)?.gone()?;
        Some(self.told(&key, &line))
    }

    fn called(&self, (namespace, name): &Key) -> String {
        if self.namespaces {
            format!("{namespace}/{name}")
        } else {
            name.clone()
        }
    }

    fn told(&self, key: &Key, line: &str) -> String {
        format!("{}: {line}", self.called(key))
    }

    /// At most as many lines as the terminal has, each at most as wide: who needs a person first, then who is active.
    pub fn picture(
        &self,
        (rows, columns): (usize, usize),
        frame: usize,
        now: Timestamp,
    ) -> Vec<String> {
        let usual = self.lengths.now();
        let mut all: Vec<_> = self.objects.iter().collect();
        all.sort_by_key(|(key, one)| (one.standing(), (*key).clone()));
        let name = all.iter().map(|(key, _)| self.called(key).chars().count());
        let name = name.max().unwrap_or(0).min(columns / 3);
        let mut lines = Vec::new();
        let mut left_out: BTreeMap<Standing, usize> = BTreeMap::new();
        // A line for those that are left out.
        let most = rows.saturating_sub(1).max(1);
        for (key, one) in all {
            let mut of_one = vec![bar::line(
                one,
                &self.called(key),
                name,
                columns,
                frame,
                usual,
                now,
            )];
            if one.standing() == Standing::Stalled {
                let message = style(one.message()).red().dim().to_string();
                of_one.push(truncate_str(&format!("    {message}"), columns, "…").into_owned());
            }
            if lines.len() + of_one.len() > most {
                *left_out.entry(one.standing()).or_default() += 1;
                continue;
            }
            lines.extend(of_one);
        }
        if !left_out.is_empty() {
            let parts: Vec<String> = left_out
                .iter()
                .map(|(standing, count)| format!("{count} {}", word(*standing)))
                .collect();
            let more: usize = left_out.values().sum();
            let line = format!("  and {more} more: {}", parts.join(", "));
            lines.push(truncate_str(&style(line).dim().to_string(), columns, "…").into_owned());
        }
        lines
    }

    /// A line for each that has not just done what it was asked to, and the numbers.
    pub fn outcome(&self) -> String {
        let mut text = String::new();
        let mut counts: BTreeMap<Standing, usize> = BTreeMap::new();
        for (key, one) in &self.objects {
            let standing = one.standing();
            *counts.entry(standing).or_default() += 1;
            let mark = match standing {
                Standing::Done => style("✔").green(),
                Standing::Stalled => style("✘").red(),
                Standing::Active => style("▶").cyan(),
                Standing::Waiting => style("…").yellow(),
                Standing::Gone => style("-").dim(),
            };
            let version = one
                .current()
                .map_or_else(String::new, |version| format!(" {version}"));
            let called = style(self.called(key)).bold();
            add(
                &mut text,
                format_args!("{mark} {called}{version} {}\n", one.state()),
            );
            if standing == Standing::Stalled {
                let (namespace, name) = key;
                add(
                    &mut text,
                    format_args!(
                        "    {}\n    more: kubectl eks-upgrade status -n {namespace} {name}\n",
                        one.message()
                    ),
                );
            }
        }
        let parts: Vec<String> = counts
            .iter()
            .map(|(standing, count)| format!("{count} {}", word(*standing)))
            .collect();
        add(&mut text, format_args!("{}\n", parts.join(", ")));
        text
    }
}

const fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Stalled => "stalled",
        Standing::Active => "running",
        Standing::Waiting => "waiting",
        Standing::Done => "up to date",
        Standing::Gone => "deleted",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, reason: &str) -> Listed {
        let object = json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"namespace": "team", "name": name, "generation": 1},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": name},
                "version": "1.34",
            },
            "status": {
                "observedGeneration": 1,
                "conditions": [{
                    "type": "Ready", "status": "False", "reason": reason, "message": format!("about {name}"),
                    "lastTransitionTime": "2026-11-24T12:00:00Z",
                }],
            },
        });
        Listed::of(serde_json::from_value(object).unwrap())
    }

    fn fleet(objects: &[(&str, &str)]) -> Fleet {
        let mut fleet = Fleet::new(Vec::new(), false);
        for (name, reason) in objects {
            fleet.see(object(name, reason), now());
        }
        fleet
    }

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn where_lines_are_few_those_that_need_a_person_have_them_and_the_rest_is_counted() {
        let fleet = fleet(&[
            ("a", "UpToDate"),
            ("b", "UpToDate"),
            ("c", "OutsideWindow"),
            ("d", "UpdateFailed"),
            ("e", "Updating"),
        ]);
        let lines = fleet.picture((5, 60), 0, now());
        let lines: Vec<_> = lines
            .iter()
            .map(|line| console::strip_ansi_codes(line))
            .collect();
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert!(lines[0].contains("✘ d"), "{lines:#?}");
        assert!(lines[1].contains("about d"), "{lines:#?}");
        assert!(lines[2].contains(" e "), "{lines:#?}");
        assert!(lines[3].contains(" c "), "{lines:#?}");
        assert_eq!(lines[4].trim(), "and 2 more: 2 up to date");
        assert_eq!(
            fleet.picture((9, 60), 0, now()).len(),
            6,
            "there is room for all"
        );
    }

    #[test]
    fn what_a_new_list_does_not_bring_was_deleted() {
        let mut fleet = fleet(&[("a", "Updating"), ("b", "UpToDate")]);
        assert!(!fleet.is_over());
        fleet.list_begins();
        fleet.see(object("b", "UpToDate"), now());
        assert_eq!(fleet.list_ends(), ["a: deleted"]);
        assert!(fleet.is_over() && !fleet.has_stalled());
        let outcome = fleet.outcome();
        let outcome = console::strip_ansi_codes(&outcome);
        assert!(outcome.ends_with("1 up to date, 1 deleted\n"), "{outcome}");
    }
}
