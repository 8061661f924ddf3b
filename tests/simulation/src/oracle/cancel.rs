//! Cancellations: of rollbacks that the object started and does not ask for any more, once, each send with its guarded write.

use std::collections::{BTreeMap, BTreeSet};

use eks_upgrade_operator::api::{CancelStatus, Minor, Update};
use eks_upgrade_operator::eks::CancelRequest;
use eks_upgrade_operator::plan::VERSION_ROLLBACK;
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::model::UpdateTruth;
use eks_upgrade_operator::store::{Key, Stored};

use super::rollback::asks_for;
use super::{Invariant, Oracle, SEND_WITHIN, owner_before};
use crate::api_server::ApiServer;
use crate::call::Life;
use crate::ports::body;
use crate::time::{Millis, at};

/// A guarded write that announces a cancellation.
#[derive(Clone, Debug, Hash)]
struct CancelAnnouncement {
    life: Life,
    at: Millis,
    key: Key,
    uid: String,
    /// What speaks against sending it.
    against: Vec<(Invariant, &'static str)>,
    /// The token of the update, as the object has it.
    token_of_update: String,
    token: String,
    is_used: bool,
}

/// What is known of cancellations, by the update's id.
#[derive(Default, Hash)]
pub struct Cancels {
    announced: BTreeMap<String, Vec<CancelAnnouncement>>,
    /// The tokens that were sent.
    sent: BTreeMap<String, BTreeSet<String>>,
    /// Those that EKS refused for certain.
    refused: BTreeSet<String>,
}

impl Oracle {
    /// EKS refused a cancellation for certain.
    pub fn refused_to_cancel(&mut self, update: &str) {
        self.cancels.refused.insert(update.to_owned());
    }

    /// A status was written: what it says of cancelling.
    pub(super) fn check_cancels(
        &mut self,
        life: Life,
        before: &Stored,
        after: &Stored,
        truth: &[UpdateTruth],
        api: &ApiServer,
        now: Millis,
    ) {
        let Some(update) = &body(after).status.update else {
            return;
        };
        let (Some(id), Some(cancel)) = (&update.id, &update.cancel) else {
            return;
        };
        let old = body(before).status.update.as_ref();
        let old = old.filter(|old| old.id == update.id);
        let known = old.and_then(|old| old.cancel.as_ref());
        let key = &after.key;
        match cancel.status {
            None => {
                if known.is_some_and(|known| known.sends == cancel.sends) {
                    return;
                }
                self.check(
                    known.is_none_or(|known| known.status.is_none()),
                    Invariant::Remembers,
                    now,
                    || format!("{key} forgets what came of cancelling {id}"),
                );
                self.announced_cancel(
                    life,
                    after,
                    update,
                    id,
                    &cancel.client_request_token,
                    api,
                    now,
                );
            }
            Some(status) if known.and_then(|known| known.status) != Some(status) => {
                let truth = truth.iter().find(|truth| truth.id == *id);
                let is_true = match status {
                    CancelStatus::Accepted => {
                        truth.is_none_or(|truth| truth.cancellation.is_some())
                    }
                    CancelStatus::Refused => self.cancels.refused.contains(id),
                };
                self.check(is_true, Invariant::TellsTheTruth, now, || {
                    format!("{key} calls cancelling {id} {status:?}, and EKS has {truth:?}")
                });
            }
            Some(_) => {}
        }
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "what is announced, where and when"
    )]
    fn announced_cancel(
        &mut self,
        life: Life,
        stored: &Stored,
        update: &Update,
        id: &str,
        token: &str,
        api: &ApiServer,
        now: Millis,
    ) {
        let spec = &body(stored).spec;
        let (from, to): (Minor, Minor) = (update.from_version, update.to_version);
        let is_asked_for = asks_for(spec, from, to) || update.kind != VERSION_ROLLBACK;
        let against = [
            (is_asked_for, Invariant::AskedFor, "asks for it"),
            (spec.suspend, Invariant::MayAct, "is suspended"),
            (stored.deleting, Invariant::MayAct, "is being deleted"),
            (
                owner_before(stored, api).is_some(),
                Invariant::MayAct,
                "does not own the cluster",
            ),
        ];
        let announcement = CancelAnnouncement {
            life,
            at: now,
            key: stored.key.clone(),
            uid: stored.uid.clone(),
            against: against
                .into_iter()
                .filter(|(is_so, ..)| *is_so)
                .map(|(_, invariant, why)| (invariant, why))
                .collect(),
            token_of_update: update.client_request_token.clone().unwrap_or_default(),
            token: token.to_owned(),
            is_used: false,
        };
        let announced = self.cancels.announced.entry(id.to_owned()).or_default();
        announced.push(announcement);
    }

    /// A process calls CancelUpdate.
    pub fn cancels(&mut self, life: Life, request: &CancelRequest, model: &mut Model, now: Millis) {
        let CancelRequest {
            update_id: id,
            client_request_token: token,
        } = request;
        let sent = self.cancels.sent.entry(id.clone()).or_default();
        sent.insert(token.clone());
        let is_one = sent.len() == 1;
        self.check(is_one, Invariant::OneCancel, now, || {
            format!("{id} is cancelled with a second token")
        });
        let announced = self.cancels.announced.get_mut(id);
        let found = announced.and_then(|all| {
            let mut all = all.iter_mut();
            all.rfind(|one| one.life == life && one.token == *token && !one.is_used)
        });
        let Some(announcement) = found else {
            self.broken(Invariant::Guarded, now, || {
                format!("{id} is cancelled without a guarded write of its own")
            });
            return;
        };
        announcement.is_used = true;
        let announcement = announcement.clone();
        let CancelAnnouncement {
            life: _,
            at: _,
            key,
            uid,
            against,
            token_of_update,
            token: _,
            is_used: _,
        } = &announcement;
        for (invariant, why) in against {
            self.broken(*invariant, now, || format!("{key} cancels {id} and {why}"));
        }
        let truth = model
            .truth(at(now))
            .into_iter()
            .flat_map(|cluster| cluster.updates)
            .find(|update| update.id == *id);
        let is_own = truth.is_none_or(|update| self.may_be_its_own(&update, token_of_update, uid));
        self.check(is_own, Invariant::RespectsOthers, now, || {
            format!("{key} cancels {id}, which somebody else started")
        });
    }

    /// A CancelUpdate leaves its process.
    pub fn cancel_leaves(&mut self, life: Life, request: &CancelRequest, now: Millis) {
        let announced = self.cancels.announced.get(&request.update_id);
        let announced = announced
            .and_then(|all| all.iter().rfind(|one| one.life == life))
            .map(|one| one.at);
        self.check(
            announced.is_some_and(|at| now - at <= SEND_WITHIN),
            Invariant::Guarded,
            now,
            || {
                format!(
                    "the cancellation of {} leaves {:?} ms after its guarded write",
                    request.update_id,
                    announced.map(|at| now - at)
                )
            },
        );
    }
}
