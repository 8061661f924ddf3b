//! The port to the Kubernetes API: cached and live reads, guarded status writes, and Events.
//!
//! [`kube`] is the real face.

pub mod kube;
mod seen;

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

pub use seen::{News, Seen};

use crate::api::{ClusterUpgradeSpec, ClusterUpgradeStatus, UpgradeFreezeSpec};

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// An object at one resource version.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Which object.
    pub key: Key,
    /// Its uid: a recreated object is another one.
    pub uid: String,
    /// The version that a guarded write must find.
    pub resource_version: String,
    /// The generation of its spec.
    pub generation: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether a deletion timestamp is set.
    pub deleting: bool,
    /// The retry annotation, raw.
    pub retry_requested_at: Option<String>,
    /// Its labels, by which freezes select.
    pub labels: BTreeMap<String, String>,
    /// Spec and status, or why they cannot be read.
    pub body: Result<Body, Unreadable>,
}

/// The typed parts of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// What is asked for.
    pub spec: ClusterUpgradeSpec,
    /// What was said and is remembered.
    pub status: ClusterUpgradeStatus,
}

/// An `UpgradeFreeze`.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredFreeze {
    /// Its name.
    pub name: String,
    /// What it says, or why that cannot be read.
    pub freeze: Result<UpgradeFreezeSpec, Unreadable>,
}

/// Why an object cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Stored {
    /// The resource version as a number, by which two states of one object are ordered (Kubernetes 1.35 promises that;
    /// older API servers on etcd do it as well). `None` means: cannot tell.
    pub fn revision(&self) -> Option<u64> {
        self.resource_version.parse().ok()
    }

    /// Whether this is a later state of the same object than `other`, as far as can be told.
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.uid == other.uid
            && matches!((self.revision(), other.revision()), (Some(ours), Some(theirs)) if ours > theirs)
    }
}

/// Why a read or write of the API brought nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The object changed since it was read: what was decided on it no longer counts.
    #[error("the object changed since it was read")]
    Conflict,
    /// The object is gone, or another one bears its name.
    #[error("the object is gone")]
    Gone,
    /// The API server could not be reached, or did not answer in time. A write may have happened.
    #[error("the API server cannot be used: {0}")]
    Unavailable(String),
    /// The API server refused: permissions or validation.
    #[error("the API server refused: {0}")]
    Refused(String),
}

impl StoreError {
    /// A short name for metric labels; the set is closed.
    pub const fn label(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
        }
    }
}

/// An Event on an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Whether something is wrong.
    pub warning: bool,
    /// The Event's reason.
    pub reason: String,
    /// What was being done. Events of one reason and action are merged for minutes under the first text, so it names
    /// the hop and attempt.
    pub action: String,
    /// The sentence, at most 1024 bytes.
    pub text: String,
}

/// The port to the Kubernetes API.
pub trait Store: Send + Sync + 'static {
    /// The object as the watch showed it last, or as this process read it live or wrote it, whichever is latest.
    fn cached(&self, key: &Key) -> Option<Arc<Stored>>;

    /// What this process knows beyond the watch.
    fn seen(&self) -> &Seen;

    /// The object as it is now; from then on [`Store::cached`] shows nothing older.
    fn live(&self, key: &Key) -> impl Future<Output = Result<Arc<Stored>, StoreError>> + Send;

    /// All freezes as they are now, in bounded time. An error means that some may be unknown.
    fn live_freezes(&self) -> impl Future<Output = Result<Vec<StoredFreeze>, StoreError>> + Send;

    /// Writes the whole status, only if the object is still at `at`'s resource version and uid.
    fn write_status(
        &self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> impl Future<Output = Result<Arc<Stored>, StoreError>> + Send;

    /// The status of an object as it is in the API, whatever it looks like; for one whose typed form cannot be read.
    /// [`StoreError::Conflict`] where the object is no longer at `at`'s resource version.
    fn raw_status(&self, at: &Stored) -> impl Future<Output = Result<Value, StoreError>> + Send;

    /// Writes such a status whole, only if the object is still at `at`'s resource version and uid.
    fn write_raw_status(
        &self,
        at: &Stored,
        status: &Value,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Publishes an Event. Events are a courtesy: one that cannot be written is dropped.
    fn publish(&self, about: &Stored, note: &Note) -> impl Future<Output = ()> + Send;
}
