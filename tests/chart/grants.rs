//! What a ServiceAccount may do, by the roles that are bound to it.

use harness::Kubectl;
use serde_json::Value;

use crate::audit::Request;

/// One verb on one resource. A wildcard is taken as it is written, and so is never used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    pub verb: String,
    pub group: String,
    pub resource: String,
    /// None: in every namespace, and on what is of none.
    pub namespace: Option<String>,
    /// None: whatever its name.
    pub name: Option<String>,
}

impl Grant {
    /// Whether the request is allowed by it.
    pub fn covers(&self, request: &Request) -> bool {
        let Self {
            verb,
            group,
            resource,
            namespace,
            name,
        } = self;
        *verb == request.verb
            && *group == request.group
            && *resource == request.resource
            && namespace
                .as_ref()
                .is_none_or(|here| *here == request.namespace)
            && name.as_ref().is_none_or(|this| *this == request.name)
    }
}

/// Everything that is granted to a ServiceAccount itself, sorted. What all service accounts may do beside it is not here.
pub async fn granted(kubectl: &Kubectl, namespace: &str, account: &str) -> Vec<Grant> {
    let mut grants = Vec::new();
    for bindings in ["clusterrolebindings", "rolebindings"] {
        for binding in list(kubectl, bindings).await {
            let subjects = binding["subjects"].as_array().cloned().unwrap_or_default();
            let is_bound = subjects.iter().any(|subject| {
                subject["kind"] == "ServiceAccount"
                    && subject["namespace"] == namespace
                    && subject["name"] == account
            });
            if !is_bound {
                continue;
            }
            let within = binding["metadata"]["namespace"].as_str();
            let role = &binding["roleRef"];
            let kind = format!("{}s", role["kind"].as_str().unwrap().to_lowercase());
            let roles = list(kubectl, &kind).await;
            let found = roles.iter().find(|found| {
                let same_place = kind == "clusterroles"
                    || found["metadata"]["namespace"] == binding["metadata"]["namespace"];
                found["metadata"]["name"] == role["name"] && same_place
            });
            for rule in found.unwrap()["rules"].as_array().unwrap() {
                grants.extend(of_rule(rule, within));
            }
        }
    }
    grants.sort();
    grants
}

async fn list(kubectl: &Kubectl, resource: &str) -> Vec<Value> {
    let said = kubectl.run(["get", resource, "--all-namespaces", "--output=json"]);
    let said = said.await.unwrap().ok().unwrap();
    let mut list: Value = serde_json::from_str(&said).unwrap();
    serde_json::from_value(list["items"].take()).unwrap()
}

fn of_rule(rule: &Value, namespace: Option<&str>) -> Vec<Grant> {
    assert!(rule["nonResourceURLs"].is_null(), "{rule}");
    let texts = |key: &str| -> Vec<String> {
        serde_json::from_value(rule[key].clone()).unwrap_or_default()
    };
    let mut names: Vec<_> = texts("resourceNames").into_iter().map(Some).collect();
    if names.is_empty() {
        names.push(None);
    }
    let mut grants = Vec::new();
    for group in texts("apiGroups") {
        for resource in texts("resources") {
            for verb in texts("verbs") {
                for name in &names {
                    grants.push(Grant {
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.clone(),
                        namespace: namespace.map(str::to_owned),
                        name: name.clone(),
                    });
                }
            }
        }
    }
    grants
}
