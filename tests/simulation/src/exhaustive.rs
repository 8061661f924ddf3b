//! Every interleaving, enumerated: one hop, two replicas, one fault.
//!
//! A step is one call arriving and being answered, a reconcile beginning, a watch catching up, or time passing to whatever is
//! due next. At every step at most one thing goes wrong in a whole course: a process dies before or after its call, a request or
//! an answer is lost, a request arrives late, EKS is busy or refuses, a process freezes, or a person suspends the object, edits a
//! label or wipes the status. All orders are tried. States that were seen before are not followed again; a state is everything
//! outside the processes, what each of them keeps in memory, and what it has been told since it began its present reconcile.

mod board;
mod wrong;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::simulator::{Model, Scenario};

use crate::call::{Call, Life};
use crate::defect::Defect;
use crate::oracle::Violation;
use crate::process::Process;
use crate::time::{HOUR, MINUTE, Millis, SECOND, at};
use crate::wire::CallId;
use crate::world::World;

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
        "{{durations: {{update: {}s}}, lags: {{list: {}s}}, clusters: [{{name: {CLUSTER}, version: '{FROM}', insightsRefreshed: 0s, outcomes: {outcome}}}]}}",
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

fn hashed(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
