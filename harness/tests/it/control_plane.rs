//! The control plane is a real one, and leaves nothing behind.

use crate::common::{SOON, gone, runs, servers};
use harness::{ControlPlane, Error, eventually};
use kube::Client;

#[tokio::test]
async fn answers_as_a_supported_kubernetes() -> Result<(), Error> {
    let client = ControlPlane::shared().await?.client().await?;
    let version = client.apiserver_version().await?;
    let minor: u32 = version.minor.trim_end_matches('+').parse().unwrap();
    assert!(minor >= 33, "{version:?}");
    Ok(())
}

#[tokio::test]
async fn knows_its_caller_by_the_token() -> Result<(), Error> {
    let control_plane = ControlPlane::shared().await?;
    let mut config = control_plane.config().await?;
    config.auth_info.token = Some("wrong".to_owned().into());
    let refused = Client::try_from(config)?.list_core_api_versions().await;
    let Err(kube::Error::Api(status)) = refused else {
        panic!("not refused: {refused:?}");
    };
    assert_eq!(status.code, 401);
    Ok(())
}

#[tokio::test]
async fn gives_each_test_a_namespace() -> Result<(), Error> {
    let control_plane = ControlPlane::shared().await?;
    let first = control_plane.namespace("some-test").await?;
    let second = control_plane.namespace("some-test").await?;
    assert_ne!(first, second);
    for name in [first, second] {
        assert!(name.starts_with("some-test-"), "{name}");
        let got = control_plane
            .kubectl()
            .run(["get", "namespace", &name, "--output=name"]);
        assert_eq!(got.await?.ok()?, format!("namespace/{name}\n"));
    }
    Ok(())
}

#[tokio::test]
async fn applies_manifests_or_says_why_not() -> Result<(), Error> {
    let control_plane = ControlPlane::shared().await?;
    let namespace = control_plane.namespace("apply").await?;
    let manifest = |name: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: {namespace}}}\n"
        )
    };
    let kubectl = control_plane.kubectl();
    assert_eq!(
        kubectl.apply(&manifest("fine")).await?,
        "configmap/fine created\n"
    );
    let refused = kubectl.apply(&manifest("Not_Fine")).await.unwrap_err();
    assert!(refused.to_string().contains("Not_Fine"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn stopping_leaves_no_process_and_no_data() -> Result<(), Error> {
    let control_plane = ControlPlane::start().await?;
    let directory = control_plane.kubeconfig_path().parent().unwrap().to_owned();
    let pids = servers(&directory);
    assert!(pids.into_iter().all(runs));
    control_plane.stop().await?;
    assert!(!pids.into_iter().any(runs));
    assert!(!directory.exists(), "{} is left", directory.display());
    Ok(())
}

#[tokio::test]
async fn dropping_leaves_no_process() -> Result<(), Error> {
    let control_plane = ControlPlane::start().await?;
    let pids = servers(control_plane.kubeconfig_path().parent().unwrap());
    drop(control_plane);
    assert!(!pids.into_iter().any(runs));
    Ok(())
}

#[tokio::test]
async fn carries_on_in_its_directory() -> Result<(), Error> {
    let directory = std::env::temp_dir().join(format!("harness-carries-on-{}", std::process::id()));
    let first = ControlPlane::start_in(&directory).await?;
    let namespace = first.namespace("kept").await?;
    let client = first.client().await?;
    first.stop().await?;
    let asked = client.apiserver_version().await;
    assert!(asked.is_err(), "still answers: {asked:?}");

    let second = ControlPlane::start_in(&directory).await?;
    let got = second.kubectl().run(["get", "namespace", &namespace]);
    got.await?.ok()?;
    second.stop().await?;
    std::fs::remove_dir_all(&directory).unwrap();
    Ok(())
}

#[tokio::test]
async fn a_server_that_dies_ends_the_whole() -> Result<(), Error> {
    let control_plane = ControlPlane::start().await?;
    let directory = control_plane.kubeconfig_path().parent().unwrap().to_owned();
    let pids = servers(&directory);
    let killed = std::process::Command::new("sh")
        .args(["-c", "kill -9 $1", "sh", &pids[0].to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    gone(&pids).await?;
    eventually("its directory is removed", SOON, async || {
        (!directory.exists()).then_some(())
    })
    .await
}
