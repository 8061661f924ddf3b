//! Whether everything comes to rest, and stays there.

use eks_upgrade_operator::api::Reason;
use eks_upgrade_operator::store::Stored;

use crate::oracle::{CLOCKS_APART, Invariant};
use crate::ports::body;
use crate::process::Process;
use crate::progress;
use crate::time::{HOUR, MINUTE, Millis, at, since_start};
use crate::world::World;

use super::{Rest, Simulation, Step};

/// How long it may take from the last fault until everything is at rest.
const REST_WITHIN: Millis = 16 * HOUR;
/// The same where hops wait for windows, and versions bake.
const REST_WITHIN_WINDOWS: Millis = 60 * HOUR;
/// After this long checks have found whatever they are going to: insights are refreshed each hour.
const FOUND_WITHIN: Millis = 3 * HOUR;
/// So much may be news for a plan within [`REST_LASTS`].
const MOST_NEWS: u64 = 4;
/// How often it is looked whether everything is at rest.
const LOOK_EVERY: Millis = 5 * MINUTE;
/// For how long it is watched at rest.
const REST_LASTS: Millis = 25 * MINUTE;

fn says(stored: &Stored, reason: Reason) -> bool {
    let mut conditions = body(stored).status.conditions.iter();
    conditions.any(|condition| condition.reason == reason.as_str())
}

impl Simulation<'_> {
    pub(super) fn at_rest(&mut self) {
        let is_idle = self.replicas.iter().all(|replica| {
            replica.process.as_ref().is_some_and(Process::is_idle)
                && replica.frozen_until <= self.now
        });
        let (now, calm) = (self.now, self.course.calm_from);
        // What EKS lists late is told with the next resync.
        let listed = self.course.list_lag + 2 * LOOK_EVERY + 2 * MINUTE;
        let within = if self.course.gates {
            REST_WITHIN_WINDOWS
        } else {
            REST_WITHIN
        };
        let mut world = self.world();
        let World {
            model, api, oracle, ..
        } = &mut *world;
        let restless = progress::restless(api, model, oracle, self.course.insights_block, now);
        let is_listed = model
            .truth(at(now))
            .iter()
            .flat_map(|cluster| &cluster.updates)
            .filter_map(|update| update.finished_at)
            .all(|finished| since_start(finished) + listed <= now);
        let is_found = now - calm > FOUND_WITHIN
            || !api
                .objects()
                .any(|stored| says(stored, Reason::PreflightFailed));
        if is_idle && is_listed && is_found && restless.is_none() {
            drop(world);
            let rest = self.rest();
            self.then(now + REST_LASTS, Step::StillAtRest(rest));
        } else if now - calm > within {
            let what = restless.unwrap_or_else(|| "a process is busy for hours".to_owned());
            oracle.report(Invariant::Progress, now, what);
        } else {
            drop(world);
            self.then(now + LOOK_EVERY, Step::AtRest);
        }
    }

    /// What rests stays at rest: no write in several resync intervals.
    pub(super) fn still_at_rest(&mut self, before: Rest) {
        let rest = self.rest();
        let now = self.now;
        if rest.windows != before.windows {
            // Time went on: the next resync says so.
            self.then(now + 2 * LOOK_EVERY + MINUTE, Step::AtRest);
            return;
        }
        self.is_over = rest.updates == before.updates;
        if !self.is_over {
            // Somebody started an update that had waited for its turn.
            self.then(now, Step::AtRest);
            return;
        }
        let mut world = self.world();
        let World {
            model, api, oracle, ..
        } = &mut *world;
        let restless = progress::restless(api, model, oracle, self.course.insights_block, now);
        if let Some(what) = restless {
            oracle.report(
                Invariant::Progress,
                now,
                format!("no longer at rest: {what}"),
            );
        }
        // What EKS refuses is asked for again at each resync, and each time is written down.
        let is_refused = before.is_refused || self.course.insights_block;
        // While it waits for people, windows open and close in the plan, and insights that are twelve hours old are refreshed.
        let suspended = api.objects().filter(|stored| {
            says(stored, Reason::Suspended) || progress::has_windows(&body(stored).spec)
        });
        // Two replicas whose clocks differ contradict each other until a window is open for both: each write has an Event.
        let contradictions = if self.course.replicas > 1 {
            let poll = self.course.setup.settings.poll_interval.as_millis();
            let poll = Millis::try_from(poll).expect("a short interval");
            u64::try_from(4 * CLOCKS_APART / poll).expect("a few")
        } else {
            0
        };
        let suspended = u64::try_from(suspended.count()).expect("a few");
        let news = (MOST_NEWS + contradictions) * suspended;
        if rest.deeds > before.deeds + news && !is_refused {
            let more = rest.deeds - before.deeds;
            oracle.report(
                Invariant::Idle,
                now,
                format!("{more} status writes and Events at rest"),
            );
        }
    }

    pub(super) fn rest(&self) -> Rest {
        let now = self.now;
        let mut world = self.world();
        let clusters = world.model.truth(at(now));
        let mut objects = world.api.objects();
        let is_refused = objects.any(|stored| says(stored, Reason::RequestRejected));
        let updates = clusters.iter().flat_map(|cluster| &cluster.updates);
        let windows = updates.map(|update| progress::windows_over(update, now));
        Rest {
            windows: windows.sum(),
            is_refused,
            deeds: world.oracle.deeds,
            updates: clusters.iter().map(|cluster| cluster.updates.len()).sum(),
        }
    }
}
