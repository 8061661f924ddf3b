//! The command line of `eks-upgrade-operator`.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;

use crate::controller::{AllowRole, Limits, Options};
use crate::plan::Settings;
use crate::telemetry::LogFormat;

/// Upgrades Amazon EKS control planes declaratively, one safe minor at a time.
#[derive(Debug, Parser)]
#[command(name = "eks-upgrade-operator", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the controller
    Run(Run),
    /// Print the CustomResourceDefinitions
    Crd {
        /// Only this one; all by default
        #[arg(value_parser = ["clusterupgrades.eksupgrade.dev", "upgradefreezes.eksupgrade.dev"])]
        name: Option<String>,
    },
}

/// Flags of `run`. AWS settings come only through the SDK's own chain, Kubernetes through KUBECONFIG or in-cluster.
#[derive(Debug, Args)]
pub struct Run {
    /// How often a running update is looked at
    #[arg(long, env = "EKS_UPGRADE_POLL_INTERVAL", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub poll_interval: SignedDuration,

    /// How often an idle or stalled object is looked at
    #[arg(long, env = "EKS_UPGRADE_RESYNC_INTERVAL", default_value = "10m", value_parser = duration, value_name = "DURATION")]
    pub resync_interval: SignedDuration,

    /// After how long a running update is called overdue; it is still followed
    #[arg(long, env = "EKS_UPGRADE_OVERDUE_AFTER", default_value = "90m", value_parser = duration, value_name = "DURATION")]
    pub overdue_after: SignedDuration,

    /// How many objects are looked at at a time
    #[arg(
        long,
        env = "EKS_UPGRADE_CONCURRENCY",
        default_value = "16",
        value_name = "N"
    )]
    pub concurrency: NonZeroU16,

    /// How many updates may run at a time; the rest are Queued, oldest object first
    #[arg(
        long,
        env = "EKS_UPGRADE_MAX_RUNNING_UPDATES",
        default_value = "10",
        value_name = "N"
    )]
    pub max_running_updates: NonZeroU32,

    /// Quiet time after a change of a spec before its first send; a restart of the operator begins it anew
    #[arg(long, env = "EKS_UPGRADE_SETTLE", default_value = "0s", value_parser = duration_or_zero, value_name = "DURATION")]
    pub settle: SignedDuration,

    /// A namespace to watch; repeatable, or several separated by commas. All by default
    #[arg(
        long,
        env = "EKS_UPGRADE_NAMESPACE",
        value_delimiter = ',',
        value_name = "NAMESPACE"
    )]
    pub namespace: Vec<String>,

    /// A role that objects of a namespace may use, with * as a wildcard in both parts; repeatable, or several separated
    /// by spaces. None by default
    #[arg(
        long,
        env = "EKS_UPGRADE_ALLOW_ROLE",
        value_name = "NAMESPACE=ARN-PATTERN"
    )]
    pub allow_role: Vec<AllowRoles>,

    /// Where /metrics, /healthz and /readyz are served
    #[arg(
        long,
        env = "EKS_UPGRADE_METRICS_ADDR",
        default_value = "0.0.0.0:8080",
        value_name = "ADDR:PORT"
    )]
    pub metrics_addr: SocketAddr,

    /// How log lines look
    #[arg(
        long,
        env = "EKS_UPGRADE_LOG_FORMAT",
        default_value = "text",
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,
}

impl From<Run> for Options {
    fn from(run: Run) -> Self {
        let Run {
            poll_interval,
            resync_interval,
            overdue_after,
            concurrency,
            max_running_updates,
            settle,
            namespace,
            allow_role,
            metrics_addr,
            log_format: _,
        } = run;
        Self {
            settings: Settings {
                poll_interval,
                resync_interval,
                overdue_after,
            },
            limits: Limits {
                max_running_updates: max_running_updates.get(),
                settle,
            },
            concurrency,
            namespaces: namespace,
            allow_roles: allow_role.into_iter().flat_map(|roles| roles.0).collect(),
            metrics_addr,
        }
    }
}

/// Entries of `--allow-role` with white space between them. None in a variable that is set to nothing, as templates do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRoles(Vec<AllowRole>);

impl FromStr for AllowRoles {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split_whitespace().map(str::parse);
        entries.collect::<Result<_, _>>().map(Self)
    }
}

/// A duration above zero, such as `15s`, `10m` or `1h30m`.
fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration = duration_or_zero(text)?;
    if duration.is_zero() {
        return Err("must be longer than zero".to_owned());
    }
    Ok(duration)
}

fn duration_or_zero(text: &str) -> Result<SignedDuration, String> {
    let duration: SignedDuration = text
        .parse()
        .map_err(|_| format!("{text:?} is no duration such as 15s, 10m or 1h30m"))?;
    if duration.is_negative() || duration > SignedDuration::from_hours(24 * 366) {
        return Err("must be between zero and a year".to_owned());
    }
    Ok(duration)
}
