//! What people, AWS and machines do by themselves.

use eks_upgrade_operator::api::ClusterUpgradeSpec;
use eks_upgrade_operator::simulator::scenario::{ForeignUpdate, Happening};
use eks_upgrade_operator::store::Key;

use super::{Simulation, Step};
use crate::api_server::{ApiServer, wiped};
use crate::call::Life;
use crate::course::gates::hold;
use crate::course::{Deed, Event, Odds, force};
use crate::oracle::Oracle;
use crate::ports::body;
use crate::time::{HOUR, MINUTE, Millis, SECOND, at};
use crate::world::World;

impl Simulation<'_> {
    pub(super) fn event(&mut self, event: Event) {
        self.note(|| format!("{event:?}"));
        if let Event::Person(..) | Event::Cluster(..) = &event {
            self.world().timeline.outline(|| happened(&event));
        }
        let now = self.now;
        match event {
            Event::Create(key, spec, held) => {
                self.world().api.create(&key, *spec, held, now);
            }
            Event::Person(key, deed) => self.person(&key, &deed),
            Event::Cluster(name, happening) => {
                let mut world = self.world();
                let cluster = world.model.key(&name, None, None);
                if world.model.schedule(&cluster, *happening, at(now)).is_err() {
                    world
                        .timeline
                        .note(now, || "there never was such a cluster".to_owned());
                }
            }
            Event::Crash(replica, lasts) => self.crash(replica, lasts),
            Event::Stop(replica, lasts) => {
                let nth = self.replicas[replica].life;
                let life = Life { replica, nth };
                if let Some(process) = &mut self.replicas[replica].process {
                    process.stop();
                }
                self.then(now + 9 * SECOND, Step::Ends(life));
                self.then(now + 10 * SECOND + lasts, Step::Starts(replica));
            }
            Event::Freeze(replica, lasts) => self.freeze(replica, lasts),
            Event::ClockJumps(replica, ahead) => self.world().clock_ahead[replica] = ahead,
            Event::ApiServerDown(lasts) => self.api_down_until = now + lasts,
            Event::EksDown(lasts) => self.eks_down_until = now + lasts,
            Event::WatchBreaks(replica) => {
                let nth = self.replicas[replica].life;
                self.then(now + MINUTE, Step::Lists(Life { replica, nth }));
            }
            Event::Blackout(name, freeze) => self.world().api.freeze(&name, freeze, now),
            Event::Denied(call, lasts) => {
                self.denied_until.insert(call, now + lasts);
            }
            Event::Calm => self.calm(),
        }
        self.show_freezes_later();
        self.show_later();
    }

    /// Faults stop. What is under way may still come late.
    fn calm(&mut self) {
        self.odds = Odds::none();
        self.api_down_until = self.now;
        self.eks_down_until = self.now;
        self.denied_until.clear();
        if self.course.gates {
            self.open_gates();
        }
        for replica in 0..self.replicas.len() {
            self.then(self.now, Step::Starts(replica));
        }
        // Not before the last annotation counts, which was set to at most an hour from then.
        self.then(self.now + HOUR + 5 * MINUTE, Step::AtRest);
    }

    /// Freezes and holds are lifted, but for freezes that end soon by themselves.
    fn open_gates(&mut self) {
        let now = self.now;
        let mut world = self.world();
        let World { api, model, .. } = &mut *world;
        let lasting = api.freezes().filter(|(_, stored)| {
            let until = stored.freeze.as_ref().ok().and_then(|freeze| freeze.until);
            until.is_none_or(|until| until > at(now + 6 * HOUR))
        });
        let lasting: Vec<_> = lasting.map(|(_, stored)| stored.name.clone()).collect();
        for name in lasting {
            api.freeze(&name, None, now);
        }
        for cluster in model.truth(at(now)) {
            let cluster = model.key(&cluster.name, None, None);
            // Those that exist can be changed.
            let _is_there = model.schedule(&cluster, hold(None), at(now)).is_ok();
        }
    }

    fn person(&mut self, key: &Key, deed: &Deed) {
        let now = self.now;
        let mut world = self.world();
        let World {
            api, oracle, model, ..
        } = &mut *world;
        let Some(stored) = api.get(key).cloned() else {
            return;
        };
        let uid = &stored.uid;
        match deed {
            Deed::Version(version) => {
                let version = version.to_string();
                if body(&stored).spec.version != version {
                    oracle.edited(uid, now);
                    api.edit(key, |spec| spec.version = version);
                }
            }
            Deed::Suspend(suspend) => {
                api.edit(key, |spec: &mut ClusterUpgradeSpec| spec.suspend = *suspend);
            }
            Deed::Force(version) => {
                let force = version.map(force);
                if body(&stored).spec.force != force {
                    oracle.edited(uid, now);
                    api.edit(key, |spec| spec.force = force);
                }
            }
            Deed::RollBack(permit, timeout) => {
                let name = &body(&stored).spec.cluster.name;
                let clusters = model.truth(at(now));
                let cluster = clusters.iter().find(|cluster| cluster.name == *name);
                let asked = cluster.and_then(|cluster| permit.of(cluster, *timeout));
                if let Some((version, rollback)) = asked {
                    let spec = ClusterUpgradeSpec {
                        version: version.to_string(),
                        rollback,
                        ..body(&stored).spec.clone()
                    };
                    edit(api, oracle, key, spec, now);
                }
            }
            Deed::ForceRollback => {
                let mut spec = body(&stored).spec.clone();
                spec.force = spec.version.parse().ok().map(force);
                edit(api, oracle, key, spec, now);
            }
            Deed::Permission(permit) => {
                let name = &body(&stored).spec.cluster.name;
                let clusters = model.truth(at(now));
                let cluster = clusters.iter().find(|cluster| cluster.name == *name);
                let permitted = permit.zip(cluster);
                let mut spec = body(&stored).spec.clone();
                spec.rollback = permitted.and_then(|(permit, cluster)| permit.of(cluster, None)?.1);
                edit(api, oracle, key, spec, now);
            }
            Deed::Timeout(timeout) => {
                let mut spec = body(&stored).spec.clone();
                if let Some(rollback) = &mut spec.rollback {
                    rollback.timeout = timeout.map(ToOwned::to_owned);
                }
                edit(api, oracle, key, spec, now);
            }
            Deed::GoBackUp => {
                let mut spec = body(&stored).spec.clone();
                if let Some(rollback) = &spec.rollback {
                    spec.version.clone_from(&rollback.from_version);
                }
                edit(api, oracle, key, spec, now);
            }
            Deed::Retry(from_now) => {
                let value = at(now + from_now);
                api.annotate(key, value.to_string());
            }
            Deed::RetryNonsense => {
                api.annotate(key, "tomorrow".to_owned());
            }
            Deed::Label => api.label(key),
            Deed::Labels(labels) => {
                api.relabel(key, labels);
            }
            Deed::Schedule(schedule) => {
                api.edit(key, |spec| spec.schedule.clone_from(schedule));
            }
            Deed::Preflight(preflight) => {
                api.edit(key, |spec| spec.preflight.clone_from(preflight));
            }
            Deed::WipeStatus => {
                oracle.lost_status(uid, now);
                api.replace_status(key, wiped());
            }
            Deed::RestoreStatus(back) => {
                let earlier = api
                    .log()
                    .iter()
                    .rev()
                    .filter(|entry| entry.object.uid == *uid)
                    .nth(*back)
                    .map(|entry| body(&entry.object).status.clone());
                if let Some(status) = earlier {
                    oracle.lost_status(uid, now);
                    api.replace_status(key, status);
                }
            }
            Deed::Delete => {
                api.delete(key);
            }
            Deed::Release => {
                api.release(key);
            }
            Deed::Recreate => {
                let spec = body(&stored).spec.clone();
                api.delete(key);
                api.release(key);
                api.create(key, spec, false, now);
            }
        }
    }
}

/// A person edits a manifest. The oracle hears of what may permit another try.
fn edit(
    api: &mut ApiServer,
    oracle: &mut Oracle,
    key: &Key,
    spec: ClusterUpgradeSpec,
    now: Millis,
) {
    let Some(stored) = api.get(key) else { return };
    let old = &body(stored).spec;
    if old.version != spec.version || old.force != spec.force {
        oracle.edited(&stored.uid, now);
    }
    if old.rollback != spec.rollback {
        oracle.permits(&stored.uid, now);
    }
    api.edit(key, |old| *old = spec);
}

/// What happened, in short.
fn happened(event: &Event) -> String {
    match event {
        Event::Person(key, deed) => format!("somebody: {} {deed:?}", key.name),
        Event::Cluster(name, happening) => match &**happening {
            Happening::Update(ForeignUpdate { kind, .. }) => {
                format!(
                    "elsewhere: {name} {}",
                    kind.as_deref().unwrap_or("an update")
                )
            }
            happening => format!("elsewhere: {name} {happening:?}"),
        },
        other => format!("{other:?}"),
    }
}
