//! What a status write may say.

use std::collections::BTreeSet;

use eks_upgrade_operator::api::condition::{READY, RECONCILING, STALLED};
use eks_upgrade_operator::api::{
    ClusterUpgradeStatus, HISTORY_LIMIT, Reason, Update, UpdateStatus,
};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::model::UpdateTruth;
use eks_upgrade_operator::store::Stored;

use super::{CLOCKS_APART, Invariant, Oracle};
use crate::api_server::ApiServer;
use crate::call::Life;
use crate::ports::body;
use crate::time::{MINUTE, Millis, at, since_start};

impl Oracle {
    /// The operator wrote a status.
    pub fn wrote(
        &mut self,
        life: Life,
        before: &Stored,
        after: &Stored,
        model: &mut Model,
        api: &ApiServer,
        now: Millis,
    ) {
        let (old, new) = (&body(before).status, &body(after).status);
        let key = &after.key;
        self.check(
            new.attempts >= old.attempts,
            Invariant::Remembers,
            now,
            || {
                format!(
                    "{key}: attempts go from {:?} to {:?}",
                    old.attempts, new.attempts
                )
            },
        );
        let known = ids(new);
        for id in ids(old) {
            self.check(
                known.contains(id) || new.history.len() >= HISTORY_LIMIT,
                Invariant::Remembers,
                now,
                || format!("{key} forgets update {id}"),
            );
        }
        let truth: Vec<UpdateTruth> = model
            .truth(at(now))
            .into_iter()
            .flat_map(|cluster| cluster.updates)
            .collect();
        self.check_intents(life, before, after, &truth, api, now);
        self.check_cancels(life, before, after, &truth, api, now);
        self.check_words(before, after, &truth, now);
        self.check_conditions(after, now);
    }

    fn check_intents(
        &mut self,
        life: Life,
        before: &Stored,
        after: &Stored,
        truth: &[UpdateTruth],
        api: &ApiServer,
        now: Millis,
    ) {
        let (old, new) = (&body(before).status, &body(after).status);
        let key = &after.key;
        let open =
            |status: &ClusterUpgradeStatus| status.update.clone().filter(Update::is_open_intent);
        let (was_open, is_open) = (open(old), open(new));
        if let Some(intent) = &is_open {
            let same = was_open
                .as_ref()
                .filter(|was| was.client_request_token == intent.client_request_token);
            match same {
                Some(was) if was.sends == intent.sends => {}
                Some(_) => self.announced(life, after, intent, api, now),
                None => {
                    self.check(
                        intent.attempt > old.attempts,
                        Invariant::Remembers,
                        now,
                        || format!("{key} uses attempt {:?} again", intent.attempt),
                    );
                    self.announced(life, after, intent, api, now);
                }
            }
        }
        let Some(was) = was_open else { return };
        let token = was.client_request_token.clone().unwrap_or_default();
        let now_is = new
            .update
            .as_ref()
            .filter(|update| update.client_request_token == was.client_request_token);
        match now_is {
            Some(update) if update.id.is_some() => {
                self.check_adopted(after, &was, update, truth, now);
            }
            Some(update) if update.status == Some(UpdateStatus::Refused) => {
                let is_refused = self.refused.contains(&token);
                self.check(is_refused, Invariant::TellsTheTruth, now, || {
                    format!("{key} calls {token} refused, and EKS never refused it")
                });
            }
            Some(update) if update.is_open_intent() => {}
            // Closed as not sent, or replaced by something else: given up.
            Some(_) | None => {
                // An intent that a restore brought back does not know of its later sends.
                let first = self
                    .announcements
                    .get(&token)
                    .and_then(|all| all.first())
                    .map(|first| first.at);
                if first.is_none_or(|first| self.lost_since(&after.uid, first)) {
                    return;
                }
                let started = truth
                    .iter()
                    .find(|update| update.client_request_token.as_ref() == Some(&token));
                let is_theirs =
                    started.is_none_or(|started| ids(new).contains(started.id.as_str()));
                self.check(is_theirs, Invariant::TellsTheTruth, now, || {
                    format!("{key} gives {token} up, and EKS has accepted it")
                });
                if started.is_none() {
                    self.given_up.insert(token);
                }
            }
        }
    }

