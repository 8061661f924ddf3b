//! The checks before a hop: what the spec says about them, and what status shows of them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{self, not_blank, rule};
use super::version::Minor;
use crate::text::plain;

/// How many waivers an object may have.
pub const WAIVERS_LIMIT: usize = 32;

/// A check that is made before every upgrade by one minor. Its code is stable: waivers and alerts name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CheckCode {
    /// EKS offers every version on the path.
    VersionOffered,
    /// EKS calls the cluster healthy, and nothing else goes on.
    ClusterHealth,
    /// EKS's upgrade-readiness insights.
    UpgradeInsights,
    /// The versions of nodes against that of the control plane.
    NodeSkew,
    /// The versions of EKS add-ons against that of the control plane.
    AddonCompatibility,
}

impl CheckCode {
    /// Every check, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::VersionOffered,
        Self::ClusterHealth,
        Self::UpgradeInsights,
        Self::NodeSkew,
        Self::AddonCompatibility,
    ];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VersionOffered => "VersionOffered",
            Self::ClusterHealth => "ClusterHealth",
            Self::UpgradeInsights => "UpgradeInsights",
            Self::NodeSkew => "NodeSkew",
            Self::AddonCompatibility => "AddonCompatibility",
        }
    }

    /// What it looks at, for docs/gates.md.
    pub const fn looks_at(self) -> &'static str {
        match self {
            Self::VersionOffered => {
                "the versions that EKS offers in the region, from the next one up to `spec.version`"
            }
            Self::ClusterHealth => {
                "the cluster's health issues and its status, and its updates that run"
            }
            Self::UpgradeInsights => {
                "EKS's upgrade-readiness insights for the hop's version, after a refresh"
            }
            Self::NodeSkew => {
                "the versions of all managed node groups; for other nodes, EKS's insight about kubelets"
            }
            Self::AddonCompatibility => {
                "every installed EKS add-on, and which of its versions fit the hop's version"
            }
        }
    }

    /// What fails it.
    pub const fn fails(self) -> &'static str {
        match self {
            Self::VersionOffered => "EKS does not offer one of them",
            Self::ClusterHealth => "any issue; a status other than ACTIVE; an update that runs",
            Self::UpgradeInsights => "an insight in ERROR",
            Self::NodeSkew => {
                "a node group newer than the hop's version, or more than three minors behind it"
            }
            Self::AddonCompatibility => "an installed version that does not fit",
        }
    }

    /// What it warns of.
    pub const fn warns(self) -> &'static str {
        match self {
            Self::VersionOffered => {
                "the present support (standard, else extended) of the cluster's version or of `spec.version` ends within 60 days"
            }
            Self::ClusterHealth => "nothing",
            Self::UpgradeInsights => "an insight in WARNING or UNKNOWN",
            Self::NodeSkew => {
                "a node group behind the hop's version; Fargate and nodes outside node groups, where no insight of EKS vouches for them"
            }
            Self::AddonCompatibility => {
                "an add-on with a health issue, or with a status other than ACTIVE, CREATING and UPDATING"
            }
        }
    }

    /// What makes it unknown, beside an answer that did not come.
    pub const fn unknown(self) -> &'static str {
        match self {
            Self::VersionOffered | Self::ClusterHealth | Self::AddonCompatibility => "nothing",
            Self::UpgradeInsights => {
                "a refresh that failed or does not end; a status that the operator does not know"
            }
            Self::NodeSkew => "a node group's version that is no Kubernetes minor",
        }
    }

    /// What its findings are called, for waivers. One that could not be read is called after the permission.
    pub const fn findings(self) -> &'static str {
        match self {
            Self::VersionOffered => "the version",
            Self::ClusterHealth => "the issue's code, `ClusterStatus`, `RunningUpdate`",
            Self::UpgradeInsights => "the insight's id, or its name; `InsightsRefresh`",
            Self::NodeSkew => "the node group's name; `OtherNodes`",
            Self::AddonCompatibility => "the add-on's name",
        }
    }

    /// The IAM permissions that it needs.
    pub const fn permissions(self) -> &'static [&'static str] {
        match self {
            Self::VersionOffered => &["eks:DescribeClusterVersions"],
            Self::ClusterHealth => &[
                "eks:DescribeCluster",
                "eks:ListUpdates",
                "eks:DescribeUpdate",
            ],
            Self::UpgradeInsights => &[
                "eks:ListInsights",
                "eks:DescribeInsight",
                "eks:StartInsightsRefresh",
                "eks:DescribeInsightsRefresh",
            ],
            Self::NodeSkew => &["eks:ListNodegroups", "eks:DescribeNodegroup"],
            Self::AddonCompatibility => &[
                "eks:ListAddons",
                "eks:DescribeAddon",
                "eks:DescribeAddonVersions",
            ],
        }
    }

    /// All of that as a table in Markdown, as docs/gates.md has it.
    pub fn table() -> String {
        let head = [
            "check",
            "looks at",
            "`Failed`",
            "`Warning`",
            "`Unknown`, beside an answer that did not come",
            "a finding is called",
            "IAM permissions",
        ];
        let rule = head.map(|_| "---".to_owned());
        let rows = Self::ALL.map(|code| {
            let permissions = code.permissions().iter();
            let permissions: Vec<_> = permissions.map(|action| format!("`{action}`")).collect();
            [
                format!("`{code}`"),
                code.looks_at().to_owned(),
                code.fails().to_owned(),
                code.warns().to_owned(),
                code.unknown().to_owned(),
                code.findings().to_owned(),
                permissions.join(", "),
            ]
        });
        let lines = [head.map(str::to_owned), rule].into_iter().chain(rows);
        let lines: Vec<_> = lines
            .map(|cells| format!("| {} |", cells.join(" | ")))
            .collect();
        lines.join("\n") + "\n"
    }
}

