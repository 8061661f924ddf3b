//! `suspend` and `resume`: whether anything new is started for one object.

use serde_json::json;

use crate::api::ClusterUpgrade;

use super::args::{ClusterArgs, NameArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::retry::patched;
use super::{gitops, note, objects, print};
use crate::api::GateState;
use crate::text::plain;

/// As many bytes of what a gate says are shown.
const SAID: usize = 512;

/// Has nothing new started.
pub async fn suspend(cluster: &ClusterArgs, args: NameArgs) -> Result<Exit, Failure> {
    let NameArgs { name } = args;
    let connection = Connection::open(cluster).await?;
    let object = objects::upgrade(&connection, &name).await?;
    if object.spec.suspend {
        print(&format!("{name} is suspended already.\n"))?;
        return Ok(Exit::Fine);
    }
    let object = patched(&connection, &name, &json!({"spec": {"suspend": true}})).await?;
    print(&format!(
        "{name} is suspended: nothing new is started.{}\n",
        what_runs(&object)
    ))?;
    warn(&object);
    Ok(Exit::Fine)
}

/// Ends a suspension.
pub async fn resume(cluster: &ClusterArgs, args: NameArgs) -> Result<Exit, Failure> {
    let NameArgs { name } = args;
    let connection = Connection::open(cluster).await?;
    let object = objects::upgrade(&connection, &name).await?;
    if !object.spec.suspend {
        print(&format!("{name} is not suspended.\n"))?;
        return Ok(Exit::Fine);
    }
    // Taken away and not set to false, so that nobody's manifest differs from it who says nothing of it.
    let object = patched(&connection, &name, &json!({"spec": {"suspend": null}})).await?;
    print(&format!(
        "{name} is suspended no longer: what is to come starts once every check and gate lets it.\n{}`kubectl eks-upgrade status {name}` says what it waits for.\n",
        what_holds(&object)
    ))?;
    warn(&object);
    Ok(Exit::Fine)
}

fn what_runs(object: &ClusterUpgrade) -> String {
    let update = object
        .status
        .as_ref()
        .and_then(|status| status.update.as_ref());
    match update {
        Some(update) if update.is_running() => format!(
            " The update {} → {} goes on: EKS cannot pause one.",
            update.from_version, update.to_version
        ),
        // docs/protocol.md, Repetitions: it is not asked for again, but EKS may have taken it.
        Some(update) if update.is_open_intent() => format!(
            " The update {} → {} was asked for: it goes on if EKS has taken it, and is not asked for again.",
            update.from_version, update.to_version
        ),
        _ => String::new(),
    }
}

/// What stood in the way besides the suspension when the operator looked last.
fn what_holds(object: &ClusterUpgrade) -> String {
    let plan = object
        .status
        .as_ref()
        .and_then(|status| status.plan.as_ref());
    let next = plan.and_then(|plan| plan.steps.first());
    let gates = next.into_iter().flat_map(|step| &step.gates);
    let in_the_way = gates
        .filter(|gate| matches!(gate.state, GateState::Closed | GateState::Unknown))
        .filter(|gate| gate.gate != "Suspend");
    let mut said = String::new();
    for gate in in_the_way {
        said += "When it was looked at last, this stood in the way too: ";
        said += &plain(&format!("{}: {}", gate.gate, gate.message), SAID);
        said += "\n";
    }
    said
}

fn warn(object: &ClusterUpgrade) {
    for owner in gitops::owners(&object.metadata) {
        note(format_args!("{}", owner.undoes_spec("spec.suspend")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(status: &serde_json::Value) -> ClusterUpgrade {
        serde_json::from_value(json!({
            "apiVersion": "eksupgrade.dev/v1alpha1",
            "kind": "ClusterUpgrade",
            "metadata": {"name": "prod"},
            "spec": {
                "cluster": {"accountId": "111122223333", "region": "eu-central-1", "name": "prod"},
                "version": "1.34",
            },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn an_update_that_was_only_asked_for_is_not_said_to_run() {
        let update = |more: serde_json::Value| {
            let mut update = json!({
                "type": "VersionUpdate", "fromVersion": "1.33", "toVersion": "1.34",
                "requestedAt": "2026-11-24T12:00:00.400Z",
            });
            let fields = update.as_object_mut().unwrap();
            fields.extend(more.as_object().unwrap().clone());
            what_runs(&object(&json!({"update": update})))
        };
        assert!(update(json!({})).contains("if EKS has taken it"));
        let runs = json!({"id": "11111111-2222-3333-4444-555555555555", "status": "InProgress"});
        assert!(update(runs.clone()).contains("EKS cannot pause one"));
        let mut ended = runs;
        ended["status"] = json!("Failed");
        assert_eq!(update(ended), "");
    }

    #[test]
    fn a_resumed_object_tells_what_else_stands_in_the_way() {
        let gate = |gate: &str, state: &str, message: &str| json!({"gate": gate, "state": state, "message": message});
        let step = json!({"from": "1.33", "to": "1.34", "call": "UpdateClusterVersion", "gates": [
            gate("Suspend", "Closed", "spec.suspend is set"),
            gate("Hold", "Open", ""),
            gate("Window", "Closed", "opens on Sunday"),
            gate("Bake", "Pending", ""),
        ]});
        assert_eq!(
            what_holds(&object(&json!({"plan": {"steps": [step]}}))),
            "When it was looked at last, this stood in the way too: Window: opens on Sunday\n"
        );
        assert_eq!(what_holds(&object(&json!({}))), "");
    }
}
