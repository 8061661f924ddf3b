//! What was asked: one record for each call, for assertions.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::Serialize;

use crate::simulator::api::{Operation, Request};

/// How many calls are remembered.
const KEPT: usize = 100_000;

/// What became of a call's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// It was given, be it an error.
    Answered,
    /// A success was given whose body cannot be read.
    Malformed,
    /// The connection was closed before any work was done.
    LostBefore,
    /// The connection was closed after the work was done.
    LostAfter,
    /// The connection was left open without an answer.
    Hung,
}

/// One call.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallRecord {
    /// Counts all calls from 1.
    pub seq: u64,
    /// When it came in.
    pub at: Timestamp,
    /// The account of the caller; absent where the credentials were refused.
    pub account: Option<String>,
    /// The region it was signed for.
    pub region: String,
    /// What was asked for.
    pub operation: Operation,
    /// The cluster it is about.
    pub cluster: Option<String>,
    /// The update it names or got.
    pub update_id: Option<String>,
    /// Its members.
    pub request: Request,
    /// The status of the answer, if there was one.
    pub http_status: Option<u16>,
    /// The code of the error: of the answer, or of the work whose answer was lost.
    pub error_code: Option<String>,
    /// What became of the answer.
    pub outcome: Delivery,
    /// Whether a new update came of it.
    pub accepted: bool,
}

/// The calls so far.
#[derive(Clone, Debug, Default)]
pub(super) struct CallLog {
    records: VecDeque<CallRecord>,
    last_seq: u64,
}

impl CallLog {
    pub(super) fn next_seq(&mut self) -> u64 {
        self.last_seq += 1;
        self.last_seq
    }

    pub(super) fn push(&mut self, record: CallRecord) {
        if self.records.len() == KEPT {
            self.records.pop_front();
        }
        self.records.push_back(record);
    }

    /// The record of a call, for work that is done later.
    pub(super) fn find(&mut self, seq: u64) -> Option<&mut CallRecord> {
        let index = self.index_of(seq)?;
        self.records.get_mut(index)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &CallRecord> {
        self.records.iter()
    }

    /// The calls after this one. Those before are not looked at: a run of an hour must not make each question slower.
    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = &CallRecord> {
        let next = seq.saturating_add(1);
        let from = match self.records.front() {
            Some(first) if first.seq > next => 0,
            _ => self.index_of(next).unwrap_or(self.records.len()),
        };
        self.records.range(from..)
    }

    /// Where a call is: they are counted without a gap.
    fn index_of(&self, seq: u64) -> Option<usize> {
        let first = self.records.front()?.seq;
        let index = usize::try_from(seq.checked_sub(first)?).ok()?;
        (index < self.records.len()).then_some(index)
    }
}
