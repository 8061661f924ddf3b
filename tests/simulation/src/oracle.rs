//! The safety invariants of `docs/protocol.md`, checked at every write, every send and every acceptance, against the truth
//! that only the simulation knows. Written from the protocol, not from the code under test.

mod cancel;
pub mod gates;
mod rollback;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use eks_upgrade_operator::api::{ClusterUpgradeSpec, Update};
use eks_upgrade_operator::eks::{Target, VersionRequest};
use eks_upgrade_operator::plan::{VERSION_ROLLBACK, VERSION_UPDATE};
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::api::UpdateStatus as TrueStatus;
use eks_upgrade_operator::simulator::model::{Origin, UpdateTruth};
use eks_upgrade_operator::store::{Key, Stored};
use jiff::Timestamp;

use crate::api_server::ApiServer;
use crate::call::Life;
use crate::ports::body;
use crate::time::{MINUTE, Millis, SECOND, at, since_start};

use cancel::Cancels;
use gates::Gates;

pub use rollback::asks_for;

/// A send begins within this of its guarded write.
const SEND_WITHIN: Millis = 10 * SECOND;
/// How far apart two clocks may be: twice what a replica's may be off.
pub const CLOCKS_APART: Millis = 4 * MINUTE;

/// What must never be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// 1: one accepted update per hop and attempt.
    OneUpdate,
    /// 2: never a version that was not asked for.
    AskedFor,
    /// 3: nothing while suspended, being deleted, or not the owner.
    MayAct,
    /// Nothing starts outside a window, in a freeze, on hold, while baking, or on a failed check.
    Gated,
    /// 4: somebody else's decision is respected.
    RespectsOthers,
    /// 6: nothing is said of an update that EKS did not say.
    TellsTheTruth,
    /// At most one cancellation per update.
    OneCancel,
    /// Every send has its guarded write, and begins in time.
    Guarded,
    /// What is known is kept, and no attempt is used twice.
    Remembers,
    /// An update is adopted only where it can be the answer.
    AdoptsItsOwn,
    /// 5: once faults stop, every object comes to rest.
    Progress,
    /// 7: idle costs nothing.
    Idle,
}

/// A broken invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    pub at: Millis,
    pub what: String,
}

/// A guarded write that announces a send.
#[derive(Clone, Debug)]
pub struct Announcement {
    pub life: Life,
    pub at: Millis,
    pub key: Key,
    pub uid: String,
    pub spec: ClusterUpgradeSpec,
    pub deleting: bool,
    pub labels: BTreeMap<String, String>,
    /// The retry annotation.
    pub retry: Option<Timestamp>,
    /// The older object that owns the same cluster.
    pub owner: Option<Key>,
    pub intent: Update,
    pub is_used: bool,
}

/// What a person did to one object, by its uid.
#[derive(Clone, Debug, Default, Hash)]
struct Doings {
    /// When the version or force was edited.
    edits: Vec<Millis>,
    /// When the permission of a rollback was edited.
    permits: Vec<Millis>,
    /// When the status was wiped or set back.
    losses: Vec<Millis>,
}

#[derive(Default)]
pub struct Oracle {
    pub violation: Option<Violation>,
    /// How long after a look at EKS a request may still arrive.
    arrives_within: Millis,
    /// How long EKS may not list what it accepted.
    listed_within: Millis,
    /// By token, in the order of the writes.
    announcements: BTreeMap<String, Vec<Announcement>>,
    doings: BTreeMap<String, Doings>,
    /// Tokens of intents that were given up: nothing may ever have been accepted with them.
    given_up: BTreeSet<String>,
    /// Tokens of which EKS refused a send for certain.
    refused: BTreeSet<String>,
    cancels: Cancels,
    gates: Gates,
    /// When only what is known of the next rollback was written last, by object.
    readings: BTreeMap<String, Millis>,
    /// When each process listed each cluster's updates last.
    listed: BTreeMap<(Life, String), Millis>,
    /// Status writes and Events of the operator, also those that change nothing.
    pub deeds: u64,
}

