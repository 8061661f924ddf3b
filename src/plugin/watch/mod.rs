//! `watch`: follows upgrades by the Kubernetes API until all have ended. EKS is not asked.

mod bar;
mod fleet;
mod followed;
mod screen;

use std::time::{Duration, Instant};

use futures::{Stream, StreamExt};
use jiff::{SignedDuration, Timestamp};
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;

use self::fleet::Fleet;
use self::screen::Screen;
use super::args::{ClusterArgs, WatchArgs};
use super::connect::{Connection, READ_TIMEOUT};
use super::exit::Exit;
use super::failure::Failure;
use super::objects::{self, Listed};
use super::{note, print};

/// Between two pictures.
const FRAME: Duration = Duration::from_millis(100);

/// After how long the API server ends a watch, which is then gone on with: well before an answer counts as missing, since one
/// may have nothing to say for hours.
const WATCH_SECONDS: u32 = 20;
const _: () = assert!((WATCH_SECONDS as u64) < READ_TIMEOUT.as_secs());

/// Refusals within a minute of each other that end a watch.
const REFUSALS: u32 = 3;
const MINUTE: Duration = Duration::from_mins(1);

/// Why the following ended.
enum Ended {
    All,
    Nothing,
    TimedOut,
    Interrupted,
}

pub async fn run(cluster: &ClusterArgs, args: WatchArgs) -> Result<Exit, Failure> {
    let WatchArgs {
        names,
        all_namespaces,
        timeout,
    } = args;
    let connection = Connection::open(cluster).await?;
    let scope = objects::scope(&connection, all_namespaces);
    let api = objects::raw_api(&connection, all_namespaces);
    // So that names are found out about before anything is drawn.
    for name in &names {
        objects::get(&connection, name).await?;
    }
    let is_named = !names.is_empty();
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let events = watcher(api, config).default_backoff();
    let mut fleet = Fleet::new(names, all_namespaces);
    let mut screen = Screen::of_stdout();
    let ended = follow(events, &mut fleet, &mut screen, &scope, timeout).await;
    screen.leave()?;
    let ended = ended?;
    Ok(match ended {
        Ended::Nothing if is_named => {
            return Err(Failure::new(
                format!("what was to be watched {scope} is no longer there"),
                "`kubectl eks-upgrade get -A` lists what there is.",
            ));
        }
        Ended::Nothing => {
            note(format_args!(
                "There are no ClusterUpgrades {scope}, and nothing to watch."
            ));
            Exit::Fine
        }
        Ended::All => {
            print(&fleet.outcome())?;
            // One that was named is missed when it is gone; of all, those that are there count.
            if fleet.has_stalled() || (is_named && fleet.has_lost()) {
                Exit::Stalled
            } else {
                Exit::Fine
            }
        }
        Ended::TimedOut => {
            print(&fleet.outcome())?;
            note(format_args!("--timeout is over; what runs goes on."));
            Exit::TimedOut
        }
        Ended::Interrupted => Exit::Interrupted,
    })
}

async fn follow(
    events: impl Stream<Item = watcher::Result<Event<DynamicObject>>>,
    fleet: &mut Fleet,
    screen: &mut Screen,
    scope: &str,
    timeout: Option<SignedDuration>,
) -> Result<Ended, Failure> {
    let cannot = |error| Failure::of_io("wait for signals", &error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let mut hang_up = signal(SignalKind::hangup()).map_err(cannot)?;
    let mut quit = signal(SignalKind::quit()).map_err(cannot)?;
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let over = async {
        match timeout {
            Some(timeout) => tokio::time::sleep(timeout.unsigned_abs()).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(events, over);
    let mut is_listed = false;
    let mut trouble = Trouble::default();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => {
                    is_listed |= matches!(event, Event::InitDone);
                    for line in take(fleet, event) {
                        screen.tell(&line)?;
                    }
                    if is_listed && fleet.is_empty() {
                        return Ok(Ended::Nothing);
                    }
                }
                Some(Err(error)) => {
                    if !is_listed {
                        return Err(at_first(scope, error));
                    }
                    if let Some(line) = trouble.of(&error, Instant::now()) {
                        screen.tell(line)?;
                    }
                    if trouble.is_lasting() {
                        return Err(at_first(scope, error));
                    }
                }
                // It goes on until it is dropped.
                None => return Ok(Ended::All),
            },
            _ = frames.tick() => {}
            () = &mut over => return Ok(Ended::TimedOut),
            _ = interrupt.recv() => return Ok(Ended::Interrupted),
            _ = terminate.recv() => return Ok(Ended::Interrupted),
            _ = hang_up.recv() => return Ok(Ended::Interrupted),
            _ = quit.recv() => return Ok(Ended::Interrupted),
        }
        if is_listed {
            screen.draw(|size, frame| fleet.picture(size, frame, Timestamp::now()))?;
            if fleet.is_over() {
                return Ok(Ended::All);
            }
        }
    }
}

