//! The lines and rates against an AWS with a quota, on a clock that only goes on when everybody waits.

use std::sync::atomic::AtomicU32;
use std::time::Duration;

use tokio::task::JoinSet;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
/// How long AWS takes to answer.
const ANSWER: Duration = Duration::from_millis(50);

fn target(region: &str, name: &str) -> Target {
    Target {
        account_id: "111122223333".to_owned(),
        region: region.to_owned(),
        name: name.to_owned(),
        role_arn: None,
        external_id: None,
    }
}

fn key(name: &str) -> Key {
    Key {
        namespace: "team".to_owned(),
        name: name.to_owned(),
    }
}

fn throttled() -> EksError {
    EksError {
        kind: ErrorKind::Throttled,
        operation: "eks:DescribeCluster",
        code: "ThrottlingException".to_owned(),
        message: "Rate exceeded".to_owned(),
        request_id: None,
        clock_behind: None,
    }
}

fn pace(most: u16, quota: Option<u32>) -> Pace {
    let most = NonZeroU16::new(most).unwrap();
    Pace::new(most, quota.and_then(NonZeroU32::new))
}

/// An AWS that takes so many calls a second, and as many at once.
struct Aws {
    per_second: f64,
    tokens: Mutex<(f64, Instant)>,
    taken: AtomicU32,
    refused: AtomicU32,
}

impl Aws {
    fn new(per_second: f64) -> Arc<Self> {
        Arc::new(Self {
            per_second,
            tokens: Mutex::new((per_second, Instant::now())),
            taken: AtomicU32::new(0),
            refused: AtomicU32::new(0),
        })
    }

    async fn call(&self) -> Result<(), EksError> {
        tokio::time::sleep(ANSWER / 2).await;
        let is_taken = {
            let mut bucket = self.tokens.lock().unwrap();
            let (tokens, at) = *bucket;
            let now = Instant::now();
            let came = (now - at).as_secs_f64() * self.per_second;
            let tokens = (tokens + came).min(self.per_second);
            let is_taken = tokens >= 1.0;
            *bucket = (tokens - f64::from(u8::from(is_taken)), now);
            is_taken
        };
        tokio::time::sleep(ANSWER / 2).await;
        if is_taken {
            self.taken.fetch_add(1, Ordering::Relaxed);
            Ok(())
        } else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            Err(throttled())
        }
    }
}

/// What became of a storm.
struct Storm {
    /// Against the time that the quota makes it take.
    time: f64,
    /// The share of calls that AWS refused.
    wasted: f64,
    /// Looks that came to nothing.
    failed: u32,
}

/// Objects that all have to be looked at now, with so many calls each.
async fn storm(quota: Option<u32>, per_second: f64) -> Storm {
    const OBJECTS: u32 = 400;
    const CALLS: u32 = 8;
    let (pace, aws, start) = (pace(16, quota), Aws::new(per_second), Instant::now());
    let mut looks = JoinSet::new();
    for n in 0..OBJECTS {
        let (pace, aws) = (pace.clone(), Arc::clone(&aws));
        looks.spawn(async move {
            let name = format!("cluster-{n}");
            let target = target("eu-central-1", &name);
            let mut failed = 0;
            'again: loop {
                let look = pace
                    .begin(&key(&name), Some(&target), Urgency::Waiting)
                    .await;
                for _ in 0..CALLS {
                    if look.ask(&target, || aws.call()).await.is_err() {
                        failed += 1;
                        drop(look);
                        tokio::time::sleep(SECOND).await;
                        continue 'again;
                    }
                }
                return failed;
            }
        });
    }
    let failed = looks.join_all().await.into_iter().sum();
    let taken = f64::from(aws.taken.load(Ordering::Relaxed));
    let refused = f64::from(aws.refused.load(Ordering::Relaxed));
    let least = (f64::from(OBJECTS * CALLS) - per_second) / per_second;
    Storm {
        time: start.elapsed().as_secs_f64() / least,
        wasted: refused / (taken + refused),
        failed,
    }
}

