//! Insights: what is so, what the last refresh has found of it, and refreshes.

use jiff::Timestamp;

use super::cluster::Cluster;
use crate::api::Minor;
use crate::simulator::api::{
    Category, ClientStat, Deprecation, InsightStatus, InsightView, Readiness, RefreshStatus,
    RefreshView,
};
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;
use crate::simulator::scenario::{
    ClientSpec, DeprecationSpec, Finding, Findings, Insights, InsightsChange,
};

/// How often EKS refreshes insights by itself (user guide, cluster-insights).
const EACH_DAY: Period = Period::days(1);

/// The insights of a cluster.
#[derive(Clone, Debug)]
pub(super) struct InsightState {
    /// What the next refresh will find.
    truth: Insights,
    /// What the last refresh has found.
    found: Vec<InsightView>,
    /// When EKS refreshes them by itself.
    due: Timestamp,
    /// The newest refresh that somebody asked for.
    refresh: Option<Refresh>,
    /// How many refreshes are still going to fail.
    failing: u32,
}

#[derive(Clone, Debug)]
struct Refresh {
    started_at: Timestamp,
    ends_at: Timestamp,
    status: RefreshStatus,
}

impl InsightState {
    /// Of a cluster whose insights were never refreshed.
    pub(super) fn new(truth: Insights, failing: u32) -> Self {
        Self {
            truth,
            found: Vec::new(),
            due: Timestamp::MAX,
            refresh: None,
            failing,
        }
    }

    /// Changes what the next refresh will find.
    pub(super) fn change(&mut self, change: InsightsChange) {
        let InsightsChange { upgrade, rollback } = change;
        if let Some(upgrade) = upgrade {
            self.truth.upgrade = upgrade;
        }
        if let Some(rollback) = rollback {
            self.truth.rollback = rollback;
        }
    }

    /// Takes note of a refresh that ended before the start.
    pub(super) fn was_refreshed(&mut self, at: Timestamp) {
        self.refresh = Some(Refresh {
            started_at: at,
            ends_at: at,
            status: RefreshStatus::Completed,
        });
    }

    /// Forgets what belonged to a cluster that is gone.
    pub(super) fn forget(&mut self) {
        self.found.clear();
        self.refresh = None;
        self.due = Timestamp::MAX;
    }

    /// When the next refresh ends, be it EKS's own.
    pub(super) fn next_refresh(&self) -> Timestamp {
        match &self.refresh {
            Some(refresh) if refresh.status == RefreshStatus::InProgress => {
                refresh.ends_at.min(self.due)
            }
            _ => self.due,
        }
    }

    /// Has EKS refresh them by itself at `at`, if not before.
    pub(super) fn refresh_by(&mut self, at: Timestamp) {
        self.due = self.due.min(at);
    }

    fn refresh_view(&self) -> RefreshView {
        let Some(Refresh {
            started_at,
            ends_at,
            status,
        }) = &self.refresh
        else {
            return RefreshView {
                message: "No refresh of the insights was started".to_owned(),
                status: None,
                started_at: None,
                ended_at: None,
            };
        };
        let message = match status {
            RefreshStatus::InProgress => "The insights are being refreshed",
            RefreshStatus::Failed => "The insights could not be refreshed",
            RefreshStatus::Completed => "The insights were refreshed",
        };
        RefreshView {
            message: message.to_owned(),
            status: Some(*status),
            started_at: Some(*started_at),
            ended_at: (*status != RefreshStatus::InProgress).then_some(*ends_at),
        }
    }
}

impl Cluster {
    /// Ends what `next_refresh` has told of.
    pub(super) fn end_refresh(&mut self, at: Timestamp) {
        let ending =
            self.insights.refresh.as_mut().filter(|refresh| {
                refresh.status == RefreshStatus::InProgress && refresh.ends_at <= at
            });
        let fails = match ending {
            Some(refresh) if self.insights.failing > 0 => {
                refresh.status = RefreshStatus::Failed;
                self.insights.failing -= 1;
                true
            }
            Some(refresh) => {
                refresh.status = RefreshStatus::Completed;
                false
            }
            None => false,
        };
        if !fails || self.insights.due <= at {
            self.refresh_insights(at);
        }
    }

    /// Finds at `at` what is so.
    pub(super) fn refresh_insights(&mut self, at: Timestamp) {
        let next = self.version.next();
        let Insights { upgrade, rollback } = &self.insights.truth;
        let mut found = self.findings(Category::UpgradeReadiness, upgrade, next, at);
        found.retain(|insight| insight.kubernetes_version >= next);
        if let Some(before) = self.version_before(at) {
            let mut back = self.findings(Category::RollbackReadiness, rollback, before, at);
            back.retain(|insight| insight.kubernetes_version == before);
            found.append(&mut back);
        }
        for insight in &mut found {
            let earlier = self.insights.found.iter().find(|one| one.id == insight.id);
            if let Some(earlier) = earlier
                && earlier.insight_status.status == insight.insight_status.status
            {
                insight.last_transition_time = earlier.last_transition_time;
            }
        }
        self.insights.found = found;
        self.insights.due = EACH_DAY.after(at);
    }

