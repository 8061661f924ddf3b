//! An API server in memory: resource versions, guarded writes, and the log that watches are served from.

use std::collections::BTreeMap;
use std::sync::Arc;

use eks_upgrade_operator::api::{ClusterUpgradeSpec, ClusterUpgradeStatus};
use eks_upgrade_operator::store::{Body, Key, StoreError, Stored, StoredFreeze};

use crate::time::{Millis, SECOND, at};

/// One entry of the log.
#[derive(Clone)]
pub struct Entry {
    pub revision: u64,
    pub object: Arc<Stored>,
    /// Whether the object ceased to exist with this.
    pub gone: bool,
}

#[derive(Clone)]
struct Object {
    stored: Arc<Stored>,
    /// Keeps a deleted object until it is released.
    held: bool,
}

#[derive(Default)]
pub struct ApiServer {
    revision: u64,
    objects: BTreeMap<Key, Object>,
    log: Vec<Entry>,
    made: u32,
    /// Each freeze as it is now, and since when.
    freezes: BTreeMap<String, (Millis, StoredFreeze)>,
    /// What was done to freezes, in order: what one became, or its name where it was deleted.
    freeze_log: Vec<Result<StoredFreeze, String>>,
}

impl ApiServer {
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub fn get(&self, key: &Key) -> Option<&Arc<Stored>> {
        self.objects.get(key).map(|object| &object.stored)
    }

    /// All objects.
    pub fn objects(&self) -> impl Iterator<Item = &Arc<Stored>> {
        self.objects.values().map(|object| &object.stored)
    }

    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// The objects as they were at a revision.
    pub fn list_at(&self, revision: u64) -> Vec<Arc<Stored>> {
        let mut objects = BTreeMap::new();
        for entry in self
            .log
            .iter()
            .take_while(|entry| entry.revision <= revision)
        {
            if entry.gone {
                objects.remove(&entry.object.key);
            } else {
                objects.insert(entry.object.key.clone(), Arc::clone(&entry.object));
            }
        }
        objects.into_values().collect()
    }

    /// Makes, changes or deletes a freeze. What changes nothing is nothing.
    pub fn freeze(&mut self, name: &str, freeze: Option<StoredFreeze>, now: Millis) {
        let known = self.freezes.get(name).map(|(_, freeze)| freeze);
        if known == freeze.as_ref() {
            return;
        }
        if let Some(freeze) = freeze {
            self.freezes.insert(name.to_owned(), (now, freeze.clone()));
            self.freeze_log.push(Ok(freeze));
        } else {
            self.freezes.remove(name);
            self.freeze_log.push(Err(name.to_owned()));
        }
    }

    /// The freezes there are, and since when each is as it is.
    pub fn freezes(&self) -> impl Iterator<Item = &(Millis, StoredFreeze)> {
        self.freezes.values()
    }

    /// How much was done to freezes.
    pub fn freeze_revision(&self) -> usize {
        self.freeze_log.len()
    }

    /// What was done to freezes between two revisions.
    pub fn freezes_between(&self, from: usize, to: usize) -> &[Result<StoredFreeze, String>] {
        self.freeze_log.get(from..to).unwrap_or_default()
    }

    /// What was written after a revision.
    pub fn after(&self, revision: u64) -> &[Entry] {
        let from = self.log.partition_point(|entry| entry.revision <= revision);
        &self.log[from..]
    }

    /// Creates an object; `None` where there is one of that name.
    pub fn create(
        &mut self,
        key: &Key,
        spec: ClusterUpgradeSpec,
        held: bool,
        now: Millis,
    ) -> Option<Arc<Stored>> {
        if self.objects.contains_key(key) {
            return None;
        }
        self.made += 1;
        let stored = Stored {
            key: key.clone(),
            uid: format!("uid-{}", self.made),
            resource_version: String::new(),
            generation: 1,
            // The API server keeps whole seconds.
            created_at: at(now / SECOND * SECOND),
            deleting: false,
            retry_requested_at: None,
            labels: BTreeMap::new(),
            body: Ok(Body {
                spec,
                status: wiped(),
            }),
        };
        Some(self.put(stored, held))
    }

