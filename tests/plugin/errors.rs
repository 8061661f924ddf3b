//! Wrong surroundings end with a sentence and the next step, and with status 4.

use std::net::TcpListener;
use std::os::unix::fs::symlink;

use harness::ControlPlane;

use crate::ran::{PROGRAM, bare, command, ran};
use crate::world::World;

const READS: [&[&str]; 5] = [
    &["get"],
    &["status", "prod"],
    &["watch"],
    &["history", "prod"],
    &["doctor"],
];

#[tokio::test]
async fn without_a_kubeconfig_it_says_how_to_get_one() {
    for args in READS {
        let mut command = bare(args);
        command.env("KUBECONFIG", "/nowhere/kubeconfig");
        let said = ran(command).await.failed();
        assert!(
            said.contains("kubeconfig") && said.contains("aws eks update-kubeconfig"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn of_several_kubeconfigs_those_that_are_missing_are_passed_over() {
    let world = World::new("{}").await;
    let there = world.kubeconfig().to_str().unwrap();
    for list in [
        format!("/nowhere/kubeconfig:{there}"),
        format!("{there}:/nowhere/kubeconfig"),
    ] {
        let mut command = command(&world, &["get"]);
        command.env("KUBECONFIG", list);
        ran(command).await.ended(0);
    }
}

#[tokio::test]
async fn an_unknown_context_is_named() {
    let world = World::new("{}").await;
    let said = world
        .plugin(&["get", "--context", "elsewhere"])
        .await
        .failed();
    assert!(
        said.contains("elsewhere") && said.contains("get-contexts"),
        "{said}"
    );
}

#[tokio::test]
async fn an_api_server_that_is_not_there_is_said_so() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let kubeconfig = format!(
        "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], \
          users: [{{name: a, user: {{}}}}], clusters: [{{name: a, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]}}"
    );
    let path = format!("{}/refused-{port}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, kubeconfig).unwrap();
    let said = ran(bare(&["get", "--kubeconfig", &path])).await.failed();
    std::fs::remove_file(&path).unwrap();
    assert!(
        said.contains("does not answer") && said.contains("kubectl cluster-info"),
        "{said}"
    );
}

#[tokio::test]
async fn who_may_not_is_told_whom_to_ask() {
    let world = World::new("{}").await;
    for args in [
        &["get"][..],
        &["status", "prod"],
        &["watch"],
        &["retry", "prod"],
        &["freeze", "--reason", "r"],
    ] {
        let said = world
            .plugin(&[args, &["--as", "nobody"]].concat())
            .await
            .failed();
        assert!(
            said.contains("nobody") && said.contains("permission"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn without_the_crds_it_says_how_to_install_them() {
    let plane = ControlPlane::start().await.unwrap();
    let world = World::on(&plane, "{}").await;
    for args in [
        &["get"][..],
        &["status", "prod"],
        &["watch"],
        &["retry", "prod"],
        &["thaw"],
    ] {
        let said = world.plugin(args).await.failed();
        assert!(
            said.contains("not installed") && said.contains("docs/install.md"),
            "{args:?}\n{said}"
        );
    }
    let text = world.plugin(&["doctor"]).await.ended(1);
    assert!(
        text.contains("clusterupgrades.eksupgrade.dev is not installed"),
        "{text}"
    );
    plane.stop().await.unwrap();
}

#[tokio::test]
async fn what_does_not_exist_is_named_with_where_to_look() {
    let world = World::new("{}").await;
    for args in [
        &["status", "prod"][..],
        &["history", "prod"],
        &["rollback", "prod"],
        &["suspend", "prod"],
        &["watch", "prod"],
    ] {
        let said = world.plugin(args).await.failed();
        assert!(said.contains("prod") && said.contains("get -A"), "{said}");
    }
}

#[tokio::test]
async fn a_wrong_command_line_is_no_stalled_upgrade() {
    for args in [
        &["fly"][..],
        &["plan"],
        &["plan", "prod", "--to", "1.35.2"],
        &[],
    ] {
        let ran = ran(bare(args)).await;
        assert_eq!((ran.status, ran.out.as_str()), (4, ""), "{ran:?}");
    }
    let help = ran(bare(&["--help"])).await.ended(0);
    assert!(help.contains("Exit status: 0"), "{help}");
}

#[tokio::test]
async fn completions_know_every_command_and_bash_can_read_them() {
    let commands = [
        "plan", "get", "status", "watch", "history", "retry", "suspend", "resume", "freeze",
        "thaw", "rollback", "doctor",
    ];
    for shell in ["bash", "zsh", "fish"] {
        let script = ran(bare(&["completion", shell])).await.ended(0);
        for command in commands {
            assert!(script.contains(command), "{shell}: {command}");
        }
        if shell == "bash" {
            let mut bash = std::process::Command::new("bash");
            bash.args(["-n", "-c", &script]);
            assert_eq!(ran(bash).await.status, 0);
        }
    }
}

#[tokio::test]
async fn kubectl_finds_it_by_its_name() {
    let world = World::new("{}").await;
    let directory = format!("{}/path-{}", env!("CARGO_TARGET_TMPDIR"), world.namespace);
    std::fs::create_dir_all(&directory).unwrap();
    symlink(PROGRAM, format!("{directory}/kubectl-eks_upgrade")).unwrap();
    let assets = harness::Assets::locate().await.unwrap();
    let mut kubectl = std::process::Command::new(&assets.kubectl);
    let path = format!("{directory}:{}", std::env::var("PATH").unwrap());
    kubectl
        .args(["eks-upgrade", "get", "-n", &world.namespace])
        .env_clear()
        .envs(
            command(&world, &[])
                .get_envs()
                .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))),
        )
        .env("PATH", path);
    let said = ran(kubectl).await;
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(
        said.err.contains("There are no ClusterUpgrades"),
        "{said:?}"
    );
    assert_eq!(said.status, 0);
}
