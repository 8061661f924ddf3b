//! Starts the controller, keeps it running, and ends it cleanly.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, future};
use jiff::Timestamp;
use kube::runtime::controller::{Action, Error as ControllerError, applier};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use crate::eks::aws::{AwsEks, CallObserver};
use crate::eks::{Eks, Target};
use crate::http;
use crate::leader::{Candidate, Election, Leadership, LeaseLost};
use crate::metrics::Metrics;
use crate::plan::{Settings, Wish};
use crate::store::kube::{Caches, KubeStore, Watched};
use crate::store::{self, Key, Store as _, StoreError};

use super::access::{Access, AccessFile, AccessFileError, AllowRole};
use super::again::{again, resync_of};
use super::cache::Cache;
use super::context::{Clock, Context, Limits, Waker};
use super::fleet::Fleet;
use super::freeze_watch::watch_freezes;
use super::freezes::Freezes;
use super::lengths::Lengths;
use super::looks::{Looks, Step};
use super::pace::{Look, Pace, Urgency};
use super::recall::Recall;
use super::reconcile::reconcile;
use super::watch::{Scope, changes};

/// How long what runs may take to end after a signal. Kubernetes grants thirty seconds by default; ten are promised.
const SHUTDOWN_WITHIN: Duration = Duration::from_secs(9);

/// How long giving the lease up may take after that.
const RETIRE_WITHIN: Duration = Duration::from_secs(1);

/// After how much silence a connection to the API server is given up. Calls have a shorter time of their own; this is for the
/// lists and watches, and longer than the 290 seconds after which the API server ends a watch in which nothing happens.
const SILENCE: Duration = Duration::from_mins(5);

/// How the controller is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The settings that decisions depend on.
    pub settings: Settings,
    /// The controller's own limits.
    pub limits: Limits,
    /// How many objects are looked at at a time.
    pub concurrency: NonZeroU16,
    /// How many requests a second EKS takes in each account and region; learned where there is none.
    pub eks_requests_per_second: Option<NonZeroU32>,
    /// The watched namespaces; all where empty.
    pub namespaces: Vec<String>,
    /// Which namespace may use which role, by flags.
    pub allow_roles: Vec<AllowRole>,
    /// The file with who may upgrade what.
    pub access_file: Option<PathBuf>,
    /// How a leader is elected; without it this is the only replica.
    pub election: Option<Election>,
    /// Where `/metrics`, `/healthz` and `/readyz` are served.
    pub metrics_addr: SocketAddr,
}

/// Why the controller could not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No Kubernetes API to talk to.
    #[error("no Kubernetes API server is configured: {0}. Set KUBECONFIG, or run in a cluster")]
    Kubeconfig(#[from] kube::config::InferConfigError),
    /// The client could not be built.
    #[error("the Kubernetes client cannot be set up: {0}")]
    Client(#[from] kube::Error),
    /// The address for metrics cannot be used.
    #[error("cannot serve metrics on {0}: {1}. Choose another --metrics-addr")]
    Metrics(SocketAddr, std::io::Error),
    /// Signals cannot be caught.
    #[error("cannot wait for signals: {0}")]
    Signals(std::io::Error),
    /// The access file cannot be used.
    #[error(transparent)]
    AccessFile(#[from] AccessFileError),
    /// Another replica leads, or may.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// A watch ended by itself. A process that went on would look healthy and leave a namespace alone.
    #[error(
        "a watch has ended by itself; this is a bug, please report it. Restart the operator: open intents are looked up at its start"
    )]
    WatchEnded,
}

