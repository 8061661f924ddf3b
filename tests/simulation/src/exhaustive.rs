//! Every interleaving, enumerated: one hop, two replicas, one fault.
//!
//! A step is one call arriving and being answered, a reconcile beginning, a watch catching up, or time passing to whatever is
//! due next. At every step at most one thing goes wrong in a whole course: a process dies before or after its call, a request or
//! an answer is lost, a request arrives late, EKS is busy or refuses, a process freezes, or a person suspends the object, edits a
//! label or wipes the status. All orders are tried. States that were seen before are not followed again; a state is everything
//! outside the processes, and all that each process has been told since its start.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard};

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::controller::Limits;
use eks_upgrade_operator::eks::{EksError, ErrorKind};
use eks_upgrade_operator::plan::Settings;
use eks_upgrade_operator::simulator::memory::Question;
use eks_upgrade_operator::simulator::{Model, Scenario};
use eks_upgrade_operator::store::Stored;
use jiff::SignedDuration;

use crate::api_server::{ApiServer, wiped};
use crate::call::{Answer, Call, Life};
use crate::carry_out::updates;
use crate::course::{key, spec};
use crate::defect::Defect;
use crate::oracle::{Invariant, Oracle, Violation};
use crate::process::{Process, Setup};
use crate::progress;
use crate::time::{HOUR, MINUTE, Millis, SECOND, at};
use crate::wire::{CallId, Wire};
use crate::world::{Timeline, World};

/// The one hop.
const FROM: Minor = Minor::new(33);
const TO: Minor = Minor::new(34);
const CLUSTER: &str = "prod";
/// The update is over before it is looked at for the first time.
const TAKES: Millis = 10 * SECOND;
/// For how long a process freezes: past the time in which it may send, and past the time for which EKS honours a token.
const FREEZES: [Millis; 2] = [12 * SECOND, 16 * MINUTE];
/// For how long a request may be on its way: as long as AWS takes its signature.
const ARRIVES_WITHIN: Millis = 5 * MINUTE;
/// A course that takes longer does not end.
const ENDS_WITHIN: Millis = 3 * HOUR;

/// What EKS is like.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// Whether the update fails.
    pub fails: bool,
    /// For how long EKS does not list it.
    pub list_lag: Millis,
}

/// What was enumerated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Different states.
    pub states: u64,
    /// Steps between them.
    pub steps: u64,
    /// Different ends.
    pub ends: u64,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A call arrives and is answered.
    Arrives(CallId),
    /// A process begins a reconcile that is due.
    Begins(usize),
    /// A watch shows all that is new.
    Shows(usize),
    /// Time passes to whatever is due next.
    Passes,
    /// A request that nobody waits for any more arrives.
    ArrivesLate(CallId),
    /// The one thing that goes wrong.
    Wrong(Wrong),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    DiesBefore(CallId),
    DiesAfter(CallId),
    RequestLost(CallId),
    AnswerLost(CallId),
    HeldUp(CallId),
    Busy(CallId),
    Refused(CallId),
    Freezes(CallId, Millis),
    Suspended,
    Labelled,
    Wiped,
}

/// Enumerates a variant.
///
/// # Errors
/// The violation, and the course that leads to it.
pub fn enumerate(variant: Variant, defect: Option<Defect>) -> Result<Counted, (Violation, String)> {
    // Made once: reading a scenario takes longer than a course.
    let eks = eks(variant);
    let mut counted = Counted::default();
    let mut seen = HashSet::new();
    let mut todo: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(course) = todo.pop() {
        let mut board = Board::new(eks.clone(), variant, defect, false);
        for choice in &course {
            board.take(*choice);
        }
        let mut course = course;
        // The first way on is followed at once, the others later, from the beginning.
        loop {
            if let Some(violation) = board.violation() {
                return Err((violation, story(variant, defect, &course)));
            }
            counted.steps += 1;
            if !seen.insert(board.fingerprint()) {
                break;
            }
            counted.states += 1;
            let mut choices = board.choices();
            let Some(next) = choices.pop() else {
                counted.ends += 1;
                if let Some(violation) = board.end() {
                    return Err((violation, story(variant, defect, &course)));
                }
                break;
            };
            for other in choices {
                let mut longer = course.clone();
                longer.push(other);
                todo.push(longer);
            }
            board.take(next);
            course.push(next);
        }
    }
    Ok(counted)
}

fn eks(variant: Variant) -> Model {
    let Variant { fails, list_lag } = variant;
    let outcome = if fails {
        "[{fail: {errorCode: IpNotAvailable}}]"
    } else {
        "[]"
    };
    let scenario = Scenario::parse(&format!(
        "{{durations: {{update: {}s}}, lags: {{list: {}s}}, clusters: [{{name: {CLUSTER}, version: '{FROM}', outcomes: {outcome}}}]}}",
        TAKES / SECOND,
        list_lag / SECOND
    ))
    .expect("a scenario");
    Model::new(&scenario, at(0)).expect("a scenario")
}

