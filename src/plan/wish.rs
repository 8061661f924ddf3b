//! What the spec asks for, once it is known to make sense.

use crate::api::{
    ClusterRef, ClusterUpgradeSpec, Force, Minor, NotAMinor, NotATimeout, Rollback, RollbackTimeout,
};
use crate::eks::{Target, is_update_id};
use crate::text::{is_plain_word, plain};

use super::gates::Gates;

/// A spec that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The cluster, and as whom it is reached.
    pub target: Target,
    /// The version to reach.
    pub version: Minor,
    /// The one version whose hop is forced.
    pub forced: Option<Minor>,
    /// The one rollback that is permitted.
    pub rollback: Option<RollbackPermit>,
    /// What has to be passed before a start. An error here stalls what is to come, and nothing that runs.
    pub gates: Result<Gates, InvalidSpec>,
    /// Whether nothing new may be started.
    pub suspend: bool,
}

/// Permits to undo one update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackPermit {
    /// The version that the update led to, and that the cluster has.
    pub from: Minor,
    /// EKS's id of the update to undo.
    pub update_id: String,
    /// How long EKS may take.
    pub timeout: RollbackTimeout,
}

impl Wish {
    /// Whether the hop to `version` is sent with EKS's force flag.
    pub fn force_for(&self, version: Minor) -> bool {
        self.forced == Some(version)
    }
}

/// Why a spec cannot be understood. The API server refuses all of this at apply; an object may still carry it where the
/// CRD was older or its validation was switched off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidSpec(pub String);

/// As much of a wrong value as tells which one it is.
pub(super) fn quoted(text: &str) -> String {
    plain(text, 64)
}

pub(super) fn minor(field: &str, text: &str) -> Result<Minor, InvalidSpec> {
    text.parse::<Minor>()
        .map_err(|_| InvalidSpec(format!("spec.{field}: {}", NotAMinor(quoted(text)))))
}

fn permit(rollback: &Rollback) -> Result<RollbackPermit, InvalidSpec> {
    let Rollback {
        from_version,
        update_id,
        timeout,
    } = rollback;
    if !is_update_id(update_id) {
        return Err(InvalidSpec(format!(
            "spec.rollback.updateId: {:?} is not the id of an EKS update",
            quoted(update_id)
        )));
    }
    let timeout = match timeout {
        None => RollbackTimeout::DEFAULT,
        Some(text) => text.parse().map_err(|_| {
            InvalidSpec(format!(
                "spec.rollback.timeout: {}",
                NotATimeout(quoted(text))
            ))
        })?,
    };
    Ok(RollbackPermit {
        from: minor("rollback.fromVersion", from_version)?,
        update_id: update_id.clone(),
        timeout,
    })
}

impl TryFrom<&ClusterUpgradeSpec> for Wish {
    type Error = InvalidSpec;

    fn try_from(spec: &ClusterUpgradeSpec) -> Result<Self, InvalidSpec> {
        let ClusterUpgradeSpec {
            cluster:
                ClusterRef {
                    account_id,
                    region,
                    name,
                },
            version,
            role_arn,
            external_id,
            force,
            rollback,
            preflight,
            schedule,
            suspend,
        } = spec;
        if account_id.len() != 12 || !account_id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(InvalidSpec(format!(
                "spec.cluster.accountId: {:?} is not a twelve-digit AWS account id",
                quoted(account_id)
            )));
        }
        let is_name = |text: &str, most: usize| {
            !text.is_empty()
                && text.len() <= most
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        if !is_name(region, 64) {
            return Err(InvalidSpec(format!(
                "spec.cluster.region: {:?} is not an AWS region code",
                quoted(region)
            )));
        }
        if !is_name(name, 100) {
            return Err(InvalidSpec(format!(
                "spec.cluster.name: {:?} is not an EKS cluster name",
                quoted(name)
            )));
        }
        if let Some(role) = role_arn
            && !(role.starts_with("arn:") && is_plain_word(role, 2048))
        {
            return Err(InvalidSpec(format!(
                "spec.roleArn: {:?} is not the ARN of an IAM role",
                quoted(role)
            )));
        }
        if let Some(role) = role_arn
            && role.split(':').nth(4) != Some(account_id)
        {
            return Err(InvalidSpec(format!(
                "spec.roleArn: {:?} is not a role in account {account_id}, and only reaches clusters of its own",
                quoted(role)
            )));
        }
        if let Some(id) = external_id
            && !is_plain_word(id, 1224)
        {
            return Err(InvalidSpec(format!(
                "spec.externalId: {:?} is not an STS external id",
                quoted(id)
            )));
        }
        let forced = match force {
            None => None,
            Some(Force { version, reason: _ }) => Some(minor("force.version", version)?),
        };
        Ok(Self {
            target: Target {
                account_id: account_id.clone(),
                region: region.clone(),
                name: name.clone(),
                role_arn: role_arn.clone(),
                external_id: external_id.clone(),
            },
            version: minor("version", version)?,
            forced,
            rollback: rollback.as_ref().map(permit).transpose()?,
            gates: Gates::new(preflight.as_ref(), schedule.as_ref()),
            suspend: *suspend,
        })
    }
}