/// What is wrong with a watch that had begun.
#[derive(Default)]
struct Trouble {
    said_at: Option<Instant>,
    refused_at: Option<Instant>,
    refusals: u32,
}

impl Trouble {
    /// Takes it in. Says what a person should know, at most once a minute: a watch that goes on well brings no news of it.
    fn of(&mut self, error: &watcher::Error, now: Instant) -> Option<&'static str> {
        let is_recent = |at: Option<Instant>| at.is_some_and(|at| now.duration_since(at) < MINUTE);
        if is_refusal(error) {
            self.refusals = if is_recent(self.refused_at) {
                self.refusals.saturating_add(1)
            } else {
                1
            };
            self.refused_at = Some(now);
            return None;
        }
        // That the watch has to begin anew, such as after a pause, is an answer.
        if matches!(error, watcher::Error::WatchError(_)) || is_recent(self.said_at) {
            return None;
        }
        self.said_at = Some(now);
        Some("the API server did not answer just now; it is asked again")
    }

    /// Whether the API server has refused often enough to mean it.
    fn is_lasting(&self) -> bool {
        self.refusals >= REFUSALS
    }
}

/// Whether the API server does not let us watch any more: waiting mends none of these.
fn is_refusal(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => match error {
            kube::Error::Api(status) => matches!(status.code, 401 | 403 | 404),
            kube::Error::Auth(_) => true,
            _ => false,
        },
        watcher::Error::WatchError(status) => matches!(status.code, 401 | 403 | 404),
        watcher::Error::NoResourceVersion => false,
    }
}

/// Takes in what the watch brought, and says what is new.
fn take(fleet: &mut Fleet, event: Event<DynamicObject>) -> Vec<String> {
    match event {
        Event::Init => {
            fleet.list_begins();
            Vec::new()
        }
        Event::InitApply(object) | Event::Apply(object) => {
            let news = fleet.see(Listed::of(object), Timestamp::now());
            news.into_iter().collect()
        }
        Event::InitDone => fleet.list_ends(),
        Event::Delete(object) => fleet.gone(&Listed::of(object)).into_iter().collect(),
    }
}

fn at_first(scope: &str, error: watcher::Error) -> Failure {
    let doing = format!("watch ClusterUpgrades {scope}");
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Failure::of_kubernetes(&doing, &error),
        watcher::Error::WatchError(status) => {
            Failure::of_kubernetes(&doing, &kube::Error::Api(status))
        }
        error @ watcher::Error::NoResourceVersion => Failure::new(
            format!("could not {doing}: {error}"),
            "See that this is a Kubernetes API server: `kubectl cluster-info`.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16) -> watcher::Error {
        let status = kube::core::Status {
            code,
            ..kube::core::Status::default()
        };
        watcher::Error::WatchStartFailed(kube::Error::Api(Box::new(status)))
    }

    #[test]
    fn refusals_in_a_row_end_a_watch_and_silence_does_not() {
        let begin = Instant::now();
        let at = |seconds: u64| begin + Duration::from_secs(seconds);
        let mut trouble = Trouble::default();
        // One an hour is none in a row.
        for hour in 0..5 {
            assert_eq!(trouble.of(&refused(401), at(3600 * hour)), None);
            assert!(!trouble.is_lasting());
        }
        trouble.of(&refused(403), at(14_430));
        assert!(!trouble.is_lasting());
        trouble.of(&refused(404), at(14_450));
        assert!(trouble.is_lasting());

        let mut trouble = Trouble::default();
        let silence = || watcher::Error::WatchFailed(kube::Error::LinesCodecMaxLineLengthExceeded);
        let told: Vec<bool> = (0..100)
            .map(|second| trouble.of(&silence(), at(second)).is_some())
            .collect();
        assert_eq!(told.iter().filter(|told| **told).count(), 2);
        trouble.of(&refused(500), at(200));
        assert!(!trouble.is_lasting());
    }
}
