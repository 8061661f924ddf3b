//! The board: what is where, what may happen next, and what comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use eks_upgrade_operator::controller::Limits;
use eks_upgrade_operator::eks::{Target, VersionRequest};
use eks_upgrade_operator::plan::Settings;
use eks_upgrade_operator::simulator::Model;
use eks_upgrade_operator::simulator::memory::Question;
use eks_upgrade_operator::store::Stored;
use jiff::SignedDuration;

use crate::api_server::ApiServer;
use crate::call::{Answer, Call, Life};
use crate::carry_out::updates;
use crate::course::{key, spec};
use crate::defect::Defect;
use crate::oracle::{Invariant, Oracle, Violation};
use crate::process::{Process, Setup};
use crate::progress;
use crate::time::{MINUTE, Millis, SECOND};
use crate::wire::{CallId, Wire};
use crate::world::{Timeline, World};

use super::{ARRIVES_WITHIN, Board, CLUSTER, Choice, ENDS_WITHIN, TO, Variant, hashed};

impl Board {
    pub(super) fn new(
        model: Model,
        variant: Variant,
        defect: Option<Defect>,
        timeline: bool,
    ) -> Self {
        let mut api = ApiServer::default();
        api.create(&key(CLUSTER), spec(CLUSTER, TO), false, 0);
        let world = World {
            now: 0,
            model,
            api,
            wire: Wire::default(),
            oracle: Oracle::new(ARRIVES_WITHIN + 30 * SECOND, variant.list_lag),
            timeline: Timeline::new(timeline),
            clock_ahead: vec![0, 0],
        };
        let mut board = Self {
            shared: Arc::new(Mutex::new(world)),
            now: 0,
            processes: [None, None],
            lives: [0, 0],
            defect,
            told: [0, 0],
            frozen_until: [0, 0],
            pending: BTreeMap::new(),
            looking_on: BTreeSet::new(),
            late: BTreeMap::new(),
            may_go_wrong: true,
            ids: Vec::new(),
            moves: [0, 0],
            moves_then: [0, 0],
            digests: BTreeMap::new(),
        };
        for replica in 0..2 {
            board.start(replica);
        }
        board
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock().expect("one thread")
    }

    pub(super) fn violation(&self) -> Option<Violation> {
        self.world().oracle.violation.clone()
    }

    /// A process starts, and lists.
    pub(super) fn start(&mut self, replica: usize) {
        self.lives[replica] += 1;
        let life = Life {
            replica,
            nth: self.lives[replica],
        };
        let setup = Setup {
            settings: Settings::default(),
            limits: Limits {
                max_running_updates: 10,
                settle: SignedDuration::ZERO,
            },
            concurrency: 1,
            defect: self.defect,
        };
        let mut process = Process::start(&self.shared, life, setup);
        let (objects, revision) = {
            let world = self.world();
            let revision = world.api.revision();
            (world.api.list_at(revision), revision)
        };
        process.list(&objects, revision, self.now);
        self.frozen_until[replica] = 0;
        self.processes[replica] = Some(process);
        self.remember(replica);
    }

    /// Takes note of what a process is told, with ids in the order in which they were made.
    pub(super) fn tell(&mut self, replica: usize, what: &str) {
        let what = self.without_ids(what);
        let mut told = DefaultHasher::new();
        (self.told[replica], what).hash(&mut told);
        self.told[replica] = told.finish();
    }

