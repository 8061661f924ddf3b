//! Which upgrades are started, and how they end.

use super::*;

#[test]
fn an_upgrade_by_one_minor_runs_and_succeeds() {
    let mut eks = Eks::prod("");
    let started = eks.start("1.34").unwrap();
    assert_eq!(started.kind, "VersionUpdate");
    assert_eq!(started.status, UpdateStatus::InProgress);
    assert_eq!(started.created_at, eks.now);
    assert!(started.errors.is_empty());
    let params: Vec<_> = started
        .params
        .iter()
        .map(|param| (param.kind.as_str(), param.value.as_str()))
        .collect();
    assert_eq!(params, [("Version", "1.34"), ("PlatformVersion", "eks.13")]);

    assert_eq!(eks.shown(), ("1.33".into(), "UPDATING".into()));
    eks.pass("9m 59s");
    assert_eq!(eks.status(&started.id), UpdateStatus::InProgress);
    eks.pass("1s");
    assert_eq!(eks.status(&started.id), UpdateStatus::Successful);
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
    assert_eq!(eks.cluster().unwrap().platform_version, "eks.13");
    assert_eq!(eks.listed(), [started.id]);
}

#[test]
fn update_ids_are_uuids_and_come_from_the_seed() {
    let ids = |seed: u32| {
        let mut eks = Eks::with(&format!(
            "{{seed: {seed}, clusters: [{{name: prod, version: \"1.33\"}}]}}"
        ));
        let first = eks.start("1.34").unwrap().id;
        eks.pass("10m");
        [first, eks.start("1.35").unwrap().id]
    };
    let [first, second] = ids(7);
    assert_ne!(first, second);
    assert_eq!(uuid::Uuid::parse_str(&first).unwrap().to_string(), first);
    assert_eq!(ids(7), [first.clone(), second]);
    assert_ne!(ids(8)[0], first);
}

#[test]
fn a_copy_of_the_model_goes_on_like_the_original() {
    let mut eks = Eks::prod("");
    let mut copy = eks.clone();
    assert_eq!(copy.start("1.34"), eks.start("1.34"));
    assert_eq!(copy.start("1.34"), eks.start("1.34"));
}

#[test]
fn skipped_equal_and_far_lower_versions_are_refused_in_the_same_words() {
    for (version, message) in [
        ("1.35", "from 1.33 to 1.35"),
        ("1.33", "from 1.33 to 1.33"),
        ("1.31", "from 1.33 to 1.31"),
    ] {
        let (code, status, words) = refusal(Eks::prod("").start(version));
        assert_eq!((code.as_str(), status), ("InvalidParameterException", 400));
        assert_eq!(
            words,
            format!("Unsupported Kubernetes minor version update {message}")
        );
    }
}

#[test]
fn versions_that_are_not_on_offer_are_refused() {
    for version in ["1.99", "1.34.1", "latest", ""] {
        let mut eks = Eks::prod("");
        let (code, status, message) = refusal(eks.start(version));
        assert_eq!((code.as_str(), status), ("InvalidParameterException", 400));
        assert_eq!(message, "unsupported Kubernetes version");
        assert!(eks.listed().is_empty());
    }
}

#[test]
fn a_version_after_the_end_of_its_extended_support_is_not_on_offer() {
    let mut eks = Eks::with("clusters: [{name: prod, version: \"1.30\"}]");
    eks.pass("55d");
    assert_eq!(eks.now, "2026-11-25T00:00:00Z".parse().unwrap());
    assert!(eks.clone().start("1.31").is_ok());
    eks.pass("1d");
    let (_, _, message) = refusal(eks.start("1.31"));
    assert_eq!(message, "unsupported Kubernetes version");
}

#[test]
fn a_running_update_refuses_the_next_with_its_id() {
    let mut eks = Eks::prod("");
    let running = eks.start("1.34").unwrap();
    for version in ["1.34", "1.35"] {
        let (code, status, message) = refusal(eks.start(version));
        assert_eq!((code.as_str(), status), ("ResourceInUseException", 409));
        assert_eq!(
            message,
            format!(
                "Cannot VersionUpdate because cluster prod currently has update {} in progress",
                running.id
            )
        );
    }
    eks.pass("10m");
    assert!(eks.start("1.35").is_ok());
}

