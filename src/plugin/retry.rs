//! `retry`: permits another try.

use jiff::{SignedDuration, Timestamp};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::api::{ClusterUpgrade, RETRY_ANNOTATION, Reason};

use super::args::{ClusterArgs, NameArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::{MANAGER, gitops, note, objects, print, shown};

pub async fn run(cluster: &ClusterArgs, args: NameArgs) -> Result<Exit, Failure> {
    let NameArgs { name } = args;
    let connection = Connection::open(cluster).await?;
    let object = objects::upgrade(&connection, &name).await?;
    let Some(permitted) = permits(shown::reason(&object), shown::is_decided(&object)) else {
        print(&format!(
            "{name} is {}: there is nothing to try again, and nothing was changed.\n",
            shown::state(&object)
        ))?;
        return Ok(Exit::Fine);
    };
    let at = later_than_the_last(&object, Timestamp::now());
    let patch = json!({"metadata": {"annotations": {RETRY_ANNOTATION: format!("{at:.3}")}}});
    // As the API server answers: what was read before is without those who wrote to it.
    let object = patched(&connection, &name, &patch).await?;
    print(&format!("{name}: {permitted}\n"))?;
    for owner in gitops::owners(&object.metadata) {
        note(format_args!("{}", owner.of_annotation()));
    }
    Ok(Exit::Fine)
}

/// Now; or right after the last update began, where this machine's clock is behind: only what is older is tried again.
fn later_than_the_last(object: &ClusterUpgrade, now: Timestamp) -> Timestamp {
    const RIGHT_AFTER: SignedDuration = SignedDuration::from_millis(1);
    let after = last_began(object).and_then(|began| began.checked_add(RIGHT_AFTER).ok());
    after.map_or(now, |after| now.max(after))
}

fn last_began(object: &ClusterUpgrade) -> Option<Timestamp> {
    let update = object.status.as_ref()?.update.as_ref()?;
    update.created_at.max(update.requested_at)
}

/// Whether the annotation permits another try of the last update: only what is older than it is tried again.
pub fn is_permitted(object: &ClusterUpgrade) -> bool {
    let annotations = object.metadata.annotations.as_ref();
    let at = annotations.and_then(|all| all.get(RETRY_ANNOTATION)?.parse::<Timestamp>().ok());
    at.zip(last_began(object))
        .is_some_and(|(at, began)| at > began)
}

/// What another try is of an object with this reason; `None` where there is nothing to try.
fn permits(reason: Option<Reason>, is_decided: bool) -> Option<&'static str> {
    if !is_decided {
        return Some(
            "another try is permitted, once the operator has looked at the object as it is now.",
        );
    }
    match reason {
        Some(Reason::UpToDate | Reason::Updating) => None,
        Some(
            Reason::UpdateFailed
            | Reason::UpdateCancelled
            | Reason::UpdateLost
            | Reason::RolledBackElsewhere,
        ) => Some("another try is permitted. It starts once every check and gate lets it."),
        Some(Reason::PreflightFailed | Reason::PreflightUnknown) => {
            Some("the checks are made again now, with insights that EKS refreshes first.")
        }
        // Also one that a newer operator has.
        _ => Some(
            "it is looked at again now. What stands in the way has to be gone, or it stays as it is.",
        ),
    }
}

/// Changes an object, as the plugin.
///
/// # Errors
/// Where the API server does not take it.
pub async fn patched(
    connection: &Connection,
    name: &str,
    patch: &serde_json::Value,
) -> Result<ClusterUpgrade, Failure> {
    let doing = format!("change ClusterUpgrade {}/{name}", connection.namespace);
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let api = connection.upgrades();
    let changed = api.patch(name, &params, &Patch::Merge(patch)).await;
    changed.map_err(|error| Failure::of_kubernetes(&doing, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_behind_permits_a_try_all_the_same() {
        let object: ClusterUpgrade = serde_json::from_value(json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": "prod"},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "prod"},
                "version": "1.34",
            },
            "status": {"update": {
                "type": "VersionUpdate", "status": "Failed", "fromVersion": "1.33", "toVersion": "1.34",
                "requestedAt": "2026-11-24T12:00:00.400Z", "createdAt": "2026-11-24T12:00:00.500Z",
            }},
        }))
        .unwrap();
        let at = |now: &str| {
            let at = later_than_the_last(&object, now.parse().unwrap());
            format!("{at:.3}")
        };
        assert_eq!(at("2026-11-24T11:58:00Z"), "2026-11-24T12:00:00.501Z");
        assert_eq!(at("2026-11-24T12:00:00.5Z"), "2026-11-24T12:00:00.501Z");
        assert_eq!(at("2026-11-24T12:07:00Z"), "2026-11-24T12:07:00.000Z");
    }
}
