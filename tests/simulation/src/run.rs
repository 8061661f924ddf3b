//! Runs one seed: events in virtual time, drawn by the seed and nothing else.

mod calls;
mod happenings;
mod lives;
mod rest;
mod watches;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Mutex, MutexGuard};

use eks_upgrade_operator::simulator::Model;
use fastrand::Rng;

use crate::api_server::ApiServer;
use crate::call::{Answer, Call, Life};
use crate::course::{self, Course, Odds};
use crate::defect::Defect;
use crate::oracle::{Invariant, Oracle, Violation};
use crate::process::Process;
use crate::states::States;
use crate::time::{Millis, SECOND, at};
use crate::wire::{CallId, Wire};
use crate::world::{Timeline, World};

/// A seed that makes more steps than this goes round in a circle.
const MOST_STEPS: u64 = 200_000;

/// How a seed is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What is wrong with the operator.
    pub defect: Option<Defect>,
    /// Whether what happens is written down.
    pub timeline: bool,
    /// Whether EKS forgets tokens before it lists what was accepted with them: beyond what is promised.
    pub beyond_assumption: bool,
}

/// What came of a seed.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub violation: Option<Violation>,
    pub steps: u64,
    pub timeline: Vec<String>,
    /// What happened, without times and ids: what a change of the simulation itself leaves as it is.
    pub outline: Vec<String>,
}

impl Report {
    /// The violation with everything that led to it, for a person.
    pub fn story(&self) -> String {
        let mut story = format!("seed {}\n", self.seed);
        for line in &self.timeline {
            story.push_str(line);
            story.push('\n');
        }
        match &self.violation {
            Some(Violation {
                invariant,
                at,
                what,
            }) => {
                let at = crate::time::shown(*at);
                let broken = format!("{at:>13}  VIOLATION of {invariant:?}: {what}\n");
                story.push_str(&broken);
            }
            None => story.push_str("no violation\n"),
        }
        story
    }
}

/// Runs a seed. The same seed and options give the same report.
pub fn run(seed: u64, options: Options, states: Option<&mut States>) -> Report {
    let mut rng = Rng::with_seed(seed);
    let course = Course::draw(&mut rng);
    run_course(seed, course, rng, options, states)
}

/// Runs a course that was not drawn.
pub fn follow(course: Course, options: Options) -> Report {
    run_course(0, course, Rng::with_seed(0), options, None)
}

fn run_course(
    seed: u64,
    course: Course,
    rng: Rng,
    options: Options,
    states: Option<&mut States>,
) -> Report {
    let mut simulation = Simulation::new(course, rng, options, states);
    simulation.go();
    let steps = simulation.steps;
    let mut world = simulation.world();
    Report {
        seed,
        violation: world.oracle.violation.take(),
        steps,
        timeline: world.timeline.lines().to_vec(),
        outline: world.timeline.outlined().to_vec(),
    }
}

/// Something that is going to happen.
enum Step {
    /// A call leaves its process.
    Leaves(CallId, Life, Box<Call>),
    /// A call arrives, this becomes of it, and it left its process at this time.
    Arrives(CallId, Life, Box<Call>, Fate, Millis),
    /// An answer arrives.
    Answered(CallId, Life, Answer),
    /// A process looks whether something is due.
    Look(Life),
    /// The watch shows everything up to a revision.
    Shows(Life, u64),
    /// The watch of the freezes shows everything up to a revision.
    ShowsFreezes(Life, usize),
    /// A process lists all objects.
    Lists(Life),
    /// A process starts.
    Starts(usize),
    /// A process that was told to end ends.
    Ends(Life),
    Happens(Box<course::Event>),
    /// Whether everything is at rest.
    AtRest,
    /// It was at rest.
    StillAtRest(Rest),
}

/// What must not grow while everything is at rest.
#[derive(Clone, Copy, Debug)]
struct Rest {
    deeds: u64,
    updates: usize,
    /// Whether EKS refuses what some object asks for.
    is_refused: bool,
    /// How many ends of windows for a rollback have passed.
    windows: usize,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done,
    LostBefore,
    LostAfter,
    /// Arrives after nobody waits for its answer any more.
    HeldUp,
    Fault(Fault),
}

/// An answer that somebody else than the model's rules gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Throttled,
    ServerError,
    Malformed,
    Busy,
    Denied,
    Refused,
}

struct Replica {
    life: u32,
    process: Option<Process>,
    frozen_until: Millis,
}

struct Queued {
    at: Millis,
    /// Decides among those of one moment.
    lot: u64,
    nth: u64,
    step: Step,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}
impl Queued {
    fn order(&self) -> (Millis, u64, u64) {
        (self.at, self.lot, self.nth)
    }
}

struct Simulation<'a> {
    rng: Rng,
    course: Course,
    odds: Odds,
    shared: Arc<Mutex<World>>,
    replicas: Vec<Replica>,
    queue: BinaryHeap<Reverse<Queued>>,
    queued: u64,
    steps: u64,
    now: Millis,
    api_down_until: Millis,
    eks_down_until: Millis,
    /// Until when the operator may not make each of these calls.
    denied_until: BTreeMap<&'static str, Millis>,
    is_over: bool,
    states: Option<&'a mut States>,
}

