//! Add-ons: which there are, what is shown of them, and which of their versions fit which Kubernetes versions.

use jiff::Timestamp;

use super::cluster::{Cluster, ClusterKey};
use super::update::Update;
use super::{Model, work};
use crate::api::Minor;
use crate::eks::partition;
use crate::simulator::api::{
    AddonInfo, AddonStatus, AddonVersionInfo, AddonView, Caller, Compatibility,
    DescribeAddonVersions, DescribeClusterVersions, Health, HealthIssue, Page, Response,
    UpdateStatus,
};
use crate::simulator::error::ApiError;
use crate::simulator::paging;
use crate::simulator::scenario::{AddonSpec, AddonVersionSpec};

/// What is said of every add-on; the scenario does not tell them apart by these.
const KIND: &str = "infra-management";
const PUBLISHER: &str = "eks";
const OWNER: &str = "aws";

/// The type and the param of an update that gives an add-on another version.
const ADDON_UPDATE: &str = "AddonUpdate";
const ADDON_VERSION: &str = "AddonVersion";

/// An add-on that is installed.
#[derive(Clone, Debug)]
pub(super) struct Addon {
    pub(super) name: String,
    version: String,
    status: AddonStatus,
    issues: Vec<HealthIssue>,
    created_at: Timestamp,
    modified_at: Timestamp,
}

impl Cluster {
    /// Installs an add-on, or changes the one of its name.
    pub(super) fn put_addon(&mut self, spec: AddonSpec, at: Timestamp) {
        let AddonSpec {
            name,
            version,
            status,
            issues,
        } = spec;
        let earlier = self.addons.iter().position(|one| one.name == name);
        let created_at = earlier.map_or(at, |index| self.addons.remove(index).created_at);
        self.addons.push(Addon {
            name,
            version,
            status,
            issues,
            created_at,
            modified_at: at,
        });
    }

    /// Gives add-ons the versions that their updates led to.
    pub(super) fn update_addons(&mut self, ended: &[(String, String)], at: Timestamp) {
        for addon in &mut self.addons {
            if let Some((_, version)) = ended.iter().find(|(name, _)| *name == addon.name) {
                addon.version.clone_from(version);
                addon.modified_at = at;
            }
        }
    }

    /// DescribeAddon.
    pub(super) fn addon_of(&self, name: &str) -> Result<AddonView, ApiError> {
        let ClusterKey {
            account,
            region,
            name: cluster,
        } = &self.key;
        let found = self.addons.iter().find(|one| one.name == name);
        let Addon {
            name,
            version,
            status,
            issues,
            created_at,
            modified_at,
        } = found.ok_or_else(|| {
            ApiError::not_found(format!("No addon: {name} found in cluster: {cluster}"))
        })?;
        let updating = self
            .updates
            .iter()
            .any(|update| update.is_running() && update.scope.addon_name.as_ref() == Some(name));
        let arn = format!(
            "arn:{}:eks:{region}:{account}:addon/{cluster}/{name}",
            partition(region)
        );
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, arn.as_bytes());
        Ok(AddonView {
            addon_name: name.clone(),
            cluster_name: cluster.clone(),
            status: match status {
                AddonStatus::Active if updating => AddonStatus::Updating,
                status => *status,
            },
            addon_version: version.clone(),
            health: Health {
                issues: issues.clone(),
            },
            addon_arn: format!("{arn}/{id}"),
            created_at: *created_at,
            modified_at: *modified_at,
        })
    }
}

impl Update {
    /// The add-on that has another version now that this update has ended, and that version.
    pub(super) fn addon_reached(&self) -> Option<(String, String)> {
        let name = self.scope.addon_name.clone()?;
        let reached = self.kind == ADDON_UPDATE && self.status == UpdateStatus::Successful;
        let mut params = self.params.iter().filter(|_| reached);
        let version = params.find(|param| param.kind == ADDON_VERSION)?;
        Some((name, version.value.clone()))
    }
}