#[tokio::test(start_paused = true)]
async fn with_the_quota_configured_a_storm_wastes_nothing_and_hardly_any_time() {
    let Storm {
        time,
        wasted,
        failed,
    } = storm(Some(20), 20.0).await;
    assert!(time < 1.1, "{time}");
    assert!(wasted < 0.02, "{wasted}");
    assert_eq!(failed, 0);
}

#[tokio::test(start_paused = true)]
async fn without_it_the_quota_is_learned() {
    for per_second in [5.0, 20.0, 100.0] {
        let Storm {
            time,
            wasted,
            failed,
        } = storm(None, per_second).await;
        println!(
            "{per_second} a second: {time:.2} times the least, {:.1} % wasted, {failed} failed",
            wasted * 100.0
        );
        assert!(time < 1.3, "{per_second} a second: {time}");
        assert!(wasted < 0.05, "{per_second} a second: {wasted}");
    }
}

/// The order in which looks begin that all wait at the same time.
async fn order(
    pace: &Pace,
    waiting: &[(&str, Urgency)],
    hurried: Option<(&str, Urgency)>,
) -> Vec<String> {
    let begun = Arc::new(Mutex::new(Vec::new()));
    let first = target("eu-central-1", "first");
    let blocking = pace.begin(&key("first"), Some(&first), Urgency::Idle).await;
    let mut looks = JoinSet::new();
    for (name, urgency) in waiting {
        let (pace, begun, urgency) = (pace.clone(), Arc::clone(&begun), *urgency);
        let name = (*name).to_owned();
        looks.spawn(async move {
            let target = target("eu-central-1", &name);
            let _look = pace.begin(&key(&name), Some(&target), urgency).await;
            begun.lock().unwrap().push(name);
        });
        tokio::task::yield_now().await;
    }
    if let Some((name, urgency)) = hurried {
        pace.hurry(&key(name), urgency);
    }
    drop(blocking);
    looks.join_all().await;
    let begun = begun.lock().unwrap();
    begun.clone()
}

