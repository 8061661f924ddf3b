//! One life of the operator: the real controller over the simulated ports, run as kube's runner runs it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, Waker};
use std::time::Duration;

use eks_upgrade_operator::controller::Waker as Queues;
use eks_upgrade_operator::controller::{
    Access, Cache, Change, Context, Fleet, FreezeChange, FreezeIntake, Freezes, Intake, Lengths,
    Limits, Look, Pace, Recall, When, again, reconcile,
};
use eks_upgrade_operator::leader::Leadership;
use eks_upgrade_operator::metrics::Metrics;
use eks_upgrade_operator::plan::Settings;
use eks_upgrade_operator::store::{Key, Seen, StoreError, Stored, StoredFreeze};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use crate::api_server::Entry;
use crate::call::Life;
use crate::defect::Defect;
use crate::ports::{SimClock, SimEks, SimStore};
use crate::time::Millis;
use crate::world::World;

type Controller = Context<SimEks, SimStore, SimClock>;
type Outcome = Result<Option<Duration>, StoreError>;

/// How a process is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    pub settings: Settings,
    pub limits: Limits,
    pub concurrency: usize,
    pub defect: Option<Defect>,
}

pub struct Process {
    pub life: Life,
    ctx: Arc<Controller>,
    setup: Setup,
    woken: UnboundedReceiver<Key>,
    intake: Intake,
    /// The revision up to which its watch has shown it everything; `None` before its first list.
    pub shown: Option<u64>,
    /// The revision up to which its watch is on its way to show it everything.
    pub announced: u64,
    freeze_intake: FreezeIntake,
    /// How much of what was done to freezes its watch has shown it, and is on its way to.
    pub freezes_shown: usize,
    pub freezes_announced: usize,
    /// When it is going to be asked whether something is due.
    pub looks_at: Option<Millis>,
    /// When each object is to be looked at next.
    due: BTreeMap<Key, Millis>,
    /// Objects that are looked at after a poll interval, and when.
    later: BTreeMap<Key, Millis>,
    running: BTreeMap<Key, Pin<Box<dyn Future<Output = Outcome> + Send>>>,
}

impl Process {
    pub fn start(world: &Arc<Mutex<World>>, life: Life, setup: Setup) -> Self {
        let (queue, woken) = mpsc::unbounded_channel();
        let mut waker = Queues::default();
        waker.add(None, queue);
        let started = world.lock().expect("one thread").now;
        let ctx = Context {
            eks: SimEks {
                world: Arc::clone(world),
                life,
                defect: setup.defect,
            },
            store: SimStore {
                world: Arc::clone(world),
                life,
                defect: setup.defect,
                seen: Seen::default(),
                watched: Mutex::default(),
                held: Mutex::default(),
            },
            clock: SimClock {
                world: Arc::clone(world),
                replica: life.replica,
                started,
            },
            settings: setup.settings.clone(),
            limits: setup.limits.clone(),
            access: Access::default(),
            fleet: Fleet::default(),
            freezes: Freezes::default(),
            recall: Recall::default(),
            lengths: Lengths::default(),
            cache: Cache::default(),
            pace: Pace::unbounded(),
            salt: u64::try_from(life.replica).unwrap_or_default(),
            waker,
            metrics: Arc::new(Metrics::default()),
            stopping: Arc::new(AtomicBool::new(false)),
            leadership: Arc::new(Leadership::always()),
        };
        Self {
            life,
            ctx: Arc::new(ctx),
            setup,
            woken,
            intake: Intake::new(None),
            shown: None,
            announced: 0,
            freeze_intake: FreezeIntake::default(),
            freezes_shown: 0,
            freezes_announced: 0,
            looks_at: None,
            due: BTreeMap::new(),
            later: BTreeMap::new(),
            running: BTreeMap::new(),
        }
    }

    /// A signal to end: nothing new is looked at or sent.
    pub fn stop(&mut self) {
        self.ctx.stopping.store(true, Ordering::Relaxed);
        self.due.clear();
        self.later.clear();
    }

    fn is_stopping(&self) -> bool {
        self.ctx.is_stopping()
    }

    /// Takes in a list of all objects, as of a revision.
    pub fn list(&mut self, objects: &[Arc<Stored>], revision: u64, now: Millis) {
        self.take(Change::ListBegins, now);
        for object in objects {
            self.take(Change::Listed(Stored::clone(object)), now);
        }
        // kube's cache changes as a whole, just before it is said that the list is complete.
        let listed = objects
            .iter()
            .map(|object| (object.key.clone(), Arc::clone(object)))
            .collect();
        *self.ctx.store.watched.lock().expect("one thread") = listed;
        self.shown = Some(revision);
        self.take(Change::ListEnds, now);
    }

    /// Takes in one event of the watch.
    pub fn see(&mut self, entry: &Entry, now: Millis) {
        self.shown = self.shown.map(|shown| shown.max(entry.revision));
        let Entry {
            revision: _,
            object,
            gone,
        } = entry;
        let mut watched = self.ctx.store.watched.lock().expect("one thread");
        if *gone {
            watched.remove(&object.key);
        } else {
            watched.insert(object.key.clone(), Arc::clone(object));
        }
        drop(watched);
        let object = Stored::clone(object);
        self.take(
            if *gone {
                Change::Deleted(object)
            } else {
                Change::Applied(object)
            },
            now,
        );
    }