/// A course with everything that happens in it.
fn story(variant: Variant, defect: Option<Defect>, course: &[Choice]) -> String {
    let mut board = Board::new(eks(variant), variant, defect, true);
    let mut story = String::new();
    for choice in course {
        let now = board.now;
        board.world().timeline.note(now, || format!("{choice:?}"));
        board.take(*choice);
    }
    for line in board.world().timeline.lines() {
        story.push_str(line);
        story.push('\n');
    }
    story
}

struct Board {
    shared: Arc<Mutex<World>>,
    now: Millis,
    processes: [Option<Process>; 2],
    lives: [u32; 2],
    defect: Option<Defect>,
    /// What each process has been told, in order.
    told: [u64; 2],
    frozen_until: [Millis; 2],
    /// Calls that have not arrived.
    pending: BTreeMap<CallId, (Life, Call)>,
    /// Those that look at EKS, but for the first of a reconcile.
    looking_on: BTreeSet<CallId>,
    /// Calls that nobody waits for any more, and when they left.
    late: BTreeMap<CallId, (Life, Call, Millis)>,
    /// Whether something may still go wrong.
    may_go_wrong: bool,
    /// EKS's ids, in the order in which they were made.
    ids: Vec<String>,
    /// How often each replica has done something, and how often the other had when it began to look at EKS.
    moves: [u32; 2],
    moves_then: [u32; 2],
    /// What an object was at each of its versions, in short.
    digests: BTreeMap<String, u64>,
}

impl Board {
    fn new(model: Model, variant: Variant, defect: Option<Defect>, timeline: bool) -> Self {
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

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock().expect("one thread")
    }

    fn violation(&self) -> Option<Violation> {
        self.world().oracle.violation.clone()
    }