/// Why a reconcile brought nothing.
#[derive(Debug, thiserror::Error)]
enum ReconcileError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the reconcile ended in a bug: {0}")]
    Bug(#[from] tokio::task::JoinError),
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Both clocks, the one that only goes forward beginning now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    /// In milliseconds, as EKS tells its times: status is read by people.
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

type Shared = Arc<Context<AwsEks, KubeStore, SystemClock>>;

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// Where it cannot start.
pub async fn run(options: Options) -> Result<(), RunError> {
    let Options {
        settings,
        limits,
        concurrency,
        eks_requests_per_second,
        namespaces,
        allow_roles,
        access_file,
        election,
        metrics_addr,
    } = options;
    let file = access_file.as_deref().map(AccessFile::read).transpose()?;
    let access = Access {
        rules: file.and_then(|file| file.access),
        roles: allow_roles,
    };
    let (told, mut stopped) = signals()?;
    let mut config = kube::Config::infer().await?;
    // Our own loop repeats; kube's would repeat a guarded write for minutes.
    config.default_retry = false;
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    let own_namespace = config.default_namespace.clone();
    let client = store::kube::client(config)?;
    let metrics = Arc::new(Metrics::default());
    metrics.leading(election.is_none());
    let pace = Pace::new(concurrency, eks_requests_per_second);
    let calls = Calls {
        metrics: Arc::clone(&metrics),
        pace: pace.clone(),
    };
    let eks = AwsEks::load(Arc::new(calls)).await;

    let mut waker = Waker::default();
    let mut caches = Caches::new();
    let mut synced = Vec::new();
    let mut scopes = Vec::new();
    for namespace in watched(namespaces) {
        let (cache, writer) = reflector::store();
        let (queue, woken) = mpsc::unbounded_channel();
        let (done, is_done) = watch::channel(false);
        waker.add(namespace.clone(), queue);
        caches.insert(namespace.clone(), cache.clone());
        synced.push(is_done);
        scopes.push((
            cache,
            Scope {
                namespace,
                writer,
                woken,
                synced: done,
            },
        ));
    }
    // Nothing is looked at before the freezes are known either.
    let (freezes_known, are_known) = watch::channel(false);
    synced.push(are_known);
    let stopping = Arc::new(AtomicBool::new(false));
    let clock = SystemClock::start();
    let leadership = Arc::new(match election {
        Some(_) => Leadership::not_yet(),
        None => Leadership::always(),
    });
    let ctx: Shared = Arc::new(Context {
        eks,
        store: KubeStore::new(client.clone(), caches, Arc::clone(&metrics)),
        clock,
        settings,
        limits,
        fleet: Fleet::new(access.clone()),
        access,
        freezes: Freezes::default(),
        recall: Recall::default(),
        lengths: Lengths::default(),
        cache: Cache::default(),
        pace,
        salt: fastrand::u64(..),
        waker,
        metrics: Arc::clone(&metrics),
        stopping: Arc::clone(&stopping),
        leadership: Arc::clone(&leadership),
    });

    let listener = http::listen(metrics_addr)
        .await
        .map_err(|error| RunError::Metrics(metrics_addr, error))?;
    let served = tokio::spawn(http::serve(listener, Arc::clone(&ctx), synced.clone()));
    // A standby watches all the same, so that it knows everything when its turn comes; it looks at nothing.
    let (leads, leading) = watch::channel(election.is_none());
    let (retire, retiring) = watch::channel(false);
    let mut campaign = tokio::spawn(campaign(
        election.map(|election| {
            let Election {
                lease,
                namespace,
                duration,
            } = election;
            let namespace = namespace.unwrap_or(own_namespace);
            Candidate {
                api: Api::namespaced(client.clone(), &namespace),
                name: lease,
                identity: identity(),
                duration,
                clock,
                leadership,
                begin: Box::new({
                    let ctx = Arc::clone(&ctx);
                    move || ctx.fleet.lead_begins(ctx.clock.monotonic())
                }),
                metrics,
                is_in_trouble: AtomicBool::new(false),
            }
        }),
        leads,
        retiring,
    ));
    let mut gates = synced;
    gates.push(leading);
    let mut controllers = JoinSet::new();
    for (cache, scope) in scopes {
        let running = Running {
            client: client.clone(),
            gates: gates.clone(),
            stop: told.subscribe(),
        };
        controllers.spawn(control(Arc::clone(&ctx), running, cache, scope));
    }

    let freezes = watch_freezes(Arc::clone(&ctx), Api::all(client), freezes_known);
    let mut stop = told.subscribe();
    controllers.spawn(async move {
        tokio::select! {
            () = freezes => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    });

    // A signal ends the watches too, and who is told of it first is chance: one may have ended before this hears of it.
    let ended = tokio::select! {
        _ = stopped.wait_for(|stop| *stop) => Ok(()),
        _ = controllers.join_next() => {
            if *told.borrow() {
                Ok(())
            } else {
                Err(RunError::WatchEnded)
            }
        }
        ended = &mut campaign => ended.map_or(Err(RunError::WatchEnded), |lost| Ok(lost?)),
    };
    // What is being written ends; nothing new is sent.
    stopping.store(true, Ordering::Relaxed);
    ctx.pace.end();
    told.send_replace(true);
    tracing::info!("ending: what is under way is finished, nothing new is sent");
    let all = async { while controllers.join_next().await.is_some() {} };
    if tokio::time::timeout(SHUTDOWN_WITHIN, all).await.is_err() {
        tracing::warn!(
            "ended before everything was finished; open intents are looked up at the next start"
        );
    } else if !campaign.is_finished() {
        // Only now: as long as something of ours is under way, nobody else is to begin.
        retire.send_replace(true);
        if tokio::time::timeout(RETIRE_WITHIN, campaign).await.is_err() {
            tracing::warn!("the lease could not be given up; the next leader waits for its end");
        }
    }
    served.abort();
    ended
}

/// Runs for the lease, if there is one, until retired.
async fn campaign(
    candidate: Option<Candidate<SystemClock>>,
    leads: watch::Sender<bool>,
    mut retire: watch::Receiver<bool>,
) -> Result<(), LeaseLost> {
    if let Some(candidate) = candidate {
        return candidate.run(leads, retire).await;
    }
    let _closed = retire.wait_for(|retire| *retire).await.is_err();
    drop(leads);
    Ok(())
}

/// Who this process is in a lease: never the same twice, so that a pod started again does not take itself for its former self.
fn identity() -> String {
    let name = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    let name = name.unwrap_or_else(|_| "eks-upgrade-operator".to_owned());
    format!("{name}_{}", uuid::Uuid::new_v4())
}

/// One watch per namespace: a cache shared by several watches would lose objects when one of them lists anew.
/// An empty name, as of a variable that is set to nothing, names none.
fn watched(namespaces: Vec<String>) -> Vec<Option<String>> {
    let mut namespaces: Vec<_> = namespaces
        .into_iter()
        .filter(|namespace| !namespace.is_empty())
        .map(Some)
        .collect();
    namespaces.sort();
    namespaces.dedup();
    if namespaces.is_empty() {
        vec![None]
    } else {
        namespaces
    }
}

/// Becomes true on the first SIGTERM or SIGINT; the second SIGINT ends the process at once.
fn signals() -> Result<(watch::Sender<bool>, watch::Receiver<bool>), RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let (stop, stopped) = watch::channel(false);
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        stop.send_replace(true);
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok((told, stopped))
}

/// What every scope is run with.
struct Running {
    client: Client,
    /// Nothing is looked at before all of these are open.
    gates: Vec<watch::Receiver<bool>>,
    stop: watch::Receiver<bool>,
}

/// What is told of calls to AWS, and what their pages wait for.
struct Calls {
    metrics: Arc<Metrics>,
    pace: Pace,
}

impl CallObserver for Calls {
    fn called(&self, operation: &'static str, outcome: &'static str, took: Duration) {
        self.metrics.eks_call(operation, outcome, took);
    }

    fn another_page<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, ()> {
        self.pace.another_page(target).boxed()
    }
}

/// Looks at the objects of one scope until told to stop.
async fn control(ctx: Shared, running: Running, cache: Store<Watched>, scope: Scope) {
    let Running {
        client,
        gates,
        mut stop,
    } = running;
    let api: Api<Watched> = match &scope.namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let ending = stop.clone();
    let stopped_early = stopped_before_ready(stop.clone(), cache.clone());
    let looks = Looks::default();
    let (due, is_due) = futures::channel::mpsc::unbounded();
    let watching = changes(Arc::clone(&ctx), api, scope).for_each({
        let (looks, due) = (looks.clone(), due.clone());
        move |key| {
            looks.changed(&key);
            tell(&due, &key);
            future::ready(())
        }
    });
    // Who owns a cluster is known once every namespace has been listed, and what is frozen once the freezes have.
    let opening = async {
        for mut gate in gates {
            if gate.wait_for(|open| *open).await.is_err() {
                return;
            }
        }
        for key in looks.open() {
            tell(&due, &key);
        }
    };
    let opening = async {
        opening.await;
        future::pending::<()>().await;
    };
    let queue = is_due
        .map(Ok::<_, Infallible>)
        .take_until(Box::pin(async move {
            let _closed = stop.wait_for(|stop| *stop).await.is_err();
        }));
    // What the runner does takes no time.
    let config = kube::runtime::controller::Config::default();
    let metrics = Arc::clone(&ctx.metrics);
    let running = TaskTracker::new();
    let begun = applier(
        {
            let (looks, due, running) = (looks.clone(), due.clone(), running.clone());
            move |object: Arc<Watched>, ctx: Shared| {
                let key = key_of(&ObjectRef::from_obj(&*object));
                let action = match looks.step(&key) {
                    Step::LineUp => {
                        let (looks, due) = (looks.clone(), due.clone());
                        let looking = look(ctx, key, looks, due, ending.clone());
                        drop(running.spawn(looking));
                        Action::await_change()
                    }
                    Step::After(wait) => Action::requeue(wait),
                    Step::Nothing => Action::await_change(),
                };
                future::ready(Ok::<_, Infallible>(action))
            }
        },
        |_, never: &Infallible, _| match *never {},
        ctx,
        cache,
        Box::pin(queue),
        config,
    );
    let begun = begun.for_each({
        let looks = looks.clone();
        move |result| {
            match result {
                Err(ControllerError::ObjectNotFound(object)) => {
                    let key = key_of(&object);
                    looks.forget(&key);
                    metrics.not_due(&key);
                    tracing::debug!(%object, "no longer there");
                }
                Ok(_) => {}
                Err(ControllerError::RunnerError(error)) => {
                    tracing::error!(%error, "the runner failed");
                }
                Err(
                    ControllerError::ReconcilerFailed(never, _)
                    | ControllerError::QueueError(never),
                ) => match never {},
            }
            future::ready(())
        }
    });
    tokio::select! {
        () = begun => {}
        () = watching => {}
        () = opening => {}
        () = stopped_early => {}
    }
    running.close();
    running.wait().await;
}

type Due = futures::channel::mpsc::UnboundedSender<ObjectRef<Watched>>;

/// Has the runner see to an object.
fn tell(due: &Due, key: &Key) {
    let object = ObjectRef::new(&key.name).within(&key.namespace);
    // It has ended where the process does.
    due.unbounded_send(object).ok();
}

/// Ends when it is to stop and the first list has not come: nothing was looked at, so there is nothing to finish, and kube's
/// runner would wait for the list for ever.
async fn stopped_before_ready(mut stop: watch::Receiver<bool>, cache: Store<Watched>) {
    let _closed = stop.wait_for(|stop| *stop).await.is_err();
    if cache.wait_until_ready().now_or_never().is_some() {
        future::pending::<()>().await;
    }
}

/// One reconcile when it is its turn, in a task of its own: a bug in one object's does not end the others'.
async fn look(ctx: Shared, key: Key, looks: Looks, due: Due, mut ending: watch::Receiver<bool>) {
    let look = tokio::select! {
        look = turn(&ctx, &key) => look,
        _ = ending.wait_for(|ending| *ending) => return,
    };
    looks.begun(&key);
    let started = Instant::now();
    let metrics = Arc::clone(&ctx.metrics);
    let looking = metrics.looks_at(&key);
    let reconciling = tokio::spawn({
        let (ctx, key) = (Arc::clone(&ctx), key.clone());
        async move { reconcile(&*ctx, &key, &look).await }
    });
    let outcome = match reconciling.await {
        Ok(outcome) => outcome.map_err(ReconcileError::Store),
        Err(bug) => Err(ReconcileError::Bug(bug)),
    };
    drop(looking);
    metrics.reconciled(started.elapsed());
    let wait = match outcome {
        Ok(wait) => wait,
        Err(error) => failed(&ctx, &key, &error),
    };
    if let Some(wait) = wait {
        metrics.due_in(key.clone(), wait);
    }
    if looks.ended(&key, wait) {
        tell(&due, &key);
    }
}

/// Waits until an object may be looked at.
async fn turn(ctx: &Shared, key: &Key) -> Look {
    let object = ctx.store.cached(key);
    let (target, urgency) = object.as_deref().map_or((None, Urgency::Idle), |object| {
        let body = object.body.as_ref().ok();
        let wish = body.and_then(|body| Wish::try_from(&body.spec).ok());
        (wish.map(|wish| wish.target), Urgency::of(object))
    });
    drop(object);
    ctx.pace.begin(key, target.as_ref(), urgency).await
}

/// Says why a reconcile brought nothing, and when to look again.
fn failed<E: Eks, C: Clock>(
    ctx: &Context<E, KubeStore, C>,
    object: &Key,
    error: &ReconcileError,
) -> Option<Duration> {
    let resync = ctx.settings.resync_interval;
    match error {
        ReconcileError::Store(error) => {
            ctx.metrics.reconcile_failed(error.label());
            match error {
                StoreError::Conflict => {
                    tracing::debug!(%object, "decided on an old state; looking again");
                }
                StoreError::Gone => {}
                StoreError::Unavailable(why) => {
                    tracing::warn!(%object, why, "the API server did not do what it was asked; looking again");
                }
                StoreError::Refused(why) => {
                    tracing::error!(%object, why, "the API server refuses a status write or a list of the freezes: see the operator's RBAC and the CRDs' version");
                }
            }
            again(error, resync)
        }
        ReconcileError::Bug(bug) => {
            ctx.metrics.reconcile_failed("bug");
            tracing::error!(%object, %bug, "a bug: please report it; looking again later");
            Some(resync_of(resync))
        }
    }
}

fn key_of<K: kube::Resource>(object: &ObjectRef<K>) -> Key {
    Key {
        namespace: object.namespace.clone().unwrap_or_default(),
        name: object.name.clone(),
    }
}
