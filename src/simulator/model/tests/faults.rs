//! Calls that go wrong as the scenario says.

use super::*;
use crate::simulator::model::Delivery;

fn describe() -> Request {
    Request::DescribeCluster {
        name: "prod".into(),
    }
}

fn start() -> Request {
    Request::UpdateClusterVersion(with_token("1.34", "t1"))
}

/// The codes of so many DescribeCluster calls in a row, `ok` for successes.
fn codes(eks: &mut Eks, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| {
            eks.cluster()
                .map_or_else(|error| error.code, |_| "ok".into())
        })
        .collect()
}

fn last_outcome(eks: &Eks) -> (Delivery, Option<u16>, bool) {
    let call = eks.model.calls().last().unwrap();
    (call.outcome, call.http_status, call.accepted)
}

#[test]
fn each_kind_of_error_has_its_status_and_code() {
    for (fault, code, status) in [
        ("kind: throttling", "ThrottlingException", 429),
        (
            "kind: throttling, code: TooManyRequestsException",
            "TooManyRequestsException",
            429,
        ),
        ("kind: serverError", "ServerException", 500),
        (
            "kind: serviceUnavailable",
            "ServiceUnavailableException",
            503,
        ),
        ("kind: accessDenied", "AccessDeniedException", 403),
        (
            "kind: error, code: InvalidRequestException",
            "InvalidRequestException",
            400,
        ),
        ("kind: error, code: RequestExpired", "RequestExpired", 400),
        ("kind: error, code: Strange, status: 418", "Strange", 418),
    ] {
        let mut eks = Eks::prod(&format!("faults: [{{{fault}}}]"));
        let (got, got_status, _) = refusal(eks.start("1.34"));
        assert_eq!((got.as_str(), got_status), (code, status));
        eks.model.clear_faults();
        assert!(eks.listed().is_empty(), "{fault} did the work");
    }
}

#[test]
fn faults_are_counted() {
    let mut eks = Eks::prod("faults: [{kind: serverError, skip: 1, times: 2}]");
    assert_eq!(
        codes(&mut eks, 5),
        ["ok", "ServerException", "ServerException", "ok", "ok"]
    );
}

#[test]
fn faults_have_their_time() {
    let mut eks = Eks::prod("faults: [{kind: serverError, from: 10s, until: 20s}]");
    assert_eq!(codes(&mut eks, 1), ["ok"]);
    eks.pass("10s");
    assert_eq!(codes(&mut eks, 1), ["ServerException"]);
    eks.pass("10s");
    assert_eq!(codes(&mut eks, 1), ["ok"]);
}

#[test]
fn faults_strike_only_what_they_name() {
    let scenario = |fault: &str| {
        Eks::with(&format!(
            "{{clusters: [{{name: prod, version: \"1.33\"}}], faults: [{fault}]}}"
        ))
    };
    let mut eks = scenario("{kind: accessDenied, operations: [UpdateClusterVersion]}");
    assert!(eks.cluster().is_ok());
    assert_eq!(code(eks.start("1.34")), "AccessDeniedException");

    let mut eks = scenario("{kind: accessDenied, version: \"1.35\"}");
    eks.start("1.34").unwrap();
    eks.pass("10m");
    let error = eks.start("1.35").unwrap_err();
    assert_eq!(error.code, "AccessDeniedException");
    assert!(error.message.contains("eks:UpdateClusterVersion"));

    for elsewhere in [
        "clusters: [other]",
        "region: eu-west-1",
        "accountId: \"444455556666\"",
    ] {
        let mut eks = scenario(&format!("{{kind: serverError, {elsewhere}}}"));
        assert!(eks.cluster().is_ok(), "{elsewhere}");
    }
}

#[test]
fn a_clusters_own_fault_strikes_no_other_cluster_of_that_name() {
    let mut eks = Eks::with(
        "clusters: [{name: prod, version: \"1.33\", faults: [{kind: serverError}]}, \
         {name: prod, version: \"1.33\", region: eu-west-1}]",
    );
    assert_eq!(codes(&mut eks, 1), ["ServerException"]);
    eks.caller.region = "eu-west-1".into();
    assert_eq!(codes(&mut eks, 1), ["ok"]);
}

#[test]
fn a_probability_strikes_some_and_the_seed_says_which() {
    let run = |seed: u32| {
        let mut eks = Eks::with(&format!(
            "{{seed: {seed}, clusters: [{{name: prod, version: \"1.33\"}}], \
             faults: [{{kind: serverError, probability: 0.5}}]}}"
        ));
        codes(&mut eks, 40)
    };
    let first = run(1);
    assert!(first.contains(&"ok".to_owned()));
    assert!(first.contains(&"ServerException".to_owned()));
    assert_eq!(first, run(1));
    assert_ne!(first, run(2));
}

