//! What the objects tell: whether they are looked at, and what the operator lacks in AWS.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::api::{CheckResult, ClusterUpgrade, Reason};

use super::super::connect::Connection;
use super::super::objects::{Listed, list};
use super::super::shown;
use super::report::Finding;

const CHECK: &str = "Objects";
const AWS: &str = "Rights in AWS";
/// Until then an object need not have been looked at.
const SOON: SignedDuration = SignedDuration::from_mins(2);
/// How many names or findings are said.
const NAMED: usize = 5;

pub async fn look(connection: &Connection, now: Timestamp) -> Vec<Finding> {
    let all = match list(connection, true, None).await {
        Ok(all) => all,
        Err(failure) => {
            return vec![Finding::warning(
                CHECK,
                failure.to_string(),
                "Ask somebody who may.",
            )];
        }
    };
    if all.is_empty() {
        return vec![Finding::warning(
            CHECK,
            "There are no ClusterUpgrades, and so nothing tells whether the operator can work.",
            "docs/first-upgrade.md begins with a plan, which changes nothing.",
        )];
    }
    let late = late(&all, now);
    let mut findings = vec![looked_at(&all, &late)];
    let unread: Vec<String> = all
        .iter()
        .filter(|listed| listed.read.is_err())
        .map(called)
        .collect();
    if !unread.is_empty() {
        findings.push(Finding::warning(
            CHECK,
            format!(
                "{} cannot be understood: {}.",
                count(unread.len()),
                named(&unread)
            ),
            "Correct them, or use the plugin of the operator's version.",
        ));
    }
    findings.extend(in_aws(&all));
    findings
}

fn called(listed: &Listed) -> String {
    format!("{}/{}", listed.namespace(), listed.name())
}

fn count(number: usize) -> String {
    match number {
        1 => "1 object".to_owned(),
        number => format!("{number} objects"),
    }
}

