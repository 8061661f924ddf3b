//! Client request tokens.

use super::*;

fn accepted(eks: &Eks) -> usize {
    eks.model.calls().filter(|call| call.accepted).count()
}

#[test]
fn a_repeated_token_gets_the_same_update_and_starts_nothing() {
    let mut eks = Eks::prod("");
    let request = with_token("1.34", "t1");
    let first = eks.send(&request).unwrap();
    eks.pass("1m");
    assert_eq!(eks.send(&request).unwrap(), first);
    assert_eq!(accepted(&eks), 1);
    assert_eq!(eks.listed().len(), 1);
}

#[test]
fn a_repeated_token_gets_the_update_as_it_is_now_also_when_it_has_failed() {
    let mut eks = Eks::prod("outcomes: [{duration: 2m, fail: {errorCode: Unknown}}]");
    let request = with_token("1.34", "t1");
    let first = eks.send(&request).unwrap();
    eks.pass("14m 59s");
    let again = eks.send(&request).unwrap();
    assert_eq!(again.id, first.id);
    assert_eq!(again.status, UpdateStatus::Failed);
    assert_eq!(accepted(&eks), 1);
}

#[test]
fn a_token_is_forgotten_after_its_lifetime() {
    let mut eks = Eks::prod("outcomes: [{duration: 2m, fail: {errorCode: Unknown}}]");
    let request = with_token("1.34", "t1");
    let first = eks.send(&request).unwrap();
    eks.pass("15m");
    let second = eks.send(&request).unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(accepted(&eks), 2);
}

#[test]
fn a_token_with_other_parameters_is_refused() {
    let mut eks = Eks::prod("");
    eks.send(&with_token("1.34", "t1")).unwrap();
    let other_force = UpdateClusterVersion {
        force: true,
        ..with_token("1.34", "t1")
    };
    for other in [with_token("1.35", "t1"), other_force] {
        let (code, status, _) = refusal(eks.send(&other));
        assert_eq!((code.as_str(), status), ("InvalidParameterException", 400));
    }
    assert_eq!(accepted(&eks), 1);
}

#[test]
fn a_refused_call_leaves_its_token_unused() {
    let mut eks = Eks::prod("events: [{internalWork: 1m}]");
    let request = with_token("1.34", "t1");
    assert_eq!(code(eks.send(&request)), "ResourceInUseException");
    eks.pass("1m");
    assert!(eks.send(&request).is_ok());
    assert_eq!(accepted(&eks), 1);
}

#[test]
fn calls_without_a_token_are_each_their_own() {
    let mut eks = Eks::prod("outcomes: [{duration: 1m, fail: {errorCode: Unknown}}]");
    let first = eks.start("1.34").unwrap();
    eks.pass("1m");
    assert_ne!(eks.start("1.34").unwrap().id, first.id);
}
