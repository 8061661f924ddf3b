//! Random courses of events: whatever happens, no start that nobody permits, and rest once the faults are over.

use eks_upgrade_operator::api::{ClusterUpgradeStatus, Minor, Reason};
use eks_upgrade_operator::eks::{ErrorKind, Progress};
use proptest::collection::vec;
use proptest::prelude::*;

use super::eks::{End, Fate, error};
use super::world::{World, minutes, seconds};

#[derive(Clone, Debug)]
enum Event {
    Wait(i64),
    Send(Fate),
    Suspend(bool),
    Owned(bool),
    Broken(&'static str, ErrorKind),
    Mended,
    UpdatesEnd(End),
    UpdatesTake(i64),
    ListLags(i64),
    DescribeLags(i64),
    Upgrade,
    Rollback,
    Other,
    Crash,
    Annotate(i64),
    Version(u16),
    Force(Option<u16>),
}

fn event() -> impl Strategy<Value = Event> {
    let kind = || {
        prop::sample::select(vec![
            ErrorKind::Throttled,
            ErrorKind::Unavailable,
            ErrorKind::InUse,
            ErrorKind::InvalidState,
            ErrorKind::Rejected,
            ErrorKind::AccessDenied,
            ErrorKind::CredentialsRefused,
        ])
    };
    let end = prop::sample::select(vec![End::Successful, End::Failed, End::Cancelled]);
    prop_oneof![
        6 => (1_i64..2000).prop_map(Event::Wait),
        2 => Just(Event::Send(Fate::AnswerLost)),
        1 => Just(Event::Send(Fate::RequestLost)),
        1 => Just(Event::Send(Fate::CrashBefore)),
        2 => Just(Event::Send(Fate::CrashAfter)),
        1 => Just(Event::Send(Fate::Dropped)),
        2 => kind().prop_map(|kind| Event::Send(Fate::Error(error(kind)))),
        1 => any::<bool>().prop_map(Event::Suspend),
        1 => any::<bool>().prop_map(Event::Owned),
        1 => (prop::sample::select(vec!["all", "cluster", "updates", "tracked"]), kind())
            .prop_map(|(read, kind)| Event::Broken(read, kind)),
        2 => Just(Event::Mended),
        2 => end.prop_map(Event::UpdatesEnd),
        2 => (5_i64..2000).prop_map(Event::UpdatesTake),
        1 => (0_i64..14).prop_map(Event::ListLags),
        1 => (0_i64..5).prop_map(Event::DescribeLags),
        1 => Just(Event::Upgrade),
        1 => Just(Event::Rollback),
        1 => Just(Event::Other),
        1 => Just(Event::Crash),
        1 => (-30_i64..30).prop_map(Event::Annotate),
        1 => (33_u16..37).prop_map(Event::Version),
        1 => proptest::option::of(34_u16..36).prop_map(Event::Force),
    ]
}

/// A course of events, and how often a person has permitted another try in it.
struct Course {
    world: World,
    permissions: usize,
}

impl Course {
    fn happen(&mut self, event: Event) {
        let world = &mut self.world;
        match event {
            Event::Wait(wait) => world.run(seconds(wait)),
            Event::Send(fate) => world.fates.push_back(fate),
            Event::Suspend(suspend) => world.edit(|wish| wish.suspend = suspend),
            Event::Owned(owned) => world.standing.owner = owned.then(|| "team/older".to_owned()),
            Event::Broken(read, kind) => drop(world.eks.broken.insert(read, error(kind))),
            Event::Mended => world.eks.broken.clear(),
            Event::UpdatesEnd(end) => world.eks.end = end,
            Event::UpdatesTake(takes) => world.eks.takes = seconds(takes),
            Event::ListLags(lag) => world.eks.list_lag = minutes(lag),
            Event::DescribeLags(lag) => world.eks.describe_lag = minutes(lag),
            Event::Upgrade => foreign(world, "VersionUpdate", |version| version + 1),
            Event::Rollback => foreign(world, "VersionRollback", |version| version - 1),
            Event::Other => {
                world.eks.pass(world.now);
                if world.eks.is_at_rest() {
                    world.foreign("VpcConfigUpdate", None);
                }
            }
            Event::Crash => {
                world.trouble = None;
                world.refusals = None;
            }
            Event::Annotate(from_now) => {
                world.annotate(minutes(from_now));
                self.permissions += 1;
            }
            Event::Version(version) => {
                world.edit(|wish| wish.version = Minor::new(version));
                self.permissions += 1;
            }
            Event::Force(version) => {
                world.edit(|wish| wish.forced = version.map(Minor::new));
                self.permissions += 1;
            }
        }
        self.world.settle();
        assert!(
            self.against_a_decision() <= self.permissions,
            "{:?}",
            self.world.told
        );
    }