/// ListAddons.
pub(super) fn list(cluster: &mut Cluster, page: &Page) -> Result<Response, ApiError> {
    let salt = cluster.salt();
    let names = cluster.addons.iter().map(|one| one.name.clone());
    let (names, next_token) = paging::shuffled(names, page, || salt)?;
    Ok(Response::Addons { names, next_token })
}

impl Model {
    /// DescribeAddonVersions. An add-on without a version that fits is left out.
    pub(super) fn addon_versions(
        &mut self,
        caller: &Caller,
        filter: &DescribeAddonVersions,
        now: Timestamp,
    ) -> Result<Response, ApiError> {
        let DescribeAddonVersions {
            addon_name,
            kubernetes_version,
            types,
            publishers,
            owners,
            page,
        } = filter;
        let asked: Option<Minor> = kubernetes_version
            .as_deref()
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::invalid_parameter(format!("{text} is not a Kubernetes version"))
                })
            })
            .transpose()?;
        let admits =
            |wanted: &[String], it: &str| wanted.is_empty() || wanted.iter().any(|one| one == it);
        let is_ours = admits(types, KIND) && admits(publishers, PUBLISHER) && admits(owners, OWNER);
        let catalogue = self.addon_catalogue(caller, asked, now);
        let mut addons: Vec<AddonInfo> = Vec::new();
        let entries = catalogue
            .into_iter()
            .filter(|entry| is_ours && addon_name.as_ref().is_none_or(|name| *name == entry.addon));
        for entry in entries {
            let AddonVersionSpec {
                addon,
                version,
                kubernetes,
                default,
            } = entry;
            let compatibilities: Vec<_> = kubernetes
                .into_iter()
                .filter(|version| asked.is_none_or(|asked| asked == *version))
                .map(|cluster_version| Compatibility {
                    cluster_version,
                    default_version: default.contains(&cluster_version),
                })
                .collect();
            if compatibilities.is_empty() {
                continue;
            }
            let info = AddonVersionInfo {
                addon_version: version,
                compatibilities,
            };
            match addons.iter_mut().find(|one| one.addon_name == addon) {
                Some(known) => known.addon_versions.push(info),
                None => addons.push(AddonInfo {
                    addon_name: addon,
                    kind: KIND.to_owned(),
                    publisher: PUBLISHER.to_owned(),
                    owner: OWNER.to_owned(),
                    addon_versions: vec![info],
                }),
            }
        }
        let (addons, next_token) = paging::ordered(addons, page)?;
        Ok(Response::AddonVersions { addons, next_token })
    }

    /// The scenario's catalogue, and what is installed in the caller's account and region without being in it.
    fn addon_catalogue(
        &mut self,
        caller: &Caller,
        asked: Option<Minor>,
        now: Timestamp,
    ) -> Vec<AddonVersionSpec> {
        let all = DescribeClusterVersions {
            include_all: true,
            ..DescribeClusterVersions::default()
        };
        let offered = self.calendar.describe(&all, now);
        let kubernetes = asked.map_or_else(
            || offered.iter().map(|view| view.version).collect(),
            |version| vec![version],
        );
        let mut catalogue = self.addon_versions.clone();
        let calendar = &self.calendar;
        for cluster in self.clusters.values_mut() {
            if !work::is_seen_by(cluster, caller) {
                continue;
            }
            cluster.advance(now, calendar);
            for addon in &cluster.addons {
                let named = self
                    .addon_versions
                    .iter()
                    .any(|one| one.addon == addon.name);
                let known = catalogue
                    .iter()
                    .any(|one| one.addon == addon.name && one.version == addon.version);
                if !named && !known {
                    catalogue.push(AddonVersionSpec {
                        addon: addon.name.clone(),
                        version: addon.version.clone(),
                        kubernetes: kubernetes.clone(),
                        default: Vec::new(),
                    });
                }
            }
        }
        catalogue
    }
}
