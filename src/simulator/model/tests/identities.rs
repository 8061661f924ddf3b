//! Access keys, roles and sessions.

use super::*;
use crate::simulator::api::{AssumeRole, AssumedRole};

const ROLE: &str = "arn:aws:iam::444455556666:role/upgrader";

fn assume(role_arn: &str) -> AssumeRole {
    AssumeRole {
        role_arn: role_arn.into(),
        role_session_name: "operator".into(),
        external_id: None,
        duration_seconds: None,
    }
}

impl Eks {
    fn signed(&mut self, key: &str, request: &Request) -> Result<Response, ApiError> {
        let reply = self.model.signed_call(key, "us-west-2", request, self.now);
        match reply {
            Reply::Answer { result, .. } => result,
            other => panic!("expected an answer, got {other:?}"),
        }
    }

    fn who(&mut self, key: &str) -> Result<(String, String), ApiError> {
        let identity = self.signed(key, &Request::GetCallerIdentity {})?;
        let Response::CallerIdentity { account, arn, .. } = identity else {
            panic!("not an identity: {identity:?}");
        };
        Ok((account, arn))
    }

    fn assume(&mut self, request: AssumeRole) -> Result<AssumedRole, ApiError> {
        let response = self.signed("AKIATEST", &Request::AssumeRole(request))?;
        let Response::AssumedRole(assumed) = response else {
            panic!("not an assumed role: {response:?}");
        };
        Ok(assumed)
    }
}

#[test]
fn keys_belong_to_accounts() {
    let mut eks = Eks::with("sts: {accessKeys: [{id: AKIAOTHER, accountId: \"444455556666\"}]}");
    assert_eq!(eks.who("AKIATEST").unwrap().0, "111122223333");
    assert_eq!(eks.who("AKIAOTHER").unwrap().0, "444455556666");
}

#[test]
fn an_assumed_role_sees_the_clusters_of_its_account() {
    let mut eks =
        Eks::with("clusters: [{name: prod, version: \"1.33\", accountId: \"444455556666\"}]");
    let describe = Request::DescribeCluster {
        name: "prod".into(),
    };
    let error = eks.signed("AKIATEST", &describe).unwrap_err();
    assert_eq!(error.code, "ResourceNotFoundException");

    let key = eks.assume(assume(ROLE)).unwrap().access_key_id;
    assert!(eks.signed(&key, &describe).is_ok());
    let (account, arn) = eks.who(&key).unwrap();
    assert_eq!(account, "444455556666");
    assert_eq!(
        arn,
        "arn:aws:sts::444455556666:assumed-role/upgrader/operator"
    );
}

#[test]
fn roles_are_refused_when_denied_or_without_their_external_id() {
    let mut eks = Eks::with(&format!(
        "sts: {{deniedRoles: ['{ROLE}-denied'], roles: [{{arn: '{ROLE}-guarded', externalId: x1}}]}}"
    ));
    assert!(eks.assume(assume(ROLE)).is_ok());
    let denied = eks.assume(assume(&format!("{ROLE}-denied"))).unwrap_err();
    assert_eq!((denied.code.as_str(), denied.status), ("AccessDenied", 403));
    let guarded = assume(&format!("{ROLE}-guarded"));
    assert_eq!(code(eks.assume(guarded.clone())), "AccessDenied");
    let with_id = AssumeRole {
        external_id: Some("x1".into()),
        ..guarded
    };
    assert!(eks.assume(with_id).is_ok());
}

#[test]
fn malformed_requests_for_a_role_are_refused() {
    let mut eks = Eks::with("{}");
    let too_long = AssumeRole {
        duration_seconds: Some(50_000),
        ..assume(ROLE)
    };
    let unnamed = AssumeRole {
        role_session_name: "a b".into(),
        ..assume(ROLE)
    };
    for request in [assume("upgrader"), too_long, unnamed] {
        assert_eq!(code(eks.assume(request)), "ValidationError");
    }
}

#[test]
fn sessions_and_expired_keys_end_in_an_expired_token() {
    let mut eks = Eks::with("sts: {sessionDuration: 5m}");
    let describe = Request::DescribeCluster {
        name: "prod".into(),
    };
    let assumed = eks.assume(assume(ROLE)).unwrap();
    assert_eq!(assumed.expiration, Period::minutes(5).after(eks.now));
    eks.pass("5m");
    for key in [assumed.access_key_id.as_str(), "EXPIREDKEY"] {
        let error = eks.signed(key, &describe).unwrap_err();
        assert_eq!(error.code, "ExpiredTokenException");
        assert_eq!(error.status, 403);
        assert_eq!(code(eks.who(key)), "ExpiredToken");
    }
    let refused = eks.model.calls().last().unwrap();
    assert_eq!(refused.account, None);
}

#[test]
fn strangers_are_refused_where_the_scenario_says_so() {
    let mut eks = Eks::with(
        "sts: {unknownKeys: refuse, accessKeys: [{id: AKIATEST, accountId: \"111122223333\"}]}",
    );
    assert!(eks.who("AKIATEST").is_ok());
    assert_eq!(code(eks.who("AKIASTRANGER")), "InvalidClientTokenId");
    let list = Request::ListClusters {
        page: Page::default(),
    };
    let error = eks.signed("AKIASTRANGER", &list).unwrap_err();
    assert_eq!(error.code, "UnrecognizedClientException");
    assert_eq!(error.status, 403);
}
