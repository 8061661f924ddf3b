//! How often a running update is looked at, and how late its end is seen.

use std::fmt::Write as _;

use eks_upgrade_operator::plan::{
    Durations, Usual, VERSION_ROLLBACK, VERSION_UPDATE, Wake, next_look,
};
use jiff::SignedDuration;

use super::world::{World, minutes, seconds};

const POLL: SignedDuration = SignedDuration::from_secs(15);

fn wait(usual: Option<Usual>, age: SignedDuration) -> SignedDuration {
    next_look(usual, age, POLL)
}

#[test]
fn looks_seldom_at_first_and_often_about_the_usual_end() {
    let usual = Durations::default().of(VERSION_UPDATE);
    for (age, secs) in [
        (seconds(-300), 60),
        (seconds(0), 60),
        (minutes(5), 60),
        (minutes(6), 60),
        (minutes(7), 30),
        (seconds(7 * 60 + 30), 15),
        (minutes(8), 15),
        (minutes(15), 15),
        (seconds(15 * 60 + 30), 15),
        (minutes(16), 30),
        (minutes(17), 60),
        (minutes(600), 60),
        (SignedDuration::MAX, 60),
        (SignedDuration::MIN, 60),
    ] {
        assert_eq!(wait(usual, age).as_secs(), secs, "{age}");
    }
}

#[test]
fn no_look_before_the_usual_end_passes_over_its_beginning() {
    for (poll, early) in [(1, 10), (15, 480), (60, 480), (7, 1_000)] {
        let usual = Usual {
            early: seconds(early),
            late: seconds(2 * early),
        };
        let mut age = SignedDuration::ZERO;
        while age < usual.early {
            let wait = next_look(Some(usual), age, seconds(poll));
            assert!(wait >= seconds(poll) && wait <= seconds(4 * poll), "{wait}");
            let is_short = age + wait <= usual.early || wait == seconds(poll);
            assert!(is_short, "{wait} at {age}");
            age += wait;
        }
    }
}

#[test]
fn a_rollback_is_looked_at_seldom_until_some_have_been_seen() {
    let unknown = Durations::default().of(VERSION_ROLLBACK);
    for age in [0, 8, 12, 600, 10_000] {
        assert_eq!(wait(unknown, minutes(age)), POLL * 4);
    }
    let known = Durations {
        upgrade: None,
        rollback: Usual::learned([9, 10, 11].map(minutes)),
    };
    assert_eq!(wait(known.of(VERSION_ROLLBACK), minutes(10)), POLL);
    assert_eq!(known.of(VERSION_UPDATE), Some(Usual::OF_AN_UPGRADE));
}

#[test]
fn what_is_usual_is_learned_without_what_stands_out() {
    let learned = |took: &[i64]| {
        let usual = Usual::learned(took.iter().map(|secs| seconds(*secs)))?;
        Some((usual.early.as_secs(), usual.late.as_secs()))
    };
    assert_eq!(learned(&[]), None);
    assert_eq!(learned(&[600, 600]), None);
    assert_eq!(learned(&[600, 500, 700]), Some((450, 770)));
    // No operator ran when these ended.
    assert_eq!(learned(&[600, 500, 700, 86_400]), Some((450, 770)));
    assert_eq!(learned(&[600, 500, 86_400]), None);
    let mut many = vec![600; 20];
    many.extend([10, 1_500, 700]);
    assert_eq!(learned(&many), Some((540, 660)));
}

#[test]
fn a_running_update_is_looked_at_by_its_age_and_by_what_others_took() {
    let mut world = World::new("1.33", "1.34");
    world.eks.takes = minutes(600);
    world.settle();
    assert_eq!(world.reason(), "Updating");
    let mut waits = Vec::new();
    let began = world.now;
    while world.now.duration_since(began) < minutes(20) {
        world.sleep();
        world.settle();
        let Wake::After(wait) = world.last_wake else {
            panic!("{:?}", world.last_wake)
        };
        waits.push((world.now.duration_since(began), wait));
    }
    for (age, wait) in waits {
        assert_eq!(wait, self::wait(Some(Usual::OF_AN_UPGRADE), age), "{age}");
    }
    assert_eq!(world.last_wake, Wake::After(POLL * 4));
    // Others have been seen to take as long.
    world.durations.upgrade = Usual::learned([18, 22, 26].map(minutes));
    world.sleep();
    world.settle();
    assert_eq!(world.last_wake, Wake::After(POLL));
}