fn named(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The objects that nobody has looked at, though there was time.
fn late(all: &[Listed], now: Timestamp) -> Vec<String> {
    let is_late = |object: &ClusterUpgrade| {
        let created = object.metadata.creation_timestamp.as_ref();
        let is_old = created.is_none_or(|at| now.duration_since(at.0) > SOON);
        is_old && !shown::is_decided(object) && !is_edited_lately(&object.metadata, now)
    };
    all.iter()
        .filter(|listed| listed.read.as_ref().is_ok_and(is_late))
        .map(called)
        .collect()
}

/// Whether somebody other than the operator, which writes the status, has just written.
fn is_edited_lately(metadata: &ObjectMeta, now: Timestamp) -> bool {
    let entries = metadata.managed_fields.iter().flatten();
    let mut times = entries
        .filter(|entry| entry.subresource.is_none())
        .filter_map(|entry| entry.time.as_ref());
    times.any(|at| now.duration_since(at.0) <= SOON)
}

/// Whether somebody decides: the best sign that an operator works, wherever it runs.
fn looked_at(all: &[Listed], late: &[String]) -> Finding {
    if late.is_empty() {
        Finding::ok(
            CHECK,
            format!(
                "{} there, and none has waited for more than two minutes to be looked at.",
                count(all.len())
            ),
        )
    } else {
        Finding::failed(
            CHECK,
            format!(
                "{} of {} not looked at as they are now: {}.",
                late.len(),
                count(all.len()),
                named(late)
            ),
            "See that an operator runs, leads, and watches their namespaces.",
        )
    }
}

/// What the operator could not do in AWS, as the objects say it.
fn in_aws(all: &[Listed]) -> Vec<Finding> {
    let mut said: BTreeMap<(Reason, String), Vec<String>> = BTreeMap::new();
    for listed in all {
        let Ok(object) = &listed.read else { continue };
        let reason = shown::reason(object);
        if let Some(
            reason @ (Reason::AccessDenied
            | Reason::CredentialsUnavailable
            | Reason::EksUnavailable),
        ) = reason
        {
            let message = shown::message(object).to_owned();
            said.entry((reason, message))
                .or_default()
                .push(called(listed));
        }
        for lacking in lacking(object) {
            said.entry((Reason::PreflightUnknown, lacking))
                .or_default()
                .push(called(listed));
        }
    }
    let mut findings: Vec<Finding> = said
        .iter()
        .take(NAMED)
        .map(|((reason, message), objects)| {
            let message = format!("{reason} for {}: {message}", named(objects));
            if *reason == Reason::EksUnavailable {
                Finding::warning(
                    AWS,
                    message,
                    "Wait; if it stays, see the way to AWS and its endpoints.",
                )
            } else {
                Finding::failed(
                    AWS,
                    message,
                    "Give the operator what is named; deploy/iam has the policies.",
                )
            }
        })
        .collect();
    let note = "eks:UpdateClusterVersion cannot be tried without doing it: whether it is allowed shows at the first upgrade.";
    if findings.is_empty() {
        findings.push(Finding::ok(
            AWS,
            format!("No object tells of a read that was refused. {note}"),
        ));
    } else {
        findings.push(Finding::warning(
            AWS,
            note,
            "`aws iam simulate-principal-policy` can tell before.",
        ));
    }
    findings
}

/// The findings of checks that could not run: they are called after the permission that is missing.
fn lacking(object: &ClusterUpgrade) -> Vec<String> {
    let preflight = object
        .status
        .as_ref()
        .and_then(|status| status.preflight.as_ref());
    let checks = preflight.into_iter().flat_map(|checks| &checks.checks);
    let findings = checks.flat_map(|check| &check.findings);
    findings
        .filter(|finding| finding.result == CheckResult::Unknown && finding.id.starts_with("eks:"))
        .map(|finding| finding.id.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::report::Found;
    use super::*;

    fn listed(name: &str, status: &Value) -> Listed {
        let object = json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"namespace": "team", "name": name},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": name},
                "version": "1.34",
            },
            "status": status,
        });
        Listed::of(serde_json::from_value(object).unwrap())
    }

    fn not_ready(reason: &str, message: &str) -> Value {
        json!({"conditions": [{
            "type": "Ready", "status": "False", "reason": reason, "message": message,
            "lastTransitionTime": "2026-11-24T12:00:00Z",
        }]})
    }

    #[test]
    fn what_was_refused_is_said_once_with_those_whom_it_concerns() {
        let denied = not_ready("AccessDenied", "eks:DescribeCluster is missing");
        let mut unknown = not_ready(
            "PreflightUnknown",
            "AddonCompatibility could not be checked",
        );
        let at = "2026-11-24T12:00:00Z";
        let finding = json!({"id": "eks:ListAddons", "result": "Unknown", "message": "denied"});
        unknown["preflight"] = json!({"version": "1.34", "result": "Unknown", "checks": [{
            "code": "AddonCompatibility", "result": "Unknown", "message": "", "since": at, "findings": [finding],
        }]});
        let said = in_aws(&[
            listed("a", &denied),
            listed("b", &denied),
            listed("c", &unknown),
            listed("d", &not_ready("EksUnavailable", "no answer")),
            listed("e", &not_ready("UpToDate", "")),
        ]);
        let said: Vec<(Found, &str)> = said
            .iter()
            .map(|finding| (finding.result, finding.message.as_str()))
            .collect();
        let is_said = |result: Found, words: &str| said.contains(&(result, words));
        assert!(
            is_said(
                Found::Failed,
                "AccessDenied for team/a, team/b: eks:DescribeCluster is missing"
            ) && is_said(Found::Failed, "PreflightUnknown for team/c: eks:ListAddons")
                && is_said(Found::Warning, "EksUnavailable for team/d: no answer")
                && said.len() == 4,
            "{said:#?}"
        );
        let well = in_aws(&[listed("e", &not_ready("UpToDate", ""))]);
        assert_eq!(well.len(), 1);
        assert_eq!(well[0].result, Found::Ok);
    }

    #[test]
    fn an_object_that_was_just_edited_is_not_late_and_one_whose_status_was_is() {
        let now: Timestamp = "2026-11-24T12:05:00Z".parse().unwrap();
        let edited = |subresource: Option<&str>, time: &str| {
            let mut entry = json!({"manager": "kubectl", "operation": "Update", "time": time});
            if let Some(subresource) = subresource {
                entry["subresource"] = json!(subresource);
            }
            let metadata = json!({"name": "prod", "managedFields": [entry]});
            is_edited_lately(&serde_json::from_value(metadata).unwrap(), now)
        };
        assert!(edited(None, "2026-11-24T12:04:30Z"));
        assert!(!edited(None, "2026-11-24T12:00:30Z"));
        assert!(!edited(Some("status"), "2026-11-24T12:04:30Z"));
    }
}
