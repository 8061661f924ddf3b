//! A call from end to end: who calls, what goes wrong on the way, and what is noted of it.

use jiff::Timestamp;

use super::calls::{CallRecord, Delivery};
use super::work::Worked;
use super::{Model, faults};
use crate::simulator::api::{Caller, Reply, Request, Response};
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;
use crate::simulator::scenario::{FaultKind, Work};

impl Model {
    /// A call by somebody whose account is known.
    pub fn call(&mut self, caller: &Caller, request: &Request, now: Timestamp) -> Reply {
        self.settle(now);
        let seq = self.record(Some(caller), &caller.region, request, now);
        let limited = !request.operation().is_sts()
            && self
                .rate
                .as_mut()
                .is_some_and(|rate| !rate.admits(&caller.account, now));
        if limited {
            let mut error = ApiError::new("ThrottlingException", "Rate exceeded");
            if let Some(cluster) = request.cluster() {
                error = error.about(cluster);
            }
            return self.refusal(seq, request, error);
        }
        let fault = faults::strike(&mut self.faults, caller, request, now, &mut self.rng);
        let Some(fault) = fault else {
            let worked = self.work(caller, request, now);
            return self.answer(seq, worked, Period::ZERO);
        };
        if let Some(error) = faults::error_of(&fault, caller, request) {
            return self.refusal(seq, request, error);
        }
        let after = fault.lasts.unwrap_or_default();
        match (fault.kind, fault.work.unwrap_or_default()) {
            (FaultKind::Delay, _) => {
                let worked = self.work(caller, request, now);
                self.answer(seq, worked, after)
            }
            (FaultKind::Malformed, _) => {
                let worked = self.work(caller, request, now);
                // There is nothing to garble in an error: clients go by its status and header.
                let garbled = worked.result.is_ok();
                let reply = self.answer(seq, worked, Period::ZERO);
                if garbled {
                    self.deliver(seq, Delivery::Malformed, Some(200));
                    Reply::Garbled
                } else {
                    reply
                }
            }
            (FaultKind::LostAfter, _) | (FaultKind::Hang, Work::AtOnce) => {
                let worked = self.work(caller, request, now);
                let _unseen = self.answer(seq, worked, Period::ZERO);
                self.lose(seq, fault.kind, Delivery::LostAfter, after)
            }
            (kind, work) => {
                if work == Work::AtEnd {
                    let due = after.after(now);
                    self.late.push((due, seq, caller.clone(), request.clone()));
                }
                self.lose(seq, kind, Delivery::LostBefore, after)
            }
        }
    }

    /// A call signed with an access key.
    pub fn signed_call(
        &mut self,
        access_key_id: &str,
        region: &str,
        request: &Request,
        now: Timestamp,
    ) -> Reply {
        match self.identities.caller(access_key_id, region, now) {
            Ok(caller) => self.call(&caller, request, now),
            Err(error) => self.refuse(region, request, error, now),
        }
    }

    /// A call whose signature or credentials are no good: it is noted, and nothing is done.
    pub fn refuse(
        &mut self,
        region: &str,
        request: &Request,
        error: ApiError,
        now: Timestamp,
    ) -> Reply {
        let seq = self.record(None, region, request, now);
        self.refusal(seq, request, error)
    }

    fn refusal(&mut self, seq: u64, request: &Request, error: ApiError) -> Reply {
        let error = if request.operation().is_sts() {
            error.for_sts()
        } else {
            error
        };
        self.answer(seq, Err(error).into(), Period::ZERO)
    }

    /// Does the work of requests that were held up until `now`. Everything that looks at clusters
    /// does this first; it is only needed before a look at the calls.
    pub fn settle(&mut self, now: Timestamp) {
        loop {
            let due = self
                .late
                .iter()
                .enumerate()
                .filter(|(_, (due, ..))| *due <= now)
                .min_by_key(|(_, (due, seq, ..))| (*due, *seq))
                .map(|(index, _)| index);
            let Some(index) = due else {
                return;
            };
            let (due, seq, caller, request) = self.late.remove(index);
            let worked = self.work(&caller, &request, due);
            let outcome = self.calls.find(seq).map(|record| record.outcome);
            let _unseen = self.answer(seq, worked, Period::ZERO);
            if let Some(outcome) = outcome {
                self.deliver(seq, outcome, None);
            }
        }
    }

    fn record(
        &mut self,
        caller: Option<&Caller>,
        region: &str,
        request: &Request,
        now: Timestamp,
    ) -> u64 {
        let seq = self.calls.next_seq();
        self.calls.push(CallRecord {
            seq,
            at: now,
            account: caller.map(|caller| caller.account.clone()),
            region: region.to_owned(),
            operation: request.operation(),
            cluster: request.cluster().map(str::to_owned),
            update_id: request.update_id().map(str::to_owned),
            request: request.clone(),
            http_status: None,
            error_code: None,
            outcome: Delivery::Answered,
            accepted: false,
        });
        seq
    }

    /// Notes what the work came to, and answers with it.
    fn answer(&mut self, seq: u64, worked: Worked, after: Period) -> Reply {
        let Worked { result, accepted } = worked;
        if let Some(record) = self.calls.find(seq) {
            record.accepted = accepted;
            match &result {
                Ok(response) => {
                    record.http_status = Some(200);
                    if let Response::Update(update) = response {
                        record.update_id = Some(update.id.clone());
                    }
                }
                Err(error) => {
                    record.http_status = Some(error.status);
                    record.error_code = Some(error.code.clone());
                }
            }
        }
        Reply::Answer { after, result }
    }

    fn deliver(&mut self, seq: u64, outcome: Delivery, http_status: Option<u16>) {
        if let Some(record) = self.calls.find(seq) {
            record.outcome = outcome;
            record.http_status = http_status;
        }
    }

    fn lose(&mut self, seq: u64, kind: FaultKind, lost: Delivery, after: Period) -> Reply {
        let outcome = if kind == FaultKind::Hang {
            Delivery::Hung
        } else {
            lost
        };
        self.deliver(seq, outcome, None);
        Reply::Nothing { after }
    }
}
