//! One whole object for every reason, as the operator leaves it in the API: what tests/gitops has Argo CD, Flux, kstatus and
//! `kubectl wait` judge. `make recorded` writes the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use eks_upgrade_operator::api::{
    ClusterRef, ClusterUpgrade, ClusterUpgradeSpec, ClusterUpgradeStatus, Reason, Rollback,
    Schedule, Window,
};
use eks_upgrade_operator::controller::Access;
use eks_upgrade_operator::eks::{ErrorKind, Hosting};
use eks_upgrade_operator::plan::Wish;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};

use super::eks::{End, Fate, error};
use super::preflight::{denied, deprecated};
use super::timing::{at, freeze};
use super::world::{World, minutes};

const NAMESPACE: &str = "team-a";
const NAME: &str = "devel";
const UID: &str = "8c6b3f5e-4f0e-4c7a-9d0b-2f6f4d0c1a11";
const ROLE: &str = "arn:aws:iam::111122223333:role/eks-upgrades";

/// What becomes of one object, spec and all.
struct Story {
    spec: ClusterUpgradeSpec,
    world: World,
    deleted_at: Option<Timestamp>,
}

impl Story {
    /// An object that asks for `to`, for a cluster at `from`.
    fn new(from: &str, to: &str) -> Self {
        Self::with(from, to, |_| {})
    }

    /// The same with more in its first spec.
    fn with(from: &str, to: &str, change: impl FnOnce(&mut ClusterUpgradeSpec)) -> Self {
        let mut spec = ClusterUpgradeSpec {
            cluster: ClusterRef {
                account_id: "111122223333".to_owned(),
                region: "eu-central-1".to_owned(),
                name: "devel".to_owned(),
            },
            version: to.to_owned(),
            role_arn: None,
            external_id: None,
            force: None,
            rollback: None,
            preflight: None,
            schedule: None,
            suspend: false,
        };
        change(&mut spec);
        let mut world = World::new(from, to);
        UID.clone_into(&mut world.object.uid);
        world.object.name = format!("{NAMESPACE}/{NAME}");
        world.object.wish = Wish::try_from(&spec);
        Self {
            spec,
            world,
            deleted_at: None,
        }
    }

    /// The same in a world that is prepared for it, looked at until there is no more to do at this time.
    fn where_(mut self, prepare: impl FnOnce(&mut World)) -> Self {
        prepare(&mut self.world);
        self.world.settle();
        self
    }

    fn after(mut self, length: i64) -> Self {
        self.world.run(minutes(length));
        self
    }

    /// Changes the spec, as somebody's apply does. Nobody has looked yet.
    fn edit(mut self, change: impl FnOnce(&mut ClusterUpgradeSpec)) -> Self {
        change(&mut self.spec);
        self.world.object.wish = Wish::try_from(&self.spec);
        self.world.object.generation += 1;
        self
    }

    /// Deleted, and kept by somebody's finalizer.
    fn deleted(mut self) -> Self {
        self.deleted_at = Some(self.world.now);
        self.world.object.deleting = true;
        // As the API server does.
        self.world.object.generation += 1;
        self.world.settle();
        self
    }

    /// As it is in the API.
    fn object(&self) -> ClusterUpgrade {
        let touched = self.world.memory != ClusterUpgradeStatus::default();
        let created = at("2026-11-23T11:59:59Z");
        ClusterUpgrade {
            metadata: ObjectMeta {
                name: Some(NAME.to_owned()),
                namespace: Some(NAMESPACE.to_owned()),
                uid: Some(UID.to_owned()),
                generation: Some(self.world.object.generation),
                creation_timestamp: Some(Time(created)),
                deletion_timestamp: self.deleted_at.map(Time),
                finalizers: self
                    .deleted_at
                    .map(|_| vec!["foregroundDeletion".to_owned()]),
                ..ObjectMeta::default()
            },
            spec: self.spec.clone(),
            status: Some(if touched {
                self.world.memory.clone()
            } else {
                // The CRD's default.
                ClusterUpgradeStatus {
                    observed_generation: Some(-1),
                    ..ClusterUpgradeStatus::default()
                }
            }),
        }
    }
}

/// A cluster that was upgraded to 1.34.
fn upgraded() -> Story {
    Story::new("1.33", "1.34").after(15)
}

/// Errors of every look for longer than is waited in silence.
fn unseen(kind: ErrorKind) -> Story {
    let broken = |world: &mut World| {
        world.eks.broken.insert("all", error(kind));
    };
    Story::new("1.33", "1.34").where_(broken).after(20)
}

fn rollback_cancelled() -> Story {
    let back = upgraded().where_(|world| world.eks.cluster.is_auto_mode = true);
    let asked = back.edit(|spec| {
        "1.33".clone_into(&mut spec.version);
        spec.rollback = Some(Rollback {
            from_version: "1.34".to_owned(),
            update_id: "u1".to_owned(),
            timeout: None,
        });
    });
    let withdrawn = asked
        .after(10)
        .edit(|spec| "1.34".clone_into(&mut spec.version))
        .after(30);
    withdrawn
        .edit(|spec| "1.33".clone_into(&mut spec.version))
        .after(1)
}

