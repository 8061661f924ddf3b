//! What rolling a cluster back asks of the face in memory.

use super::*;
use crate::eks::{AddonVersion, AddonView, Deprecation, HealthIssue, Progress, RefreshStatus};
use crate::simulator::Scenario;

fn target() -> Target {
    Target {
        account_id: "111122223333".into(),
        region: "us-west-2".into(),
        name: "prod".into(),
        role_arn: None,
        external_id: None,
    }
}

struct Eks {
    model: Model,
    now: Timestamp,
}

impl Eks {
    fn with(scenario: &str) -> Self {
        let now = "2026-10-01T00:00:00Z".parse().unwrap();
        let model = Model::new(&Scenario::parse(scenario).unwrap(), now).unwrap();
        Self { model, now }
    }

    fn pass(&mut self, time: &str) {
        self.now = Period::parse(time).unwrap().after(self.now);
    }

    fn ask(&mut self, question: &Question) -> Result<Answer, EksError> {
        ask(&mut self.model, &target(), question, self.now)
    }

    fn update(&mut self, question: &Question) -> UpdateView {
        match self.ask(question).unwrap() {
            Answer::Update(update) => update,
            other => panic!("not an update: {other:?}"),
        }
    }
}

#[test]
fn all_pages_of_insights_and_node_groups_are_read() {
    let insights: Vec<_> = (0..150)
        .map(|n| format!("{{name: i{n}, status: WARNING}}"))
        .collect();
    let nodegroups: Vec<_> = (0..150).map(|n| format!("{{name: n{n}}}")).collect();
    let mut eks = Eks::with(&format!(
        "clusters: [{{name: prod, version: \"1.33\", history: [{{version: \"1.33\", age: 1h}}], insights: {{rollback: [{}]}}, \
         nodegroups: [{}]}}]",
        insights.join(", "),
        nodegroups.join(", ")
    ));
    let asked = Question::Insights(InsightCategory::RollbackReadiness);
    let Ok(Answer::Insights(listed)) = eks.ask(&asked) else {
        panic!("not insights");
    };
    assert_eq!(listed.len(), 150);
    assert!(listed.iter().all(|one| one.status == "WARNING"));
    let Ok(Answer::Nodegroups(names)) = eks.ask(&Question::Nodegroups) else {
        panic!("not node groups");
    };
    assert_eq!(names.len(), 150);
    let described = eks.ask(&Question::Nodegroup("n7".into()));
    let Ok(Answer::Nodegroup(nodegroup)) = described else {
        panic!("not a node group: {described:?}");
    };
    assert_eq!(nodegroup.version, "1.33");
}

#[test]
fn a_rollback_is_refreshed_for_started_with_a_timeout_and_cancelled() {
    let mut eks = Eks::with(
        "clusters: [{name: prod, version: \"1.34\", autoMode: true, \
         history: [{version: \"1.34\", age: 1h}], durations: {nodePhase: 3h}, \
         insights: {rollback: ERROR}, events: [{at: 1s, insights: {rollback: PASSING}}]}]",
    );
    let request = VersionRequest {
        version: "1.33".parse().unwrap(),
        client_request_token: "t1".into(),
        force: false,
        rollback_timeout: Some("2h".parse().unwrap()),
    };
    let start = Question::Start(request);
    assert_eq!(eks.ask(&start).unwrap_err().code, "InvalidStateException");
    eks.pass("1s");
    let status = |answer| match answer {
        Ok(Answer::Refresh(refresh)) => refresh.status,
        other => panic!("not a refresh: {other:?}"),
    };
    let in_progress = RefreshStatus::InProgress;
    assert_eq!(status(eks.ask(&Question::StartRefresh)), in_progress);
    assert_eq!(status(eks.ask(&Question::Refresh)), in_progress);
    eks.pass("10s");
    let completed = RefreshStatus::Completed;
    assert_eq!(status(eks.ask(&Question::Refresh)), completed);

    let mut patient = Eks {
        model: eks.model.clone(),
        now: eks.now,
    };
    let id = patient.update(&start).id;
    patient.pass("2h");
    let failed = patient.update(&Question::Update(id));
    assert_eq!(failed.status, Progress::Failed);

    let id = eks.update(&start).id;
    let cancel = Question::Cancel(CancelRequest {
        update_id: id.clone(),
        client_request_token: "c1".into(),
    });
    assert_eq!(eks.update(&cancel).status, Progress::InProgress);
    eks.pass("30s");
    let cancelled = eks.update(&Question::Update(id));
    assert_eq!(cancelled.status, Progress::Cancelled);
}

