//! Insights: what is listed, when it changes, and what it blocks.

use super::*;
use crate::simulator::api::{
    Category, InsightView, InsightsFilter, ListInsights, Readiness, RefreshStatus, RefreshView,
};

impl Eks {
    fn insights_page(&mut self, filter: InsightsFilter, page: Page) -> Response {
        let request = Request::ListInsights(ListInsights {
            cluster_name: "prod".into(),
            filter,
            page,
        });
        self.call(&request).unwrap()
    }

    fn insights(&mut self, filter: InsightsFilter) -> Vec<InsightView> {
        match self.insights_page(filter, Page::default()) {
            Response::Insights {
                mut insights,
                next_token: None,
            } => {
                insights.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
                insights
            }
            other => panic!("not one page of insights: {other:?}"),
        }
    }

    fn of(&mut self, category: Category) -> Vec<(String, String, Readiness)> {
        let filter = InsightsFilter {
            categories: vec![category],
            ..InsightsFilter::default()
        };
        self.insights(filter)
            .into_iter()
            .map(|one| {
                assert_eq!(one.category, category);
                let version = one.kubernetes_version.to_string();
                (one.name, version, one.insight_status.status)
            })
            .collect()
    }

    fn refresh(&mut self) -> RefreshView {
        let request = Request::StartInsightsRefresh {
            name: "prod".into(),
        };
        match self.call(&request).unwrap() {
            Response::RefreshStarted(view) => view,
            other => panic!("not a refresh: {other:?}"),
        }
    }

    fn refreshing(&mut self) -> RefreshView {
        let request = Request::DescribeInsightsRefresh {
            name: "prod".into(),
        };
        match self.call(&request).unwrap() {
            Response::Refresh(view) => view,
            other => panic!("not a refresh: {other:?}"),
        }
    }
}

fn seen(name: &str, version: &str, status: Readiness) -> (String, String, Readiness) {
    (name.into(), version.into(), status)
}

#[test]
fn upgrade_insights_are_always_there_and_rollback_insights_for_seven_days() {
    let mut eks = Eks::prod("insights: {upgrade: WARNING, rollback: ERROR}");
    assert_eq!(
        eks.of(Category::UpgradeReadiness),
        [seen("Upgrade readiness", "1.34", Readiness::Warning)]
    );
    assert_eq!(eks.of(Category::RollbackReadiness), []);
    eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(
        eks.of(Category::UpgradeReadiness),
        [seen("Upgrade readiness", "1.35", Readiness::Warning)]
    );
    let rollback = [seen("Rollback readiness", "1.33", Readiness::Error)];
    assert_eq!(eks.of(Category::RollbackReadiness), rollback);
    assert_eq!(eks.of(Category::Misconfiguration), []);
    eks.pass("7d");
    assert_eq!(eks.of(Category::RollbackReadiness), rollback);
    eks.pass("1s");
    assert_eq!(eks.of(Category::RollbackReadiness), []);
    assert_eq!(eks.of(Category::UpgradeReadiness).len(), 1);
}

#[test]
fn a_cluster_that_was_rolled_back_has_no_rollback_insights() {
    let mut eks = Eks::prod("");
    eks.start("1.34").unwrap();
    eks.pass("10m");
    eks.start("1.33").unwrap();
    eks.pass("10m");
    assert_eq!(eks.shown().0, "1.33");
    assert_eq!(eks.of(Category::RollbackReadiness), []);
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].1, "1.34");
}

const DETAILED: &str = "insights: {upgrade: [\
    {name: Kubelet skew, status: WARNING, reason: one old node, description: compares, \
     recommendation: replace it}, \
    {name: Deprecated APIs, status: ERROR, version: \"1.35\"}, \
    {name: Deprecated APIs, status: PASSING, version: \"1.34\"}, \
    {name: Of the past, status: ERROR, version: \"1.33\"}], rollback: []}";

#[test]
fn insights_can_be_told_one_by_one_and_filtered() {
    let mut eks = Eks::prod(DETAILED);
    let names = |filter| -> Vec<_> {
        let found = Eks::prod(DETAILED).insights(filter);
        let mut names: Vec<_> = found
            .into_iter()
            .map(|one| format!("{} {}", one.name, one.kubernetes_version))
            .collect();
        names.sort();
        names
    };
    assert_eq!(
        names(InsightsFilter::default()),
        [
            "Deprecated APIs 1.34",
            "Deprecated APIs 1.35",
            "Kubelet skew 1.34"
        ]
    );
    let of_version = InsightsFilter {
        kubernetes_versions: vec!["1.34".into()],
        ..InsightsFilter::default()
    };
    assert_eq!(
        names(of_version),
        ["Deprecated APIs 1.34", "Kubelet skew 1.34"]
    );
    let of_status = InsightsFilter {
        statuses: vec![Readiness::Error, Readiness::Unknown],
        ..InsightsFilter::default()
    };
    assert_eq!(names(of_status), ["Deprecated APIs 1.35"]);

    let listed = eks.insights(InsightsFilter::default());
    let skew = listed
        .iter()
        .find(|one| one.name == "Kubelet skew")
        .unwrap();
    let describe = |id: &str| Request::DescribeInsight {
        name: "prod".into(),
        id: id.into(),
    };
    let Response::Insight(described) = eks.call(&describe(&skew.id)).unwrap() else {
        panic!("not an insight");
    };
    assert_eq!(*described, *skew);
    assert_eq!(described.insight_status.reason, "one old node");
    assert_eq!(described.description, "compares");
    assert_eq!(described.recommendation, "replace it");
    let unknown = eks.call(&describe("nope"));
    assert_eq!(code(unknown), "ResourceNotFoundException");
}