    /// A process starts, and lists.
    fn start(&mut self, replica: usize) {
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
    fn tell(&mut self, replica: usize, what: &str) {
        let what = self.without_ids(what);
        let mut told = DefaultHasher::new();
        (self.told[replica], what).hash(&mut told);
        self.told[replica] = told.finish();
    }

    fn without_ids(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (nth, id) in self.ids.iter().enumerate() {
            text = text.replace(id, &format!("u{nth}"));
        }
        text
    }

    /// An object at one version, in short.
    fn digest(&mut self, stored: &Stored) -> u64 {
        let version = &stored.resource_version;
        if let Some(digest) = self.digests.get(version) {
            return *digest;
        }
        let digest = hashed(&self.without_ids(&format!("{stored:?}")));
        self.digests.insert(version.clone(), digest);
        digest
    }

    fn is_frozen(&self, replica: usize) -> bool {
        self.frozen_until[replica] > self.now
    }

    /// All that may happen next; nothing at the end. What goes wrong first, so that it is followed last.
    fn choices(&self) -> Vec<Choice> {
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
    fn holds_up(&self, replica: usize) -> bool {
        self.is_looking_on(replica) && self.moves[1 - replica] == self.moves_then[replica]
    }

    fn is_looking_on(&self, replica: usize) -> bool {
        !self.is_frozen(replica)
            && self.looking_on.iter().any(|id| {
                let call = self.pending.get(id);
                call.is_some_and(|(life, _)| life.replica == replica)
            })
    }

    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = Vec::new();
        if !(0..2).any(|replica| self.is_looking_on(replica)) {
            wrongs.extend([Wrong::Suspended, Wrong::Labelled, Wrong::Wiped]);
        }
        for (id, (life, call)) in &self.pending {
            if self.is_frozen(life.replica) {
                continue;
            }
            wrongs.push(Wrong::RequestLost(*id));
            if !self.looking_on.contains(id) {
                wrongs.push(Wrong::DiesBefore(*id));
                wrongs.extend(FREEZES.map(|lasts| Wrong::Freezes(*id, lasts)));
            }
            if matches!(call, Call::Send(..) | Call::Write(..)) {
                wrongs.extend([
                    Wrong::DiesAfter(*id),
                    Wrong::AnswerLost(*id),
                    Wrong::HeldUp(*id),
                ]);
            }
            if matches!(call, Call::Send(..)) {
                wrongs.extend([Wrong::Busy(*id), Wrong::Refused(*id)]);
            }
        }
        wrongs
    }

    /// Whether all is at rest: nothing under way, and the object says what it should.
    fn is_over(&self) -> bool {
        let is_idle = self.pending.is_empty()
            && self.late.is_empty()
            && self.frozen_until.iter().all(|until| *until <= self.now)
            && self
                .processes
                .iter()
                .flatten()
                .all(|process| process.next().is_none_or(|next| next > self.now));
        let mut world = self.world();
        let World { api, model, .. } = &mut *world;
        is_idle && progress::restless(api, model, false, self.now).is_none()
    }

    /// What is wrong with an end.
    fn end(&self) -> Option<Violation> {
        let mut world = self.world();
        let World { api, model, .. } = &mut *world;
        let accepted = model.calls().filter(|call| call.accepted).count();
        let what = progress::restless(api, model, false, self.now).or_else(|| {
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
    fn fingerprint(&mut self) -> u64 {
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

    fn fingerprint_of(&self, replica: usize) -> u64 {
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

    fn take(&mut self, choice: Choice) {
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

    fn go_wrong(&mut self, wrong: Wrong) {
        let key = key(CLUSTER);
        match wrong {
            Wrong::DiesBefore(id) => self.die(id),
            Wrong::DiesAfter(id) => {
                if let Some((life, call)) = self.pending.get(&id).cloned() {
                    self.arrives(life, &call);
                }
                self.die(id);
            }
            Wrong::RequestLost(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::AnswerLost(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    self.arrives(life, &call);
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::HeldUp(id) => {
                if let Some((life, call)) = self.pending.remove(&id) {
                    let now = self.now;
                    if let Call::Send(target, request, _) = &call {
                        self.world().oracle.leaves(life, &target.name, request, now);
                    }
                    self.late.insert(id, (life, call.clone(), now));
                    self.answer(id, life, call.unanswered());
                }
            }
            Wrong::Busy(id) => self.answered_with(id, ErrorKind::InUse, "ResourceInUseException"),
            Wrong::Refused(id) => {
                if let Some((_, Call::Send(_, request, _))) = self.pending.get(&id) {
                    let token = request.client_request_token.clone();
                    self.world().oracle.was_refused(&token);
                }
                self.answered_with(id, ErrorKind::Rejected, "InvalidRequestException");
            }
            Wrong::Freezes(id, lasts) => {
                if let Some((life, _)) = self.pending.get(&id) {
                    self.frozen_until[life.replica] = self.now + lasts;
                }
            }
            Wrong::Suspended => {
                self.world().api.edit(&key, |spec| spec.suspend = true);
            }
            Wrong::Labelled => self.world().api.label(&key),
            Wrong::Wiped => {
                let now = self.now;
                let mut world = self.world();
                let uid = world.api.get(&key).map(|stored| stored.uid.clone());
                world.oracle.lost_status(&uid.unwrap_or_default(), now);
                world.api.replace_status(&key, wiped());
            }
        }
    }

    fn answered_with(&mut self, id: CallId, kind: ErrorKind, code: &str) {
        if let Some((life, _)) = self.pending.remove(&id) {
            let error = EksError {
                kind,
                operation: "eks:UpdateClusterVersion",
                code: code.to_owned(),
                message: String::new(),
                request_id: None,
                clock_behind: None,
            };
            self.answer(id, life, Answer::Eks(Err(error)));
        }
    }

    /// The process that waits for this call dies, and starts again.
    fn die(&mut self, id: CallId) {
        let Some((life, _)) = self.pending.get(&id) else {
            return;
        };
        let replica = life.replica;
        self.pending.retain(|_, (life, _)| life.replica != replica);
        self.processes[replica] = None;
        self.start(replica);
    }

    /// When something is due next: a process's look, a thaw.
    fn next_moment(&self) -> Millis {
        let looks = self.processes.iter().flatten().filter_map(|process| {
            (!self.is_frozen(process.life.replica))
                .then(|| process.next())
                .flatten()
        });
        let thaws = self.frozen_until.iter().copied();
        let due = looks.chain(thaws).filter(|next| *next > self.now);
        due.min().unwrap_or(self.now + MINUTE)
    }

    fn pass(&mut self) {
        self.now = self.next_moment();
        let now = self.now;
        let mut world = self.world();
        world.now = now;
        if now > ENDS_WITHIN {
            let World {
                api, model, oracle, ..
            } = &mut *world;
            let what = progress::restless(api, model, false, now);
            oracle.report(Invariant::Progress, now, what.unwrap_or_default());
        }
    }

    /// A call arrives. It leaves its process at the same time, unless it was on its way already.
    fn arrives(&mut self, life: Life, call: &Call) -> Answer {
        if let Call::Send(target, request, fence) = call {
            if !fence.is_open() {
                return call.unanswered();
            }
            let now = self.now;
            self.world().oracle.leaves(life, &target.name, request, now);
        }
        self.carried_out(life, call)
    }

    fn carried_out(&mut self, life: Life, call: &Call) -> Answer {
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

    fn answer(&mut self, id: CallId, life: Life, answer: Answer) {
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
            shared.lock().expect("one thread").wire.answer(id, answer);
        });
    }

    /// Does something to a process and takes up the calls it makes. What can make no difference is answered at once: Events
    /// change nothing, and the versions on offer are always the same.
    fn with(&mut self, replica: usize, begins: bool, work: impl FnOnce(&mut Process, Millis)) {
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
                if matches!(call, Call::Event(..) | Call::Eks(_, Question::Versions)) {
                    let answer = self.arrives(life, &call);
                    self.world().wire.answer(id, answer);
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
    fn remember(&mut self, replica: usize) {
        let at_rest = self.processes[replica]
            .as_ref()
            .filter(|process| process.is_idle());
        if let Some(memory) = at_rest.map(Process::memory) {
            self.told[replica] = hashed(&self.without_ids(&memory));
        }
    }
}

fn hashed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