    pub(super) fn without_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (nth, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &format!("u{nth}"));
        }
        text
    }

    /// An object at one version, in short.
    pub(super) fn digest(&mut self, stored: &Stored) -> u64 {
        let version = &stored.resource_version;
        if let Some(digest) = self.digests.get(version) {
            return *digest;
        }
        let digest = hashed(&self.without_ids(&format!("{stored:?}")));
        self.digests.insert(version.clone(), digest);
        digest
    }

    pub(super) fn is_frozen(&self, replica: usize) -> bool {
        self.frozen_until[replica] > self.now
    }

    /// All that may happen next; nothing at the end. What goes wrong first, so that it is followed last.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        if self.may_go_wrong && !self.is_over() {
            choices.extend(self.wrongs().into_iter().map(Choice::Wrong));
        }
        choices.extend(self.late.keys().map(|id| Choice::ArrivesLate(*id)));
        let revision = self.world().api.revision();
        let mut idle = true;
        for replica in 0..2 {
            let Some(process) = self.processes[replica]
                .as_ref()
                .filter(|_| !self.is_frozen(replica))
            else {
                continue;
            };
            if self.holds_up(1 - replica) {
                continue;
            }
            // In the midst of a reconcile a watch that catches up changes nothing that the reconcile still looks at.
            if process.is_idle() && process.shown.is_some_and(|shown| shown < revision) {
                choices.push(Choice::Shows(replica));
                idle = false;
            }
            if process.next().is_some_and(|next| next <= self.now) {
                choices.push(Choice::Begins(replica));
                idle = false;
            }
        }
        for (id, (life, _)) in &self.pending {
            if !self.is_frozen(life.replica) {
                choices.push(Choice::Arrives(*id));
                idle = false;
            }
        }
        let next = self.next_moment();
        let mut late = self.late.values();
        if idle && !self.is_over() && late.all(|(_, _, left)| next - left <= ARRIVES_WITHIN) {
            choices.push(Choice::Passes);
        }
        choices
    }

    /// Whether a replica is in the midst of looking at EKS, and the other has done nothing since it began to. What the other
    /// would begin or see now, it could have begun or seen then: looking changes nothing, and neither do these.
    pub(super) fn holds_up(&self, replica: usize) -> bool {
        self.is_looking_on(replica) && self.moves[1 - replica] == self.moves_then[replica]
    }

    pub(super) fn is_looking_on(&self, replica: usize) -> bool {
        !self.is_frozen(replica)
            && self.looking_on.iter().any(|id| {
                let call = self.pending.get(id);
                call.is_some_and(|(life, _)| life.replica == replica)
            })
    }

    /// Whether all is at rest: nothing under way, and the object says what it should.
    pub(super) fn is_over(&self) -> bool {
        let is_idle = self.pending.is_empty()
            && self.late.is_empty()
            && self.frozen_until.iter().all(|until| *until <= self.now)
            && self
                .processes
                .iter()
                .flatten()
                .all(|process| process.next().is_none_or(|next| next > self.now));
        let mut world = self.world();
        let World {
            api, model, oracle, ..
        } = &mut *world;
        is_idle && progress::restless(api, model, oracle, false, self.now).is_none()
    }

    /// What is wrong with an end.
    pub(super) fn end(&self) -> Option<Violation> {
        let mut world = self.world();
        let World {
            api, model, oracle, ..
        } = &mut *world;
        let accepted = model.calls().filter(|call| call.accepted).count();
        let what = progress::restless(api, model, oracle, false, self.now).or_else(|| {
            // One hop that nobody permits another try of.
            (accepted > 1).then(|| format!("{accepted} updates"))
        })?;
        Some(Violation {
            invariant: Invariant::Progress,
            at: self.now,
            what,
        })
    }

    /// What tells this state from others. The two replicas are alike: which is which makes no difference.
    pub(super) fn fingerprint(&mut self) -> u64 {
        let object = self.world().api.get(&key(CLUSTER)).cloned();
        let object = object.map(|object| self.digest(&object));
        let now = self.now;
        let updates = updates(&mut self.world().model, CLUSTER, now);
        let mut state = DefaultHasher::new();
        for update in &updates {
            self.without_ids(&format!("{update:?}")).hash(&mut state);
        }
        (object, now, self.may_go_wrong, self.world().oracle.digest()).hash(&mut state);
        let mut replicas = [0, 1].map(|replica| self.fingerprint_of(replica));
        replicas.sort_unstable();
        replicas.hash(&mut state);
        state.finish()
    }

    pub(super) fn fingerprint_of(&self, replica: usize) -> u64 {
        let mut text = String::new();
        for (life, call) in self.pending.values() {
            if life.replica == replica {
                write!(text, "waits {call}").expect("a string takes everything");
            }
        }
        for (life, call, left) in self.late.values() {
            if life.replica == replica {
                write!(text, "late {call} {left}").expect("a string takes everything");
            }
        }
        let process = self.processes[replica].as_ref();
        let shown = process.map(|process| (process.shown, process.next()));
        let mut state = DefaultHasher::new();
        (self.without_ids(&text), shown).hash(&mut state);
        (self.told[replica], self.frozen_until[replica]).hash(&mut state);
        self.holds_up(replica).hash(&mut state);
        state.finish()
    }

    pub(super) fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Arrives(id) => {
                let Some((life, call)) = self.pending.remove(&id) else {
                    return;
                };
                let answer = self.arrives(life, &call);
                self.answer(id, life, answer);
            }
            Choice::Begins(replica) => {
                self.tell(replica, &format!("begins at {}", self.now));
                self.moves_then[replica] = self.moves[1 - replica];
                self.with(replica, true, Process::begin_due);
            }
            Choice::Shows(replica) => {
                let from = self.processes[replica]
                    .as_ref()
                    .and_then(|process| process.shown);
                let entries = self.world().api.after(from.unwrap_or_default()).to_vec();
                self.tell(replica, &format!("sees {} at {}", entries.len(), self.now));
                for entry in &entries {
                    let digest = self.digest(&entry.object);
                    self.tell(replica, &format!("{} {digest}", entry.revision));
                }
                self.with(replica, false, |process, now| {
                    for entry in &entries {
                        process.see(entry, now);
                    }
                });
            }
            Choice::Passes => self.pass(),
            Choice::ArrivesLate(id) => {
                if let Some((life, call, _)) = self.late.remove(&id) {
                    self.carried_out(life, &call);
                }
            }
            Choice::Wrong(wrong) => {
                self.may_go_wrong = false;
                self.go_wrong(wrong);
            }
        }
    }

    /// When something is due next: a process's look, a thaw.
    pub(super) fn next_moment(&self) -> Millis {
        let looks = self.processes.iter().flatten().filter_map(|process| {
            (!self.is_frozen(process.life.replica))
                .then(|| process.next())
                .flatten()
        });
        let thaws = self.frozen_until.iter().copied();
        let due = looks.chain(thaws).filter(|next| *next > self.now);
        due.min().unwrap_or(self.now + MINUTE)
    }

    pub(super) fn pass(&mut self) {
        self.now = self.next_moment();
        let now = self.now;
        let mut world = self.world();
        world.now = now;
        if now > ENDS_WITHIN {
            let World {
                api, model, oracle, ..
            } = &mut *world;
            let what = progress::restless(api, model, oracle, false, now);
            oracle.report(Invariant::Progress, now, what.unwrap_or_default());
        }
    }

    /// A call arrives. It leaves its process at the same time, unless it was on its way already.
    pub(super) fn arrives(&mut self, life: Life, call: &Call) -> Answer {
        if let Call::Send(target, request, fence) = call {
            if !fence.is_open() {
                return call.unanswered();
            }
            self.leaves(life, target, request);
        }
        self.carried_out(life, call)
    }

    pub(super) fn leaves(&self, life: Life, target: &Target, request: &VersionRequest) {
        let mut world = self.world();
        let World {
            now,
            oracle,
            model,
            api,
            ..
        } = &mut *world;
        oracle.leaves(life, target, request, api, model, *now);
    }

    pub(super) fn carried_out(&mut self, life: Life, call: &Call) -> Answer {
        let now = self.now;
        let mut world = self.shared.lock().expect("one thread");
        world
            .timeline
            .note(now, || format!("{life}: {call} arrives"));
        let answer = world.carry_out(life, call);
        let started = updates(&mut world.model, CLUSTER, now);
        self.ids = started.into_iter().map(|update| update.id).collect();
        answer
    }

    pub(super) fn answer(&mut self, id: CallId, life: Life, answer: Answer) {
        let what = match &answer {
            Answer::Stored(Ok(stored)) => self.digest(stored).to_string(),
            other => format!("{other:?}"),
        };
        self.tell(
            life.replica,
            &format!("is answered at {}: {what}", self.now),
        );
        let shared = Arc::clone(&self.shared);
        self.with(life.replica, false, |_, _| {
            shared.lock().expect("one thread").answer(id, answer);
        });
    }

    /// Does something to a process and takes up the calls it makes. What can make no difference is answered at once: Events
    /// change nothing; the versions on offer, and what the checks look at, are always the same.
    pub(super) fn with(
        &mut self,
        replica: usize,
        begins: bool,
        work: impl FnOnce(&mut Process, Millis),
    ) {
        let Some(mut process) = self.processes[replica].take() else {
            return;
        };
        let now = self.now;
        // So that how long it waits does not depend on what the other replica did before.
        fastrand::seed(0);
        work(&mut process, now);
        process.go_on(now);
        loop {
            let made = self.world().wire.made();
            if made.is_empty() {
                break;
            }
            for (id, life, call) in made {
                if let Call::Send(_, request, _) = &call {
                    self.world().oracle.calls(life, request, now);
                }
                if matches!(
                    call,
                    Call::Event(..)
                        | Call::Freezes
                        | Call::Eks(
                            _,
                            Question::Versions
                                | Question::Insights(_)
                                | Question::Refresh
                                | Question::Nodegroups
                                | Question::Addons
                        )
                ) {
                    let answer = self.arrives(life, &call);
                    self.world().answer(id, answer);
                    process.go_on(now);
                } else {
                    if !begins && matches!(call, Call::Eks(..)) {
                        self.looking_on.insert(id);
                    }
                    self.pending.insert(id, (life, call));
                }
            }
        }
        self.processes[replica] = Some(process);
        self.moves[replica] += 1;
        self.remember(replica);
    }

    /// A process at rest is what it remembers, however it came to that.
    pub(super) fn remember(&mut self, replica: usize) {
        let at_rest = self.processes[replica]
            .as_ref()
            .filter(|process| process.is_idle());
        if let Some(memory) = at_rest.map(Process::memory) {
            self.told[replica] = hashed(&self.without_ids(&memory));
        }
    }
}
