//! The command line of `eks-upgrade-operator`.

use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgAction, Args, Parser, Subcommand};
use jiff::SignedDuration;

use crate::controller::{AllowRole, Limits, Options};
use crate::leader::Election;
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
    Run(Box<Run>),
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
    /// How often a running update is looked at about its usual end; up to four times as long apart before and after
    #[arg(long, env = "EKS_UPGRADE_POLL_INTERVAL", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    pub poll_interval: SignedDuration,

    /// How often an idle or stalled object is looked at; each at its own moment of the interval
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

    /// How many requests a second EKS takes in each account and region, as far as the operator may use them. Learned from
    /// EKS's throttling where it is not given, and lower where EKS throttles all the same
    #[arg(long, env = "EKS_UPGRADE_EKS_REQUESTS_PER_SECOND", value_name = "N")]
    pub eks_requests_per_second: Option<NonZeroU32>,

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

    /// A file that says which namespaces may upgrade which clusters, with which role: docs/security.md has its form
    #[arg(long, env = "EKS_UPGRADE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Be one of several replicas, of which the one that holds a Lease acts
    #[arg(long, env = "EKS_UPGRADE_LEADER_ELECT", action = ArgAction::Set, num_args = 0..=1, require_equals = true, default_value_t = false, default_missing_value = "true", value_name = "BOOL")]
    pub leader_elect: bool,

    /// The name of the Lease
    #[arg(
        long,
        env = "EKS_UPGRADE_LEADER_ELECT_LEASE",
        default_value = "eks-upgrade-operator",
        value_name = "NAME"
    )]
    pub leader_elect_lease: String,

    /// The namespace of the Lease; by default that of the pod, or of the kubeconfig's context
    #[arg(
        long,
        env = "EKS_UPGRADE_LEADER_ELECT_NAMESPACE",
        value_name = "NAMESPACE"
    )]
    pub leader_elect_namespace: Option<String>,

    /// How long after a leader's last sign of life another may lead; it stops acting after two thirds of it
    #[arg(long, env = "EKS_UPGRADE_LEADER_ELECT_DURATION", default_value = "15s", value_parser = lease_duration, value_name = "DURATION")]
    pub leader_elect_duration: SignedDuration,

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
            eks_requests_per_second,
            max_running_updates,
            settle,
            namespace,
            allow_role,
            config,
            leader_elect,
            leader_elect_lease,
            leader_elect_namespace,
            leader_elect_duration,
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
            eks_requests_per_second,
            namespaces: namespace,
            allow_roles: allow_role.into_iter().flat_map(|roles| roles.0).collect(),
            access_file: config.filter(|path| !path.as_os_str().is_empty()),
            election: leader_elect.then_some(Election {
                lease: leader_elect_lease,
                namespace: leader_elect_namespace.filter(|namespace| !namespace.is_empty()),
                duration: leader_elect_duration,
            }),
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

/// A duration above zero of a flag, such as `15s`, `10m` or `1h30m`.
pub(crate) fn duration(text: &str) -> Result<SignedDuration, String> {
    let duration = duration_or_zero(text)?;
    if duration.is_zero() {
        return Err("must be longer than zero".to_owned());
    }
    Ok(duration)
}

/// A lease counts in whole seconds, and its parts have to leave time for a call to the API server.
fn lease_duration(text: &str) -> Result<SignedDuration, String> {
    let duration = duration_or_zero(text)?;
    let within = SignedDuration::from_secs(3)..=SignedDuration::from_mins(10);
    if !within.contains(&duration) || duration.subsec_nanos() != 0 {
        return Err("must be whole seconds, between 3s and 10m".to_owned());
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
