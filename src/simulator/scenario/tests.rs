//! What a person sees who got a scenario wrong.

use super::Scenario;

fn wrong(text: &str) -> String {
    Scenario::parse(text).unwrap_err().to_string()
}

#[test]
fn an_empty_file_is_the_default_scenario() {
    for text in ["", "# nothing yet\n", "{}"] {
        let scenario = Scenario::parse(text).unwrap();
        assert_eq!(scenario.account_id, "111122223333");
        assert!(scenario.clusters.is_empty());
    }
}

#[test]
fn errors_say_where_and_what() {
    let cluster = |fields: &str| format!("clusters: [{{name: prod, {fields}}}]");
    for (text, place, what) in [
        (cluster("version: 1.30"), "clusters[0].version", "in quotes"),
        (cluster("version: \"1.30.1\""), "clusters[0].version", "1.30.1"),
        ("clusters: [{name: prod}]".into(), "clusters[0]", "version"),
        (
            cluster("version: \"1.33\", autoMod: true"),
            "clusters[0]",
            "autoMod",
        ),
        (
            cluster("version: \"1.33\", durations: {update: soon}"),
            "clusters[0].durations.update",
            "10m",
        ),
        (
            cluster("version: \"1.33\", events: [{at: 1s}]"),
            "clusters[0].events[0]",
            "exactly one of",
        ),
        (
            cluster("version: \"1.33\", history: [{age: 1h}]"),
            "clusters[0].history[0].version",
            "VersionUpdate",
        ),
        (
            cluster("version: \"1.33\", outcomes: [{cancelled: true, fail: {errorCode: Unknown}}]"),
            "clusters[0].outcomes[0]",
            "either fails or is cancelled",
        ),
        (
            cluster("version: \"1.33\", accountId: \"42\""),
            "clusters[0].accountId",
            "twelve digits",
        ),
        (
            cluster("version: \"1.33\", region: oregon"),
            "clusters[0].region",
            "us-west-2",
        ),
        (
            "clusters: [{name: '-prod', version: \"1.33\"}]".into(),
            "clusters[0].name",
            "letters",
        ),
        (
            "clusters: [{name: a, version: \"1.33\"}, {name: a, version: \"1.33\"}]".into(),
            "clusters[1].name",
            "already",
        ),
        (
            cluster("version: \"1.33\", insights: {upgrade: [{name: a, status: PASSING}, {name: a, status: ERROR}]}"),
            "clusters[0].insights.upgrade[1]",
            "its own version",
        ),
        (
            cluster("version: \"1.33\", insights: {rollback: [{name: a, status: FINE}]}"),
            "clusters[0].insights.rollback[0].status",
            "FINE",
        ),
        (
            cluster("version: \"1.33\", insights: {upgrade: passing}"),
            "clusters[0].insights.upgrade",
            "passing",
        ),
        (
            cluster("version: \"1.33\", insights: {upgrade: [{name: a, status: ERROR, because: b}]}"),
            "clusters[0].insights.upgrade[0]",
            "because",
        ),
        (
            cluster("version: \"1.33\", nodegroups: [{name: a}, {name: a}]"),
            "clusters[0].nodegroups[1].name",
            "already",
        ),
        (
            cluster("version: \"1.33\", events: [{nodegroup: {name: a b}}]"),
            "clusters[0].events[0].nodegroup.name",
            "node group name",
        ),
        (
            cluster("version: \"1.33\", addons: [{name: coredns}]"),
            "clusters[0].addons[0]",
            "version",
        ),
        (
            cluster("version: \"1.33\", addons: [{name: a, version: v1}, {name: a, version: v2}]"),
            "clusters[0].addons[1].name",
            "already",
        ),
        (
            cluster("version: \"1.33\", addons: [{name: a, version: v1, status: FINE}]"),
            "clusters[0].addons[0].status",
            "FINE",
        ),
        (
            cluster("version: \"1.33\", addons: [{name: a, version: v1, issues: [{code: ''}]}]"),
            "clusters[0].addons[0].issues[0].code",
            "empty",
        ),
        (
            cluster("version: \"1.33\", events: [{addon: {name: a, version: v 1}}]"),
            "clusters[0].events[0].addon.version",
            "v1.11.4-eksbuild.2",
        ),
        (
            cluster("version: \"1.33\", events: [{addon: {name: a b, version: v1}}]"),
            "clusters[0].events[0].addon.name",
            "add-on name",
        ),
        (
            cluster("version: \"1.33\", health: [{message: gone}]"),
            "clusters[0].health[0]",
            "code",
        ),
        (
            cluster("version: \"1.33\", events: [{health: [{code: ' '}]}]"),
            "clusters[0].events[0].health[0].code",
            "empty",
        ),
        (
            cluster("version: \"1.33\", tags: {'': a}"),
            "clusters[0].tags",
            "1 to 128",
        ),
        (
            cluster(&format!(
                "version: \"1.33\", events: [{{tags: {{a: {}}}}}]",
                "x".repeat(257)
            )),
            "clusters[0].events[0].tags",
            "at most 256",
        ),
        (
            cluster("version: \"1.33\", insights: {upgrade: [{name: a, status: ERROR, deprecations: [{clients: []}]}]}"),
            "clusters[0].insights.upgrade[0].deprecations[0]",
            "usage",
        ),
        (
            cluster("version: \"1.33\", insights: {upgrade: [{name: a, status: ERROR, resources: ['']}]}"),
            "clusters[0].insights.upgrade[0].resources[0]",
            "empty",
        ),
        (
            "addonVersions: [{addon: a, version: v1, kubernetes: [1.33]}]".into(),
            "addonVersions[0].kubernetes[0]",
            "in quotes",
        ),
        (
            "addonVersions: [{addon: a, version: v1, kubernetes: [\"1.33\"], default: [\"1.34\"]}]".into(),
            "addonVersions[0].default",
            "not among",
        ),
        (
            "addonVersions: [{addon: a, version: v1, kubernetes: []}, {addon: a, version: v1, kubernetes: []}]"
                .into(),
            "addonVersions[1]",
            "one entry",
        ),
        (
            "addonVersions: [{addon: a, version: v1, kubernetes: [\"1.33\"], default: [\"1.33\"]}, \
             {addon: a, version: v2, kubernetes: [\"1.33\"], default: [\"1.33\"]}]"
                .into(),
            "addonVersions[1].default",
            "v1 is the default",
        ),
        ("faults: [{kind: hang}]".into(), "faults[0].lasts", "need it"),
        (
            "faults: [{kind: throttling, lasts: 1s}]".into(),
            "faults[0].lasts",
            "no other kind",
        ),
        ("faults: [{kind: error}]".into(), "faults[0].code", "needs it"),
        (
            "faults: [{kind: lostAfter, code: X}]".into(),
            "faults[0]",
            "answer with an error",
        ),
        (
            "faults: [{kind: serverError, probability: 2}]".into(),
            "faults[0].probability",
            "between 0 and 1",
        ),
        (
            "faults: [{kind: serverError, operations: [DeleteCluster]}]".into(),
            "faults[0].operations[0]",
            "DeleteCluster",
        ),
        ("requestsPerSecond: 0".into(), "requestsPerSecond", "greater than 0"),
        ("sts: {deniedRoles: [admin]}".into(), "sts", "ARN of a role"),
        (
            "versions: [{version: \"1.40\", releaseDate: 2027-01-01, endOfStandardSupport: 2026-01-01}]"
                .into(),
            "versions[0]",
            "in this order",
        ),
    ] {
        let message = wrong(&text);
        assert!(message.contains(place), "{text}: no {place} in {message}");
        assert!(message.contains(what), "{text}: no {what} in {message}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let path = std::path::Path::new("no-such-scenario.yaml");
    let message = Scenario::load(path).unwrap_err().to_string();
    assert!(message.contains("no-such-scenario.yaml"), "{message}");
}

#[test]
fn the_reference_in_the_docs_and_the_sample_are_scenarios() {
    let docs = include_str!("../../../docs/simulator.md");
    let blocks: Vec<&str> = docs
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    let [reference] = blocks[..] else {
        panic!("one block of YAML");
    };
    let scenario = Scenario::parse(reference).unwrap();
    assert_eq!(scenario.clusters.len(), 1);
    assert_eq!(scenario.faults.len(), 5);

    let sample = include_str!("../../../deploy/samples/simulator/scenario.yaml");
    assert_eq!(Scenario::parse(sample).unwrap().clusters.len(), 3);
}
