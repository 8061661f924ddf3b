//! Whether the CRDs are installed, and those of this version.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use serde_json::Value;

use crate::api::crds;

use super::super::connect::Connection;
use super::report::Finding;

const CHECK: &str = "CRD";

pub async fn look(connection: &Connection) -> Vec<Finding> {
    let api: Api<CustomResourceDefinition> = Api::all(connection.client.clone());
    let mut findings = Vec::new();
    for wanted in crds() {
        let name = wanted.metadata.name.clone().unwrap_or_default();
        findings.push(match api.get_opt(&name).await {
            Ok(Some(there)) if is_same(&wanted, &there) => {
                Finding::ok(CHECK, format!("{name} is installed, as this version has it."))
            }
            Ok(Some(_)) => Finding::warning(
                CHECK,
                format!("{name} is installed, but not as this version ({}) has it.", env!("CARGO_PKG_VERSION")),
                "Upgrade the operator with its CRDs (docs/install.md), or use the plugin of its version.",
            ),
            Ok(None) => Finding::failed(
                CHECK,
                format!("{name} is not installed."),
                "docs/install.md says how to install both CRDs; the operator needs both.",
            ),
            Err(error) => Finding::unseen(CHECK, &name, &error),
        });
    }
    findings
}

/// Whether what is wanted is there, and nothing that counts beside it; the API server adds empty defaults of its own.
fn is_same(wanted: &CustomResourceDefinition, there: &CustomResourceDefinition) -> bool {
    let spec = |crd: &CustomResourceDefinition| serde_json::to_value(&crd.spec.versions).ok();
    match (spec(wanted), spec(there)) {
        (Some(wanted), Some(there)) => contains(&there, &wanted),
        _ => false,
    }
}

fn contains(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            let is_there = wanted
                .iter()
                .all(|(key, wanted)| there.get(key).is_some_and(|there| contains(there, wanted)));
            // A field that only a newer version has.
            let is_more = there
                .iter()
                .any(|(key, there)| !wanted.contains_key(key) && !is_empty(there));
            is_there && !is_more
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && there
                    .iter()
                    .zip(wanted)
                    .all(|(there, wanted)| contains(there, wanted))
        }
        _ => there == wanted,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_of_the_api_server_are_no_difference_and_fields_of_another_version_are() {
        let ours = json!({"properties": {"suspend": {"type": "boolean"}}, "required": ["suspend"]});
        let mut served = ours.clone();
        served["properties"]["suspend"]["nullable"] = json!(false);
        assert!(contains(&served, &ours));
        let mut newer = ours.clone();
        newer["properties"]["pause"] = json!({"type": "boolean"});
        assert!(!contains(&newer, &ours));
        assert!(!contains(&ours, &newer));
        let mut stricter = ours.clone();
        stricter["x-kubernetes-validations"] = json!([{"rule": "self.suspend"}]);
        assert!(!contains(&stricter, &ours));
    }
}
