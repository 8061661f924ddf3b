//! What the watches show, and when.

use std::sync::Arc;

use crate::call::Life;
use crate::course::some_time;
use crate::time::{MINUTE, SECOND};

use super::{Simulation, Step};

impl Simulation<'_> {
    /// Has every watch show what is new.
    pub(super) fn show_later(&mut self) {
        let revision = self.world().api.revision();
        for replica in 0..self.replicas.len() {
            let nth = self.replicas[replica].life;
            let life = Life { replica, nth };
            let Some(process) = &mut self.replicas[replica].process else {
                continue;
            };
            if process.shown.is_none() || process.announced >= revision {
                continue;
            }
            process.announced = revision;
            let is_late = self.happens(self.odds.watch_late);
            let lag = if is_late {
                some_time(&mut self.rng, 20 * MINUTE)
            } else {
                self.rng.i64(0..50)
            };
            self.then(self.now + lag, Step::Shows(life, revision));
        }
    }

    /// Has every watch show what was done to freezes.
    pub(super) fn show_freezes_later(&mut self) {
        let revision = self.world().api.freeze_revision();
        for replica in 0..self.replicas.len() {
            let nth = self.replicas[replica].life;
            let Some(process) = &mut self.replicas[replica].process else {
                continue;
            };
            if process.shown.is_none() || process.freezes_announced >= revision {
                continue;
            }
            process.freezes_announced = revision;
            let lag = if self.happens(self.odds.watch_late + self.odds.watch_breaks) {
                some_time(&mut self.rng, 20 * MINUTE)
            } else {
                self.rng.i64(0..50)
            };
            let life = Life { replica, nth };
            self.then(self.now + lag, Step::ShowsFreezes(life, revision));
        }
    }

    pub(super) fn shows_freezes(&mut self, life: Life, revision: usize) {
        let shared = Arc::clone(&self.shared);
        self.with_process(life, Step::ShowsFreezes(life, revision), |process, now| {
            let changes = {
                let world = shared.lock().expect("one thread");
                let shown = process.freezes_shown;
                world.api.freezes_between(shown, revision).to_vec()
            };
            process.see_freezes(changes, revision);
            process.go_on(now);
            process.begin_due(now);
        });
    }

    pub(super) fn shows(&mut self, life: Life, revision: u64) {
        if self.happens(self.odds.watch_breaks) {
            self.note(|| format!("the watch of {life} breaks"));
            let later = self.now + some_time(&mut self.rng, 6 * MINUTE);
            self.then(later, Step::Lists(life));
            // Until then it shows nothing.
            if let Some(process) = &mut self.replicas[life.replica].process
                && process.life == life
            {
                process.announced = u64::MAX;
            }
            return;
        }
        let repeats = self.happens(self.odds.watch_repeats);
        let shared = Arc::clone(&self.shared);
        self.with_process(life, Step::Shows(life, revision), |process, now| {
            let Some(shown) = process.shown else { return };
            // What is shown again is followed by all that came after it.
            let revision = revision.max(shown);
            let from = if repeats {
                shown.saturating_sub(2)
            } else {
                shown
            };
            let entries: Vec<_> = shared
                .lock()
                .expect("one thread")
                .api
                .after(from)
                .iter()
                .filter(|entry| entry.revision <= revision)
                .cloned()
                .collect();
            for entry in entries {
                process.see(&entry, now);
            }
            process.begin_due(now);
        });
    }

    pub(super) fn lists(&mut self, life: Life) {
        let is_old = self.happens(self.odds.list_is_old);
        let back = if is_old { self.rng.u64(1..6) } else { 0 };
        let shared = Arc::clone(&self.shared);
        let is_down = self.api_down_until > self.now;
        if is_down {
            let again = self.now + 5 * SECOND;
            self.then(again, Step::Lists(life));
            return;
        }
        self.note(|| format!("{life} lists all objects, {back} revisions late"));
        self.with_process(life, Step::Lists(life), |process, now| {
            let (objects, revision) = {
                let world = shared.lock().expect("one thread");
                let revision = world.api.revision().saturating_sub(back);
                (world.api.list_at(revision), revision)
            };
            process.announced = revision;
            // Nothing is looked at before the freezes are known.
            if process.shown.is_none() {
                let world = shared.lock().expect("one thread");
                let freezes = world.api.freezes().map(|(_, freeze)| freeze.clone());
                let (freezes, revision) = (freezes.collect(), world.api.freeze_revision());
                drop(world);
                process.list_freezes(freezes, revision);
                process.freezes_announced = revision;
            }
            process.list(&objects, revision, now);
            process.begin_due(now);
        });
    }
}
