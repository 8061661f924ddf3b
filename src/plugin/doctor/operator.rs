//! Whether the operator runs and leads, as whom, and whether its endpoints answer.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Pod, PodSpec, ServiceAccount};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Api;
use kube::api::ListParams;

use crate::leader::record;

use super::super::connect::Connection;
use super::super::shown;
use super::report::Finding;

const CHECK: &str = "Operator";
const LEADER: &str = "Leader";
const IDENTITY: &str = "Identity";
const ENDPOINTS: &str = "Endpoints";
/// As the chart and the kustomize base label everything.
const LABEL: &str = "app.kubernetes.io/name=eks-upgrade-operator";
const PORT: u16 = 8080;
/// The name of the Lease where nothing else is said, and that of the chart's and the kustomize base's.
const LEASE: &str = "eks-upgrade-operator";
/// A lease that says nothing of it lasts as long as the operator's by default.
const LASTS: SignedDuration = SignedDuration::from_secs(15);

/// Where an operator runs, and as whom in Kubernetes.
#[derive(Clone, Debug)]
pub struct Operator {
    pub namespace: String,
    pub name: String,
    pub service_account: String,
    /// Namespace and name of the Lease by which its pods elect one.
    pub lease: Option<(String, String)>,
    /// The labels of its pods, as a selector.
    pub pods: String,
    /// The role that its environment names.
    role: Option<String>,
}

/// What was found of all of them.
#[derive(Default)]
pub struct Operators {
    pub found: Vec<Operator>,
    pub findings: Vec<Finding>,
}

pub async fn look(connection: &Connection, namespace: Option<&str>, now: Timestamp) -> Operators {
    let client = connection.client.clone();
    let api: Api<Deployment> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut operators = Operators::default();
    let deployments = match api.list(&ListParams::default().labels(LABEL)).await {
        Ok(list) => list.items,
        Err(error) => {
            let what = format!("Deployments with the label {LABEL}");
            operators
                .findings
                .push(Finding::unseen(CHECK, &what, &error));
            return operators;
        }
    };
    if deployments.is_empty() {
        let place = namespace.map_or("any namespace".to_owned(), |name| {
            format!("namespace {name}")
        });
        let make = match namespace {
            // That it is there was said.
            Some(_) => Finding::failed,
            None => Finding::warning,
        };
        operators.findings.push(make(
            CHECK,
            format!("No Deployment with the label {LABEL} is in {place}."),
            "If it runs elsewhere, such as outside of the cluster, a fresh Lease and the objects below tell whether it works; else install it: docs/install.md.",
        ));
        let elsewhere = led_from_elsewhere(connection, namespace, now).await;
        operators.findings.extend(elsewhere);
    }
    for deployment in deployments {
        let spec = deployment.spec.as_ref();
        let pod = spec.and_then(|spec| spec.template.spec.as_ref());
        let account = pod.and_then(|pod| pod.service_account_name.clone());
        let namespace = deployment.metadata.namespace.clone().unwrap_or_default();
        let operator = Operator {
            lease: pod.and_then(|pod| lease_of(pod, &namespace)),
            pods: spec.map_or_else(String::new, |spec| labels(&spec.selector)),
            role: pod.and_then(role),
            namespace,
            name: deployment.metadata.name.clone().unwrap_or_default(),
            service_account: account.unwrap_or_else(|| "default".to_owned()),
        };
        operators.findings.push(replicas(&operator, &deployment));
        operators.findings.extend(version(&operator, &deployment));
        operators
            .findings
            .push(leader(connection, &operator, &deployment, now).await);
        operators
            .findings
            .push(identity(connection, &operator).await);
        operators.found.push(operator);
    }
    if operators.found.len() > 1 {
        operators.findings.push(Finding::warning(
            CHECK,
            format!("There are {} Deployments of the operator.", operators.found.len()),
            "Two that watch the same namespaces and share no Lease get in each other's way: see that each has namespaces of its own.",
        ));
    }
    operators
}

/// A selector for the pods of one Deployment: others in its namespace may be of the same program.
fn labels(selector: &LabelSelector) -> String {
    let all = selector.match_labels.iter().flatten();
    let all: Vec<String> = all.map(|(key, value)| format!("{key}={value}")).collect();
    if all.is_empty() {
        LABEL.to_owned()
    } else {
        all.join(",")
    }
}

