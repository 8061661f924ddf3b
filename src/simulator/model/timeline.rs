//! How time changes a cluster: updates end, events happen, each at its own moment.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cluster::{Cluster, version_params};
use super::update::{Ending, Origin, Update, VERSION_ROLLBACK, VERSION_UPDATE};
use crate::simulator::api::{ClusterStatus, Scope, UpdateParam, UpdateView};
use crate::simulator::calendar::Calendar;
use crate::simulator::scenario::{ForeignUpdate, Happening};

/// What happens to a cluster next.
enum Step {
    FinishUpdates,
    Happen(usize),
    EndRefresh,
}

impl Cluster {
    /// Lets time pass up to `now`: ends updates, lets events happen, each at its moment.
    pub(super) fn advance(&mut self, now: Timestamp, calendar: &Calendar) {
        loop {
            let ending = self
                .updates
                .iter()
                .filter(|update| update.is_running())
                .map(|update| (update.ends_at, Step::FinishUpdates))
                .min_by_key(|(at, _)| *at);
            let event = self
                .events
                .iter()
                .enumerate()
                .map(|(index, (at, _))| (*at, Step::Happen(index)))
                .min_by_key(|(at, _)| *at);
            let refresh = self
                .exists
                .then(|| (self.insights.next_refresh(), Step::EndRefresh));
            // What ends at a moment makes room for what happens at it, and a refresh sees both: of
            // equal ones the first is the minimum.
            let first = [ending, event, refresh]
                .into_iter()
                .flatten()
                .min_by_key(|(at, _)| *at);
            match first {
                Some((at, step)) if at <= now => match step {
                    Step::FinishUpdates => self.finish_updates(at),
                    Step::Happen(index) => {
                        let (at, happening) = self.events.remove(index);
                        self.happen(at, happening, calendar);
                    }
                    Step::EndRefresh => self.end_refresh(at),
                },
                _ => return,
            }
        }
    }

    fn finish_updates(&mut self, at: Timestamp) {
        let (mut reached, mut nodegroups, mut addons) = (Vec::new(), Vec::new(), Vec::new());
        let mut busy = false;
        for update in &mut self.updates {
            if update.is_running() && update.ends_at <= at {
                update.finish();
                busy |= update.scope.is_cluster();
                nodegroups.extend(update.nodegroup_reached());
                addons.extend(update.addon_reached());
                if update.ending == Ending::Success
                    && update.changes_version()
                    && let Some(to) = update.to
                {
                    reached.push((to, update.platform_version()));
                }
            }
        }
        for (version, platform_version) in reached {
            let until = self.lags.version.unwrap_or_default().after(at);
            self.stale = Some((self.version, self.platform_version.clone(), until));
            self.version = version;
            self.platform_version = platform_version.unwrap_or_else(|| "eks.1".to_owned());
            let refreshed = self.durations.insights_after_update().after(at);
            self.insights.refresh_by(refreshed);
        }
        self.update_nodegroups(&nodegroups);
        self.update_addons(&addons, at);
        let work = self.durations.busy_after_update();
        if busy && !work.is_zero() {
            self.work_internally(work.after(at));
        }
    }

    fn work_internally(&mut self, until: Timestamp) {
        let id = self.new_id();
        let until = match &self.internal_work {
            Some((earlier, _)) => until.max(*earlier),
            None => until,
        };
        self.internal_work = Some((until, id));
    }

    /// Adds something that happens at `at`.
    pub(super) fn schedule(&mut self, at: Timestamp, happening: Happening) {
        self.events.push((at, happening));
    }