impl fmt::Display for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a string is no [`CheckCode`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no check: there are VersionOffered, ClusterHealth, UpgradeInsights, NodeSkew and AddonCompatibility"
)]
pub struct NotACheck(pub String);

impl FromStr for CheckCode {
    type Err = NotACheck;

    fn from_str(text: &str) -> Result<Self, NotACheck> {
        let mut all = Self::ALL.into_iter();
        all.find(|code| code.as_str() == text)
            .ok_or_else(|| NotACheck(text.to_owned()))
    }
}

/// What came of a check, or of one finding. Ordered by how much it matters: the worst of the findings is the check's.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum CheckResult {
    /// Nothing was found.
    Passed,
    /// Worth knowing; holds nothing up.
    Warning,
    /// It would hold the upgrade up, and the manifest accepts it.
    Waived,
    /// Holds the upgrade up: it could not be looked at.
    Unknown,
    /// Holds the upgrade up.
    Failed,
}

impl CheckResult {
    /// Every result.
    pub const ALL: [Self; 5] = [
        Self::Passed,
        Self::Warning,
        Self::Waived,
        Self::Unknown,
        Self::Failed,
    ];

    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Warning => "Warning",
            Self::Waived => "Waived",
            Self::Unknown => "Unknown",
            Self::Failed => "Failed",
        }
    }
}

impl fmt::Display for CheckResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the checks before a hop may hold up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preflight {
    /// `Enforce` (the default): a failed check holds the upgrade up. `Warn`: checks are only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "PreflightMode")]
    pub mode: Option<PreflightMode>,

    /// What a check that could not run does: `Hold` the upgrade up (the default), or let it `Proceed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OnUnknown")]
    pub on_unknown: Option<OnUnknown>,

    /// Findings that are accepted, each for one version and until a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = WAIVERS_LIMIT))]
    pub waivers: Vec<Waiver>,
}

/// Whether failed checks hold an upgrade up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PreflightMode {
    /// They do.
    #[default]
    Enforce,
    /// They are only shown.
    Warn,
}

/// What a check that could not run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OnUnknown {
    /// It holds the upgrade up.
    #[default]
    Hold,
    /// It holds nothing up.
    Proceed,
}

/// Accepts one finding of one check for the hop to one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiver {
    /// The check's code: VersionOffered, ClusterHealth, UpgradeInsights, NodeSkew or AddonCompatibility.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = check_rule()))]
    pub check: String,
    /// The finding's id or name, as `status.preflight.checks[].findings[]` shows it.
    #[schemars(length(max = Finding::WORD_KEPT), extend("x-kubernetes-validations" = not_blank(
        "must be the id or the name of a finding, as status.preflight shows it"
    )))]
    pub finding: String,
    /// The version that the hop leads to, a minor such as "1.34", in quotes.
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::version()))]
    pub version: String,
    /// Why, for whoever reviews the change.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = not_blank(
        "must say why the finding is accepted for this hop"
    )))]
    pub reason: String,
    /// Until when it counts, such as "2026-01-31T12:00:00Z".
    #[schemars(length(max = 64), extend("x-kubernetes-validations" = rules::time()))]
    pub expires: String,
}

fn check_rule() -> serde_json::Value {
    let all = CheckCode::ALL.map(CheckCode::as_str);
    let listed = all.map(|code| format!("'{code}'")).join(", ");
    rule(
        &format!("self in [{listed}]"),
        &format!("must be one of the checks {}", all.join(", ")),
    )
}

/// The checks before the next hop, as they were found last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreflightStatus {
    /// The version that the hop leads to.
    #[schemars(with = "String")]
    pub version: Minor,
    /// The worst of the checks.
    pub result: CheckResult,
    /// Every check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable code.
    pub code: String,
    /// What came of it: the worst of its findings.
    pub result: CheckResult,
    /// What that means, in a sentence.
    pub message: String,
    /// What was found, the worst first; not all of it where it is much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Since when the check has this result for this version.
    #[schemars(with = "k8s_openapi::apimachinery::pkg::apis::meta::v1::Time")]
    pub since: Timestamp,
}

impl Check {
    /// How many findings of a check are kept.
    pub const FINDINGS_KEPT: usize = 16;
    /// As many bytes of a check's sentence are kept.
    pub const MESSAGE_KEPT: usize = 1024;
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What it is about, as a waiver names it: an insight's id, a node group, an add-on, the code of a health issue, or
    /// the permission that is missing.
    pub id: String,
    /// What EKS calls it, where that is not the id; a waiver may name this as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it means for the upgrade.
    pub result: CheckResult,
    /// What was found, and what to do, as far as EKS says.
    pub message: String,
}

impl Finding {
    /// As many bytes of an id or a name are kept.
    pub const WORD_KEPT: usize = 256;
    /// As many bytes of what is said are kept.
    pub const MESSAGE_KEPT: usize = 1024;

    /// A finding, as much of its words as is kept.
    pub fn new(id: &str, name: Option<&str>, result: CheckResult, message: &str) -> Self {
        Self {
            id: plain(id, Self::WORD_KEPT),
            name: name
                .filter(|name| !name.is_empty() && *name != id)
                .map(|name| plain(name, Self::WORD_KEPT)),
            result,
            message: plain(message, Self::MESSAGE_KEPT),
        }
    }
}
