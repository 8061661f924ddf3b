//! Whether the operator may do in Kubernetes what it does there.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::Api;
use kube::api::PostParams;

use super::super::connect::Connection;
use super::operator::Operator;
use super::report::Finding;

const CHECK: &str = "Rights in Kubernetes";

/// Group, resource, subresource and verb: what the chart grants. Those of `eksupgrade.dev` may be granted for some namespaces
/// only, which is told apart below.
const NEEDED: [(&str, &str, &str, &str); 8] = [
    ("eksupgrade.dev", "upgradefreezes", "", "list"),
    ("eksupgrade.dev", "upgradefreezes", "", "watch"),
    ("eksupgrade.dev", "clusterupgrades", "", "get"),
    ("eksupgrade.dev", "clusterupgrades", "", "list"),
    ("eksupgrade.dev", "clusterupgrades", "", "watch"),
    ("eksupgrade.dev", "clusterupgrades", "status", "patch"),
    ("events.k8s.io", "events", "", "create"),
    ("events.k8s.io", "events", "", "patch"),
];

/// Of the Lease: verb, and whether it is of the one Lease. A right to create cannot be.
const OF_THE_LEASE: [(&str, bool); 3] = [("create", false), ("get", true), ("update", true)];

pub async fn look(connection: &Connection, operator: &Operator) -> Vec<Finding> {
    let namespace = &operator.namespace;
    let user = format!(
        "system:serviceaccount:{namespace}:{}",
        operator.service_account
    );
    let of_objects = NEEDED.map(|(group, resource, subresource, verb)| {
        let slash = if subresource.is_empty() { "" } else { "/" };
        let attributes = ResourceAttributes {
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: Some(subresource.to_owned()).filter(|name| !name.is_empty()),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        (format!("{verb} {resource}{slash}{subresource}"), attributes)
    });
    let mut findings = match lacking(connection, &user, namespace, of_objects).await {
        Ok(lacks) => vec![of_what_is_looked_at(&user, &lacks)],
        Err(error) => {
            // The same would be said of the Lease.
            return vec![Finding::unseen(
                CHECK,
                &format!("what {user} may do"),
                &error,
            )];
        }
    };
    let Some((lease_namespace, lease)) = &operator.lease else {
        return findings;
    };
    let of_lease = OF_THE_LEASE.map(|(verb, is_named)| {
        let attributes = ResourceAttributes {
            group: Some("coordination.k8s.io".to_owned()),
            resource: Some("leases".to_owned()),
            namespace: Some(lease_namespace.clone()),
            name: is_named.then(|| lease.clone()),
            verb: Some(verb.to_owned()),
            ..ResourceAttributes::default()
        };
        (verb.to_owned(), attributes)
    });
    match lacking(connection, &user, namespace, of_lease).await {
        Ok(lacks) if lacks.is_empty() => {}
        Ok(lacks) => findings.push(Finding::failed(
            CHECK,
            format!(
                "{user} may not {} the Lease {lease_namespace}/{lease}: it cannot lead.",
                lacks.join(", ")
            ),
            "Install the chart's RBAC anew: docs/security.md has the rights.",
        )),
        Err(error) => findings.push(Finding::unseen(
            CHECK,
            &format!("what {user} may do with its Lease"),
            &error,
        )),
    }
    findings
}

/// Of these rights those that a service account has not.
async fn lacking<const N: usize>(
    connection: &Connection,
    user: &str,
    namespace: &str,
    rights: [(String, ResourceAttributes); N],
) -> Result<Vec<String>, kube::Error> {
    let api: Api<SubjectAccessReview> = Api::all(connection.client.clone());
    let mut lacks = Vec::new();
    for (right, attributes) in rights {
        let review = SubjectAccessReview {
            spec: SubjectAccessReviewSpec {
                user: Some(user.to_owned()),
                groups: Some(vec![
                    "system:serviceaccounts".to_owned(),
                    format!("system:serviceaccounts:{namespace}"),
                    "system:authenticated".to_owned(),
                ]),
                resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            ..SubjectAccessReview::default()
        };
        let answer = api.create(&PostParams::default(), &review).await?;
        if !answer.status.as_ref().is_some_and(|status| status.allowed) {
            lacks.push(right);
        }
    }
    Ok(lacks)
}

fn of_what_is_looked_at(user: &str, lacks: &[String]) -> Finding {
    let of_freezes = lacks.iter().any(|right| right.contains("upgradefreezes"));
    if lacks.is_empty() {
        Finding::ok(
            CHECK,
            format!("{user} has what it needs in all namespaces."),
        )
    } else if of_freezes {
        Finding::failed(
            CHECK,
            format!(
                "{user} may not, in all namespaces: {}. Without the freezes nothing starts.",
                lacks.join(", ")
            ),
            "Install the chart's RBAC anew: docs/security.md has the rights.",
        )
    } else {
        Finding::warning(
            CHECK,
            format!("{user} may not, in all namespaces: {}.", lacks.join(", ")),
            "That is as it should be where the chart's watchNamespaces names some; else install its RBAC anew.",
        )
    }
}
