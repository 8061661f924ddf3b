//! What the types of a scenario cannot hold: names, ranges, and fields that need each other.

mod addons;

use super::{ClusterSpec, EventSpec, FaultKind, FaultSpec, Findings, Scenario};
use crate::simulator::api::HealthIssue;
use crate::simulator::identity::role_account;

type Checked = Result<(), String>;

/// Checks a whole scenario.
pub(super) fn scenario(scenario: &Scenario) -> Checked {
    account("accountId", &scenario.account_id)?;
    region("region", &scenario.region)?;
    for (field, number) in [
        ("requestsPerSecond", scenario.requests_per_second),
        ("burst", scenario.burst),
    ] {
        if number.is_some_and(|number| !number.is_finite() || number <= 0.0) {
            return Err(format!("{field}: must be greater than 0"));
        }
    }
    for (index, key) in scenario.sts.access_keys.iter().enumerate() {
        account(
            &format!("sts.accessKeys[{index}].accountId"),
            &key.account_id,
        )?;
    }
    let denied = scenario.sts.denied_roles.iter();
    for arn in denied.chain(scenario.sts.roles.iter().map(|role| &role.arn)) {
        if role_account(arn).is_none() {
            return Err(format!("sts: {arn:?} is not the ARN of a role"));
        }
    }
    for (index, version) in scenario.versions.iter().enumerate() {
        let path = format!("versions[{index}]");
        let ends = version
            .support_ends()
            .map_err(|why| format!("{path}: {why}"))?;
        if version.release_date > ends.0 || ends.0 > ends.1 {
            return Err(format!(
                "{path}: the release, the end of standard support and the end of extended support \
                 must come in this order"
            ));
        }
    }
    addons::catalogue("addonVersions", &scenario.addon_versions)?;
    clusters("clusters", &scenario.clusters)?;
    for (index, cluster) in scenario.clusters.iter().enumerate() {
        let place = |spec: &ClusterSpec| {
            (
                spec.name.clone(),
                spec.account_id
                    .clone()
                    .unwrap_or_else(|| scenario.account_id.clone()),
                spec.region
                    .clone()
                    .unwrap_or_else(|| scenario.region.clone()),
            )
        };
        let here = place(cluster);
        if scenario
            .clusters
            .iter()
            .take(index)
            .any(|other| place(other) == here)
        {
            let (name, account, region) = here;
            return Err(format!(
                "clusters[{index}].name: there is a cluster {name} in {account} {region} already"
            ));
        }
    }
    faults("faults", &scenario.faults)
}

/// Checks clusters, each by itself.
pub(super) fn clusters(path: &str, clusters: &[ClusterSpec]) -> Checked {
    for (index, cluster) in clusters.iter().enumerate() {
        let path = format!("{path}[{index}]");
        name(&format!("{path}.name"), "cluster", 100, &cluster.name)?;
        if let Some(id) = &cluster.account_id {
            account(&format!("{path}.accountId"), id)?;
        }
        if let Some(named) = &cluster.region {
            region(&format!("{path}.region"), named)?;
        }
        findings(
            &format!("{path}.insights.upgrade"),
            &cluster.insights.upgrade,
        )?;
        findings(
            &format!("{path}.insights.rollback"),
            &cluster.insights.rollback,
        )?;
        for (index, nodegroup) in cluster.nodegroups.iter().enumerate() {
            let path = format!("{path}.nodegroups[{index}].name");
            name(&path, "node group", 63, &nodegroup.name)?;
            let mut earlier = cluster.nodegroups.iter().take(index);
            if earlier.any(|other| other.name == nodegroup.name) {
                return Err(format!("{path}: there is a {} already", nodegroup.name));
            }
        }
        for (index, installed) in cluster.addons.iter().enumerate() {
            let path = format!("{path}.addons[{index}]");
            addons::installed(&path, installed)?;
            let mut earlier = cluster.addons.iter().take(index);
            if earlier.any(|other| other.name == installed.name) {
                return Err(format!(
                    "{path}.name: there is a {} already",
                    installed.name
                ));
            }
        }
        issues(&format!("{path}.health"), &cluster.health)?;
        let tagged = cluster.tags.iter().map(|(key, value)| (key, Some(value)));
        tags(&format!("{path}.tags"), tagged)?;
        for (index, past) in cluster.history.iter().enumerate() {
            let about_versions = matches!(past.kind.as_str(), "VersionUpdate" | "VersionRollback");
            if about_versions && past.version.is_none() {
                return Err(format!(
                    "{path}.history[{index}].version: a {} needs the version it led to",
                    past.kind
                ));
            }
        }
        for (index, outcome) in cluster.outcomes.iter().enumerate() {
            if outcome.cancelled && outcome.fail.is_some() {
                return Err(format!(
                    "{path}.outcomes[{index}]: an update either fails or is cancelled"
                ));
            }
        }
        for (index, each) in cluster.events.iter().enumerate() {
            event(&format!("{path}.events[{index}]"), each)?;
        }
        faults(&format!("{path}.faults"), &cluster.faults)?;
    }
    Ok(())
}

