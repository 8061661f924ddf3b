//! What rolling a cluster back asks of the face in memory.

use super::*;
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
