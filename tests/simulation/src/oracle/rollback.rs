//! Rollbacks: permitted by the manifest for one update, and used once.

use eks_upgrade_operator::api::{
    ClusterUpgradeSpec, ClusterUpgradeStatus, Minor, RollbackTimeout, Update,
};
use eks_upgrade_operator::eks::VersionRequest;
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::model::UpdateTruth;
use eks_upgrade_operator::store::{Key, Stored};

use super::{Announcement, Invariant, Oracle};
use crate::ports::body;
use crate::time::{MINUTE, Millis, since_start};

/// What is known of the next rollback is written once an hour at most; the clocks of two replicas differ.
const READINGS_APART: Millis = 50 * MINUTE;

/// Whether a manifest asks, by its versions, to go down from one to the other.
pub fn asks_for(spec: &ClusterUpgradeSpec, from: Minor, to: Minor) -> bool {
    let permit = spec.rollback.as_ref();
    let permitted = permit.and_then(|permit| permit.from_version.parse::<Minor>().ok());
    spec.version.parse() == Ok(to) && permitted == Some(from)
}

/// The timeout that a manifest asks for.
fn timeout(spec: &ClusterUpgradeSpec) -> Option<RollbackTimeout> {
    match spec.rollback.as_ref()?.timeout.as_ref() {
        None => Some(RollbackTimeout::DEFAULT),
        Some(text) => text.parse().ok(),
    }
}

impl Oracle {
    /// What is sent is what was announced, and that is what the manifest asked for then.
    pub(super) fn check_request(
        &mut self,
        key: &Key,
        spec: &ClusterUpgradeSpec,
        intent: &Update,
        request: &VersionRequest,
        now: Millis,
    ) {
        let (from, to) = (intent.from_version, intent.to_version);
        self.check(
            to == request.version
                && intent.force == request.force
                && intent.timeout == request.rollback_timeout,
            Invariant::AskedFor,
            now,
            || format!("{key} announced {intent:?} and sends {request:?}"),
        );
        if intent.kind == VERSION_ROLLBACK {
            let is_one_down = from.previous() == Some(to);
            self.check(
                is_one_down && asks_for(spec, from, to) && intent.timeout == timeout(spec),
                Invariant::AskedFor,
                now,
                || {
                    format!(
                        "{key} rolls back from {from} to {to}; it asks for {} with {:?}",
                        spec.version, spec.rollback
                    )
                },
            );
            return;
        }
        let asked = spec.version.parse::<Minor>();
        self.check(
            asked.is_ok_and(|asked| to <= asked) && from.next() == to && intent.timeout.is_none(),
            Invariant::AskedFor,
            now,
            || {
                format!(
                    "{key} goes from {from} to {to}, and asks for {}",
                    spec.version
                )
            },
        );
    }

    /// EKS accepted a rollback: the manifest named the update that it undoes, and no rollback of it has ended badly since
    /// a person asked for it. Of the cluster's updates before, in the order of their times, those after `newest_known`
    /// may have been seen or not.
    pub(super) fn check_undone(
        &mut self,
        versions: &[&UpdateTruth],
        newest_known: Option<usize>,
        new: &UpdateTruth,
        announcement: &Announcement,
        now: Millis,
    ) {
        let named = (announcement.spec.rollback.as_ref()).map(|permit| permit.update_id.as_str());
        let newest_success = |seen: &[&UpdateTruth]| {
            let mut ended = seen.iter().rev();
            ended
                .find(|update| update.status == TrueStatus::Successful)
                .map(|update| (update.id.clone(), update.kind.clone()))
        };
        let is_permitted = (newest_known.unwrap_or_default()..versions.len()).any(|last| {
            newest_success(&versions[..=last])
                .is_some_and(|(id, kind)| kind == VERSION_UPDATE && named == Some(id.as_str()))
        });
        if !is_permitted {
            let position = versions.iter().position(|update| named == Some(&update.id));
            let is_used = position.is_some_and(|position| {
                versions[position..].iter().any(|update| {
                    update.kind == VERSION_ROLLBACK && update.status == TrueStatus::Successful
                })
            });
            let invariant = if is_used {
                Invariant::OneUpdate
            } else {
                Invariant::AskedFor
            };
            self.broken(invariant, now, || {
                format!(
                    "{} has {:?} undone and names {named:?}",
                    announcement.key,
                    newest_success(versions)
                )
            });
        }
        let ended_badly = versions.iter().rfind(|update| {
            update.kind == VERSION_ROLLBACK
                && matches!(update.status, TrueStatus::Failed | TrueStatus::Cancelled)
                && update.to_version == new.to_version
                && self.is_known(update, announcement, now)
        });
        if let Some(last) = ended_badly.filter(|last| !self.is_permitted(last, announcement)) {
            self.broken(Invariant::OneUpdate, now, || {
                format!(
                    "{} rolls back to {:?} again; {} ended as {:?} and nobody permitted another",
                    announcement.key, new.to_version, last.id, last.status
                )
            });
        }
    }

