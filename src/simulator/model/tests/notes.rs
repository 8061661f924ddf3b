//! What is written on a cluster: its health and its tags.

use super::*;

impl Eks {
    /// The codes of what is wrong with the cluster.
    fn wrong(&mut self) -> Vec<String> {
        let issues = self.cluster().unwrap().health.issues;
        issues.into_iter().map(|issue| issue.code).collect()
    }

    fn tags(&mut self) -> Vec<(String, String)> {
        self.cluster().unwrap().tags.into_iter().collect()
    }
}

fn tag(key: &str, value: &str) -> (String, String) {
    (key.into(), value.into())
}

#[test]
fn health_is_shown_and_replaced_by_events() {
    let mut eks = Eks::prod(
        "health: [{code: IamRoleNotFound, message: gone, resourceIds: [role-1]}], events: [\
         {at: 1m, health: [{code: VpcNotFound}, {code: KmsKeyDisabled}]}, {at: 2m, health: []}]",
    );
    let [issue] = &eks.cluster().unwrap().health.issues[..] else {
        panic!("one issue");
    };
    assert_eq!(issue.message, "gone");
    assert_eq!(issue.resource_ids, ["role-1"]);
    assert_eq!(eks.wrong(), ["IamRoleNotFound"]);
    eks.pass("1m");
    assert_eq!(eks.wrong(), ["VpcNotFound", "KmsKeyDisabled"]);
    eks.pass("1m");
    assert_eq!(eks.wrong(), [""; 0]);
}

#[test]
fn tags_are_set_and_removed_by_events_and_others_stay() {
    let mut eks = Eks::prod(
        "tags: {team: payments}, events: [\
         {at: 1m, tags: {eksupgrade.dev/hold: audit until Friday, team: checkout}}, \
         {at: 2m, tags: {eksupgrade.dev/hold: null, nothing: null}}]",
    );
    assert_eq!(eks.tags(), [tag("team", "payments")]);
    eks.pass("1m");
    let held = tag("eksupgrade.dev/hold", "audit until Friday");
    assert_eq!(eks.tags(), [held, tag("team", "checkout")]);
    eks.pass("1m");
    assert_eq!(eks.tags(), [tag("team", "checkout")]);
}
