//! Runs an upgrade once for each of its calls, does harm at that call, and compares the end with the undisturbed run's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{join_all, select_all};
use futures::{StreamExt as _, stream};
use harness::{Process, eventually};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::call::{Call, Names};
use super::course::Course;
use super::harm::{Calls, Harm};
use super::seat::Seat;
use super::stops::{Held, Moment, Stop};
use super::world::{DEADLINE, World};

/// How often it is tried to hit a call that every run makes.
const TRIES: usize = 8;

/// How many runs there are at a time, in all tests: they mostly wait, but each starts processes.
const AT_A_TIME: usize = 12;
static RUNS: Semaphore = Semaphore::const_new(AT_A_TIME);

/// How long at most an end is not looked for.
const PATIENCE: Duration = Duration::from_millis(250);

/// The cluster and its object.
const NAME: &str = "prod";

/// What an operator is shown of the objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Everything,
    /// What there was before the first operator started, for ever.
    TheBeginning,
    /// Everything, this much later.
    Late(Duration),
}

/// One cluster on its way to what its object asks for.
pub struct Sweep {
    pub title: &'static str,
    pub scenario: &'static str,
    /// What the object asks for, merged into a manifest for 1.35.
    pub spec: &'static str,
    /// Whether EKS lists what it has accepted at once: then looking spares every repetition.
    pub lists_at_once: bool,
    /// What each of the operators is shown.
    pub operators: &'static [Shown],
    pub harms: &'static [Harm],
    /// The Event that tells the end.
    pub ends: &'static str,
    /// The versions of the accepted calls.
    pub accepted: &'static [&'static str],
}

/// One harm at one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Blow {
    harm: Harm,
    at: String,
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.harm, self.at)
    }
}

/// How a run ends that nobody disturbs.
struct Undisturbed {
    course: Course,
    told: Vec<String>,
}

/// The calls of all operators of a run up to the blow, in the order in which they came.
#[derive(Default)]
struct Log {
    names: Names,
    seen: BTreeSet<String>,
    wanted: Option<String>,
    is_over: bool,
}

impl Log {
    fn take(&mut self, call: &Call) -> bool {
        if self.is_over {
            return false;
        }
        let name = self.names.name(call);
        self.is_over = self.wanted.as_ref() == Some(&name);
        self.seen.insert(name);
        self.is_over
    }
}

/// A world with the object in it, and its operators.
struct Run {
    world: World,
    seats: Vec<Seat>,
    operators: Vec<Process>,
}

impl Sweep {
    /// Does every harm at each call of these that the undisturbed run makes, and at each further one that any run makes.
    /// Every run makes those that are `sure`, by their names.
    pub async fn over(&self, calls: Calls, sure: &[&str]) {
        let started = Instant::now();
        let (undisturbed, mut found) = self.undisturbed(calls).await;
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut hits: BTreeMap<Blow, bool> = BTreeMap::new();
        while !found.is_empty() {
            let blows: Vec<_> = found.iter().flat_map(|at| self.blows(calls, at)).collect();
            let runs = stream::iter(blows).map(async |blow| {
                let _permit = RUNS.acquire().await.unwrap();
                let (is_hit, seen) = self.disturbed(calls, &blow, &undisturbed).await;
                (blow, is_hit, seen)
            });
            let runs: Vec<_> = runs.buffer_unordered(AT_A_TIME).collect().await;
            known.append(&mut found);
            for (blow, is_hit, seen) in runs {
                hits.insert(blow, is_hit);
                found.extend(seen.into_iter().filter(|name| !known.contains(name)));
            }
        }
        // Of two operators it may be the other that gets there: then it is tried again.
        for at in sure {
            for blow in self.blows(calls, at) {
                for _ in 0..TRIES {
                    if hits.get(&blow) == Some(&true) {
                        break;
                    }
                    let (is_hit, _) = self.disturbed(calls, &blow, &undisturbed).await;
                    hits.insert(blow.clone(), is_hit);
                }
            }
        }
        for harm in self.harms {
            let of_harm = || hits.iter().filter(|(blow, _)| blow.harm == *harm);
            let hit: BTreeSet<_> = of_harm()
                .filter_map(|(blow, is_hit)| is_hit.then_some(blow.at.as_str()))
                .collect();
            println!(
                "{}: {harm:?} at {} of {} {calls:?}",
                self.title,
                hit.len(),
                of_harm().count()
            );
            let missed: Vec<_> = sure
                .iter()
                .filter(|at| harm.concerns(calls, at) && !hit.contains(*at))
                .collect();
            assert!(
                missed.is_empty(),
                "{}: no {harm:?} at {missed:?}",
                self.title
            );
        }
        println!(
            "{}: {} runs in {:.1} s, {calls:?}: {known:?}",
            self.title,
            hits.len(),
            started.elapsed().as_secs_f64(),
        );
    }

    fn blows(&self, calls: Calls, at: &str) -> Vec<Blow> {
        let harms = self.harms.iter().copied();
        harms
            .filter(|harm| harm.concerns(calls, at))
            .map(|harm| Blow {
                harm,
                at: at.to_owned(),
            })
            .collect()
    }

    async fn run(&self) -> Run {
        let world = World::new(self.scenario).await;
        let mut manifest = World::manifest(NAME, "1.35");
        let asked: BTreeMap<String, Value> = serde_norway::from_str(self.spec).unwrap();
        for (field, value) in asked {
            manifest["spec"][field] = value;
        }
        world.create(manifest).await;
        let mut seats = Vec::new();
        for shown in self.operators {
            let seat = Seat::at(&world).await;
            match shown {
                Shown::Everything => {}
                Shown::TheBeginning => seat.api.freeze(&world.namespace).await,
                Shown::Late(by) => seat.api.delay(*by),
            }
            seats.push(seat);
        }
        Run {
            world,
            seats,
            operators: Vec::new(),
        }
    }