#[test]
fn insights_come_in_pages() {
    let mut eks = Eks::prod(DETAILED);
    let mut ids = Vec::new();
    let mut next = None;
    loop {
        let page = Page {
            max_results: Some(2),
            next_token: next,
        };
        let Response::Insights {
            insights,
            next_token,
        } = eks.insights_page(InsightsFilter::default(), page)
        else {
            panic!("not insights");
        };
        assert!(insights.len() <= 2);
        ids.extend(insights.into_iter().map(|one| one.id));
        next = next_token;
        if next.is_none() {
            break;
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

/// On 1.34 since a moment ago, with rollback insights in ERROR that somebody has just resolved.
fn resolved() -> Eks {
    let mut eks = Eks::prod(
        "insights: {rollback: ERROR}, events: [{at: 20m, insights: {rollback: PASSING}}]",
    );
    eks.start("1.34").unwrap();
    eks.pass("30m");
    eks
}

#[test]
fn what_was_resolved_shows_and_counts_after_a_refresh() {
    let mut eks = resolved();
    let before = eks.insights(InsightsFilter::default())[0].clone();
    assert_eq!(before.insight_status.status, Readiness::Error);
    assert_eq!(code(eks.start("1.33")), "InvalidStateException");

    let started = eks.refresh();
    assert_eq!(started.status, Some(RefreshStatus::InProgress));
    let running = eks.refreshing();
    assert_eq!(running.status, Some(RefreshStatus::InProgress));
    assert_eq!(
        (running.started_at, running.ended_at),
        (Some(eks.now), None)
    );
    eks.pass("9s");
    assert_eq!(
        eks.of(Category::RollbackReadiness)[0].2,
        Readiness::Error,
        "the refresh takes ten seconds"
    );
    eks.pass("1s");
    let after = eks.insights(InsightsFilter::default())[0].clone();
    assert_eq!(after.id, before.id);
    assert_eq!(after.insight_status.status, Readiness::Passing);
    assert_eq!(after.last_refresh_time, eks.now);
    assert_eq!(after.last_transition_time, eks.now);
    let done = eks.refreshing();
    assert_eq!(done.status, Some(RefreshStatus::Completed));
    assert_eq!(done.ended_at, Some(eks.now));
    assert!(eks.start("1.33").is_ok());
}

#[test]
fn a_refresh_that_finds_the_same_moves_only_its_own_time() {
    let mut eks = Eks::prod("durations: {insightsRefresh: 1m}");
    let first = eks.insights(InsightsFilter::default());
    eks.refresh();
    eks.pass("1m");
    let second = eks.insights(InsightsFilter::default());
    assert_eq!(
        second[0].last_transition_time,
        first[0].last_transition_time
    );
    assert_eq!(second[0].last_refresh_time, eks.now);
    assert_ne!(first[0].last_refresh_time, eks.now);
}

#[test]
fn a_second_refresh_joins_the_one_that_is_going_on() {
    let mut eks = resolved();
    eks.refresh();
    let started_at = eks.refreshing().started_at;
    eks.pass("5s");
    assert_eq!(eks.refresh().status, Some(RefreshStatus::InProgress));
    assert_eq!(eks.refreshing().started_at, started_at);
    eks.pass("5s");
    assert_eq!(eks.refreshing().status, Some(RefreshStatus::Completed));
    eks.refresh();
    assert_eq!(eks.refreshing().started_at, Some(eks.now));
}

#[test]
fn a_failed_refresh_changes_no_finding() {
    let mut eks = Eks::prod("failingRefreshes: 1, events: [{at: 1s, insights: {upgrade: ERROR}}]");
    eks.pass("2s");
    eks.refresh();
    eks.pass("10s");
    let failed = eks.refreshing();
    assert_eq!(failed.status, Some(RefreshStatus::Failed));
    assert_eq!(failed.ended_at, Some(eks.now));
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].2, Readiness::Passing);
    eks.refresh();
    eks.pass("10s");
    assert_eq!(eks.refreshing().status, Some(RefreshStatus::Completed));
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].2, Readiness::Error);
}

#[test]
fn eks_refreshes_once_a_day_by_itself() {
    let mut eks = Eks::prod("events: [{at: 1h, insights: {upgrade: ERROR}}]");
    eks.pass("23h 59m");
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].2, Readiness::Passing);
    eks.pass("1m");
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].2, Readiness::Error);
    let nobodys = eks.refreshing();
    assert_eq!((nobodys.status, nobodys.ended_at), (None, None));
}