#[test]
fn an_answer_lost_before_the_work_did_nothing() {
    let mut eks = Eks::prod("faults: [{kind: lostBefore, times: 1}]");
    let reply = eks.reply(&start());
    assert!(matches!(reply, Reply::Nothing { after } if after.is_zero()));
    assert_eq!(last_outcome(&eks), (Delivery::LostBefore, None, false));
    assert!(eks.listed().is_empty());
}

#[test]
fn an_answer_lost_after_the_work_left_an_update_that_the_token_finds() {
    let mut eks = Eks::prod("faults: [{kind: lostAfter, times: 1}]");
    assert!(matches!(eks.reply(&start()), Reply::Nothing { .. }));
    assert_eq!(last_outcome(&eks), (Delivery::LostAfter, None, true));
    let [id] = &eks.listed()[..] else {
        panic!("one update");
    };
    assert_eq!(eks.send(&with_token("1.34", "t1")).unwrap().id, *id);
}

#[test]
fn a_hanging_call_may_do_its_work_never_at_once_or_late() {
    for (work, at_once, at_end) in [("never", 0, 0), ("atOnce", 1, 1), ("atEnd", 0, 1)] {
        let mut eks = Eks::prod(&format!(
            "faults: [{{kind: hang, lasts: 1m, work: {work}, times: 1}}]"
        ));
        let reply = eks.reply(&start());
        assert_eq!(
            reply,
            Reply::Nothing {
                after: Period::minutes(1)
            }
        );
        assert_eq!(last_outcome(&eks).0, Delivery::Hung);
        assert_eq!(eks.listed().len(), at_once, "{work}");
        eks.pass("1m");
        assert_eq!(eks.listed().len(), at_end, "{work}");
        let accepted = eks.model.calls().filter(|call| call.accepted).count();
        assert_eq!(accepted, at_end, "{work}");
    }
}

#[test]
fn a_request_that_was_held_up_arrives_into_what_is_then() {
    let mut eks = Eks::prod("faults: [{kind: hang, lasts: 1m, work: atEnd, times: 1}]");
    eks.reply(&Request::UpdateClusterVersion(with_token("1.34", "old")));
    eks.pass("30s");
    let ours = eks.send(&with_token("1.34", "new")).unwrap();
    eks.pass("1m");
    assert_eq!(eks.listed(), [ours.id]);
    let held_up = eks.model.calls().next().unwrap();
    assert_eq!(
        held_up.error_code.as_deref(),
        Some("ResourceInUseException")
    );
    assert_eq!(held_up.outcome, Delivery::Hung);
}

#[test]
fn a_delayed_answer_is_work_done_at_once() {
    let mut eks = Eks::prod("faults: [{kind: delay, lasts: 5s, times: 1}]");
    let Reply::Answer { after, result } = eks.reply(&start()) else {
        panic!("no answer");
    };
    assert_eq!(after, Period::seconds(5));
    assert_eq!(eks.listed(), [update(result.unwrap()).id]);
}

#[test]
fn a_malformed_answer_is_work_done_but_errors_stay_whole() {
    let mut eks = Eks::prod("faults: [{kind: malformed}]");
    assert_eq!(eks.reply(&start()), Reply::Garbled);
    assert_eq!(last_outcome(&eks), (Delivery::Malformed, Some(200), true));
    let refused = eks.reply(&Request::UpdateClusterVersion(to("1.99")));
    assert!(matches!(refused, Reply::Answer { result: Err(_), .. }));
    assert_eq!(last_outcome(&eks), (Delivery::Answered, Some(400), false));
}

#[test]
fn each_account_has_its_own_rate() {
    let mut eks = Eks::with(
        "{requestsPerSecond: 2, burst: 3, clusters: [{name: prod, version: \"1.33\"}, \
         {name: prod, version: \"1.33\", accountId: \"444455556666\"}]}",
    );
    let throttled = "ThrottlingException";
    assert_eq!(codes(&mut eks, 5), ["ok", "ok", "ok", throttled, throttled]);
    eks.caller.account = "444455556666".into();
    assert_eq!(codes(&mut eks, 1), ["ok"]);
    eks.caller.account = "111122223333".into();
    eks.pass("1s");
    assert_eq!(codes(&mut eks, 3), ["ok", "ok", throttled]);
}

#[test]
fn calls_are_noted_with_what_became_of_them() {
    let mut eks = Eks::prod("faults: [{kind: serverError, times: 1}]");
    assert!(eks.call(&describe()).is_err());
    let started = eks.send(&with_token("1.34", "t1")).unwrap();
    let calls: Vec<_> = eks.model.calls().cloned().collect();
    assert_eq!(calls[0].error_code.as_deref(), Some("ServerException"));
    assert_eq!(calls[0].http_status, Some(500));
    assert_eq!(calls[1].seq, 2);
    assert_eq!(calls[1].cluster.as_deref(), Some("prod"));
    assert_eq!(calls[1].update_id, Some(started.id));
    assert!(calls[1].accepted);
    let body = serde_json::to_value(&calls[1].request).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"name": "prod", "version": "1.34", "clientRequestToken": "t1", "force": false})
    );
}