    fn happen(&mut self, at: Timestamp, happening: Happening, calendar: &Calendar) {
        if !self.exists && !matches!(happening, Happening::Recreate(_)) {
            return;
        }
        let must_wait = match &happening {
            Happening::Update(update) => update.blocking != Some(false),
            Happening::AutoUpgrade => true,
            _ => false,
        };
        match happening {
            happening if must_wait && self.busy(at).is_some() => {
                // Nobody can start an update on a busy cluster: they try until it is free.
                let free = self.free_from(at);
                self.events.push((free, happening));
            }
            Happening::Update(update) => {
                self.start_foreign(at, update, Origin::Foreign, calendar);
            }
            Happening::AutoUpgrade => {
                let update = ForeignUpdate::default();
                self.start_foreign(at, update, Origin::Eks, calendar);
            }
            Happening::InternalWork(lasts) => self.work_internally(lasts.after(at)),
            Happening::Delete => self.delete(),
            Happening::Recreate(version) => {
                self.delete();
                self.exists = true;
                self.created_at = at;
                self.created_version = version;
                self.version = version;
                self.platform_version = calendar.platform_version(version);
                self.status = ClusterStatus::Active;
                self.refresh_insights(at);
            }
            Happening::CancelUpdate => {
                let running = self
                    .updates
                    .iter_mut()
                    .find(|update| update.is_running() && update.changes_version());
                if let Some(update) = running {
                    let ends_at = self.durations.cancellation().after(at);
                    update.cancel(ends_at, self.cancelling_status);
                }
            }
            Happening::Status(status) => self.status = status,
            Happening::UpgradePolicy(policy) => self.upgrade_policy = policy,
            Happening::Insights(change) => self.insights.change(change),
            Happening::Nodegroup(spec) => self.put_nodegroup(spec, at),
            Happening::Addon(spec) => self.put_addon(spec, at),
            Happening::Health(issues) => self.health = issues,
            Happening::Tags(changes) => self.change_tags(changes),
        }
    }

    fn change_tags(&mut self, changes: BTreeMap<String, Option<String>>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.tags.insert(key, value),
                None => self.tags.remove(&key),
            };
        }
    }

    fn delete(&mut self) {
        self.exists = false;
        self.stale = None;
        self.internal_work = None;
        self.updates.clear();
        self.tokens.clear();
        self.nodegroups.clear();
        self.addons.clear();
        self.health.clear();
        self.insights.forget();
    }

    /// What keeps EKS from starting a version update: the id in its message, which may be one that
    /// no list shows.
    pub(super) fn busy(&self, now: Timestamp) -> Option<&str> {
        let update = self
            .updates
            .iter()
            .find(|update| update.is_running() && update.blocking)
            .map(|update| update.id.as_str());
        update.or_else(|| match &self.internal_work {
            Some((until, id)) if now < *until => Some(id.as_str()),
            _ => None,
        })
    }

    fn free_from(&self, now: Timestamp) -> Timestamp {
        let updates = self
            .updates
            .iter()
            .filter(|update| update.is_running() && update.blocking)
            .map(|update| update.ends_at);
        let work = self.internal_work.as_ref().map(|(until, _)| *until);
        updates
            .chain(work)
            .filter(|at| *at > now)
            .max()
            .unwrap_or(now)
    }

    /// Starts an update that nobody called for here. It is put in also where EKS would refuse it, so
    /// that scenarios can say whatever they need.
    pub(super) fn start_foreign(
        &mut self,
        now: Timestamp,
        spec: ForeignUpdate,
        origin: Origin,
        calendar: &Calendar,
    ) -> UpdateView {
        let ForeignUpdate {
            kind,
            version,
            duration,
            fail,
            cancelled,
            addon_name,
            nodegroup_name,
            blocking,
            params,
        } = spec;
        let kind = kind.unwrap_or_else(|| VERSION_UPDATE.to_owned());
        let scope = Scope {
            addon_name,
            nodegroup_name,
        };
        let to = version.or_else(|| match kind.as_str() {
            VERSION_UPDATE if scope.nodegroup_name.is_some() => Some(self.version),
            VERSION_UPDATE => Some(self.version.next()),
            VERSION_ROLLBACK => self.version.previous(),
            _ => None,
        });
        let usual = if kind == VERSION_ROLLBACK {
            self.durations.rollback()
        } else {
            self.durations.update()
        };
        let length = duration.unwrap_or(usual);
        let mut all_params = version_params(to, calendar);
        all_params.extend(
            params
                .into_iter()
                .map(|(kind, value)| UpdateParam { kind, value }),
        );
        let ending = match (fail, cancelled) {
            (Some(error), _) => Ending::Failure(error),
            (None, true) => Ending::Cancelled,
            (None, false) => Ending::Success,
        };
        let update = Update {
            from: scope.is_cluster().then_some(self.version),
            scope,
            to,
            params: all_params,
            ends_at: length.after(now),
            ending,
            origin,
            blocking: blocking.unwrap_or(true),
            ..Update::begun(self.new_id(), &kind, now)
        };
        let view = update.view();
        self.updates.push(update);
        view
    }
}
