//! `watch`: follows upgrades by the Kubernetes API until all have ended. EKS is not asked.

mod bar;
mod fleet;
mod followed;
mod screen;

use std::time::Duration;

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
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let events = watcher(api, config).default_backoff();
    let mut fleet = Fleet::new(names, all_namespaces);
    let mut screen = Screen::of_stdout();
    let ended = follow(events, &mut fleet, &mut screen, &scope, timeout).await;
    screen.leave()?;
    let ended = ended?;
    Ok(match ended {
        Ended::Nothing => {
            note(format_args!(
                "There are no ClusterUpgrades {scope}, and nothing to watch."
            ));
            Exit::Fine
        }
        Ended::All => {
            print(&fleet.outcome())?;
            if fleet.has_stalled() {
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
    let mut is_lost = false;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => {
                    if std::mem::take(&mut is_lost) {
                        screen.tell("the API server answers again")?;
                    }
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
                    // It has answered: that the watch has to begin anew, such as after a pause.
                    let is_answer = matches!(error, watcher::Error::WatchError(_));
                    if !is_answer && !std::mem::replace(&mut is_lost, true) {
                        screen.tell("the API server does not answer; trying again")?;
                    }
                }
                // It goes on until it is dropped.
                None => return Ok(Ended::All),
            },
            _ = frames.tick() => {}
            () = &mut over => return Ok(Ended::TimedOut),
            _ = interrupt.recv() => return Ok(Ended::Interrupted),
            _ = terminate.recv() => return Ok(Ended::Interrupted),
        }
        if is_listed {
            screen.draw(|size, frame| fleet.picture(size, frame, Timestamp::now()))?;
            if fleet.is_over() {
                return Ok(Ended::All);
            }
        }
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
