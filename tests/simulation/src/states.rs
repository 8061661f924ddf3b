//! How many different states of the world were seen, up to what makes no difference (ids, times, counts beyond a few).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use eks_upgrade_operator::api::UpdateStatus;

use crate::ports::body;
use crate::time::at;
use crate::world::World;

#[derive(Debug, Default)]
pub struct States {
    seen: HashSet<u64>,
}

impl States {
    pub fn with(seen: HashSet<u64>) -> Self {
        Self { seen }
    }

    pub fn seen(&self) -> &HashSet<u64> {
        &self.seen
    }

    pub fn merge(&mut self, other: Self) {
        self.seen.extend(other.seen);
    }

    /// Takes note of a state.
    pub fn see(&mut self, world: &mut World, replicas: impl Iterator<Item = u8>) {
        let mut state = DefaultHasher::new();
        for stored in world.api.objects() {
            let spec = &body(stored).spec;
            let status = &body(stored).status;
            (
                &stored.key.name,
                stored.deleting,
                &spec.version,
                spec.suspend,
                spec.rollback.is_some(),
            )
                .hash(&mut state);
            (status.observed_generation == Some(stored.generation)).hash(&mut state);
            for condition in &status.conditions {
                condition.reason.hash(&mut state);
            }
            status.history.len().min(3).hash(&mut state);
            status
                .attempts
                .map(|attempts| attempts.min(4))
                .hash(&mut state);
            if let Some(update) = &status.update {
                let said = update.status.as_ref().map(UpdateStatus::as_str);
                (update.id.is_some(), said, &update.kind).hash(&mut state);
                (update.to_version, update.sends.map(|sends| sends.min(3))).hash(&mut state);
                let cancel = update.cancel.as_ref();
                cancel
                    .map(|cancel| (cancel.sends.min(3), format!("{:?}", cancel.status)))
                    .hash(&mut state);
            }
        }
        for cluster in world.model.truth(at(world.now)) {
            (cluster.version, cluster.shown_version, cluster.busy).hash(&mut state);
            cluster.updates.len().min(6).hash(&mut state);
            if let Some(last) = cluster.updates.last() {
                (format!("{:?}", last.status), &last.kind).hash(&mut state);
            }
        }
        for replica in replicas {
            replica.hash(&mut state);
        }
        self.seen.insert(state.finish());
    }
}
