//! Managed node groups: what is shown of them, and how they keep a cluster from going back.

use super::*;
use crate::simulator::api::{NodegroupStatus, NodegroupView};

impl Eks {
    fn nodegroup(&mut self, name: &str) -> Result<NodegroupView, ApiError> {
        let request = Request::DescribeNodegroup {
            name: "prod".into(),
            nodegroup_name: name.into(),
        };
        self.call(&request).map(|response| match response {
            Response::Nodegroup(view) => *view,
            other => panic!("not a node group: {other:?}"),
        })
    }

    fn nodegroups(&mut self, page: Page) -> (Vec<String>, Option<String>) {
        let request = Request::ListNodegroups {
            name: "prod".into(),
            page,
        };
        match self.call(&request).unwrap() {
            Response::Nodegroups { names, next_token } => (names, next_token),
            other => panic!("not a list of node groups: {other:?}"),
        }
    }
}

#[test]
fn node_groups_are_listed_in_pages_and_described() {
    let mut eks = Eks::prod(
        "nodegroups: [{name: a}, {name: b, version: \"1.31\", status: DEGRADED}, {name: c}]",
    );
    let two = Page {
        max_results: Some(2),
        next_token: None,
    };
    let (mut names, token) = eks.nodegroups(two);
    assert_eq!(names.len(), 2);
    let (rest, none) = eks.nodegroups(Page {
        max_results: Some(2),
        next_token: token,
    });
    assert_eq!(none, None);
    names.extend(rest);
    names.sort();
    assert_eq!(names, ["a", "b", "c"]);

    let old = eks.nodegroup("b").unwrap();
    assert_eq!(old.version.to_string(), "1.31");
    assert_eq!(old.status, NodegroupStatus::Degraded);
    assert_eq!(old.cluster_name, "prod");
    assert!(
        old.nodegroup_arn
            .starts_with("arn:aws:eks:us-west-2:111122223333:nodegroup/prod/b/"),
        "{}",
        old.nodegroup_arn
    );
    assert_eq!(eks.nodegroup("a").unwrap().version.to_string(), "1.33");
    assert_eq!(code(eks.nodegroup("d")), "ResourceNotFoundException");
    assert_eq!(
        Eks::prod("").nodegroups(Page::default()),
        (Vec::new(), None)
    );
}

#[test]
fn a_node_group_newer_than_the_target_refuses_a_rollback_also_a_forced_one() {
    let mut eks = Eks::prod(
        "nodegroups: [{name: old}, {name: new}], events: [\
         {at: 20m, nodegroup: {name: new, version: \"1.34\"}}, \
         {at: 40m, nodegroup: {name: new, version: \"1.33\"}}]",
    );
    eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.nodegroup("new").unwrap().version.to_string(), "1.33");
    assert!(eks.clone().start("1.33").is_ok());
    eks.pass("10m");
    let (code, _, message) = refusal(eks.start("1.33"));
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("node group new"), "{message}");
    let (code, ..) = refusal(eks.send(&forced("1.33")));
    assert_eq!(code, "InvalidRequestException");
    eks.pass("20m");
    assert!(eks.start("1.33").is_ok());
}

#[test]
fn an_update_of_a_node_group_changes_its_version() {
    let mut eks = Eks::prod(
        "nodegroups: [{name: workers}], events: [{at: 20m, update: {nodegroupName: workers, \
         duration: 5m}}]",
    );
    eks.start("1.34").unwrap();
    eks.pass("24m");
    let updating = eks.nodegroup("workers").unwrap();
    assert_eq!(updating.status, NodegroupStatus::Updating);
    assert_eq!(updating.version.to_string(), "1.33");
    eks.pass("1m");
    let updated = eks.nodegroup("workers").unwrap();
    assert_eq!(updated.status, NodegroupStatus::Active);
    assert_eq!(updated.version.to_string(), "1.34");
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
}