    /// Whether a write says nothing but what EKS's readiness insights are by now, and how long the version is supported. That is not for nothing, and seldom.
    pub fn is_reading(&mut self, before: &Stored, after: &Stored, now: Millis) -> bool {
        let mut same = body(before).status.clone();
        let old = same.rollback.take();
        let new = body(after).status.rollback.clone();
        same.rollback.clone_from(&new);
        // Until when a version is supported is told once, after the hop to it.
        let about = |status: &ClusterUpgradeStatus| {
            let support = status.support.as_ref();
            support.map(|support| support.current.version)
        };
        let is_told = about(&same) != about(&body(after).status);
        if is_told {
            let after = &body(after).status;
            same.support.clone_from(&after.support);
            // That the support ends soon is said, too.
            let reasons = |status: &ClusterUpgradeStatus| {
                let conditions = status.conditions.iter();
                conditions.map(|one| one.reason.clone()).collect::<Vec<_>>()
            };
            if reasons(&same) == reasons(after) {
                same.conditions.clone_from(&after.conditions);
            }
        }
        if is_told && old == new && same == body(after).status {
            return true;
        }
        if old == new || same != body(after).status || before.generation != after.generation {
            return false;
        }
        // What could not be read is read as soon as it can be.
        let was_unknown = old.as_ref().is_some_and(|old| {
            let mut blockers = old.blockers.iter();
            blockers.any(|blocker| blocker.code == "ReadinessUnknown")
        });
        let is_same_update = old.map(|old| old.update_id) == new.map(|new| new.update_id);
        let last = self.readings.insert(after.uid.clone(), now);
        let is_seldom = last.is_none_or(|last| {
            now - last >= READINGS_APART || self.lost_since(&after.uid, last - MINUTE)
        });
        self.check(
            !is_same_update || was_unknown || is_seldom,
            Invariant::Idle,
            now,
            || {
                format!(
                    "{} is looked at for a rollback again since {last:?}",
                    after.key
                )
            },
        );
        true
    }

    /// Whether the oracle takes `update` for one that `uid` may think it asked for: EKS tells nobody's token, so that what
    /// somebody else started while the object asked for the same cannot be told from its own.
    pub(super) fn may_be_its_own(&self, update: &UpdateTruth, token: &str, uid: &str) -> bool {
        let is_of = |one: &&Announcement| one.uid == uid && one.intent.kind == update.kind;
        let own = self.first_announcement(update).filter(is_of);
        let taken_for = self.announcements.get(token).and_then(|all| all.first());
        let begun = since_start(update.created_at);
        own.is_some()
            || taken_for.filter(is_of).is_some_and(|first| {
                update.to_version == Some(first.intent.to_version)
                    && begun >= first.at - 5 * MINUTE - super::CLOCKS_APART
            })
    }
}