#[tokio::test(start_paused = true)]
async fn the_urgent_go_first_and_those_who_were_first_among_equals() {
    let waiting = [
        ("a", Urgency::Idle),
        ("b", Urgency::Waiting),
        ("c", Urgency::Running),
        ("d", Urgency::Idle),
        ("e", Urgency::Running),
    ];
    let (pace, none) = (pace(1, None), None);
    assert_eq!(
        order(&pace, &waiting, none).await,
        ["c", "e", "b", "a", "d"]
    );
    let hurried = Some(("d", Urgency::Waiting));
    let pace = super::Pace::new(NonZeroU16::MIN, None);
    assert_eq!(
        order(&pace, &waiting, hurried).await,
        ["c", "e", "b", "d", "a"]
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_is_starved_by_the_urgent() {
    let names: Vec<String> = (0..40).map(|n| format!("running-{n}")).collect();
    let mut waiting = vec![("idle", Urgency::Idle)];
    waiting.extend(names.iter().map(|name| (name.as_str(), Urgency::Running)));
    let order = order(&pace(1, None), &waiting, None).await;
    let at = order.iter().position(|name| name == "idle");
    assert!(at.is_some_and(|at| at <= 8), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_goes_before_what_was_not_and_a_send_before_both() {
    let pace = pace(16, Some(1));
    let told = Arc::new(Mutex::new(Vec::new()));
    let begun = |name: &'static str| {
        let pace = pace.clone();
        async move {
            let target = target("eu-central-1", name);
            let look = pace.begin(&key(name), Some(&target), Urgency::Idle).await;
            look.ask(&target, async || Ok(())).await.unwrap();
            (look, target)
        }
    };
    let ((one, of_one), (other, of_other)) = (begun("one").await, begun("other").await);
    let mut waiting = JoinSet::new();
    let say = |what: &'static str| {
        let told = Arc::clone(&told);
        move || told.lock().unwrap().push(what)
    };
    let (pace, said) = (pace.clone(), say("another look"));
    waiting.spawn(async move {
        let third = target("eu-central-1", "third");
        drop(
            pace.begin(&key("third"), Some(&third), Urgency::Running)
                .await,
        );
        said();
    });
    tokio::task::yield_now().await;
    let said = say("the younger look");
    waiting.spawn(async move {
        other.ask(&of_other, async || Ok(())).await.unwrap();
        said();
    });
    tokio::task::yield_now().await;
    let said = say("the older look");
    let one = Arc::new(one);
    let (asking, of_asking) = (Arc::clone(&one), of_one.clone());
    waiting.spawn(async move {
        asking.ask(&of_asking, async || Ok(())).await.unwrap();
        said();
    });
    tokio::task::yield_now().await;
    let said = say("the send");
    waiting.spawn(async move {
        one.before_sending(&of_one).await.unwrap();
        said();
    });
    waiting.join_all().await;
    assert_eq!(
        *told.lock().unwrap(),
        [
            "the send",
            "the older look",
            "the younger look",
            "another look"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn where_aws_throttles_everything_it_is_left_alone_and_its_answer_is_told() {
    let pace = pace(16, None);
    let here = target("eu-central-1", "a");
    let calls = AtomicU32::new(0);
    let start = Instant::now();
    let mut told = 0;
    while start.elapsed() < Duration::from_mins(30) {
        let look = pace.begin(&key("a"), Some(&here), Urgency::Running).await;
        let answer = look
            .ask(&here, async || {
                calls.fetch_add(1, Ordering::Relaxed);
                Err::<(), _>(throttled())
            })
            .await;
        assert_eq!(answer, Err(throttled()));
        told += 1;
        drop(look);
        tokio::time::sleep(SECOND).await;
    }
    let calls = calls.load(Ordering::Relaxed);
    assert!(calls < 60, "{calls} calls in half an hour");
    assert!(told > 1000, "told {told} times");
    let elsewhere = target("us-west-2", "a");
    let look = pace.begin(&key("b"), Some(&elsewhere), Urgency::Idle).await;
    assert_eq!(
        look.ask(&elsewhere, async || Ok(())).await,
        Ok(()),
        "another region"
    );
    drop(look);
    // Once AWS takes calls again, nothing is left of it within seconds.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let again = Instant::now();
    for _ in 0..100 {
        let look = pace.begin(&key("a"), Some(&here), Urgency::Running).await;
        look.ask(&here, async || Ok(())).await.unwrap();
    }
    assert!(again.elapsed() < SECOND * 30, "{:?}", again.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_region_that_does_not_answer_leaves_looks_to_the_others() {
    let pace = pace(4, None);
    let (dead, well) = (target("eu-central-1", "a"), target("us-west-2", "b"));
    drop(pace.begin(&key("b"), Some(&well), Urgency::Idle).await);
    let mut hanging = JoinSet::new();
    for n in 0..10 {
        let (pace, dead) = (pace.clone(), dead.clone());
        hanging.spawn(async move {
            let key = key(&format!("dead-{n}"));
            let look = pace.begin(&key, Some(&dead), Urgency::Running).await;
            look.ask(&dead, async || {
                tokio::time::sleep(Duration::from_hours(1)).await;
                Ok(())
            })
            .await
        });
    }
    tokio::task::yield_now().await;
    let start = Instant::now();
    drop(pace.begin(&key("b"), Some(&well), Urgency::Idle).await);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_given_up_leaves_nothing_behind() {
    let pace = pace(1, Some(1));
    let here = target("eu-central-1", "a");
    let held = pace.begin(&key("a"), Some(&here), Urgency::Idle).await;
    {
        let second = key("b");
        let waits = pace.begin(&second, Some(&here), Urgency::Running);
        assert!(tokio::time::timeout(SECOND, waits).await.is_err());
    }
    drop(held);
    let start = Instant::now();
    for _ in 0..3 {
        // A look that asks nothing gives its turn back.
        drop(pace.begin(&key("c"), Some(&here), Urgency::Idle).await);
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// What was learned is worth as much after a night in which nobody asked.
#[tokio::test(start_paused = true)]
async fn a_rate_grows_only_while_somebody_waits_for_it() {
    let pace = pace(16, None);
    let here = target("eu-central-1", "a");
    for _ in 0..20 {
        let look = pace.begin(&key("a"), Some(&here), Urgency::Idle).await;
        look.ask(&here, async || Ok(())).await.unwrap();
    }
    let look = pace.begin(&key("a"), Some(&here), Urgency::Idle).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    look.answered(&here, &Err::<(), _>(throttled()), Instant::now());
    drop(look);
    let learned = || {
        let shared = pace.0.as_ref().unwrap();
        shared.state().places[&name_of(&here)].per_second()
    };
    let rate = learned();
    assert_eq!(rate, Some(16.0));
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_hours(1)).await;
        drop(pace.begin(&key("a"), Some(&here), Urgency::Idle).await);
    }
    assert_eq!(learned(), rate);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_it_begins_slowly_however_many_wait() {
    let pace = pace(16, None);
    let calls = Arc::new(AtomicU32::new(0));
    let mut looks = JoinSet::new();
    for n in 0..50 {
        let (pace, calls) = (pace.clone(), Arc::clone(&calls));
        looks.spawn(async move {
            let name = format!("c-{n}");
            let here = target("eu-central-1", &name);
            loop {
                let look = pace.begin(&key(&name), Some(&here), Urgency::Idle).await;
                let answer = look.ask(&here, async || {
                    calls.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(ANSWER).await;
                    Err::<(), _>(throttled())
                });
                drop(answer.await);
                drop(look);
                tokio::time::sleep(SECOND).await;
            }
        });
    }
    // Until the pauses are as long as they get.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let before = calls.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_mins(30)).await;
    let asked = calls.load(Ordering::Relaxed) - before;
    assert!(
        asked < 90,
        "{asked} calls in half an hour of pauses of a minute"
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_process_ends_nobody_waits_for_a_turn() {
    let pace = pace(16, Some(1));
    let here = target("eu-central-1", "a");
    let look = pace.begin(&key("a"), Some(&here), Urgency::Running).await;
    look.ask(&here, async || Ok(())).await.unwrap();
    let ended = async {
        tokio::task::yield_now().await;
        pace.end();
    };
    let start = Instant::now();
    let (answer, ()) = tokio::join!(look.ask(&here, async || Ok(())), ended);
    assert_eq!(answer.map_err(|error| error.code), Err("Ending".to_owned()));
    assert!(look.ask(&here, async || Ok(())).await.is_err());
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_given_up_when_its_turn_has_just_come_is_ended() {
    let pace = pace(1, None);
    let here = target("eu-central-1", "a");
    let (first, second) = (key("a"), key("b"));
    let held = pace.begin(&first, Some(&here), Urgency::Idle).await;
    let mut waits = Box::pin(pace.begin(&second, Some(&here), Urgency::Idle));
    assert!(futures::poll!(&mut waits).is_pending());
    drop(held);
    drop(waits);
    let again = pace.begin(&second, Some(&here), Urgency::Idle);
    assert!(tokio::time::timeout(SECOND, again).await.is_ok());
    assert_eq!(pace.0.unwrap().state().looks, 0);
}

/// Objects name accounts and regions, so that somebody could name any number.
#[tokio::test(start_paused = true)]
async fn places_that_nobody_asks_about_are_forgotten() {
    let pace = pace(16, Some(5));
    for n in 0..1000 {
        let there = target(&format!("region-{n}"), "a");
        drop(pace.begin(&key("a"), Some(&there), Urgency::Idle).await);
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    let shared = pace.0.unwrap();
    assert!(shared.state().places.len() <= FEW_PLACES + 1);
}