/// Set by hand; IRSA sets it in the pods only.
fn role(pod: &PodSpec) -> Option<String> {
    let mut variables = pod.containers.iter().flat_map(|c| c.env.iter().flatten());
    let role = variables.find(|env| env.name == "AWS_ROLE_ARN")?;
    role.value.clone().filter(|role| !role.is_empty())
}

fn called(operator: &Operator) -> String {
    format!("{}/{}", operator.namespace, operator.name)
}

fn replicas(operator: &Operator, deployment: &Deployment) -> Finding {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
    let wanted = wanted.unwrap_or(1);
    let status = deployment.status.as_ref();
    let ready = status.and_then(|status| status.ready_replicas).unwrap_or(0);
    let said = format!(
        "Deployment {}: {ready} of {wanted} replicas are ready.",
        called(operator)
    );
    if ready == 0 {
        let next = format!(
            "kubectl -n {} describe pods -l {LABEL}; kubectl -n {} logs -l {LABEL}",
            operator.namespace, operator.namespace
        );
        Finding::failed(CHECK, said, next)
    } else if ready < wanted {
        Finding::warning(
            CHECK,
            said,
            "One that is ready is enough to work, not to be taken over from.",
        )
    } else {
        Finding::ok(CHECK, said)
    }
}

fn version(operator: &Operator, deployment: &Deployment) -> Option<Finding> {
    let ours = env!("CARGO_PKG_VERSION");
    let labels = deployment.metadata.labels.as_ref()?;
    let theirs = labels.get("app.kubernetes.io/version")?;
    (theirs != ours).then(|| {
        Finding::warning(
            CHECK,
            format!(
                "{} is version {theirs}, and this program {ours}.",
                called(operator)
            ),
            "Use the plugin of the operator's version, so that both mean the same.",
        )
    })
}

/// A flag of the operator as its Deployment gives it: the argument counts more than the environment, as in its command line.
fn setting(pod: &PodSpec, flag: &str, variable: &str) -> Option<String> {
    let args: Vec<&String> = pod
        .containers
        .iter()
        .flat_map(|container| container.command.iter().chain(&container.args).flatten())
        .collect();
    let given = args.iter().enumerate().find_map(|(index, arg)| {
        let rest = arg.strip_prefix(flag)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            // Alone, or with its value as the next argument; another flag that begins like this one is neither.
            None if rest.is_empty() => {
                let next = args.get(index + 1).filter(|next| !next.starts_with('-'));
                Some(next.map_or_else(String::new, |next| (*next).clone()))
            }
            None => None,
        }
    });
    given.or_else(|| {
        let mut variables = pod.containers.iter().flat_map(|c| c.env.iter().flatten());
        variables
            .find(|env| env.name == variable)
            .and_then(|env| env.value.clone())
    })
}

/// Namespace and name of the Lease by which the pods elect one; `None` where they elect none.
fn lease_of(pod: &PodSpec, namespace: &str) -> Option<(String, String)> {
    let elects = setting(pod, "--leader-elect", "EKS_UPGRADE_LEADER_ELECT")?;
    if elects == "false" {
        return None;
    }
    let name = setting(
        pod,
        "--leader-elect-lease",
        "EKS_UPGRADE_LEADER_ELECT_LEASE",
    );
    let elsewhere = setting(
        pod,
        "--leader-elect-namespace",
        "EKS_UPGRADE_LEADER_ELECT_NAMESPACE",
    );
    let or = |given: Option<String>, otherwise: &str| {
        given
            .filter(|given| !given.is_empty())
            .unwrap_or_else(|| otherwise.to_owned())
    };
    Some((or(elsewhere, namespace), or(name, LEASE)))
}

async fn leader(
    connection: &Connection,
    operator: &Operator,
    deployment: &Deployment,
    now: Timestamp,
) -> Finding {
    let Some((namespace, name)) = &operator.lease else {
        let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        let said = format!("Deployment {} elects no leader", called(operator));
        return if replicas.unwrap_or(1) > 1 {
            Finding::failed(
                LEADER,
                format!("{said}, and has several replicas."),
                "Several replicas need --leader-elect: see the chart's leaderElection.",
            )
        } else {
            Finding::ok(LEADER, format!("{said}: one replica alone needs none."))
        };
    };
    let api: Api<Lease> = Api::namespaced(connection.client.clone(), namespace);
    match api.get_opt(name).await {
        Ok(Some(lease)) => led(&lease, now).unwrap_or_else(|said| {
            Finding::failed(
                LEADER,
                said,
                "See the operator's logs, and that its clock and its right to the Lease are as they should be.",
            )
        }),
        Ok(None) => Finding::failed(
            LEADER,
            format!("Nobody leads: there is no Lease {namespace}/{name}."),
            "See the operator's logs, and that it has the right to create the Lease.",
        ),
        Err(error) => Finding::unseen(LEADER, &format!("Lease {namespace}/{name}"), &error),
    }
}

