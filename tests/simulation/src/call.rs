//! What a process can ask of the world, and what comes back.

use std::fmt;
use std::sync::Arc;

use eks_upgrade_operator::api::ClusterUpgradeStatus;
use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::eks::{
    CancelRequest, EksError, ErrorKind, Fence, Target, VersionRequest,
};
use eks_upgrade_operator::simulator::memory::{self, Question};
use eks_upgrade_operator::store::{Key, Note, StoreError, Stored, StoredFreeze};

/// One life of one replica: a process from its start to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Life {
    pub replica: usize,
    pub nth: u32,
}

impl fmt::Display for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "replica {}.{}", self.replica, self.nth)
    }
}

/// A call of one of the two ports.
#[derive(Clone)]
pub enum Call {
    Eks(Target, Question),
    Send(Target, VersionRequest, Fence),
    Cancel(Target, CancelRequest, Fence),
    Live(Key),
    /// All freezes as they are.
    Freezes,
    Write(Arc<Stored>, Box<ClusterUpgradeStatus>),
    Event(Arc<Stored>, Note),
}

/// What comes back.
#[derive(Clone, Debug)]
pub enum Answer {
    Eks(Result<memory::Answer, EksError>),
    Stored(Result<Arc<Stored>, StoreError>),
    Freezes(Result<Vec<StoredFreeze>, StoreError>),
    Nothing,
}

impl Call {
    /// What a process makes of silence.
    pub fn unanswered(&self) -> Answer {
        match self {
            Self::Eks(..) | Self::Send(..) | Self::Cancel(..) => Answer::Eks(Err(EksError {
                kind: ErrorKind::Unavailable,
                operation: "eks",
                code: "Timeout".to_owned(),
                message: "AWS did not answer".to_owned(),
                request_id: None,
                clock_behind: None,
            })),
            Self::Live(_) | Self::Write(..) => {
                Answer::Stored(Err(StoreError::Unavailable("no answer".to_owned())))
            }
            Self::Freezes => Answer::Freezes(Err(StoreError::Unavailable("no answer".to_owned()))),
            Self::Event(..) => Answer::Nothing,
        }
    }

    /// Whether it changes something. Looking happens all the time.
    pub fn is_deed(&self) -> bool {
        matches!(
            self,
            Self::Send(..) | Self::Cancel(..) | Self::Write(..) | Self::Event(..)
        )
    }
}

/// For a timeline.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(target, request, _) => write!(
                f,
                "UpdateClusterVersion {} to {} with {}",
                target.name, request.version, request.client_request_token
            ),
            Self::Cancel(target, request, _) => write!(
                f,
                "CancelUpdate {} {} with {}",
                target.name, request.update_id, request.client_request_token
            ),
            Self::Eks(target, Question::Update(id)) => {
                write!(f, "DescribeUpdate {} {id}", target.name)
            }
            Self::Eks(target, question) => write!(f, "{} {}", question.operation(), target.name),
            Self::Live(key) => write!(f, "get {key}"),
            Self::Freezes => f.write_str("list the freezes"),
            Self::Write(stored, status) => write!(
                f,
                "write {} at {}: {}",
                stored.key,
                stored.resource_version,
                told(status)
            ),
            Self::Event(_, note) => write!(f, "event {} {}", note.reason, note.action),
        }
    }
}

fn told(status: &ClusterUpgradeStatus) -> String {
    let runs = status
        .cluster
        .as_ref()
        .map(|cluster| format!("{} {}", cluster.version, cluster.status));
    let update = status.update.as_ref().map_or_else(
        || "no update".to_owned(),
        |update| {
            format!(
                "{} {}->{} attempt {:?} sends {:?} id {:?} {:?}",
                update.kind,
                update.from_version,
                update.to_version,
                update.attempt,
                update.sends,
                update.id,
                update.status
            )
        },
    );
    let mut conditions = status.conditions.iter();
    let said = conditions
        .find(|condition| condition.type_ == READY)
        .map_or_else(String::new, |ready| {
            format!("{}: {}", ready.reason, ready.message)
        });
    format!("{runs:?}; {update}; {said}")
}
