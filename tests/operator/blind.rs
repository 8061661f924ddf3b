//! What it does while its watch shows nothing, and while another replica sees something else.

use std::sync::Arc;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::{World, message};

/// A way to the API server on which connections can fall silent without being closed.
struct Line {
    url: String,
    /// Connections that began in an earlier age are silent.
    age: Arc<watch::Sender<u64>>,
}

impl Line {
    async fn to(api_server: &str) -> Self {
        let upstream: http::Uri = api_server.parse().unwrap();
        let upstream = upstream.authority().unwrap().to_string();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        let age = Arc::new(watch::Sender::new(0));
        let ages = Arc::clone(&age);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, upstream.clone(), ages.subscribe()));
            }
        });
        Self { url, age }
    }

    /// Has every connection there is fall silent; new ones work.
    fn fall_silent(&self) {
        self.age.send_modify(|age| *age += 1);
    }
}

async fn carry(mut near: TcpStream, upstream: String, mut age: watch::Receiver<u64>) {
    let mut far = TcpStream::connect(upstream).await.unwrap();
    age.mark_unchanged();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        _ = age.changed() => {
            // Held open: nobody is told that it is dead.
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test]
async fn what_a_dead_watch_does_not_show_is_found_by_the_guarded_write() {
    let world =
        World::new("{durations: {update: 300ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let text = std::fs::read_to_string(world.kubeconfig()).unwrap();
    let mut config: serde_json::Value = serde_norway::from_str(&text).unwrap();
    let server = &mut config["clusters"][0]["cluster"]["server"];
    let line = Line::to(server.as_str().unwrap()).await;
    *server = json!(line.url);
    let kubeconfig = std::env::temp_dir().join(format!("kubeconfig-{}", uuid::Uuid::new_v4()));
    std::fs::write(&kubeconfig, config.to_string()).unwrap();
    let operator = world
        .program()
        .env("KUBECONFIG", &kubeconfig)
        .start()
        .unwrap();
    world.create(World::manifest("prod", "1.33")).await;
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;

    line.fall_silent();
    world.ask_for("prod", "1.35").await;
    // Something to be written, so that it finds out that it decides on an old state.
    world.happens("prod", "{at: 0s, autoUpgrade: true}");
    world
        .until_reason_or("prod", "UpToDate", || operator.tail())
        .await;
    assert_eq!(world.accepted_versions("prod"), ["1.35"]);
    std::fs::remove_file(kubeconfig).unwrap();
}

#[tokio::test]
async fn two_operators_that_disagree_do_not_answer_each_other_without_end() {
    const OTHER: &str = "444455556666";
    let role = format!("arn:aws:iam::{OTHER}:role/eks-upgrades");
    let world = World::new(&format!(
        "{{clusters: [{{name: prod, version: '1.33', accountId: '{OTHER}'}}, {{name: other, version: '1.33'}}]}}"
    ))
    .await;
    let program = || world.program_with("10m", "10m");
    let allowed = format!("{}={role}", world.namespace);
    let _with = program().args(["--allow-role", &allowed]).start().unwrap();
    let mut manifest = World::manifest("prod", "1.33");
    manifest["spec"]["cluster"]["accountId"] = json!(OTHER);
    manifest["spec"]["roleArn"] = json!(role);
    world.create(manifest).await;
    world.until_reason("prod", "UpToDate").await;
    // An empty list, as a template leaves it.
    let _without = program().env("EKS_UPGRADE_ALLOW_ROLE", "").start().unwrap();
    let refused = world.until_reason("prod", "NotAllowed").await;
    assert!(
        message(&refused).contains("--allow-role"),
        "{}",
        message(&refused)
    );

    // Other work is time enough for whatever would follow by itself.
    for version in ["1.32", "1.31", "1.30", "1.33"] {
        let manifest = World::manifest("other", version);
        world.create(manifest).await;
        let wanted = if version == "1.33" {
            "UpToDate"
        } else {
            "ClusterAheadOfSpec"
        };
        world.until_reason("other", wanted).await;
        world.delete("other").await;
    }
    assert_eq!(
        world.get("prod").await.metadata.resource_version,
        refused.metadata.resource_version
    );
    let described = world
        .about("prod")
        .into_iter()
        .filter(|call| format!("{:?}", call.operation) == "DescribeCluster");
    assert_eq!(
        described.count(),
        1,
        "one look, and no second for the other's write"
    );
}
