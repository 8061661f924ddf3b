//! The ClusterUpgrade to commit.

use serde_json::{Value, json};

use crate::api::ClusterUpgradeSpec;

/// As `kubectl apply` takes it.
pub fn object(spec: &ClusterUpgradeSpec, namespace: Option<&str>) -> Value {
    let mut metadata = json!({"name": name(&spec.cluster.name)});
    if let (Some(namespace), Some(metadata)) = (namespace, metadata.as_object_mut()) {
        metadata.insert("namespace".to_owned(), json!(namespace));
    }
    let mut spec = json!(spec);
    if let Some(fields) = spec.as_object_mut() {
        // The default.
        fields.remove("suspend");
    }
    json!({
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": metadata,
        "spec": spec,
    })
}

/// A name that Kubernetes takes, as close to the cluster's as can be.
fn name(cluster: &str) -> String {
    let kept: String = cluster
        .chars()
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
            _ => '-',
        })
        .collect();
    let name = kept.trim_matches('-');
    if name.is_empty() {
        "cluster".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn a_name_is_one_that_kubernetes_takes() {
        assert_eq!(name("prod"), "prod");
        assert_eq!(name("Prod_EU-1_"), "prod-eu-1");
        assert_eq!(name("_"), "cluster");
    }
}