/// Checks one event.
pub(super) fn event(path: &str, event: &EventSpec) -> Checked {
    event
        .happening()
        .map(drop)
        .map_err(|why| format!("{path}: {why}"))?;
    if let Some(nodegroup) = &event.nodegroup {
        let path = format!("{path}.nodegroup.name");
        name(&path, "node group", 63, &nodegroup.name)?;
    }
    if let Some(changed) = &event.addon {
        addons::installed(&format!("{path}.addon"), changed)?;
    }
    if let Some(found) = &event.health {
        issues(&format!("{path}.health"), found)?;
    }
    if let Some(changes) = &event.tags {
        let changes = changes.iter().map(|(key, value)| (key, value.as_ref()));
        tags(&format!("{path}.tags"), changes)?;
    }
    if let Some(change) = &event.insights {
        for (category, changed) in [("upgrade", &change.upgrade), ("rollback", &change.rollback)] {
            if let Some(changed) = changed {
                findings(&format!("{path}.insights.{category}"), changed)?;
            }
        }
    }
    Ok(())
}

/// Insights are told apart by name and version.
fn findings(path: &str, findings: &Findings) -> Checked {
    let Findings::Each(list) = findings else {
        return Ok(());
    };
    for (index, one) in list.iter().enumerate() {
        for (position, deprecation) in one.deprecations.iter().enumerate() {
            let path = format!("{path}[{index}].deprecations[{position}]");
            said(&format!("{path}.usage"), &deprecation.usage)?;
            for (position, client) in deprecation.clients.iter().enumerate() {
                said(
                    &format!("{path}.clients[{position}].userAgent"),
                    &client.user_agent,
                )?;
            }
        }
        for (position, resource) in one.resources.iter().enumerate() {
            said(&format!("{path}[{index}].resources[{position}]"), resource)?;
        }
        let same = list.iter().take(index).any(|other| {
            let differ = other.version.is_some() && one.version.is_some();
            other.name == one.name && !(differ && other.version != one.version)
        });
        if same {
            return Err(format!(
                "{path}[{index}]: there is an insight {:?} already: give each its own version",
                one.name
            ));
        }
    }
    Ok(())
}

/// Checks faults, each by itself.
pub(super) fn faults(path: &str, faults: &[FaultSpec]) -> Checked {
    for (index, fault) in faults.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if fault
            .probability
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return Err(format!("{path}.probability: must be between 0 and 1"));
        }
        let waits = matches!(fault.kind, FaultKind::Hang | FaultKind::Delay);
        if waits != fault.lasts.is_some() {
            return Err(format!(
                "{path}.lasts: hang and delay need it, no other kind has it"
            ));
        }
        if fault.work.is_some() && fault.kind != FaultKind::Hang {
            return Err(format!("{path}.work: only hang has it"));
        }
        let answers = matches!(
            fault.kind,
            FaultKind::Throttling
                | FaultKind::ServerError
                | FaultKind::ServiceUnavailable
                | FaultKind::AccessDenied
                | FaultKind::Error
        );
        let says = fault.code.is_some() || fault.status.is_some() || fault.message.is_some();
        if says && !answers {
            return Err(format!(
                "{path}: code, status and message are for kinds that answer with an error"
            ));
        }
        if fault.kind == FaultKind::Error && fault.code.is_none() {
            return Err(format!("{path}.code: error needs it"));
        }
        if fault
            .status
            .is_some_and(|status| !(400..=599).contains(&status))
        {
            return Err(format!("{path}.status: must be between 400 and 599"));
        }
    }
    Ok(())
}

fn account(path: &str, id: &str) -> Checked {
    if id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(())
    } else {
        Err(format!(
            "{path}: {id:?} is not an account id: write twelve digits in quotes"
        ))
    }
}

fn region(path: &str, region: &str) -> Checked {
    let lower = region
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if lower && region.split('-').count() >= 3 {
        Ok(())
    } else {
        Err(format!(
            "{path}: {region:?} is not a region such as us-west-2"
        ))
    }
}

fn issues(path: &str, issues: &[HealthIssue]) -> Checked {
    for (index, issue) in issues.iter().enumerate() {
        said(&format!("{path}[{index}].code"), &issue.code)?;
    }
    Ok(())
}

/// AWS's own limits; what it allows in keys and values is wider than needs to be checked.
fn tags<'a>(path: &str, tags: impl Iterator<Item = (&'a String, Option<&'a String>)>) -> Checked {
    for (key, value) in tags {
        if !(1..=128).contains(&key.chars().count()) {
            return Err(format!(
                "{path}: the key {key:?} must have 1 to 128 characters"
            ));
        }
        if value.is_some_and(|value| value.chars().count() > 256) {
            return Err(format!(
                "{path}: the value of {key} must have at most 256 characters"
            ));
        }
    }
    Ok(())
}

fn said(path: &str, text: &str) -> Checked {
    if text.trim().is_empty() {
        Err(format!("{path}: must not be empty"))
    } else {
        Ok(())
    }
}

/// EKS's own rule: letters, digits, hyphens and underscores, a letter or digit first, at most so many.
fn name(path: &str, what: &str, most: usize, name: &str) -> Checked {
    let mut bytes = name.bytes();
    let first = bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    let rest = bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if first && rest && name.len() <= most {
        Ok(())
    } else {
        Err(format!(
            "{path}: {name:?} is not a {what} name: EKS takes 1 to {most} letters, digits, hyphens \
             and underscores, starting with a letter or digit"
        ))
    }
}