    /// How many updates of ours follow upon a rollback, or upon a failure or cancellation of the same hop.
    fn against_a_decision(&self) -> usize {
        let version_updates: Vec<_> = self
            .world
            .eks
            .updates
            .iter()
            .filter(|update| update.view.kind.starts_with("Version"))
            .collect();
        let pairs = version_updates.windows(2);
        pairs
            .filter(|pair| {
                let (last, next) = (&pair[0].view, &pair[1]);
                let same_hop = last.to_version == next.view.to_version;
                let ended_badly = matches!(last.status, Progress::Failed | Progress::Cancelled);
                next.token.is_some()
                    && (last.kind == "VersionRollback" || (same_hop && ended_badly))
            })
            .count()
    }
}

/// Somebody else's update, where EKS would take it; it is listed at once, since nobody could respect what is not.
fn foreign(world: &mut World, kind: &str, step: impl Fn(u16) -> u16) {
    world.eks.pass(world.now);
    // With EKS's clock behind, an annotation may look later than somebody else's update that in truth followed it.
    if !world.eks.is_at_rest() || world.eks.clock_ahead.is_negative() {
        return;
    }
    let version: Minor = world.eks.cluster.version.parse().unwrap();
    let to = Minor::new(step(version.number()));
    let lag = std::mem::take(&mut world.eks.list_lag);
    world.foreign(kind, Some(&to.to_string()));
    world.eks.list_lag = lag;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_started_against_anybody_and_rest_is_reached(
        events in vec(event(), 1..40),
        clock_ahead in prop_oneof![3 => Just(0_i64), 1 => -30_i64..30],
    ) {
        let mut world = World::new("1.33", "1.35");
        world.eks.clock_ahead = minutes(clock_ahead);
        let mut course = Course { world, permissions: 0 };
        for event in events {
            course.happen(event);
        }
        let world = &mut course.world;
        // The faults are over.
        world.fates.clear();
        world.eks.broken.clear();
        world.eks.end = End::Successful;
        world.eks.takes = minutes(10);
        world.standing.owner = None;
        world.edit(|wish| wish.suspend = false);
        world.run(minutes(240));
        let is_at_rest = world.reason() == "UpToDate"
            || Reason::ALL.iter().any(|reason| reason.is_stalled() && reason.as_str() == world.reason());
        prop_assert!(is_at_rest, "{}: {}", world.reason(), world.message());
        let (memory, sent) = (world.memory.clone(), world.sent.len());
        world.run(minutes(60));
        let rollback = world.memory.rollback.clone();
        prop_assert_eq!(&world.memory, &ClusterUpgradeStatus { rollback, ..memory });
        prop_assert_eq!(world.sent.len(), sent);

        prop_assert!(course.against_a_decision() <= course.permissions, "{:?}", course.world.told);

        // One accepted update per token.
        let updates = &course.world.eks.updates;
        let mut tokens: Vec<_> = updates.iter().filter_map(|update| update.token.clone()).collect();
        let accepted = tokens.len();
        tokens.sort_unstable();
        tokens.dedup();
        prop_assert_eq!(tokens.len(), accepted, "a token was accepted twice");
    }
}