    /// Edits the spec; an edit that changes nothing writes nothing.
    pub fn edit(&mut self, key: &Key, change: impl FnOnce(&mut ClusterUpgradeSpec)) -> bool {
        self.change(key, |stored| {
            if let Ok(body) = &mut stored.body {
                let before = body.spec.clone();
                change(&mut body.spec);
                if body.spec != before {
                    stored.generation += 1;
                }
            }
        })
    }

    /// Sets the retry annotation.
    pub fn annotate(&mut self, key: &Key, value: String) -> bool {
        self.change(key, |stored| stored.retry_requested_at = Some(value))
    }

    /// Replaces the labels by which freezes select.
    pub fn relabel(&mut self, key: &Key, labels: &BTreeMap<String, String>) -> bool {
        self.change(key, |stored| stored.labels.clone_from(labels))
    }

    /// Edits a label, or anything else that nobody decides on.
    pub fn label(&mut self, key: &Key) {
        if let Some(object) = self.objects.get(key) {
            let (stored, held) = (Stored::clone(&object.stored), object.held);
            self.put(stored, held);
        }
    }

    /// Replaces the status, as an administrator or a restore does: without a guard.
    pub fn replace_status(&mut self, key: &Key, status: ClusterUpgradeStatus) -> bool {
        self.change(key, |stored| {
            if let Ok(body) = &mut stored.body {
                body.status = status;
            }
        })
    }

    /// Deletes an object; one that is held is being deleted until it is released.
    pub fn delete(&mut self, key: &Key) -> bool {
        let Some(object) = self.objects.get(key) else {
            return false;
        };
        if object.held {
            return self.change(key, |stored| {
                if !stored.deleting {
                    stored.deleting = true;
                    stored.generation += 1;
                }
            });
        }
        self.remove(key)
    }

    /// Lets go of an object that was deleted while it was held.
    pub fn release(&mut self, key: &Key) -> bool {
        let is_deleting = self.get(key).is_some_and(|stored| stored.deleting);
        is_deleting && self.remove(key)
    }

    /// A status write of the operator, under guard. A status that is the same already is no write.
    pub fn write_status(
        &mut self,
        at: &Stored,
        status: &ClusterUpgradeStatus,
    ) -> Result<Arc<Stored>, StoreError> {
        let object = self.objects.get(&at.key).ok_or(StoreError::Gone)?;
        if object.stored.resource_version != at.resource_version {
            return Err(StoreError::Conflict);
        }
        if object.stored.uid != at.uid {
            return Err(StoreError::Gone);
        }
        self.replace_status(&at.key, status.clone());
        self.get(&at.key).cloned().ok_or(StoreError::Gone)
    }

    fn remove(&mut self, key: &Key) -> bool {
        let Some(object) = self.objects.remove(key) else {
            return false;
        };
        self.revision += 1;
        self.log.push(Entry {
            revision: self.revision,
            object: object.stored,
            gone: true,
        });
        true
    }

    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Stored)) -> bool {
        let Some(object) = self.objects.get(key) else {
            return false;
        };
        let (mut stored, held) = (Stored::clone(&object.stored), object.held);
        change(&mut stored);
        if stored == *object.stored {
            return false;
        }
        self.put(stored, held);
        true
    }

    fn put(&mut self, mut stored: Stored, held: bool) -> Arc<Stored> {
        self.revision += 1;
        stored.resource_version = self.revision.to_string();
        let stored = Arc::new(stored);
        self.log.push(Entry {
            revision: self.revision,
            object: Arc::clone(&stored),
            gone: false,
        });
        let object = Object {
            stored: Arc::clone(&stored),
            held,
        };
        self.objects.insert(stored.key.clone(), object);
        stored
    }
}

/// The status that the CRD gives to an object that has none.
pub fn wiped() -> ClusterUpgradeStatus {
    ClusterUpgradeStatus {
        observed_generation: Some(-1),
        ..ClusterUpgradeStatus::default()
    }
}
