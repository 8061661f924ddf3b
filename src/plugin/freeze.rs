//! `freeze` and `thaw`: an UpgradeFreeze that is made and deleted by hand.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::core::{Expression, Selector, SelectorExt as _};

use crate::api::{UpgradeFreeze, UpgradeFreezeSpec};
use crate::text::plain;

use super::args::{ClusterArgs, FreezeArgs, ThawArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::objects::Listed;
use super::shown::add;
use super::{MANAGER, gitops, note, objects, print, shown};

/// How many names are said.
const NAMED: usize = 10;

/// Stops starts.
pub async fn freeze(cluster: &ClusterArgs, args: FreezeArgs) -> Result<Exit, Failure> {
    let FreezeArgs {
        name,
        reason,
        from,
        until,
        selector,
    } = args;
    let now = Timestamp::now();
    if let Some(until) = until.filter(|until| from.unwrap_or(now).max(now) >= *until) {
        return Err(Failure::new(
            format!("a freeze until {until} would stop nothing"),
            "Give an --until that lies after now and after --from.",
        ));
    }
    let selector = selector.as_deref().map(parse).transpose()?;
    let connection = Connection::open(cluster).await?;
    let api: Api<UpgradeFreeze> = Api::all(connection.client.clone());
    let wanted = UpgradeFreeze::new(
        &name,
        UpgradeFreezeSpec {
            from,
            until,
            reason,
            selector: selector.clone().map(LabelSelector::from),
        },
    );
    let params = PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    };
    if let Err(error) = api.create(&params, &wanted).await {
        let is_there =
            matches!(&error, kube::Error::Api(status) if status.reason == "AlreadyExists");
        if is_there && let Ok(there) = api.get(&name).await {
            return Err(Failure::new(
                format!(
                    "UpgradeFreeze {name} is there already: {}",
                    plain(&there.spec.reason, 256)
                ),
                format!(
                    "Give this one another name, or end that one first: `kubectl eks-upgrade thaw {name}`."
                ),
            ));
        }
        return Err(Failure::of_kubernetes(
            &format!("create UpgradeFreeze {name}"),
            &error,
        ));
    }
    print(&format!(
        "UpgradeFreeze {name} is there{}: no upgrade starts{}. `kubectl eks-upgrade thaw {name}` ends it.\n",
        from.map_or_else(String::new, |from| format!(", from {from} on")),
        until.map_or_else(String::new, |until| format!(" until {until}")),
    ))?;
    match objects::list(&connection, true, None).await {
        Ok(all) => print(&concerns(&all, selector.as_ref()))?,
        // It holds, whether or not this person may see whom.
        Err(failure) => note(format_args!("It is not known whom it concerns: {failure}")),
    }
    Ok(Exit::Fine)
}

/// Whom a freeze concerns, and what goes on all the same.
fn concerns(all: &[Listed], selector: Option<&Selector>) -> String {
    let nothing = BTreeMap::new();
    let is_selected = |listed: &&Listed| {
        let labels = listed.raw.metadata.labels.as_ref().unwrap_or(&nothing);
        selector.is_none_or(|selector| selector.matches(labels))
    };
    let selected: Vec<&Listed> = all.iter().filter(is_selected).collect();
    let now = Timestamp::now();
    let running: Vec<String> = selected
        .iter()
        .filter_map(|listed| {
            let running = shown::running(listed.read.as_ref().ok()?, now)?;
            Some(format!(
                "{}/{} {running}",
                listed.namespace(),
                listed.name()
            ))
        })
        .collect();
    let mut said = format!(
        "It selects {} of {} ClusterUpgrades.\n",
        selected.len(),
        all.len()
    );
    if !running.is_empty() {
        let more = running.len().saturating_sub(NAMED);
        let named: Vec<&str> = running.iter().take(NAMED).map(String::as_str).collect();
        add(
            &mut said,
            format_args!("What runs goes on: {}", named.join(", ")),
        );
        if more > 0 {
            add(&mut said, format_args!(" and {more} more"));
        }
        said.push_str(".\n");
    }
    said
}

/// Ends a freeze.
pub async fn thaw(cluster: &ClusterArgs, args: ThawArgs) -> Result<Exit, Failure> {
    let ThawArgs { name } = args;
    let connection = Connection::open(cluster).await?;
    let api: Api<UpgradeFreeze> = Api::all(connection.client.clone());
    let doing = format!("delete UpgradeFreeze {name}");
    let found = match api.get(&name).await {
        Ok(found) => found,
        Err(error) => return Err(not_there(&api, &name, &doing, &error).await),
    };
    let deleted = api.delete(&name, &DeleteParams::default()).await;
    if let Err(error) = deleted {
        return Err(Failure::of_kubernetes(&doing, &error));
    }
    print(&format!(
        "UpgradeFreeze {name} is gone: what it stopped starts once every other check and gate lets it.\n"
    ))?;
    for owner in gitops::owners(&found.metadata) {
        note(format_args!("{}", owner.brings_back()));
    }
    Ok(Exit::Fine)
}