impl<'a> Simulation<'a> {
    fn new(
        mut course: Course,
        mut rng: Rng,
        options: Options,
        states: Option<&'a mut States>,
    ) -> Self {
        // What the operator draws for itself (how long it waits, a little spread).
        fastrand::seed(rng.u64(..));
        course.setup.defect = options.defect;
        if options.beyond_assumption {
            course.scenario.token_lifetime =
                eks_upgrade_operator::simulator::period::Period::minutes(2);
        }
        let mut model = Model::new(&course.scenario, at(0)).expect("a scenario that makes sense");
        for cluster in &course.clusters {
            model
                .add_cluster(cluster.clone(), at(0))
                .expect("a cluster that makes sense");
        }
        let world = World {
            now: 0,
            model,
            api: ApiServer::default(),
            wire: Wire::default(),
            oracle: Oracle::new(course.held_up + 30 * SECOND, course.list_lag)
                .with_clocks(course.clocks_off(), course.clocks_jump()),
            timeline: Timeline::new(options.timeline),
            clock_ahead: course.clock_ahead.clone(),
        };
        let replicas = (0..course.replicas)
            .map(|_| Replica {
                life: 0,
                process: None,
                frozen_until: 0,
            })
            .collect();
        let mut simulation = Self {
            odds: course.odds.clone(),
            rng,
            shared: Arc::new(Mutex::new(world)),
            replicas,
            queue: BinaryHeap::new(),
            queued: 0,
            steps: 0,
            now: 0,
            api_down_until: 0,
            eks_down_until: 0,
            denied_until: BTreeMap::new(),
            is_over: false,
            states,
            course,
        };
        for (at, event) in std::mem::take(&mut simulation.course.events) {
            simulation.then(at, Step::Happens(Box::new(event)));
        }
        for replica in 0..simulation.replicas.len() {
            simulation.then(0, Step::Starts(replica));
        }
        simulation
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.shared.lock().expect("one thread")
    }

    fn note(&self, line: impl FnOnce() -> String) {
        let now = self.now;
        self.world().timeline.note(now, line);
    }

    fn then(&mut self, at: Millis, step: Step) {
        self.queued += 1;
        let queued = Queued {
            at,
            lot: self.rng.u64(..),
            nth: self.queued,
            step,
        };
        self.queue.push(Reverse(queued));
    }

    fn happens(&mut self, thousandths: u32) -> bool {
        thousandths > 0 && self.rng.u32(0..1000) < thousandths
    }

    fn go(&mut self) {
        while let Some(Reverse(Queued {
            at,
            lot: _,
            nth: _,
            step,
        })) = self.queue.pop()
        {
            self.now = self.now.max(at);
            self.world().now = self.now;
            self.steps += 1;
            let is_change = matches!(step, Step::Arrives(..) | Step::Happens(_));
            self.take(step);
            if is_change {
                self.remember_state();
            }
            let (now, steps, is_over) = (self.now, self.steps, self.is_over);
            let mut world = self.world();
            if steps > MOST_STEPS {
                world.oracle.report(
                    Invariant::Progress,
                    now,
                    format!("{steps} steps and no end"),
                );
            }
            if world.oracle.violation.is_some() || is_over {
                return;
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Leaves(id, life, call) => {
                // Only a living process sends what it froze over.
                if self.lives(life) {
                    self.leave(id, life, *call);
                }
            }
            Step::Arrives(id, life, call, fate, left) => self.arrives(id, life, &call, fate, left),
            Step::Answered(id, life, answer) => self.answered(id, life, answer),
            Step::Look(life) => self.with_process(life, Step::Look(life), |process, now| {
                process.looks_at = None;
                process.begin_due(now);
            }),
            Step::Shows(life, revision) => self.shows(life, revision),
            Step::ShowsFreezes(life, revision) => self.shows_freezes(life, revision),
            Step::Lists(life) => self.lists(life),
            Step::Starts(replica) => self.starts(replica),
            Step::Ends(life) => self.ends(life),
            Step::Happens(event) => self.event(*event),
            Step::AtRest => self.at_rest(),
            Step::StillAtRest(rest) => self.still_at_rest(rest),
        }
    }

    /// Does something to a process, if it still lives; once it thaws, if it is frozen.
    fn with_process(&mut self, life: Life, step: Step, work: impl FnOnce(&mut Process, Millis)) {
        let now = self.now;
        let replica = &mut self.replicas[life.replica];
        if replica.life != life.nth || replica.process.is_none() {
            return;
        }
        if replica.frozen_until > now {
            let thaws = replica.frozen_until;
            self.then(thaws, step);
            return;
        }
        // Taken out, so that what it does may lock the world.
        let Some(mut process) = replica.process.take() else {
            return;
        };
        work(&mut process, now);
        process.go_on(now);
        self.replicas[life.replica].process = Some(process);
        self.settle(life);
    }

    /// Takes up what a process has done: the calls it made, and when it wants to look next.
    fn settle(&mut self, life: Life) {
        loop {
            let made = self.world().wire.made();
            if made.is_empty() {
                break;
            }
            for (id, life, call) in made {
                self.called(id, life, &call);
            }
        }
        let now = self.now;
        if let Some(process) = &mut self.replicas[life.replica].process
            && let Some(next) = process.next().map(|next| next.max(now))
            && process.looks_at.is_none_or(|looks_at| next < looks_at)
        {
            process.looks_at = Some(next);
            self.then(next, Step::Look(life));
        }
        self.show_later();
    }

    fn remember_state(&mut self) {
        if let Some(states) = self.states.as_deref_mut() {
            let mut world = self.shared.lock().expect("one thread");
            let busy = self.replicas.iter().map(|replica| match &replica.process {
                None => 0,
                Some(_) if replica.frozen_until > self.now => 1,
                Some(process) if process.is_idle() => 2,
                Some(_) => 3,
            });
            states.see(&mut world, busy);
        }
    }
}