/// What the looks at many updates cost and bring.
struct Bill {
    looks: f64,
    median: f64,
    worst: f64,
}

/// Follows updates that take so many seconds, each wait spread by a tenth as the controller does, from the first look one
/// poll after the start.
fn bill(took: &[f64], mut wait: impl FnMut(f64) -> f64) -> Bill {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut looks = 0.0;
    let mut late = Vec::new();
    for took in took {
        let mut age = 0.0;
        let mut next = POLL.as_secs_f64();
        while age < *took {
            age += next * (0.9 + rng.f64() / 5.0);
            looks += 1.0;
            next = wait(age);
        }
        late.push(age - took);
    }
    late.sort_by(f64::total_cmp);
    Bill {
        looks: looks / f64::from(u32::try_from(took.len()).unwrap()),
        median: late[late.len() / 2],
        worst: *late.last().unwrap(),
    }
}

/// The figures of docs/performance.md, and what they have to be: see them with `--nocapture`.
#[test]
fn fewer_looks_see_the_end_as_soon() {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut drawn = |from: f64, until: f64| -> Vec<f64> {
        let many = 0..2_000;
        many.map(|_| 60.0 * (from + (until - from) * rng.f64()))
            .collect()
    };
    let mut table = format!(
        "{:32}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}\n",
        "updates take", "looks", "median", "worst", "looks", "median", "worst"
    );
    let mut row = |name: &str, took: &[f64], usual: Option<Usual>| {
        let fixed = bill(took, |_| POLL.as_secs_f64());
        let by_age = bill(took, |age| {
            wait(usual, SignedDuration::from_secs_f64(age)).as_secs_f64()
        });
        write!(table, "{name:32}").unwrap();
        for Bill {
            looks,
            median,
            worst,
        } in [&fixed, &by_age]
        {
            write!(table, "{looks:8.1}{median:8.1}{worst:8.1}").unwrap();
        }
        table.push('\n');
        (fixed, by_age)
    };
    let learned = |took: &[f64]| {
        let last = took.iter().take(32);
        Usual::learned(last.map(|secs| SignedDuration::from_secs_f64(*secs)))
    };
    let prior = Some(Usual::OF_AN_UPGRADE);

    let usual = drawn(8.0, 15.0);
    let (fixed, by_age) = row("8-15 min, none seen before", &usual, prior);
    assert!(by_age.looks < 0.6 * fixed.looks, "{}", by_age.looks);
    assert!(by_age.median < 1.1 * fixed.median, "{}", by_age.median);
    assert!(by_age.worst < 1.2 * fixed.worst, "{}", by_age.worst);

    let even = drawn(9.0, 11.0);
    row("9-11 min, none seen before", &even, prior);
    let (fixed, by_age) = row("9-11 min, learned", &even, learned(&even));
    assert!(by_age.looks < 0.5 * fixed.looks, "{}", by_age.looks);
    assert!(by_age.median < 1.1 * fixed.median, "{}", by_age.median);

    let slow = drawn(30.0, 40.0);
    row("30-40 min, none seen before", &slow, prior);
    let (fixed, by_age) = row("30-40 min, learned", &slow, learned(&slow));
    assert!(by_age.looks < 0.5 * fixed.looks, "{}", by_age.looks);
    assert!(by_age.median < 1.1 * fixed.median, "{}", by_age.median);

    // What is unusual is seen late, and by how much is bounded.
    let fast = drawn(1.0, 7.0);
    let days = drawn(100.0, 2_000.0);
    for (name, took) in [
        ("1-7 min, none seen before", &fast),
        ("100-2000 min", &days),
    ] {
        let (fixed, by_age) = row(name, took, prior);
        assert!(by_age.looks < 0.5 * fixed.looks, "{name}: {}", by_age.looks);
        assert!(by_age.worst <= 66.0, "{name}: {}", by_age.worst);
    }
    println!("every 15 s, and by age; delays in seconds\n{table}");
}