#[test]
fn a_failed_update_leaves_the_cluster_as_if_it_had_never_been() {
    let mut eks = Eks::prod(
        "outcomes: [{times: 1, duration: 3m, fail: {errorCode: IpNotAvailable, \
         errorMessage: no addresses, resourceIds: [subnet-1]}}]",
    );
    let before = eks.cluster().unwrap();
    let failing = eks.start("1.34").unwrap();
    eks.pass("3m");
    let failed = eks.update(&failing.id).unwrap();
    assert_eq!(failed.status, UpdateStatus::Failed);
    let [error] = &failed.errors[..] else {
        panic!("one error: {failed:?}");
    };
    assert_eq!(error.error_code, "IpNotAvailable");
    assert_eq!(error.error_message, "no addresses");
    assert_eq!(error.resource_ids, ["subnet-1"]);
    assert_eq!(eks.cluster().unwrap(), before);

    let again = eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.status(&again.id), UpdateStatus::Successful);
}

#[test]
fn an_outcome_can_be_for_one_version_only() {
    let mut eks = Eks::prod("outcomes: [{version: \"1.35\", cancelled: true}]");
    let first = eks.start("1.34").unwrap();
    eks.pass("10m");
    assert_eq!(eks.status(&first.id), UpdateStatus::Successful);
    let second = eks.start("1.35").unwrap();
    eks.pass("10m");
    let cancelled = eks.update(&second.id).unwrap();
    assert_eq!(cancelled.status, UpdateStatus::Cancelled);
    assert!(cancelled.cancellation.is_some());
    assert_eq!(eks.shown(), ("1.34".into(), "ACTIVE".into()));
}

#[test]
fn insights_block_an_upgrade_only_where_they_are_enforced_and_not_overridden() {
    let insights = "clusters: [{name: prod, version: \"1.33\", insights: {upgrade: ERROR}}]";
    assert!(Eks::with(insights).start("1.34").is_ok());

    let enforced = format!("insightsEnforced: true\n{insights}");
    let (code, status, _) = refusal(Eks::with(&enforced).start("1.34"));
    assert_eq!((code.as_str(), status), ("InvalidStateException", 400));
    assert!(Eks::with(&enforced).send(&forced("1.34")).is_ok());

    let warning = enforced.replace("ERROR", "WARNING");
    assert!(Eks::with(&warning).start("1.34").is_ok());
}

#[test]
fn force_overrides_nothing_but_insights() {
    let mut eks = Eks::prod("");
    assert_eq!(code(eks.send(&forced("1.35"))), "InvalidParameterException");
    eks.start("1.34").unwrap();
    assert_eq!(code(eks.send(&forced("1.34"))), "ResourceInUseException");
}

#[test]
fn clusters_that_are_not_active_take_no_update() {
    for status in ["CREATING", "FAILED", "DELETING", "PENDING"] {
        let mut eks = Eks::prod(&format!("status: {status}"));
        assert_eq!(code(eks.start("1.34")), "InvalidRequestException");
        assert_eq!(eks.shown().1, status);
    }
}

#[test]
fn an_unknown_cluster_is_not_found_in_any_operation() {
    let mut eks = Eks::with("{}");
    let error = eks.cluster().unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundException");
    assert_eq!(error.status, 404);
    assert_eq!(error.message, "No cluster found for name: prod.");
    assert_eq!(error.cluster_name.as_deref(), Some("prod"));
    assert_eq!(code(eks.start("1.34")), "ResourceNotFoundException");
    assert_eq!(code(eks.update("x")), "ResourceNotFoundException");
    assert_eq!(code(eks.cancel("x", None)), "ResourceNotFoundException");
}

#[test]
fn clusters_of_one_name_live_apart_by_account_and_region() {
    let mut eks = Eks::with(
        "clusters: [{name: prod, version: \"1.33\"}, \
         {name: prod, version: \"1.32\", region: eu-west-1}, \
         {name: prod, version: \"1.34\", accountId: \"444455556666\"}]",
    );
    assert_eq!(eks.shown().0, "1.33");
    eks.start("1.34").unwrap();
    eks.caller.region = "eu-west-1".into();
    assert_eq!(eks.shown(), ("1.32".into(), "ACTIVE".into()));
    let arn = eks.cluster().unwrap().arn;
    assert_eq!(arn, "arn:aws:eks:eu-west-1:111122223333:cluster/prod");
    eks.caller.account = "444455556666".into();
    assert_eq!(code(eks.cluster()), "ResourceNotFoundException");
    eks.caller.region = "us-west-2".into();
    assert_eq!(eks.shown().0, "1.34");
}
