//! What the checks before a hop look at, and when it was read.

use jiff::Timestamp;

use crate::api::Minor;
use crate::eks::{
    AddonVersion, AddonView, EksError, ErrorKind, InsightDetail, InsightView, NodegroupView,
    RefreshView,
};

/// An answer of EKS, of this pass or of an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// When it was given.
    pub at: Timestamp,
    /// Whether it was given in this pass.
    pub is_new: bool,
    /// The answer.
    pub answer: Result<T, EksError>,
}

impl<T> Reading<T> {
    /// Whether it was given no earlier than `since`, or just now whatever the clock says.
    pub fn is_since(&self, since: Timestamp) -> bool {
        self.is_new || self.at >= since
    }
}

/// What the checks look at beyond what deciding reads anyway. What was not asked is `None`.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The managed node groups.
    pub nodegroups: Option<Reading<Vec<NodegroupView>>>,
    /// The installed add-ons.
    pub addons: Option<Reading<Vec<Addon>>>,
    /// The last refresh of EKS's insights.
    pub refresh: Option<Reading<RefreshView>>,
    /// EKS's upgrade-readiness insights about the hop's version.
    pub insights: Option<Reading<Vec<Insight>>>,
}

/// One part of the evidence, as it has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// ListNodegroups, and DescribeNodegroup of each.
    Nodegroups,
    /// ListAddons, DescribeAddon of each, and DescribeAddonVersions of each for this version.
    Addons(Minor),
    /// DescribeInsightsRefresh.
    Refresh,
    /// StartInsightsRefresh: EKS's findings are too old to count. Changes nothing else.
    StartRefresh,
    /// ListInsights about the upgrade to this version, and DescribeInsight of those that do not pass.
    Insights {
        /// The version.
        version: Minor,
        /// When the refresh ended that found them: what was read before another one does not count.
        refreshed_at: Option<Timestamp>,
    },
}

/// An installed add-on, and what of it fits the hop's version.
#[derive(Clone, Debug, PartialEq)]
pub struct Addon {
    /// As it is installed.
    pub view: AddonView,
    /// The versions of it that fit.
    pub fits: Vec<AddonVersion>,
}

/// An insight, with what else EKS says of one that does not pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Insight {
    /// The insight.
    pub view: InsightView,
    /// The rest, where it could be read.
    pub detail: Option<InsightDetail>,
}

impl Evidence {
    /// What went wrong with one of the readings of this pass and may be gone in a moment.
    pub fn setback(&self) -> Option<&EksError> {
        self.errors().find(|error| is_passing(error.kind))
    }

    /// What went wrong with the readings.
    pub fn errors(&self) -> impl Iterator<Item = &EksError> {
        let Self {
            nodegroups,
            addons,
            refresh,
            insights,
        } = self;
        let nodegroups = nodegroups.as_ref().and_then(error);
        let addons = addons.as_ref().and_then(error);
        let refresh = refresh.as_ref().and_then(error);
        let insights = insights.as_ref().and_then(error);
        [nodegroups, addons, refresh, insights]
            .into_iter()
            .flatten()
    }
}

fn error<T>(reading: &Reading<T>) -> Option<&EksError> {
    reading.answer.as_ref().err()
}

/// Whether an error may be gone in a moment.
pub const fn is_passing(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse | ErrorKind::ClockSkew => {
            true
        }
        ErrorKind::InvalidState
        | ErrorKind::InvalidParameter
        | ErrorKind::Rejected
        | ErrorKind::NotFound
        | ErrorKind::AccessDenied
        | ErrorKind::CredentialsRefused
        | ErrorKind::CredentialsMissing => false,
    }
}
