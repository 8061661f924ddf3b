//! The program that kubectl asks for completions.

use std::path::Path;
use std::process::Command;

use crate::ran::{bare, ran};

/// As kubectl calls it.
async fn completed(words: &[&str]) -> Vec<String> {
    let program = "deploy/krew/kubectl_complete-eks_upgrade";
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(program));
    command.args(words);
    let out = ran(command).await.ended(0);
    out.lines().map(str::to_owned).collect()
}

/// The commands as `--help` lists them.
async fn commands() -> Vec<String> {
    let help = ran(bare(&["--help"])).await.ended(0);
    let list = help.split("Commands:\n").nth(1).unwrap();
    let lines = list.lines().take_while(|line| !line.is_empty());
    // What a command is for goes on further to the right.
    let names = lines.filter(|line| !line.starts_with("   "));
    names
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn kubectl_is_told_every_command() {
    let mut all = commands().await;
    assert!(all.len() > 10, "{all:?}");
    all.push(":4".to_owned());
    assert_eq!(completed(&[""]).await, all);
    assert_eq!(completed(&["re"]).await, ["retry", "resume", ":4"]);
    assert_eq!(completed(&["nothing"]).await, [":4"]);
    // Files, as for --kubeconfig.
    assert_eq!(completed(&["plan", ""]).await, [":0"]);
}