    /// Takes in a list of all freezes, as of a revision.
    pub fn list_freezes(&mut self, freezes: Vec<StoredFreeze>, revision: usize) {
        self.take_freeze(FreezeChange::ListBegins);
        for freeze in freezes {
            self.take_freeze(FreezeChange::Listed(freeze));
        }
        self.take_freeze(FreezeChange::ListEnds);
        self.freezes_shown = revision;
    }

    /// Takes in what the watch of the freezes shows.
    pub fn see_freezes(&mut self, changes: Vec<Result<StoredFreeze, String>>, revision: usize) {
        for change in changes {
            self.take_freeze(match change {
                Ok(freeze) => FreezeChange::Applied(freeze),
                Err(name) => FreezeChange::Deleted(name),
            });
        }
        self.freezes_shown = self.freezes_shown.max(revision);
    }

    fn take_freeze(&mut self, change: FreezeChange) {
        if self.setup.defect != Some(Defect::IgnoreFreezes) {
            self.freeze_intake.take(&self.ctx, change);
        }
    }

    fn take(&mut self, change: Change, now: Millis) {
        let poll = self.setup.settings.poll_interval.as_millis();
        let poll = Millis::try_from(poll).expect("a short interval");
        for (key, when) in self.intake.take(&self.ctx, change) {
            match when {
                When::Now => self.look_at(key, now),
                When::Later => {
                    self.later.entry(key).or_insert(now + poll);
                }
            }
        }
    }

    /// Has an object looked at, no later than it was going to be.
    fn look_at(&mut self, key: Key, at: Millis) {
        if self.is_stopping() {
            return;
        }
        let due = self.due.entry(key).or_insert(at);
        *due = (*due).min(at);
    }

    /// When it has something to do by itself next.
    pub fn next(&self) -> Option<Millis> {
        self.shown?;
        let startable = self
            .due
            .iter()
            .filter(|(key, _)| !self.running.contains_key(*key));
        let free = self.running.len() < self.setup.concurrency;
        let due = startable.map(|(_, at)| *at).filter(|_| free).min();
        let later = self.later.values().copied().min();
        due.into_iter().chain(later).min()
    }

    /// Begins whatever is due.
    pub fn begin_due(&mut self, now: Millis) {
        if self.shown.is_none() {
            return;
        }
        let over: Vec<Key> = self
            .later
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in over {
            self.later.remove(&key);
            self.look_at(key, now);
        }
        while self.running.len() < self.setup.concurrency {
            let due = self
                .due
                .iter()
                .filter(|(key, at)| **at <= now && !self.running.contains_key(*key))
                .min_by_key(|(key, at)| (**at, (*key).clone()))
                .map(|(key, _)| key.clone());
            let Some(key) = due else { return };
            self.due.remove(&key);
            let (ctx, looked_at) = (Arc::clone(&self.ctx), key.clone());
            let reconciling =
                Box::pin(async move { reconcile(&*ctx, &looked_at, &Look::free()).await });
            self.running.insert(key, reconciling);
            self.go_on(now);
        }
    }

    /// Lets everything that runs go as far as it gets without another answer.
    pub fn go_on(&mut self, now: Millis) {
        let keys: BTreeSet<Key> = self.running.keys().cloned().collect();
        for key in keys {
            let Some(reconciling) = self.running.get_mut(&key) else {
                continue;
            };
            let mut context = task::Context::from_waker(Waker::noop());
            let Poll::Ready(outcome) = reconciling.as_mut().poll(&mut context) else {
                continue;
            };
            self.running.remove(&key);
            let wait = match outcome {
                Ok(wait) => wait,
                Err(error) => again(&error, self.setup.settings.resync_interval),
            };
            if let Some(wait) = wait {
                let wait = Millis::try_from(wait.as_millis()).expect("a short wait");
                self.look_at(key, now.saturating_add(wait));
            }
        }
        while let Ok(key) = self.woken.try_recv() {
            self.look_at(key, now);
        }
    }

    /// All that it keeps in memory between two reconciles, in a form in which two of them can be compared.
    pub fn memory(&self) -> String {
        let Context {
            eks: _,
            store,
            clock: _,
            settings: _,
            limits: _,
            access: _,
            fleet,
            freezes,
            recall,
            lengths,
            cache,
            pace,
            salt: _,
            waker: _,
            metrics: _,
            stopping: _,
            leadership: _,
        } = &*self.ctx;
        let SimStore {
            world: _,
            life: _,
            defect: _,
            seen,
            watched,
            held: _,
        } = store;
        let watched = watched.lock().expect("one thread");
        let watched: Vec<_> = watched
            .values()
            .map(|stored| &stored.resource_version)
            .collect();
        format!(
            "{fleet:?} {freezes:?} {recall:?} {lengths:?} {cache:?} {pace:?} {seen:?} {watched:?} {:?} {:?} {:?}",
            self.shown, self.due, self.later
        )
    }

    /// Whether nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}