/// Who leads by this Lease; the error says that nobody does.
fn led(lease: &Lease, now: Timestamp) -> Result<Finding, String> {
    let metadata = &lease.metadata;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let called = format!("{}/{}", part(&metadata.namespace), part(&metadata.name));
    let lasts = record::lasts(lease).unwrap_or(LASTS);
    let renewed = lease
        .spec
        .as_ref()
        .and_then(|spec| spec.renew_time.as_ref());
    let fresh = renewed.filter(|at| now.duration_since(at.0) <= lasts);
    match (record::holder(lease), fresh) {
        (Some(holder), Some(at)) => Ok(Finding::ok(
            LEADER,
            format!(
                "{holder} leads by the Lease {called}, and said so {} ago.",
                shown::age(at.0, now)
            ),
        )),
        (holder, _) => {
            let last = renewed.map_or_else(
                || "never".to_owned(),
                |at| format!("{} ago", shown::age(at.0, now)),
            );
            Err(format!(
                "Nobody leads: the Lease {called} names {}, and was last renewed {last}.",
                holder.unwrap_or("nobody")
            ))
        }
    }
}

/// What Leases tell of operators that no Deployment here runs.
async fn led_from_elsewhere(
    connection: &Connection,
    namespace: Option<&str>,
    now: Timestamp,
) -> Vec<Finding> {
    let client = connection.client.clone();
    let api: Api<Lease> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let named = ListParams::default().fields(&format!("metadata.name={LEASE}"));
    let leases = match api.list(&named).await {
        Ok(list) => list.items,
        Err(error) => {
            return vec![Finding::unseen(
                LEADER,
                &format!("Leases named {LEASE}"),
                &error,
            )];
        }
    };
    let of = |lease: &Lease| {
        led(lease, now).unwrap_or_else(|said| {
            Finding::warning(
                LEADER,
                said,
                "It may be left from an operator that is gone; else see why that does not renew it.",
            )
        })
    };
    leases.iter().map(of).collect()
}

async fn identity(connection: &Connection, operator: &Operator) -> Finding {
    let Operator {
        namespace,
        name: _,
        service_account,
        lease: _,
        pods: _,
        role,
    } = operator;
    let api: Api<ServiceAccount> = Api::namespaced(connection.client.clone(), namespace);
    let called = format!("{namespace}/{service_account}");
    match api.get_opt(service_account).await {
        Ok(Some(account)) => {
            let annotations = account.metadata.annotations.unwrap_or_default();
            match (annotations.get("eks.amazonaws.com/role-arn"), role) {
                (_, Some(role)) => Finding::ok(
                    IDENTITY,
                    format!(
                        "Deployment {} names the role {role} in AWS_ROLE_ARN.",
                        self::called(operator)
                    ),
                ),
                (Some(role), None) => Finding::ok(
                    IDENTITY,
                    format!("ServiceAccount {called} has the role {role} (IRSA)."),
                ),
                (None, None) => Finding::ok(
                    IDENTITY,
                    format!(
                        "ServiceAccount {called} names no role: its identity in AWS comes from EKS Pod Identity, the node or the environment, which Kubernetes does not show. `aws eks list-pod-identity-associations` does."
                    ),
                ),
            }
        }
        Ok(None) => Finding::failed(
            IDENTITY,
            format!("ServiceAccount {called} is not there."),
            "Install the operator anew: docs/install.md.",
        ),
        Err(error) => Finding::unseen(IDENTITY, &format!("ServiceAccount {called}"), &error),
    }
}

