//! Calls counted instead of listed: what a fleet of thousands asked, in an answer of a few lines.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::CallRecord;
use crate::simulator::api::Operation;

/// Calls in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many calls these are.
    pub calls: usize,
    /// The `seq` of the first and the last; 0 where there are none. More than one above what was asked for is the first where
    /// older calls are no longer remembered.
    pub first_seq: u64,
    /// See `first_seq`.
    pub last_seq: u64,
    /// When the first came in.
    pub first_at: Option<Timestamp>,
    /// When the last came in.
    pub last_at: Option<Timestamp>,
    /// By operation.
    pub operations: BTreeMap<Operation, OperationTally>,
    /// By account and cluster, as `account/name`; only where asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, ClusterTally>,
}

/// The calls of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationTally {
    /// How many.
    pub calls: usize,
    /// Of how many a new update came.
    pub accepted: usize,
    /// About how many clusters.
    pub clusters: usize,
    /// How many ended in an error, by its code.
    pub errors: BTreeMap<String, usize>,
    /// By account.
    pub accounts: BTreeMap<String, usize>,
}

/// The calls about one cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterTally {
    /// How many.
    pub calls: usize,
    /// How many ended in an error.
    pub errors: usize,
    /// When the first came in.
    pub first_at: Option<Timestamp>,
    /// When the last came in.
    pub last_at: Option<Timestamp>,
}

impl Tally {
    /// Counts calls, oldest first; those about each cluster too where `by_cluster`.
    pub fn of<'a>(calls: impl Iterator<Item = &'a CallRecord>, by_cluster: bool) -> Self {
        let mut tally = Self::default();
        let mut seen: BTreeMap<Operation, BTreeSet<(Option<&str>, &str)>> = BTreeMap::new();
        let mut clusters: BTreeMap<(Option<&str>, &str), ClusterTally> = BTreeMap::new();
        for call in calls {
            tally.calls += 1;
            if tally.first_seq == 0 {
                tally.first_seq = call.seq;
                tally.first_at = Some(call.at);
            }
            tally.last_seq = call.seq;
            tally.last_at = Some(call.at);
            let account = call.account.as_deref();
            let of = tally.operations.entry(call.operation).or_default();
            of.calls += 1;
            of.accepted += usize::from(call.accepted);
            if let Some(code) = &call.error_code {
                *of.errors.entry(code.clone()).or_default() += 1;
            }
            if let Some(account) = account {
                *of.accounts.entry(account.to_owned()).or_default() += 1;
            }
            if let Some(cluster) = call.cluster.as_deref() {
                seen.entry(call.operation)
                    .or_default()
                    .insert((account, cluster));
                if by_cluster {
                    let of = clusters.entry((account, cluster)).or_default();
                    of.calls += 1;
                    of.errors += usize::from(call.error_code.is_some());
                    of.first_at.get_or_insert(call.at);
                    of.last_at = Some(call.at);
                }
            }
        }
        for (operation, clusters) in seen {
            tally.operations.entry(operation).or_default().clusters = clusters.len();
        }
        tally.clusters = clusters
            .into_iter()
            .map(|((account, name), of)| (format!("{}/{name}", account.unwrap_or("-")), of))
            .collect();
        tally
    }
}