    fn findings(
        &self,
        category: Category,
        findings: &Findings,
        usual: Minor,
        at: Timestamp,
    ) -> Vec<InsightView> {
        match findings {
            Findings::One(status) => {
                let name = match category {
                    Category::RollbackReadiness => "Rollback readiness",
                    Category::UpgradeReadiness | Category::Misconfiguration => "Upgrade readiness",
                };
                let one = Finding {
                    name: name.to_owned(),
                    status: *status,
                    reason: None,
                    description: None,
                    recommendation: None,
                    version: None,
                    resources: Vec::new(),
                    deprecations: Vec::new(),
                };
                vec![self.insight(category, &one, usual, at)]
            }
            Findings::Each(list) => list
                .iter()
                .map(|one| self.insight(category, one, usual, at))
                .collect(),
        }
    }

    fn insight(
        &self,
        category: Category,
        finding: &Finding,
        usual: Minor,
        at: Timestamp,
    ) -> InsightView {
        let Finding {
            name,
            status,
            reason,
            description,
            recommendation,
            version,
            resources,
            deprecations,
        } = finding;
        let version = version.unwrap_or(usual);
        // Not from the cluster's randomness, so that a refresh changes nothing else.
        let place = format!(
            "{}/{}/{category:?}/{version}/{name}",
            self.arn(),
            self.created_at
        );
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, place.as_bytes());
        let usual_reason = match status {
            Readiness::Passing => "Nothing was found.",
            Readiness::Warning => "Something may cause trouble.",
            Readiness::Error => "Something must be resolved.",
            Readiness::Unknown => "This could not be checked.",
        };
        let or =
            |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
        InsightView {
            id: id.to_string(),
            name: name.clone(),
            category,
            kubernetes_version: version,
            last_refresh_time: at,
            last_transition_time: at,
            description: or(description, &format!("Checks {name} for {version}.")),
            insight_status: InsightStatus {
                status: *status,
                reason: or(reason, usual_reason),
            },
            recommendation: or(recommendation, &format!("Resolve what {name} has found.")),
            resources: resources.clone(),
            deprecations: deprecations
                .iter()
                .map(|one| deprecation(one, at))
                .collect(),
        }
    }

    /// The insights that are shown at `now`.
    pub(super) fn shown_insights(&self, now: Timestamp) -> impl Iterator<Item = &InsightView> {
        let before = self.version_before(now);
        self.insights.found.iter().filter(move |insight| {
            insight.category != Category::RollbackReadiness
                || before == Some(insight.kubernetes_version)
        })
    }

    /// Whether the last refresh has found one in such a status, for a step to this version.
    pub(super) fn has_found(&self, category: Category, to: Minor, statuses: &[Readiness]) -> bool {
        self.insights.found.iter().any(|insight| {
            insight.category == category
                && insight.kubernetes_version == to
                && statuses.contains(&insight.insight_status.status)
        })
    }

    /// DescribeInsight.
    pub(super) fn insight_of(&self, id: &str, now: Timestamp) -> Result<InsightView, ApiError> {
        self.shown_insights(now)
            .find(|insight| insight.id == id)
            .cloned()
            .ok_or_else(|| ApiError::not_found(format!("No insight found for ID: {id}")))
    }

    /// StartInsightsRefresh. A refresh that is going on answers for the one asked for.
    pub(super) fn start_refresh(&mut self, now: Timestamp) -> RefreshView {
        let running = self
            .insights
            .refresh
            .as_ref()
            .is_some_and(|refresh| refresh.status == RefreshStatus::InProgress);
        if !running {
            self.insights.refresh = Some(Refresh {
                started_at: now,
                ends_at: self.durations.insights_refresh().after(now),
                status: RefreshStatus::InProgress,
            });
        }
        self.insights.refresh_view()
    }

    /// DescribeInsightsRefresh.
    pub(super) fn newest_refresh(&self) -> RefreshView {
        self.insights.refresh_view()
    }
}

fn deprecation(spec: &DeprecationSpec, at: Timestamp) -> Deprecation {
    let DeprecationSpec {
        usage,
        replaced_with,
        stop_serving_version,
        start_serving_replacement_version,
        clients,
    } = spec;
    let version = |minor: Option<Minor>| minor.map(|minor| minor.to_string());
    Deprecation {
        usage: usage.clone(),
        replaced_with: replaced_with.clone(),
        stop_serving_version: version(*stop_serving_version),
        start_serving_replacement_version: version(*start_serving_replacement_version),
        client_stats: clients
            .iter()
            .map(
                |ClientSpec {
                     user_agent,
                     requests,
                 }| ClientStat {
                    user_agent: user_agent.clone(),
                    number_of_requests_last30_days: *requests,
                    last_request_time: at,
                },
            )
            .collect(),
    }
}
