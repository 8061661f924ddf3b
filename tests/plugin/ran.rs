//! Runs the plugin to its end.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::world::{ACCESS_KEY, World};

/// How it ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Self {
            status: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// What it printed, where it ended like this.
    pub fn ended(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}\n{}", self.out, self.err);
        self.out
    }

    /// What it said against it: a sentence, and the next step on a line of its own.
    pub fn failed(self) -> String {
        assert_eq!(self.status, 4, "{}\n{}", self.out, self.err);
        let sentence = self.err.strip_prefix("error: ").unwrap();
        let next = sentence.lines().nth(1).unwrap();
        assert!(next.len() > 20, "{}", self.err);
        self.err
    }
}

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kubectl-eks_upgrade");

/// The program with nothing of this machine's but the path to other programs.
pub fn bare(args: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(args)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub async fn ran(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output());
    Ran::of(output.await.unwrap().unwrap())
}

/// The environment of somebody who may ask this world's Kubernetes and its EKS.
pub fn environment(world: &World) -> Vec<(&'static str, String)> {
    let eks = world.eks.url();
    let own = |path: &Path| path.to_str().unwrap().to_owned();
    vec![
        ("KUBECONFIG", own(world.kubeconfig())),
        ("AWS_ENDPOINT_URL_EKS", eks.clone()),
        ("AWS_ENDPOINT_URL_STS", eks.clone()),
        ("AWS_REGION", "us-west-2".to_owned()),
        ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "not-a-secret".to_owned()),
    ]
}

/// The program for this world and its namespace.
pub fn command(world: &World, args: &[&str]) -> Command {
    let mut command = bare(args);
    command
        .args(["-n", &world.namespace])
        .envs(environment(world));
    command
}

impl World {
    /// Runs the plugin for this world and its namespace.
    pub async fn plugin(&self, args: &[&str]) -> Ran {
        ran(command(self, args)).await
    }
}
