//! The command line of `kubectl eks-upgrade`.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use jiff::{SignedDuration, Timestamp};

use crate::api::Minor;

use super::format::Output;

/// Plan, watch and steer upgrades of Amazon EKS control planes.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-eks_upgrade",
    bin_name = "kubectl eks-upgrade",
    version,
    about,
    after_help = "Exit status: 0 done; 1 something is stalled or wrong, and a person must act (watch, doctor); 2 the upgrade is \
blocked (plan); 3 --timeout is over (watch); 4 it could not be done or found out."
)]
pub struct Cli {
    /// Which Kubernetes.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Which Kubernetes API, as whom, and which namespace: as kubectl has it.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Kubernetes")]
pub struct ClusterArgs {
    /// The kubeconfig; otherwise KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context; otherwise its current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace; otherwise the context's
    #[arg(short = 'n', long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The user to act as
    #[arg(long, global = true, value_name = "USER")]
    pub r#as: Option<String>,
    /// A group to act as; repeatable
    #[arg(long, global = true, value_name = "GROUP")]
    pub as_group: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say whether and how a cluster can be upgraded; needs neither the operator nor an object
    Plan(PlanArgs),
    /// List ClusterUpgrades, a line each
    Get(GetArgs),
    /// Say everything about ClusterUpgrades: done and to come, what is waited for, what a person must do
    Status(StatusArgs),
    /// Follow upgrades until all have ended
    Watch(WatchArgs),
    /// List the past updates of a cluster
    History(HistoryArgs),
    /// Permit another try of an update that failed, or another look at what stands in the way
    Retry(NameArgs),
    /// Have nothing new started for a ClusterUpgrade; a running update goes on
    Suspend(NameArgs),
    /// End a suspension
    Resume(NameArgs),
    /// Stop all starts, or those of some objects, with an UpgradeFreeze
    Freeze(FreezeArgs),
    /// End a freeze
    Thaw(ThawArgs),
    /// Print the lines to commit for a rollback; changes nothing
    Rollback(RollbackArgs),
    /// Look whether everything that upgrades need is there
    Doctor(DoctorArgs),
    /// Print completions for a shell
    #[command(after_help = "Examples:
  kubectl eks-upgrade completion bash > /etc/bash_completion.d/kubectl-eks_upgrade")]
    Completion(CompletionArgs),
}

/// Of `plan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade plan prod --to 1.35 --region eu-central-1
  kubectl eks-upgrade plan prod --to 1.35 --role-arn arn:aws:iam::111122223333:role/reader
  kubectl eks-upgrade plan prod --to 1.35 -o markdown   # for a pull request
  kubectl eks-upgrade plan prod --to 1.35 --manifest    # the object to commit

Exit status: 0 the first hop can start now; 2 something stands in the way; 4 it could not be found out.")]
pub struct PlanArgs {
    /// The cluster's name in EKS, or its ARN
    pub cluster: String,
    /// The version to reach, such as 1.35
    #[arg(long, value_name = "VERSION")]
    pub to: Minor,
    /// The AWS region; otherwise that of the ARN, of the environment or of the profile
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// A role to assume for reading EKS
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// The profile of the AWS configuration
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Print the ClusterUpgrade to commit instead of the plan
    #[arg(long)]
    pub manifest: bool,
    /// Judge by the insights as they are, instead of having EKS refresh those that are too old
    #[arg(long)]
    pub no_refresh: bool,
    /// How long to wait for EKS to refresh its insights
    #[arg(long, default_value = "10m", value_parser = crate::cli::duration, value_name = "DURATION")]
    pub timeout: SignedDuration,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Of `get`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade get -A
  kubectl eks-upgrade get prod -o wide")]
pub struct GetArgs {
    /// Only these
    pub names: Vec<String>,
    /// Of all namespaces
    #[arg(short = 'A', long, conflicts_with = "names")]
    pub all_namespaces: bool,
    /// A label selector
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "names")]
    pub selector: Option<String>,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade status prod
  kubectl eks-upgrade status -A     # a line each, as `get`
  kubectl eks-upgrade status prod -o markdown")]
pub struct StatusArgs {
    /// The ClusterUpgrade; all of them, a line each, where none is named
    pub name: Option<String>,
    /// Of all namespaces
    #[arg(short = 'A', long, conflicts_with = "name")]
    pub all_namespaces: bool,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Of `watch`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade watch prod
  kubectl eks-upgrade watch -A --timeout 2h

It watches the Kubernetes API and asks nothing of EKS. Objects that wait, for a window or a person, are waited for.
Exit status: 0 all are up to date; 1 all have ended and one is stalled; 3 --timeout is over; 4 it could not be watched.")]
pub struct WatchArgs {
    /// Only these; all of the namespace where none is named
    pub names: Vec<String>,
    /// Of all namespaces
    #[arg(short = 'A', long, conflicts_with = "names")]
    pub all_namespaces: bool,
    /// After how long to give up; never by default
    #[arg(long, value_parser = crate::cli::duration, value_name = "DURATION")]
    pub timeout: Option<SignedDuration>,
}

/// Of `history`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade history prod")]
pub struct HistoryArgs {
    /// The ClusterUpgrade
    pub name: String,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Of commands about one object.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// The ClusterUpgrade
    pub name: String,
}

/// Of `freeze`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade freeze --reason 'Incident 4711'      # the emergency stop: nothing starts any more
  kubectl eks-upgrade freeze holidays --reason 'Holidays' --from 2026-12-20T00:00:00Z --until 2027-01-07T00:00:00Z
  kubectl eks-upgrade freeze payments --reason 'Audit' --selector team=payments")]
pub struct FreezeArgs {
    /// The name of the UpgradeFreeze
    #[arg(default_value = "emergency-stop")]
    pub name: String,
    /// Why, for whoever finds an upgrade frozen
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// From when; at once by default
    #[arg(long, value_name = "TIME")]
    pub from: Option<Timestamp>,
    /// Until when; until it is thawed by default
    #[arg(long, value_name = "TIME")]
    pub until: Option<Timestamp>,
    /// Only ClusterUpgrades with these labels; all by default
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
}

/// Of `thaw`.
#[derive(Debug, Args)]
pub struct ThawArgs {
    /// The name of the UpgradeFreeze
    #[arg(default_value = "emergency-stop")]
    pub name: String,
}

/// Of `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade rollback prod")]
pub struct RollbackArgs {
    /// The ClusterUpgrade
    pub name: String,
}

/// Of `doctor`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl eks-upgrade doctor
  kubectl eks-upgrade doctor --operator-namespace eks-upgrade-system -o json

Exit status: 0 all is well; 1 something is wrong, and a person must act; 4 it could not be found out.")]
pub struct DoctorArgs {
    /// The namespace of the operator; otherwise it is looked for in all
    #[arg(long, value_name = "NAME")]
    pub operator_namespace: Option<String>,
    /// How.
    #[command(flatten)]
    pub output: Output,
}

/// Of `completion`.
#[derive(Debug, Args)]
pub struct CompletionArgs {
    /// The shell
    pub shell: Shell,
}

/// The completions of a shell.
pub(super) fn completions(args: &CompletionArgs) -> String {
    let CompletionArgs { shell } = args;
    let mut script = Vec::new();
    clap_complete::generate(
        *shell,
        &mut Cli::command(),
        "kubectl-eks_upgrade",
        &mut script,
    );
    String::from_utf8_lossy(&script).into_owned()
}