/// How an object comes to say this.
fn story(reason: Reason) -> Story {
    let new = || Story::new("1.33", "1.34");
    match reason {
        Reason::UpToDate => upgraded(),
        Reason::Updating => new().after(3),
        Reason::WaitingForCluster => new().where_(|world| {
            world.foreign("VpcConfigUpdate", None);
        }),
        Reason::EksUnavailable => unseen(ErrorKind::Unavailable),
        Reason::Queued => new().where_(|world| world.standing.queued_behind = Some(10)),
        Reason::Suspended => Story::with("1.33", "1.35", |spec| spec.suspend = true).after(1),
        Reason::Held => new().where_(|world| {
            world.eks.cluster.hold = Some("ask team-db, ticket 4711".to_owned());
        }),
        Reason::Frozen => new().where_(|world| {
            let until = at("2026-11-30T06:00:00Z");
            world.standing.freezes = vec![freeze("sale", None, Some(until))];
        }),
        Reason::OutsideWindow => Story::with("1.33", "1.34", |spec| {
            spec.schedule = Some(Schedule {
                windows: vec![night("Europe/Berlin")],
                bake: None,
            });
        })
        .after(1),
        Reason::Baking => Story::with("1.33", "1.35", |spec| {
            spec.schedule = Some(Schedule {
                windows: Vec::new(),
                bake: Some("24h".to_owned()),
            });
        })
        .after(20),
        Reason::PreflightFailed => Story::new("1.32", "1.33").where_(|world| {
            let version = "1.33".parse().unwrap();
            world.eks.insights_of.insert(version, vec![deprecated()]);
        }),
        Reason::PreflightUnknown => new().where_(|world| {
            let denied = denied("eks:ListInsights");
            world.eks.broken.insert("check insights", denied);
        }),
        Reason::UpdateFailed => new().where_(|world| world.eks.end = End::Failed).after(30),
        Reason::UpdateCancelled => rollback_cancelled(),
        Reason::UpdateLost => {
            let mut story = new().where_(|world| world.eks.end = End::Never).after(5);
            story.world.eks.updates.clear();
            "ACTIVE".clone_into(&mut story.world.eks.cluster.status);
            story.after(30)
        }
        Reason::ClusterAheadOfSpec => Story::new("1.34", "1.33").after(1),
        Reason::RolledBackElsewhere => upgraded()
            .where_(|world| {
                world.foreign("VersionRollback", Some("1.33"));
            })
            .after(20),
        Reason::UnsupportedVersion => Story::new("1.33", "1.41").after(1),
        Reason::RequestRejected => new().where_(|world| {
            let rejected = Fate::Error(error(ErrorKind::Rejected));
            world.fates.push_back(rejected);
        }),
        Reason::ClusterNotFound => unseen(ErrorKind::NotFound),
        Reason::ClusterReplaced => upgraded()
            .where_(|world| {
                world.eks.updates.clear();
                world.eks.cluster.created_at = Some(world.now);
            })
            .after(20),
        Reason::ClusterFailed => {
            new().where_(|world| "FAILED".clone_into(&mut world.eks.cluster.status))
        }
        Reason::UnsupportedCluster => {
            new().where_(|world| world.eks.cluster.hosting = Hosting::Outpost)
        }
        Reason::ClusterConflict => {
            new().where_(|world| world.standing.owner = Some("team-b/devel".to_owned()))
        }
        Reason::AccessDenied => unseen(ErrorKind::AccessDenied),
        Reason::CredentialsUnavailable => unseen(ErrorKind::CredentialsRefused),
        Reason::NotAllowed => Story::with("1.33", "1.34", |spec| {
            spec.role_arn = Some(ROLE.to_owned());
        })
        .where_(|world| {
            let target = &world.object.wish.as_ref().unwrap().target;
            let admitted = Access::default().admit(NAMESPACE, target);
            world.standing.not_allowed = admitted.err();
        }),
        // The API server knows no time zones, so it takes this one.
        Reason::InvalidSpec => Story::with("1.33", "1.34", |spec| {
            spec.schedule = Some(Schedule {
                windows: vec![night("Europe/Atlantis")],
                bake: None,
            });
        })
        .after(1),
    }
}

fn night(time_zone: &str) -> Window {
    Window {
        days: vec!["Sat".to_owned(), "Sun".to_owned()],
        start: "01:00".to_owned(),
        duration: "4h".to_owned(),
        time_zone: Some(time_zone.to_owned()),
    }
}

/// The files, by name.
fn recorded() -> BTreeMap<String, String> {
    let mut stories: Vec<_> = Reason::ALL
        .into_iter()
        .map(|reason| {
            let story = story(reason);
            assert_eq!(story.world.reason(), reason.as_str());
            (reason.as_str(), story)
        })
        .collect();
    let unseen_edit = upgraded().edit(|spec| "1.35".clone_into(&mut spec.version));
    stories.extend([
        ("untouched", Story::new("1.33", "1.34")),
        ("spec-ahead", unseen_edit),
        ("being-deleted", upgraded().deleted()),
    ]);
    stories
        .into_iter()
        .map(|(name, story)| {
            let text = serde_norway::to_string(&story.object()).unwrap();
            (format!("{name}.yaml"), text)
        })
        .collect()
}

#[test]
fn the_recorded_objects_are_what_the_operator_writes() {
    let directory: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gitops/objects");
    let recorded = recorded();
    if std::env::var_os("UPDATE_RECORDED").is_some() {
        fs::create_dir_all(&directory).unwrap();
        for (name, text) in &recorded {
            fs::write(directory.join(name), text).unwrap();
        }
    }
    let kept: BTreeSet<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted: BTreeSet<_> = recorded.keys().cloned().collect();
    assert_eq!(
        kept, wanted,
        "run make recorded, and remove what is too much"
    );
    for (name, text) in recorded {
        let kept = fs::read_to_string(directory.join(&name)).unwrap();
        assert_eq!(kept, text, "{name} has drifted: run make recorded");
    }
}