/// Whether each pod says that it is ready, as far as the API server lets us ask.
pub async fn answers(connection: &Connection, operator: &Operator) -> Vec<Finding> {
    let namespace = &operator.namespace;
    let api: Api<Pod> = Api::namespaced(connection.client.clone(), namespace);
    let pods = match api
        .list(&ListParams::default().labels(&operator.pods))
        .await
    {
        Ok(list) => list.items,
        Err(error) => return vec![Finding::unseen(ENDPOINTS, "the operator's pods", &error)],
    };
    let mut findings = Vec::new();
    for pod in pods.into_iter().filter(is_to_answer) {
        let name = pod.metadata.name.clone().unwrap_or_default();
        let port = metrics_port(&pod).unwrap_or(PORT);
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:{port}/proxy/readyz");
        let asked = match http::Request::get(path).body(Vec::new()) {
            Ok(request) => connection.client.request_text(request).await,
            Err(error) => Err(kube::Error::HttpError(error)),
        };
        findings.push(match asked {
            Ok(_) => Finding::ok(ENDPOINTS, format!("{name} answers /readyz.")),
            Err(kube::Error::Api(status)) if !matches!(status.code, 401 | 403) => Finding::warning(
                ENDPOINTS,
                format!("{name} does not say at /readyz that it is ready: {}", status.message),
                format!(
                    "kubectl -n {namespace} logs {name}; or a NetworkPolicy or a security group keeps the API server, which was asked to ask, from port {port}."
                ),
            ),
            Err(error) => Finding::unseen(ENDPOINTS, &format!("/readyz of {name}"), &error),
        });
    }
    findings
}

/// Not one that was evicted or is about to go.
fn is_to_answer(pod: &Pod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    pod.metadata.deletion_timestamp.is_none() && !matches!(phase, Some("Succeeded" | "Failed"))
}

fn metrics_port(pod: &Pod) -> Option<u16> {
    let containers = &pod.spec.as_ref()?.containers;
    let mut ports = containers
        .iter()
        .flat_map(|container| container.ports.iter().flatten());
    let port = ports.find(|port| port.name.as_deref() == Some("metrics"))?;
    u16::try_from(port.container_port).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lease(container: &serde_json::Value) -> Option<(String, String)> {
        let pod = serde_json::from_value(json!({"containers": [container]})).unwrap();
        lease_of(&pod, "here")
    }

    fn named(namespace: &str, name: &str) -> (String, String) {
        (namespace.to_owned(), name.to_owned())
    }

    #[test]
    fn the_lease_is_that_of_the_operators_arguments() {
        let args = |args: &[&str]| lease(&json!({"name": "operator", "args": args}));
        assert_eq!(args(&["run"]), None);
        // A flag that only begins like another is not that.
        assert_eq!(args(&["run", "--leader-elect-lease=a"]), None);
        assert_eq!(args(&["run", "--leader-elect=false"]), None);
        assert_eq!(args(&["run", "--leader-elect"]), Some(named("here", LEASE)));
        assert_eq!(
            args(&["--leader-elect", "--leader-elect-lease=a"]),
            Some(named("here", "a"))
        );
        assert_eq!(
            args(&[
                "--leader-elect=true",
                "--leader-elect-lease",
                "a",
                "--leader-elect-namespace=there"
            ]),
            Some(named("there", "a"))
        );
        let env = json!([
            {"name": "EKS_UPGRADE_LEADER_ELECT", "value": "true"},
            {"name": "EKS_UPGRADE_LEADER_ELECT_LEASE", "value": "b"},
        ]);
        assert_eq!(
            lease(&json!({"name": "operator", "env": env})),
            Some(named("here", "b"))
        );
        assert_eq!(
            lease(&json!({"name": "operator", "env": env, "args": ["--leader-elect-lease=a"]})),
            Some(named("here", "a"))
        );
    }

    #[test]
    fn a_lease_that_is_not_renewed_or_was_given_up_leads_nobody() {
        let now: Timestamp = "2026-11-24T12:00:30Z".parse().unwrap();
        let lease = |holder: &str, renewed: &str| -> Lease {
            serde_json::from_value(json!({
                "metadata": {"namespace": "here", "name": "a"},
                "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed},
            }))
            .unwrap()
        };
        let fresh = "2026-11-24T12:00:20.000000Z";
        assert!(led(&lease("pod-1", fresh), now).is_ok());
        for (holder, renewed) in [("pod-1", "2026-11-24T12:00:10.000000Z"), ("", fresh)] {
            assert!(led(&lease(holder, renewed), now).is_err());
        }
    }
}
