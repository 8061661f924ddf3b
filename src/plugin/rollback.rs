//! `rollback`: the lines to commit. Nothing is changed.

use jiff::Timestamp;

use crate::api::{ClusterUpgrade, Minor, RollbackReadiness};
use crate::eks::is_update_id;
use crate::text::plain;

use super::args::{ClusterArgs, RollbackArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::shown::add;
use super::{gitops, note, objects, print, shown};

pub async fn run(cluster: &ClusterArgs, args: RollbackArgs) -> Result<Exit, Failure> {
    let RollbackArgs { name } = args;
    let connection = Connection::open(cluster).await?;
    let object = objects::upgrade(&connection, &name).await?;
    print(&lines(&object, Timestamp::now())?)?;
    for said in gitops::owners(&object.metadata) {
        note(format_args!(
            "{said} brings what is in Git: commit the lines there."
        ));
    }
    Ok(Exit::Fine)
}

/// The lines, with what a person has to know before; or why there are none.
///
/// # Errors
/// Where EKS would not take the last upgrade back.
pub fn lines(object: &ClusterUpgrade, now: Timestamp) -> Result<String, Failure> {
    let status = object.status.as_ref();
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let current = status.and_then(|status| Some(status.cluster.as_ref()?.version.as_str()));
    let readiness = status.and_then(|status| status.rollback.as_ref());
    let (Some(current), Some(readiness)) = (current, readiness) else {
        return Err(Failure::new(
            format!("nothing of {name} can be rolled back, as far as the operator knows"),
            "EKS takes back an upgrade by one minor for seven days, and no version that a cluster was created with. `kubectl eks-upgrade status` says how it is now; docs/rollback.md has the rest.",
        ));
    };
    let RollbackReadiness {
        eligible,
        to_version,
        update_id,
        expires_at,
        blockers,
        checked_at,
    } = readiness;
    if *expires_at <= now {
        return Err(Failure::new(
            format!(
                "the seven days in which EKS takes the upgrade of {name} back ended at {expires_at}"
            ),
            "Go forward instead: a version that mends what is wrong, or a new cluster.",
        ));
    }
    let Ok(current) = current.parse::<Minor>() else {
        return Err(Failure::new(
            format!(
                "status.cluster of {name} names {current:?}, which is no version of Kubernetes"
            ),
            "Somebody has changed the status: the operator writes it anew with its next look.",
        ));
    };
    if !is_update_id(update_id) {
        return Err(Failure::new(
            format!(
                "status.rollback of {name} names {update_id:?}, which is no id of an EKS update"
            ),
            "Somebody has changed the status: the operator writes it anew with its next look.",
        ));
    }
    let update = status.and_then(|status| status.update.as_ref());
    if let Some(running) = update.filter(|update| update.is_running() || update.is_open_intent()) {
        return Err(Failure::new(
            format!(
                "the update {} → {} of {name} runs: nothing else can begin",
                running.from_version, running.to_version
            ),
            format!("Wait for its end: `kubectl eks-upgrade watch {name}`."),
        ));
    }
    let said: Vec<String> = blockers
        .iter()
        .map(|blocker| format!("{}: {}", blocker.code, plain(&blocker.message, 1024)))
        .collect();
    if !eligible {
        return Err(Failure::new(
            format!(
                "{name} cannot be rolled back to {to_version} now: {}",
                said.join("; ")
            ),
            format!(
                "Mend that; the operator looks again by itself. It is possible until {expires_at}."
            ),
        ));
    }
    let mut text = format!(
        "# Takes cluster {} back from {current} to {to_version}. Possible until {expires_at}: {} from now.\n# Add-ons, node groups and what runs in the cluster stay as they are; nodes must not be newer than {to_version}.\n# EKS's insights were read {} ago, and are looked at once more before anything is sent.\n",
        plain(&object.spec.cluster.name, 128),
        shown::age(now, *expires_at),
        shown::age(*checked_at, now),
    );
    add(
        &mut text,
        format_args!(
            "spec:\n  version: \"{to_version}\"\n  rollback:\n    fromVersion: \"{current}\"\n    updateId: \"{update_id}\"\n"
        ),
    );
    let forced = object.spec.force.as_ref();
    let is_refused = forced.is_some_and(|force| {
        let version = force.version.parse::<Minor>();
        version.is_ok_and(|version| version > *to_version)
    });
    if is_refused {
        text.push_str("  # Of a version that is no longer wanted; the API server would refuse it.\n  force: null\n");
    }
    if object.spec.suspend {
        text.push_str("  # Nothing starts while it is true.\n  suspend: false\n");
    }
    Ok(text)
}
