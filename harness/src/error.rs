use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// What went wrong with a part that a test or the demo runs against.
///
/// Prints as its sentence also where a test's `unwrap` or `?` shows it for debugging.
#[derive(thiserror::Error)]
pub enum Error {
    /// The operating system refused something.
    #[error("could not {what}: {source}")]
    Io {
        /// What was tried, as it reads after "could not".
        what: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A program ended, or closed its output, before it did what was waited for.
    #[error("{program} ended ({}) before {what}; its last lines:\n{tail}", told(*status))]
    Ended {
        /// The program's name.
        program: String,
        /// What was waited for.
        what: String,
        /// How it ended; none when it only closed its output.
        status: Option<ExitStatus>,
        /// The last lines it printed.
        tail: String,
    },
    /// Something did not come about in time.
    #[error("{what}: not within {deadline:?}; last seen: {last}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long it was waited for.
        deadline: Duration,
        /// What was there instead when it was last looked at.
        last: String,
    },
    /// A program ended with a status other than 0.
    #[error("{program} failed ({status}): {stderr}")]
    Failed {
        /// The program, with its arguments where they tell what was asked of it.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed to standard error.
        stderr: String,
    },
    /// The API server could not be asked, or said no.
    #[error("the API server: {0}")]
    Kube(#[source] Box<kube::Error>),
    /// A kubeconfig that the control plane wrote cannot be used.
    #[error("the control plane's kubeconfig: {0}")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// A program printed something else than it promises.
    #[error("{program} printed what it should not: {line}")]
    Unexpected {
        /// The program's name.
        program: String,
        /// The line, or what was missing.
        line: String,
    },
}

impl Error {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Kube(Box::new(error))
    }
}

impl From<kube::config::KubeconfigError> for Error {
    fn from(error: kube::config::KubeconfigError) -> Self {
        Self::Kubeconfig(Box::new(error))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

fn told(status: Option<ExitStatus>) -> String {
    status.map_or_else(
        || "its output was closed".to_owned(),
        |status| status.to_string(),
    )
}
