//! Two replicas that both believe they lead, interleaved at every arrow: the guarded write alone keeps them apart.

use eks_upgrade_operator::api::ClusterUpgradeStatus;
use eks_upgrade_operator::eks::{ErrorKind, Progress, VersionRequest};
use eks_upgrade_operator::plan::{Action, Decision, Sent, answered, decide, may_begin};
use proptest::collection::vec;
use proptest::prelude::*;

use super::eks::{End, error};
use super::world::{World, minutes, seconds};

/// How far a replica has come with one object.
enum Phase {
    Idle,
    Decided(Box<Decision>),
    Written(VersionRequest, Box<ClusterUpgradeStatus>),
    Answered(Sent, String),
}

struct Replica {
    phase: Phase,
    /// What its watch has shown it, and the version of that.
    copy: ClusterUpgradeStatus,
    version: u32,
}

#[derive(Clone, Debug)]
enum Event {
    /// The replica takes its next step; its watch may lag.
    Step {
        replica: usize,
        stale: bool,
    },
    AnswerLost {
        replica: usize,
    },
    Refused {
        replica: usize,
    },
    Killed {
        replica: usize,
    },
    Wait(i64),
    UpdatesEnd(End),
    UpdatesTake(i64),
}

fn event() -> impl Strategy<Value = Event> {
    let end = prop::sample::select(vec![End::Successful, End::Failed, End::Cancelled]);
    prop_oneof![
        20 => (0_usize..2, any::<bool>()).prop_map(|(replica, stale)| Event::Step { replica, stale }),
        2 => (0_usize..2).prop_map(|replica| Event::AnswerLost { replica }),
        1 => (0_usize..2).prop_map(|replica| Event::Refused { replica }),
        1 => (0_usize..2).prop_map(|replica| Event::Killed { replica }),
        4 => (1_i64..8).prop_map(Event::Wait),
        2 => (60_i64..900).prop_map(Event::Wait),
        1 => end.prop_map(Event::UpdatesEnd),
        1 => (5_i64..900).prop_map(Event::UpdatesTake),
    ]
}

/// The object as the API server has it is `world.memory`, of version `version`.
struct Cluster {
    world: World,
    version: u32,
    replicas: [Replica; 2],
}

impl Cluster {
    fn new(list_lag: i64) -> Self {
        let mut world = World::new("1.33", "1.35");
        world.eks.list_lag = minutes(list_lag);
        let replica = || Replica {
            phase: Phase::Idle,
            copy: ClusterUpgradeStatus::default(),
            version: 0,
        };
        Self {
            world,
            version: 0,
            replicas: [replica(), replica()],
        }
    }

    /// What is known is not forgotten, and no attempt is used twice.
    fn write(&mut self, memory: &ClusterUpgradeStatus) {
        let known = |memory: &ClusterUpgradeStatus| -> Vec<_> {
            let updates = memory.update.iter().chain(&memory.history);
            updates.filter_map(|update| update.id.clone()).collect()
        };
        let after = known(memory);
        for id in known(&self.world.memory) {
            assert!(after.contains(&id), "{id} is forgotten");
        }
        assert!(memory.attempts >= self.world.memory.attempts);
        self.world.memory = memory.clone();
        self.version += 1;
    }

    fn decide(&mut self, replica: usize, stale: bool) -> Phase {
        let replica = &mut self.replicas[replica];
        if !stale {
            replica.copy = self.world.memory.clone();
            replica.version = self.version;
        }
        let live = std::mem::replace(&mut self.world.memory, replica.copy.clone());
        let observed = self.world.observe();
        let decision = decide(&self.world.facts(&observed));
        self.world.memory = live;
        Phase::Decided(Box::new(decision))
    }

    fn step(&mut self, replica: usize, stale: bool) {
        let now = self.world.now;
        let phase = std::mem::replace(&mut self.replicas[replica].phase, Phase::Idle);
        self.replicas[replica].phase = match phase {
            Phase::Idle => self.decide(replica, stale),
            // A conflict: nothing is sent.
            Phase::Decided(_) if self.replicas[replica].version != self.version => Phase::Idle,
            Phase::Decided(decision) => {
                self.write(&decision.memory);
                match decision.action {
                    Some(Action::Send(request)) => {
                        Phase::Written(request, Box::new(decision.memory))
                    }
                    Some(Action::Cancel(_)) => panic!("nothing is rolled back here"),
                    None => Phase::Idle,
                }
            }
            Phase::Written(request, memory) => {
                let token = request.client_request_token.clone();
                let sent = if may_begin(&memory, &Action::Send(request.clone()), now) {
                    self.world.eks.pass(now);
                    self.world.eks.send(&request, now)
                } else {
                    Sent::Dropped
                };
                Phase::Answered(sent, token)
            }
            Phase::Answered(sent, token) => {
                let live = self.world.memory.update.as_ref();
                let is_ours = live.and_then(|update| update.client_request_token.as_ref());
                if is_ours == Some(&token) {
                    let decision = answered(&self.world.memory, &sent, &self.world.settings, now);
                    self.write(&decision.memory);
                }
                Phase::Idle
            }
        };
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step { replica, stale } => self.step(replica, stale),
            Event::AnswerLost { replica } => {
                if let Phase::Answered(sent, _) = &mut self.replicas[replica].phase {
                    *sent = Sent::NotAccepted(error(ErrorKind::Unavailable));
                }
            }
            Event::Refused { replica } => {
                let phase = &mut self.replicas[replica].phase;
                if let Phase::Written(request, _) = phase {
                    let refused = Sent::NotAccepted(error(ErrorKind::AccessDenied));
                    *phase = Phase::Answered(refused, request.client_request_token.clone());
                }
            }
            Event::Killed { replica } => self.replicas[replica].phase = Phase::Idle,
            Event::Wait(wait) => self.world.now += seconds(wait),
            Event::UpdatesEnd(end) => self.world.eks.end = end,
            Event::UpdatesTake(takes) => self.world.eks.takes = seconds(takes),
        }
        self.assert_nothing_twice();
    }

    /// Nobody permits anything here: after a failure or cancellation no other update of the same hop is accepted.
    fn assert_nothing_twice(&self) {
        let updates = &self.world.eks.updates;
        for (last, next) in updates.iter().zip(updates.iter().skip(1)) {
            let ended_well = last.view.status == Progress::Successful;
            assert!(
                ended_well && last.view.to_version != next.view.to_version,
                "{:?} after {:?}",
                next.view,
                last.view
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_replicas_start_each_hop_once(events in vec(event(), 1..150), list_lag in 0_i64..14) {
        let mut cluster = Cluster::new(list_lag);
        for event in events {
            cluster.happen(event);
        }
    }
}
