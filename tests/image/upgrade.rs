//! The main job, done by the container.

use std::time::Duration;

use serde_json::json;

use crate::pod::{API_SERVER, EKS, Pod};
use crate::world::{World, message};

const OTHER: &str = "444455556666";
const ROLE: &str = "arn:aws:iam::444455556666:role/eks-upgrades";

#[tokio::test]
async fn it_upgrades_as_nobody_with_nothing_to_write_to() {
    let world = World::new(&format!(
        "{{durations: {{update: 1s}}, clusters: [{{name: prod, version: '1.33', accountId: '{OTHER}'}}]}}"
    ))
    .await;
    let pod = Pod::new(&world).await;
    let allowed = format!("{}={ROLE}", world.namespace);
    let operator = pod
        .start(&world, &["--allow-role", &allowed], &[pod.bundle()])
        .await;
    let mut manifest = World::manifest("prod", "1.35");
    manifest["spec"]["cluster"]["accountId"] = json!(OTHER);
    manifest["spec"]["roleArn"] = json!(ROLE);
    world.create(manifest).await;
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    assert_eq!(world.accepted_versions("prod"), ["1.34", "1.35"]);

    // EKS and the API server were found by DNS, the latter as a cluster's name is, by the search list; STS by /etc/hosts.
    let asked = pod.dns.asked();
    for name in [EKS, &format!("{API_SERVER}.cluster.local")] {
        assert!(asked.iter().any(|it| it == name), "{name} in {asked:?}");
    }
    assert_eq!(world.asked("AssumeRole").len(), 1);

    assert_eq!(operator.status("Uid"), "65532 65532 65532 65532");
    assert_eq!(operator.status("Gid"), "65532 65532 65532 65532");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(operator.status(set), "0000000000000000", "{set}");
    }
    assert_eq!(operator.status("NoNewPrivs"), "1");
    assert!(operator.mount_options("/").contains(&"ro".to_owned()));

    let ended = pod.stop(operator, Duration::from_secs(10)).await;
    assert_eq!(ended.code(), Some(0), "after SIGTERM");
}

#[tokio::test]
async fn eks_is_not_believed_with_a_certificate_that_no_known_authority_signed() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let pod = Pod::new(&world).await;
    let operator = pod.start(&world, &[], &[]).await;
    world.create(World::manifest("prod", "1.34")).await;
    let object = world
        .until_reason_or("prod", "EksUnavailable", || operator.tail())
        .await;
    let message = message(&object);
    assert!(message.contains("UnknownIssuer"), "{message}");
    assert_eq!(world.about("prod").len(), 0);
}