async fn not_there(
    api: &Api<UpgradeFreeze>,
    name: &str,
    doing: &str,
    error: &kube::Error,
) -> Failure {
    let is_missing = matches!(error, kube::Error::Api(status) if status.code == 404);
    match api.list(&ListParams::default()).await {
        Ok(list) if is_missing => {
            let names: Vec<String> = list
                .items
                .into_iter()
                .filter_map(|freeze| freeze.metadata.name)
                .collect();
            let next = if names.is_empty() {
                "There is no UpgradeFreeze at all.".to_owned()
            } else {
                format!("There are: {}.", names.join(", "))
            };
            Failure::new(format!("there is no UpgradeFreeze {name}"), next)
        }
        _ => Failure::of_kubernetes(doing, error),
    }
}

/// `a=b,c!=d,e in (x,y),f notin (x,y),g,!h`, as kubectl has it. What Kubernetes would not take as a label is refused by it.
fn parse(text: &str) -> Result<Selector, Failure> {
    let wrong = |why: &str| {
        Failure::new(
            format!("{text:?} is no selector: {why}"),
            "Write labels such as team=payments,tier!=test,zone in (a,b),canary,!legacy.",
        )
    };
    let parts = split(text).ok_or_else(|| wrong("a bracket is open or is closed twice"))?;
    let mut expressions = Vec::new();
    let mut wanted: BTreeMap<String, String> = BTreeMap::new();
    for part in parts {
        let part = part.trim();
        let expression =
            requirement(part).ok_or_else(|| wrong(&format!("{part:?} is no requirement")))?;
        if let Expression::Equal(key, value) = &expression {
            // A LabelSelector has one value for each label: of two the last would count, and something else be frozen.
            if let Some(before) = wanted.insert(key.clone(), value.clone())
                && before != *value
            {
                return Err(wrong(&format!("{key} cannot be {before} and {value}")));
            }
        }
        expressions.push(expression);
    }
    Ok(expressions.into_iter().collect())
}

/// At the commas that are in no brackets.
fn split(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut rest, mut is_open, mut at) = (text, false, 0);
    for c in text.chars() {
        match c {
            '(' if is_open => return None,
            ')' if !is_open => return None,
            '(' => is_open = true,
            ')' => is_open = false,
            ',' if !is_open => {
                let (part, after) = rest.split_at_checked(at)?;
                parts.push(part);
                rest = after.strip_prefix(',')?;
                at = 0;
                continue;
            }
            _ => {}
        }
        at += c.len_utf8();
    }
    parts.push(rest);
    (!is_open).then_some(parts)
}

fn is_word(word: &str) -> bool {
    !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

fn requirement(part: &str) -> Option<Expression> {
    if let Some((head, values)) = part.split_once('(') {
        return set(head, values.strip_suffix(')')?);
    }
    let pair = |key: &str, value: &str| {
        let (key, value) = (key.trim(), value.trim());
        (is_word(key) && (value.is_empty() || is_word(value)))
            .then(|| (key.to_owned(), value.to_owned()))
    };
    if let Some((key, value)) = part.split_once("!=") {
        let (key, value) = pair(key, value)?;
        Some(Expression::NotEqual(key, value))
    } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
        let (key, value) = pair(key, value)?;
        Some(Expression::Equal(key, value))
    } else if let Some(key) = part.strip_prefix('!') {
        let key = key.trim();
        is_word(key).then(|| Expression::DoesNotExist(key.to_owned()))
    } else {
        is_word(part).then(|| Expression::Exists(part.to_owned()))
    }
}

/// `key in` or `key notin`, and what is between the brackets.
fn set(head: &str, values: &str) -> Option<Expression> {
    let mut words = head.split_whitespace();
    let (key, operator) = (words.next()?, words.next()?);
    if words.next().is_some() || !is_word(key) {
        return None;
    }
    let values: BTreeSet<String> = values
        .split(',')
        .map(str::trim)
        .map(|value| is_word(value).then(|| value.to_owned()))
        .collect::<Option<_>>()?;
    match operator {
        "in" => Some(Expression::In(key.to_owned(), values)),
        "notin" => Some(Expression::NotIn(key.to_owned(), values)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_is_read_as_kubectl_does() {
        let selector = parse(
            "team=payments, tier!=test,canary,! legacy,zone==a,e in (x, y),f notin (z),empty=",
        )
        .unwrap();
        assert_eq!(
            selector.to_string(),
            "team=payments,tier!=test,canary,!legacy,zone=a,e in (x,y),f notin (z),empty="
        );
        for wrong in [
            "",
            "a=b,",
            "a of (b)",
            "=b",
            "a=b=c d",
            "a in b",
            "a in (b",
            "a in (b))",
            "a in ((b))",
            "a in ()",
            "in (b)",
            "a in (b) c",
            "a in (b,)",
            "a===b",
            "ä=b,c",
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_frozen_is_what_was_asked_for() {
        // In a LabelSelector the second of these would be all that is left.
        assert!(parse("team=payments,team=audit").is_err());
        let selector = parse("team=payments,team=payments,zone in (b,a),zone!=c").unwrap();
        let labels = serde_json::to_value(LabelSelector::from(selector)).unwrap();
        assert_eq!(
            labels,
            serde_json::json!({
                "matchLabels": {"team": "payments"},
                "matchExpressions": [
                    {"key": "zone", "operator": "In", "values": ["a", "b"]},
                    {"key": "zone", "operator": "NotIn", "values": ["c"]},
                ],
            })
        );
    }
}