    async fn undisturbed(&self, calls: Calls) -> (Undisturbed, BTreeSet<String>) {
        let _permit = RUNS.acquire().await.unwrap();
        let mut run = self.run().await;
        let log = Arc::default();
        let _stops = run.arm(calls, Moment::Before, &log);
        let mut ends = run.arm_ends(self.ends);
        run.start();
        first(&mut ends).await.0.go_on();
        run.end().await;
        let course = Course::of(&run.world, NAME).await;
        assert!(
            course.is_of(self.accepted),
            "{}, undisturbed: {course}",
            self.title
        );
        let undisturbed = Undisturbed {
            course,
            told: run.world.told(NAME).await,
        };
        let log = log.lock().unwrap_or_else(PoisonError::into_inner);
        (undisturbed, log.seen.clone())
    }

    /// One run. Whether it came to the blow, and the calls up to there.
    async fn disturbed(
        &self,
        calls: Calls,
        blow: &Blow,
        undisturbed: &Undisturbed,
    ) -> (bool, BTreeSet<String>) {
        let mut run = self.run().await;
        let wanted = Some(blow.at.clone());
        let log = Arc::new(Mutex::new(Log {
            wanted,
            ..Log::default()
        }));
        let mut stops = run.arm(calls, blow.harm.moment(), &log);
        let mut ends = run.arm_ends(self.ends);
        run.start();
        // The Event is the last that is done: what is held up before it keeps it from coming.
        let reached = tokio::select! {
            held = first(&mut stops) => Some(held),
            (told, _) = first(&mut ends) => {
                told.go_on();
                None
            }
        };
        drop(ends);
        let is_hit = reached.is_some();
        if let Some((held, index)) = reached {
            let seat = &run.seats[index];
            let operator = &mut run.operators[index];
            if Harm::CUTS.contains(&blow.harm) {
                let line = calls.line(seat);
                line.cut();
                drop(held);
                line.until_refused(2).await;
                line.mend();
            } else {
                operator.kill9().unwrap();
                let asked = seat.eks.calls().len();
                let late = (blow.harm == Harm::KillAndArriveLate).then_some(held);
                *operator = seat.operator(&run.world);
                seat.eks.until_more_calls(asked, 1).await;
                if let Some(late) = late {
                    late.go_on();
                }
            }
        }
        let what = format!("{}, {blow}: it ends the same", self.title);
        let mut is_first = true;
        let same = eventually(&what, DEADLINE, async || {
            if !std::mem::take(&mut is_first) {
                run.stirs().await;
            }
            let course = Course::of(&run.world, NAME).await;
            if course == undisturbed.course {
                Ok(())
            } else {
                Err(course)
            }
        });
        if let Err(error) = same.await {
            panic!(
                "{error}\ninstead of {}\n{}",
                undisturbed.course,
                run.tails()
            );
        }
        run.end().await;
        assert_eq!(
            Course::of(&run.world, NAME).await,
            undisturbed.course,
            "{what}"
        );
        // A send that arrives late is one that nobody can find by looking.
        if self.lists_at_once && blow.harm != Harm::KillAndArriveLate {
            let (sends, accepted) = (run.world.sends(NAME), run.world.accepted(NAME));
            assert_eq!(sends.len(), accepted.len(), "{what}: {sends:?}");
        }
        let told = run.world.told(NAME).await;
        for reason in &told {
            let times = |told: &[String]| told.iter().filter(|it| *it == reason).count();
            assert!(
                times(&told) <= times(&undisturbed.told),
                "{what}: {told:?} instead of {:?}",
                undisturbed.told
            );
        }
        let log = log.lock().unwrap_or_else(PoisonError::into_inner);
        (is_hit, log.seen.clone())
    }
}

/// The first call that is held up, and by which of the stops.
async fn first(stops: &mut [Stop]) -> (Held, usize) {
    let any = stops.iter_mut().map(|stop| Box::pin(stop.reached()));
    let (held, index, _) = select_all(any).await;
    (held, index)
}

impl Run {
    /// A stop on the line of each seat, for the call that the log wants.
    fn arm(&self, calls: Calls, moment: Moment, log: &Arc<Mutex<Log>>) -> Vec<Stop> {
        let stops = self.seats.iter().map(|seat| {
            let log = Arc::clone(log);
            calls.line(seat).stop(moment, move |call| {
                calls.count(call)
                    && log
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .take(call)
            })
        });
        stops.collect()
    }

    /// A stop on the Event that tells the end.
    fn arm_ends(&self, reason: &'static str) -> Vec<Stop> {
        let seats = self.seats.iter();
        let stops = seats.map(|seat| seat.api.stop(Moment::After, |call| call.tells(reason)));
        stops.collect()
    }

    /// Waits for an operator's next call to the API server, or a moment: looking all the time would slow the others.
    async fn stirs(&self) {
        let calls = self.seats.iter().map(|seat| Box::pin(seat.api.next_call()));
        drop(timeout(PATIENCE, select_all(calls)).await);
    }

    fn start(&mut self) {
        self.operators = self
            .seats
            .iter()
            .map(|seat| seat.operator(&self.world))
            .collect();
    }

    /// Lets the operators finish what they do, and end.
    async fn end(&mut self) {
        let ends = self.operators.iter_mut().map(async |operator| {
            operator.sigterm().unwrap();
            assert!(
                operator.wait(DEADLINE).await.unwrap().success(),
                "{}",
                operator.tail()
            );
        });
        join_all(ends).await;
    }

    fn tails(&self) -> String {
        let tails: Vec<_> = self.operators.iter().map(Process::tail).collect();
        tails.join("\n---\n")
    }
}
