//! Why a command could not do what it was asked to, and what a person does next.

use std::fmt;

use kube::Error;
use kube::config::KubeconfigError;

use crate::eks::{EksError, ErrorKind};
use crate::text::plain;

/// As many bytes of other people's words are shown.
const SAID: usize = 1024;

/// Two sentences: what is wrong, and the next step.
#[derive(Debug)]
pub struct Failure {
    what: String,
    next: String,
}

impl Failure {
    /// A failure in one's own words.
    pub fn new(what: impl AsRef<str>, next: impl Into<String>) -> Self {
        Self {
            what: plain(what.as_ref(), SAID),
            next: next.into(),
        }
    }

    /// An answer of the API server, or none; `doing` reads on after "could not": "list ClusterUpgrades in team-a".
    pub fn of_kubernetes(doing: &str, error: &Error) -> Self {
        let said = plain(&root(error), SAID);
        match error {
            Error::Api(status) => {
                let why = plain(&status.message, SAID);
                let next = match status.code {
                    401 => {
                        "Log in again: the API server does not take the credentials of this context. `kubectl auth whoami` says as whom you come."
                    }
                    403 => {
                        "Ask whoever runs the cluster for that permission. `kubectl auth can-i --list` shows what you have."
                    }
                    // The path itself is unknown: an object that is not there has details.
                    404 if is_unknown_kind(status) => {
                        "The CRDs of eksupgrade.dev are not installed in this cluster: `kubectl config current-context` names it, and docs/install.md says how to install them."
                    }
                    404 => "`kubectl eks-upgrade get -A` lists what there is.",
                    409 => "Somebody changed it at the same moment: try again.",
                    422 | 400 => "Mend what the API server names, and try again.",
                    _ => "Try again; `kubectl eks-upgrade doctor` tells what does not work.",
                };
                Self::new(format!("could not {doing}: {why}"), next)
            }
            Error::Auth(_) => Self::new(
                format!("could not {doing}: no credentials for the API server: {said}"),
                "Run what your kubeconfig names for them, such as `aws sso login`, and try again.",
            ),
            _ => Self::new(
                format!("could not {doing}: the API server does not answer: {said}"),
                "See that the cluster is reachable: `kubectl cluster-info`. Another context is chosen with --context.",
            ),
        }
    }

    /// A kubeconfig that is not there or makes no sense.
    pub fn of_kubeconfig(error: &KubeconfigError) -> Self {
        let said = plain(&chain(error), SAID);
        let next = match error {
            KubeconfigError::LoadContext(_) | KubeconfigError::CurrentContextNotSet => {
                "`kubectl config get-contexts` lists the contexts; --context chooses one."
            }
            KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath => {
                "Name one with --kubeconfig or KUBECONFIG, or make one: `aws eks update-kubeconfig --name CLUSTER`."
            }
            _ => "Mend the kubeconfig: `kubectl config view` shows it.",
        };
        Self::new(format!("no usable kubeconfig: {said}"), next)
    }

    /// An answer of AWS; `doing` reads on after "could not".
    pub fn of_aws(doing: &str, error: &EksError) -> Self {
        let next = match error.kind {
            ErrorKind::CredentialsMissing => {
                "Log in, with `aws sso login` or however you do, or name a profile with --profile; `aws sts get-caller-identity` says who you are."
            }
            ErrorKind::CredentialsRefused => {
                "AWS does not take these credentials, or no longer: log in again. `aws sts get-caller-identity` says who you are."
            }
            ErrorKind::AccessDenied => {
                "Ask for this permission, or for a role that has it and name it with --role-arn: docs/security.md lists the permissions."
            }
            ErrorKind::NotFound => {
                "See the name and --region, and that this is the right account: `aws eks list-clusters`, `aws sts get-caller-identity`."
            }
            ErrorKind::ClockSkew => {
                "Set this machine's clock: AWS refuses what is signed more than five minutes off."
            }
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse => {
                "Try again in a while."
            }
            ErrorKind::InvalidState | ErrorKind::InvalidParameter | ErrorKind::Rejected => {
                "See what EKS says of the request."
            }
        };
        let EksError {
            operation,
            code,
            message,
            ..
        } = error;
        Self::new(
            format!("could not {doing}: {operation}: {code}: {message}"),
            next,
        )
    }

    /// Something of this machine, such as a file.
    pub fn of_io(doing: &str, error: &std::io::Error) -> Self {
        Self::new(
            format!("could not {doing}: {error}"),
            "Mend that, and try again.",
        )
    }
}

fn is_unknown_kind(status: &kube::core::Status) -> bool {
    status
        .details
        .as_ref()
        .is_none_or(|details| details.name.is_empty())
}

/// What lies at the bottom says most: "connection refused", not "client error".
fn root(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut last = error;
    while let Some(source) = last.source() {
        let more = source.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        last = source;
    }
    said
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, next } = self;
        write!(f, "{what}\n{next}")
    }
}

impl std::error::Error for Failure {}
