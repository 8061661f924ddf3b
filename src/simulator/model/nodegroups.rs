//! Managed node groups: which there are, and what is shown of them.

use jiff::Timestamp;

use super::cluster::{Cluster, ClusterKey};
use super::update::{Update, VERSION_UPDATE};
use crate::api::Minor;
use crate::eks::partition;
use crate::simulator::api::{NodegroupStatus, NodegroupView, UpdateStatus};
use crate::simulator::error::ApiError;
use crate::simulator::scenario::NodegroupSpec;

/// A managed node group.
#[derive(Clone, Debug)]
pub(super) struct Nodegroup {
    pub(super) name: String,
    pub(super) version: Minor,
    status: NodegroupStatus,
    created_at: Timestamp,
}

impl Cluster {
    /// Adds a node group, or changes the one of its name.
    pub(super) fn put_nodegroup(&mut self, spec: NodegroupSpec, at: Timestamp) {
        let NodegroupSpec {
            name,
            version,
            status,
        } = spec;
        match self.nodegroups.iter_mut().find(|one| one.name == name) {
            Some(nodegroup) => {
                nodegroup.version = version.unwrap_or(nodegroup.version);
                nodegroup.status = status;
            }
            None => self.nodegroups.push(Nodegroup {
                name,
                version: version.unwrap_or(self.version),
                status,
                created_at: at,
            }),
        }
    }

    /// Gives node groups the versions that their updates led to.
    pub(super) fn update_nodegroups(&mut self, ended: &[(String, Minor)]) {
        for nodegroup in &mut self.nodegroups {
            if let Some((_, version)) = ended.iter().find(|(name, _)| *name == nodegroup.name) {
                nodegroup.version = *version;
            }
        }
    }

    /// The first node group that is newer than `version`.
    pub(super) fn nodegroup_newer_than(&self, version: Minor) -> Option<&Nodegroup> {
        self.nodegroups.iter().find(|one| one.version > version)
    }

    /// DescribeNodegroup.
    pub(super) fn nodegroup_of(&self, name: &str) -> Result<NodegroupView, ApiError> {
        let found = self.nodegroups.iter().find(|one| one.name == name);
        let Nodegroup {
            name,
            version,
            status,
            created_at,
        } = found
            .ok_or_else(|| ApiError::not_found(format!("No node group found for name: {name}.")))?;
        let updating = self.updates.iter().any(|update| {
            update.is_running() && update.scope.nodegroup_name.as_ref() == Some(name)
        });
        let ClusterKey {
            account,
            region,
            name: cluster,
        } = &self.key;
        let arn = format!(
            "arn:{}:eks:{region}:{account}:nodegroup/{cluster}/{name}",
            partition(region)
        );
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, arn.as_bytes());
        Ok(NodegroupView {
            nodegroup_name: name.clone(),
            nodegroup_arn: format!("{arn}/{id}"),
            cluster_name: cluster.clone(),
            version: *version,
            release_version: format!("{version}.0-20260401"),
            created_at: *created_at,
            status: match status {
                NodegroupStatus::Active if updating => NodegroupStatus::Updating,
                status => *status,
            },
        })
    }
}

impl Update {
    /// The node group that has another version now that this update has ended, and that version.
    pub(super) fn nodegroup_reached(&self) -> Option<(String, Minor)> {
        let name = self.scope.nodegroup_name.clone()?;
        let reached = self.kind == VERSION_UPDATE && self.status == UpdateStatus::Successful;
        Some((name, self.to.filter(|_| reached)?))
    }
}
