//! What a scenario says about the insights of a cluster.

use std::fmt;

use serde::Deserialize;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use crate::api::Minor;
use crate::simulator::api::Readiness;

/// What is found in a cluster whenever its insights are refreshed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Insights {
    /// `UPGRADE_READINESS`; blocks in ERROR where the scenario enforces it.
    pub upgrade: Findings,
    /// `ROLLBACK_READINESS`; blocks in ERROR and in UNKNOWN.
    pub rollback: Findings,
}

/// The insights of a category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Findings {
    /// One, with a name of the simulator's.
    One(Readiness),
    /// These, or none.
    Each(Vec<Finding>),
}

impl Default for Findings {
    fn default() -> Self {
        Self::One(Readiness::default())
    }
}

impl From<Readiness> for Findings {
    fn from(status: Readiness) -> Self {
        Self::One(status)
    }
}

/// One insight.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Finding {
    /// Its name. More than one may have it where all of those say for which version they are.
    pub name: String,
    /// Its status.
    pub status: Readiness,
    /// Why it has that status; made up when absent.
    #[serde(default)]
    pub reason: Option<String>,
    /// What it is about; made up when absent.
    #[serde(default)]
    pub description: Option<String>,
    /// What to do; made up when absent.
    #[serde(default)]
    pub recommendation: Option<String>,
    /// The Kubernetes version it is about. When absent, the next one (upgrades) or the one before
    /// (rollbacks), whatever the cluster is on.
    #[serde(default)]
    pub version: Option<Minor>,
    /// What it is about: ARNs, or the URIs of Kubernetes resources.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The APIs in use that a version no longer serves.
    #[serde(default)]
    pub deprecations: Vec<DeprecationSpec>,
}

/// An API in use that a version no longer serves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeprecationSpec {
    /// The API.
    pub usage: String,
    /// What replaces it.
    #[serde(default)]
    pub replaced_with: Option<String>,
    /// The version that no longer serves it.
    #[serde(default)]
    pub stop_serving_version: Option<Minor>,
    /// The version since which there is a replacement.
    #[serde(default)]
    pub start_serving_replacement_version: Option<Minor>,
    /// Who uses it.
    #[serde(default)]
    pub clients: Vec<ClientSpec>,
}

/// A client that uses a deprecated API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClientSpec {
    /// Its user agent.
    pub user_agent: String,
    /// How many requests it made within 30 days; 1 when absent.
    #[serde(default = "one")]
    pub requests: u32,
}

const fn one() -> u32 {
    1
}

impl<'de> Deserialize<'de> for Findings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FindingsVisitor;
        impl<'de> Visitor<'de> for FindingsVisitor {
            type Value = Findings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as PASSING, or a list of insights")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Findings, E> {
                Readiness::deserialize(de::value::StrDeserializer::new(text)).map(Findings::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Findings, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(Findings::Each)
            }
        }
        deserializer.deserialize_any(FindingsVisitor)
    }
}

/// A change of what is found: a category that is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct InsightsChange {
    /// `UPGRADE_READINESS`.
    pub upgrade: Option<Findings>,
    /// `ROLLBACK_READINESS`.
    pub rollback: Option<Findings>,
}