#[test]
fn what_the_checks_before_an_upgrade_read() {
    let addons: Vec<_> = (0..150)
        .map(|n| format!("{{name: a{n}, version: v{n}}}"))
        .collect();
    let mut eks = Eks::with(&format!(
        "{{addonVersions: [{{addon: coredns, version: v2, kubernetes: [\"1.34\"], default: [\"1.34\"]}}, \
         {{addon: coredns, version: v1, kubernetes: [\"1.33\", \"1.34\"], default: [\"1.33\"]}}], \
         clusters: [{{name: prod, version: \"1.33\", tags: {{eksupgrade.dev/hold: audit}}, \
         health: [{{code: VpcNotFound, message: gone, resourceIds: [vpc-1]}}], \
         insights: {{upgrade: [{{name: APIs, status: ERROR, recommendation: go, resources: [/r], \
         deprecations: [{{usage: /u, replacedWith: /n, stopServingVersion: \"1.34\", \
         clients: [{{userAgent: helm}}]}}]}}]}}, \
         addons: [{{name: coredns, version: v1, status: DEGRADED, issues: [{{code: AccessDenied}}]}}, {}]}}]}}",
        addons.join(", ")
    ));
    let issue = |code: &str, message: &str, resource_ids: &[&str]| HealthIssue {
        code: code.to_owned(),
        message: message.to_owned(),
        resource_ids: resource_ids.iter().map(ToString::to_string).collect(),
    };
    let Ok(Answer::Cluster(cluster)) = eks.ask(&Question::Cluster) else {
        panic!("not a cluster");
    };
    assert_eq!(cluster.health, [issue("VpcNotFound", "gone", &["vpc-1"])]);
    assert_eq!(cluster.hold.as_deref(), Some("audit"));

    let Ok(Answer::Addons(names)) = eks.ask(&Question::Addons) else {
        panic!("not add-ons");
    };
    assert_eq!(names.len(), 151);
    assert_eq!(
        eks.ask(&Question::Addon("coredns".into())),
        Ok(Answer::Addon(AddonView {
            name: "coredns".into(),
            version: "v1".into(),
            status: "DEGRADED".into(),
            issues: vec![issue("AccessDenied", "", &[])],
        }))
    );
    let missing = eks.ask(&Question::Addon("vpc-cni".into()));
    assert_eq!(missing.unwrap_err().kind, ErrorKind::NotFound);
    let mut fitting = |addon: &str, version: u16| {
        eks.ask(&Question::AddonVersions(addon.into(), Minor::new(version)))
    };
    let version = |version: &str, is_default| AddonVersion {
        version: version.into(),
        is_default,
    };
    let both = vec![version("v2", true), version("v1", false)];
    assert_eq!(fitting("coredns", 34), Ok(Answer::AddonVersions(both)));
    let none = Answer::AddonVersions(Vec::new());
    assert_eq!(fitting("coredns", 35), Ok(none.clone()));
    assert_eq!(fitting("vpc-cni", 34), Ok(none));
    let only = vec![version("v7", false)];
    assert_eq!(fitting("a7", 35), Ok(Answer::AddonVersions(only)));

    let of_next = InsightCategory::UpgradeReadiness(Minor::new(34));
    let Ok(Answer::Insights(insights)) = eks.ask(&Question::Insights(of_next)) else {
        panic!("not insights");
    };
    assert_eq!(
        eks.ask(&Question::Insight(insights[0].id.clone())),
        Ok(Answer::Insight(InsightDetail {
            recommendation: "go".into(),
            resources: vec!["/r".into()],
            deprecations: vec![Deprecation {
                usage: "/u".into(),
                replaced_with: Some("/n".into()),
                stop_serving_version: Some("1.34".into()),
                clients: vec!["helm".into()],
            }],
        }))
    );
    let of_later = InsightCategory::UpgradeReadiness(Minor::new(35));
    let later = eks.ask(&Question::Insights(of_later));
    assert_eq!(later, Ok(Answer::Insights(Vec::new())));
}