impl Oracle {
    /// Judges under these assumptions.
    pub fn new(arrives_within: Millis, listed_within: Millis) -> Self {
        Self {
            arrives_within,
            listed_within,
            ..Self::default()
        }
    }

    fn broken(&mut self, invariant: Invariant, now: Millis, what: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(Violation {
                invariant,
                at: now,
                what: what(),
            });
        }
    }

    fn check(
        &mut self,
        holds: bool,
        invariant: Invariant,
        now: Millis,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.broken(invariant, now, what);
        }
    }

    /// A violation that somebody else found.
    pub fn report(&mut self, invariant: Invariant, now: Millis, what: String) {
        self.broken(invariant, now, || what);
    }

    /// A person edited the version or force.
    pub fn edited(&mut self, uid: &str, now: Millis) {
        self.doings(uid).edits.push(now);
    }

    /// A person edited the permission of a rollback.
    pub fn permits(&mut self, uid: &str, now: Millis) {
        self.doings(uid).permits.push(now);
    }

    /// The status was wiped or set back.
    pub fn lost_status(&mut self, uid: &str, now: Millis) {
        self.doings(uid).losses.push(now);
    }

    fn doings(&mut self, uid: &str) -> &mut Doings {
        self.doings.entry(uid.to_owned()).or_default()
    }

    /// A guarded write announces a send.
    fn announced(
        &mut self,
        life: Life,
        stored: &Stored,
        intent: &Update,
        api: &ApiServer,
        now: Millis,
    ) {
        let token = intent.client_request_token.clone().unwrap_or_default();
        // Asked for anew, as after a lost status.
        self.given_up.remove(&token);
        let announcement = Announcement {
            life,
            at: now,
            key: stored.key.clone(),
            uid: stored.uid.clone(),
            spec: body(stored).spec.clone(),
            deleting: stored.deleting,
            labels: stored.labels.clone(),
            retry: stored
                .retry_requested_at
                .as_ref()
                .and_then(|text| text.parse().ok()),
            owner: owner_before(stored, api),
            intent: intent.clone(),
            is_used: false,
        };
        self.announcements
            .entry(token)
            .or_default()
            .push(announcement);
    }

    /// A process makes the call.
    pub fn calls(&mut self, life: Life, request: &VersionRequest, now: Millis) {
        let token = &request.client_request_token;
        let found = self
            .announcements
            .get_mut(token)
            .and_then(|all| all.iter_mut().rfind(|one| one.life == life && !one.is_used));
        let Some(announcement) = found else {
            self.broken(Invariant::Guarded, now, || {
                format!(
                    "{token} is sent to {} without a guarded write of its own",
                    request.version
                )
            });
            return;
        };
        announcement.is_used = true;
        let announcement = announcement.clone();
        let Announcement {
            life: _,
            at: _,
            key,
            uid: _,
            spec,
            deleting,
            labels: _,
            retry: _,
            owner,
            intent,
            is_used: _,
        } = &announcement;
        self.check_request(key, spec, intent, request, now);
        self.check(!spec.suspend, Invariant::MayAct, now, || {
            format!("{key} is suspended")
        });
        self.check(!deleting, Invariant::MayAct, now, || {
            format!("{key} is being deleted")
        });
        self.check(owner.is_none(), Invariant::MayAct, now, || {
            format!("{key} sends for a cluster that {owner:?} owns")
        });
    }

    /// EKS was asked for a cluster's updates.
    pub fn lists(&mut self, life: Life, cluster: &str, now: Millis) {
        self.listed.insert((life, cluster.to_owned()), now);
    }

    /// What tells two judgements to come from each other, beyond what the world itself does.
    pub fn digest(&self) -> u64 {
        let mut digest = DefaultHasher::new();
        self.cancels.hash(&mut digest);
        for (token, all) in &self.announcements {
            let unused = all.iter().filter(|one| !one.is_used).count();
            (token, all.len(), unused).hash(&mut digest);
        }
        (&self.doings, &self.given_up, &self.refused).hash(&mut digest);
        digest.finish()
    }

    /// The request leaves the process.
    pub fn leaves(
        &mut self,
        life: Life,
        target: &Target,
        request: &VersionRequest,
        api: &ApiServer,
        model: &mut Model,
        now: Millis,
    ) {
        let cluster = &target.name;
        let listed = self.listed.get(&(life, cluster.clone())).copied();
        self.check(
            listed.is_some_and(|at| now - at <= SEND_WITHIN),
            Invariant::Guarded,
            now,
            || {
                let since = listed.map(|at| now - at);
                format!("a send for {cluster} leaves {since:?} ms after the look")
            },
        );
        let announced = self
            .announcements
            .get(&request.client_request_token)
            .and_then(|all| all.iter().rfind(|one| one.life == life))
            .cloned();
        if let Some(announcement) = &announced {
            self.check_gates(announcement, target, api, model, now);
        }
        let announced = announced.map(|one| one.at);
        self.check(
            announced.is_some_and(|at| now - at <= SEND_WITHIN),
            Invariant::Guarded,
            now,
            || {
                format!(
                    "{} leaves {:?} ms after its guarded write",
                    request.client_request_token,
                    announced.map(|at| now - at)
                )
            },
        );
    }

    /// EKS refused a send for certain.
    pub fn was_refused(&mut self, token: &str) {
        self.refused.insert(token.to_owned());
    }

    /// EKS accepted a send and started `new`; `before` are the cluster's updates until then.
    pub fn accepted(&mut self, before: &[UpdateTruth], new: &UpdateTruth, now: Millis) {
        let token = new.client_request_token.clone().unwrap_or_default();
        self.check(
            !self.given_up.contains(&token),
            Invariant::TellsTheTruth,
            now,
            || format!("{token} was given up as not sent, and is accepted"),
        );
        let twice = before
            .iter()
            .any(|update| update.client_request_token.as_ref() == Some(&token));
        self.check(!twice, Invariant::OneUpdate, now, || {
            format!("{token} is accepted twice")
        });
        let Some(announcement) = self.announcements.get(&token).and_then(|all| all.last()) else {
            self.broken(Invariant::Guarded, now, || {
                format!("{token} is accepted and was never announced")
            });
            return;
        };
        let announcement = announcement.clone();
        let intent = &announcement.intent;
        self.check(
            new.kind == intent.kind && new.to_version == Some(intent.to_version),
            Invariant::AskedFor,
            now,
            || {
                format!(
                    "a {} to {} was asked for, and started a {} to {:?}",
                    intent.kind, intent.to_version, new.kind, new.to_version
                )
            },
        );
        let mut versions: Vec<_> = before
            .iter()
            .filter(|update| is_of_version(update))
            .collect();
        versions.sort_by_key(|update| update.created_at);
        let newest_known = versions
            .iter()
            .rposition(|update| self.is_known(update, &announcement, now));
        if new.kind == VERSION_ROLLBACK {
            self.check_undone(&versions, newest_known, new, &announcement, now);
            return;
        }
        let Some(newest_known) = newest_known else {
            return;
        };
        // What is newer may have been seen as well, or not yet: either will do.
        let stands_against = |last: &&UpdateTruth| {
            let ended_badly = matches!(last.status, TrueStatus::Failed | TrueStatus::Cancelled)
                && last.to_version == new.to_version;
            (last.kind == VERSION_ROLLBACK || ended_badly)
                && !self.is_permitted(last, &announcement)
                && !self.is_taken_for_its_own(last, &announcement.uid)
        };
        let last = versions[newest_known];
        if versions[newest_known..].iter().all(stands_against) {
            let invariant = if last.origin == Origin::Call {
                Invariant::OneUpdate
            } else {
                Invariant::RespectsOthers
            };
            self.broken(invariant, now, || {
                format!(
                    "{} starts an update to {:?}; the last one, {} of {:?} to {:?}, ended as {:?} and nobody permitted another",
                    announcement.key, new.to_version, last.kind, last.origin, last.to_version, last.status
                )
            });
        }
    }

    /// Whether the operator has to know of an update when `announcement`'s send is accepted: it asked for it and its memory
    /// was not taken away, or EKS has listed it since before the send was decided on.
    fn is_known(&self, update: &UpdateTruth, announcement: &Announcement, now: Millis) -> bool {
        let created = since_start(update.created_at);
        let is_ours = self.first_announcement(update).is_some_and(|first| {
            first.uid == announcement.uid && !self.lost_since(&announcement.uid, first.at)
        });
        is_ours || created + self.listed_within + self.arrives_within <= now
    }

    /// Whether somebody else had done what the object asked for itself at that time: EKS tells nobody's token.
    fn is_taken_for_its_own(&self, update: &UpdateTruth, uid: &str) -> bool {
        let mut tokens = self.announcements.keys();
        update.kind == VERSION_ROLLBACK
            && update.status == TrueStatus::Successful
            && update.client_request_token.is_none()
            && tokens.any(|token| self.may_be_its_own(update, token, uid))
    }

    fn first_announcement(&self, update: &UpdateTruth) -> Option<&Announcement> {
        let token = update.client_request_token.as_ref()?;
        self.announcements.get(token)?.first()
    }

    /// Whether an object asked for an update and still has to know of it.
    pub fn is_remembered(&self, update: &UpdateTruth, uid: &str) -> bool {
        self.first_announcement(update)
            .is_some_and(|first| first.uid == uid && !self.lost_since(uid, first.at))
    }

    fn lost_since(&self, uid: &str, since: Millis) -> bool {
        let doings = self.doings.get(uid);
        doings.is_some_and(|doings| doings.losses.iter().any(|lost| *lost >= since))
    }

    /// Whether a person permitted another try since `last`.
    fn is_permitted(&self, last: &UpdateTruth, announcement: &Announcement) -> bool {
        let Announcement {
            uid,
            at: announced,
            spec,
            intent,
            retry,
            ..
        } = announcement;
        let doings = self.doings.get(uid).cloned().unwrap_or_default();
        let is_annotated = retry.is_some_and(|value| {
            value > last.created_at && since_start(value) <= announced + CLOCKS_APART
        });
        let is_edit_since = |edit: &Millis| at(*edit) > last.created_at && edit <= announced;
        // Another permission to roll back is none to upgrade.
        let permits = doings.permits.iter();
        let is_other_permit = intent.kind == VERSION_ROLLBACK && permits.clone().any(is_edit_since);
        if is_annotated || is_other_permit || doings.edits.iter().any(is_edit_since) {
            return true;
        }
        // What was asked for before may still be another matter than what was tried: that is what the send said.
        let is_ours = self
            .first_announcement(last)
            .is_some_and(|first| first.uid == *uid && !self.lost_since(uid, first.at));
        let token = last.client_request_token.as_ref();
        let sends = token.and_then(|token| self.announcements.get(token));
        let sent = sends
            .into_iter()
            .flatten()
            .rfind(|one| at(one.at) <= last.created_at);
        is_ours
            && sent.is_some_and(|sent| {
                let is_other_rollback = sent.intent.kind == intent.kind
                    && intent.kind == VERSION_ROLLBACK
                    && sent.spec.rollback != spec.rollback;
                sent.spec.version != spec.version
                    || sent.intent.force != intent.force
                    || is_other_rollback
            })
    }
}

fn is_of_version(update: &UpdateTruth) -> bool {
    update.scope.is_cluster() && (update.kind == VERSION_UPDATE || update.kind == VERSION_ROLLBACK)
}

/// The object that owns the same cluster, if it is another one.
pub fn owner_before(stored: &Stored, api: &ApiServer) -> Option<Key> {
    let cluster = &body(stored).spec.cluster;
    api.objects()
        .filter(|other| !other.deleting && body(other).spec.cluster == *cluster)
        .min_by_key(|other| (other.created_at, other.uid.clone()))
        .filter(|owner| owner.uid != stored.uid)
        .map(|owner| owner.key.clone())
}