    /// An intent got an id.
    fn check_adopted(
        &mut self,
        object: &Stored,
        intent: &Update,
        adopted: &Update,
        truth: &[UpdateTruth],
        now: Millis,
    ) {
        let key = &object.key;
        let Some(update) = truth
            .iter()
            .find(|update| Some(&update.id) == adopted.id.as_ref())
        else {
            return;
        };
        let is_answer = update.client_request_token == intent.client_request_token;
        let asked = intent.requested_at.map_or(now, since_start);
        let is_recent = since_start(update.created_at) >= asked - 5 * MINUTE - CLOCKS_APART
            || update.status == TrueStatus::InProgress;
        self.check(is_answer || is_recent, Invariant::AdoptsItsOwn, now, || {
            format!(
                "{key} adopts {} of {}, long before it asked at {:?}",
                update.id, update.created_at, intent.requested_at
            )
        });
        self.check(
            update.to_version == Some(adopted.to_version) && update.kind == adopted.kind,
            Invariant::AdoptsItsOwn,
            now,
            || format!("{key} adopts a {} to {:?}", update.kind, update.to_version),
        );
    }

    /// How an update ended is EKS's to say.
    fn check_words(&mut self, before: &Stored, after: &Stored, truth: &[UpdateTruth], now: Millis) {
        let (old, new) = (&body(before).status, &body(after).status);
        for update in new.update.iter().chain(&new.history) {
            let is_old = old
                .update
                .iter()
                .chain(&old.history)
                .any(|known| known.id == update.id && known.status == update.status);
            let Some(id) = update.id.as_ref().filter(|_| !is_old) else {
                continue;
            };
            let Some(true_one) = truth.iter().find(|truth| truth.id == *id) else {
                continue;
            };
            let is_true = match &update.status {
                Some(UpdateStatus::Successful) => true_one.status == TrueStatus::Successful,
                Some(UpdateStatus::Failed) => true_one.status == TrueStatus::Failed,
                Some(UpdateStatus::Cancelled) => true_one.status == TrueStatus::Cancelled,
                Some(UpdateStatus::Lost) => false,
                // Said before it was looked at.
                _ => true,
            };
            self.check(is_true, Invariant::TellsTheTruth, now, || {
                format!(
                    "{} calls {id} {:?}, and EKS has it as {:?}",
                    after.key, update.status, true_one.status
                )
            });
        }
    }

    fn check_conditions(&mut self, after: &Stored, now: Millis) {
        let status = &body(after).status;
        let has = |kind: &str| status.conditions.iter().filter(|c| c.type_ == kind).count();
        self.check(
            status.conditions.is_empty() || has(READY) == 1,
            Invariant::TellsTheTruth,
            now,
            || format!("{} has {} Ready conditions", after.key, has(READY)),
        );
        self.check(
            has(RECONCILING) + has(STALLED) <= 1,
            Invariant::TellsTheTruth,
            now,
            || format!("{} is both Reconciling and Stalled", after.key),
        );
        let is_up_to_date = status
            .conditions
            .iter()
            .any(|c| c.type_ == READY && c.reason == Reason::UpToDate.as_str());
        let runs = status
            .cluster
            .as_ref()
            .map(|cluster| cluster.version.as_str());
        let observed = status.observed_generation == Some(after.generation);
        self.check(
            !is_up_to_date || !observed || runs == Some(body(after).spec.version.as_str()),
            Invariant::TellsTheTruth,
            now,
            || format!("{} is called up to date at {runs:?}", after.key),
        );
    }
}

fn ids(status: &ClusterUpgradeStatus) -> BTreeSet<&str> {
    status
        .update
        .iter()
        .chain(&status.history)
        .filter_map(|update| update.id.as_deref())
        .collect()
}