#[test]
fn after_an_update_the_insights_can_be_those_of_before_for_a_while() {
    let mut eks = Eks::prod("insights: {rollback: ERROR}, durations: {insightsAfterUpdate: 1h}");
    eks.start("1.34").unwrap();
    eks.pass("1h 9m");
    assert_eq!(eks.of(Category::UpgradeReadiness)[0].1, "1.34");
    assert_eq!(eks.of(Category::RollbackReadiness), []);
    // What nobody has found yet blocks nothing.
    assert!(eks.clone().start("1.33").is_ok());
    let mut asked = eks.clone();
    asked.refresh();
    asked.pass("10s");
    eks.pass("1m");
    for mut refreshed in [eks, asked] {
        assert_eq!(refreshed.of(Category::UpgradeReadiness)[0].1, "1.35");
        assert_eq!(refreshed.of(Category::RollbackReadiness)[0].1, "1.33");
        assert_eq!(code(refreshed.start("1.33")), "InvalidStateException");
    }
}

#[test]
fn one_error_among_many_blocks_and_only_for_its_version() {
    let with = |upgrade: &str| {
        Eks::with(&format!(
            "{{insightsEnforced: true, clusters: [{{name: prod, version: \"1.33\", \
             insights: {{upgrade: [{upgrade}]}}}}]}}"
        ))
    };
    let mut later = with("{name: a, status: PASSING}, {name: b, status: ERROR, version: \"1.35\"}");
    assert!(later.start("1.34").is_ok());
    let mut now = with("{name: a, status: PASSING}, {name: b, status: ERROR}");
    assert_eq!(code(now.start("1.34")), "InvalidStateException");

    let mut eks =
        Eks::prod("insights: {rollback: [{name: a, status: PASSING}, {name: b, status: UNKNOWN}]}");
    eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.of(Category::RollbackReadiness).len(), 2);
    assert_eq!(code(eks.start("1.33")), "InvalidStateException");
    assert!(eks.send(&forced("1.33")).is_ok());
}

#[test]
fn a_cluster_made_anew_has_insights_of_its_own() {
    let mut eks = Eks::prod("events: [{at: 1h, recreate: \"1.30\"}]");
    let old = eks.insights(InsightsFilter::default());
    eks.refresh();
    eks.pass("1h");
    let new = eks.insights(InsightsFilter::default());
    assert_eq!(new[0].kubernetes_version.to_string(), "1.31");
    assert_ne!(new[0].id, old[0].id);
    assert_eq!(eks.refreshing().status, None);
}

#[test]
fn an_insight_tells_of_resources_and_of_who_uses_what_is_deprecated() {
    let mut eks = Eks::prod(
        "insights: {upgrade: [{name: Deprecated APIs, status: ERROR, \
         resources: [/apis/policy/v1beta1, 'arn:aws:eks:::x'], \
         deprecations: [{usage: /apis/policy/v1beta1, replacedWith: /apis/policy/v1, \
         stopServingVersion: \"1.34\", startServingReplacementVersion: \"1.30\", \
         clients: [{userAgent: kubectl, requests: 7}, {userAgent: helm}]}, {usage: /b}]}]}",
    );
    let id = eks.insights(InsightsFilter::default())[0].id.clone();
    let request = Request::DescribeInsight {
        name: "prod".into(),
        id,
    };
    let Ok(Response::Insight(insight)) = eks.call(&request) else {
        panic!("not an insight");
    };
    assert_eq!(
        insight.resources,
        ["/apis/policy/v1beta1", "arn:aws:eks:::x"]
    );
    let [policy, other] = &insight.deprecations[..] else {
        panic!("two: {insight:?}");
    };
    assert_eq!(policy.replaced_with.as_deref(), Some("/apis/policy/v1"));
    assert_eq!(policy.stop_serving_version.as_deref(), Some("1.34"));
    let clients: Vec<_> = policy
        .client_stats
        .iter()
        .map(|one| {
            assert_eq!(one.last_request_time, eks.now);
            (one.user_agent.as_str(), one.number_of_requests_last30_days)
        })
        .collect();
    assert_eq!(clients, [("kubectl", 7), ("helm", 1)]);
    assert_eq!((other.usage.as_str(), other.client_stats.len()), ("/b", 0));
}

#[test]
fn upgrade_insights_are_listed_by_the_version_they_are_about() {
    let mut eks = Eks::prod(DETAILED);
    let mut about = |version: &str| -> Vec<String> {
        let filter = InsightsFilter {
            categories: vec![Category::UpgradeReadiness],
            kubernetes_versions: vec![version.into()],
            ..InsightsFilter::default()
        };
        let found = eks.insights(filter).into_iter();
        found
            .map(|one| format!("{} {:?}", one.name, one.insight_status.status))
            .collect()
    };
    assert_eq!(
        about("1.34"),
        ["Deprecated APIs Passing", "Kubelet skew Warning"]
    );
    assert_eq!(about("1.35"), ["Deprecated APIs Error"]);
    assert_eq!(about("1.36"), [""; 0]);
}
