//! Answers and credentials that nobody should ever send.

use aws_credential_types::Credentials;
use eks_upgrade_operator::eks::{Eks, ErrorKind, Fence};
use futures::FutureExt as _;
use serde_json::json;

use crate::server::{Answer, Reply, Server, answer, error};
use crate::{as_role, eks, errors_of_all, request, target, with_provider};

/// What a terminal would obey.
const ESCAPE: &str = "\u{1b}[2J\u{9b}31m";

fn updates(ids: &serde_json::Value) -> Answer {
    answer(200, json!({ "updateIds": ids }).to_string())
}

#[tokio::test]
async fn what_a_terminal_would_obey_gets_into_no_error() {
    let body = json!({"message": format!("no{ESCAPE}\rforged"), "__type": format!("Evil{ESCAPE}")});
    let hostile = answer(400, body.to_string()).header("x-amzn-requestid", "\u{9b}31mred");
    let server = Server::always(hostile).await;
    for error in errors_of_all(&eks(&server).await).await {
        assert_eq!(error.message, "no\u{fffd}[2J\u{fffd}31m forged");
        assert_eq!(error.code, "Evil\u{fffd}[2J\u{fffd}31m");
        let id = error.request_id.unwrap_or_default();
        assert!(!id.contains('\u{9b}'), "{id:?}");
    }
}

#[tokio::test]
async fn codes_and_request_ids_have_an_end() {
    let hostile =
        error(400, &"C".repeat(9_000), "no").header("x-amzn-requestid", &"r".repeat(9_000));
    let server = Server::always(hostile).await;
    for error in errors_of_all(&eks(&server).await).await {
        assert!(error.code.len() <= 128, "{}", error.code.len());
        assert!(error.request_id.is_none_or(|id| id.len() <= 128));
    }
}

#[tokio::test]
async fn a_message_of_nothing_says_the_status_instead() {
    let server = Server::always(answer(400, r#"{"message":" \n "}"#)).await;
    for error in errors_of_all(&eks(&server).await).await {
        assert!(error.message.contains("400"), "{error}");
    }
}

#[tokio::test]
async fn a_list_with_something_else_than_ids_is_no_list() {
    for id in [
        "",
        "..",
        "../../x",
        "a/b",
        "a\nb",
        "ü",
        "a b",
        &"x".repeat(129),
    ] {
        let server = Server::always(updates(&json!(["u-1", id]))).await;
        let error = eks(&server)
            .await
            .list_updates(&target())
            .await
            .expect_err(id);
        assert_eq!(error.kind, ErrorKind::Unavailable, "{id:?}: {error}");
    }
}

#[tokio::test]
async fn a_list_beyond_all_measure_is_no_list() {
    let ids: Vec<_> = (0..10_001).map(|n| format!("u-{n}")).collect();
    let server = Server::always(updates(&json!(ids))).await;
    let error = eks(&server)
        .await
        .list_updates(&target())
        .await
        .expect_err("no list");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    let server = Server::always(updates(&json!(ids[..10_000]))).await;
    let listed = eks(&server)
        .await
        .list_updates(&target())
        .await
        .expect("a list");
    assert_eq!(listed.len(), 10_000);
}

#[tokio::test]
async fn an_answer_about_another_update_is_none() {
    let other = r#"{"update":{"id":"u-2","status":"Successful","type":"VersionUpdate"}}"#;
    let server = Server::always(answer(200, other)).await;
    let error = eks(&server)
        .await
        .describe_update(&target(), "u-1")
        .await
        .expect_err("another");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn times_that_cannot_be_written_are_none() {
    for time in ["-1", "-1e300", "1e300", "253402300800"] {
        let body = format!(
            r#"{{"update":{{"id":"u-1","status":"Failed","type":"VersionUpdate","createdAt":{time}}}}}"#
        );
        let server = Server::always(answer(200, body)).await;
        let update = eks(&server).await.describe_update(&target(), "u-1").await;
        if let Ok(update) = update {
            assert_eq!(update.created_at, None, "{time}");
        }
    }
}

#[tokio::test]
async fn an_answer_without_end_is_given_up_long_before_its_time() {
    // Sound JSON, but for its size.
    let body = format!("{{\"updateIds\":[]}}{}", " ".repeat(5 << 20));
    let server = Server::always(answer(200, body)).await;
    let eks = eks(&server).await;
    let error = eks.list_updates(&target()).await.expect_err("too large");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    assert_eq!(error.code, "BrokenAnswer", "{error}");
}

/// The SDK would panic over them.
#[tokio::test]
async fn credentials_that_cannot_sign_are_none_and_no_panic() {
    for (key, token) in [
        ("AKID\n", None),
        ("AK ID", None),
        ("AKID", Some("a\r\nb")),
        ("ÄKID", None),
    ] {
        let server = Server::always(updates(&json!([]))).await;
        let token = token.map(str::to_owned);
        let provider = Credentials::new(key, "secret", token, None, "test");
        let eks = with_provider(&server, provider).await;
        let target = target();
        let answer = std::panic::AssertUnwindSafe(eks.list_updates(&target));
        let error = answer
            .catch_unwind()
            .await
            .expect("no panic")
            .expect_err(key);
        assert_eq!(
            error.kind,
            ErrorKind::CredentialsMissing,
            "{key:?}: {error}"
        );
        assert!(error.message.contains("line break"), "{error}");
        assert_eq!(server.asked().len(), 0);
    }
}

#[tokio::test]
async fn a_session_that_cannot_sign_is_none_and_no_panic() {
    let server = Server::start(|asked| -> Reply {
        if asked.is_sts() {
            answer(
                200,
                "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>AK&#10;ID</AccessKeyId>\
                 <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
                 <Expiration>2199-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>",
            )
            .into()
        } else {
            updates(&json!([])).into()
        }
    })
    .await;
    let (eks, target, request) = (eks(&server).await, as_role("a"), request());
    let fence = Fence::none();
    let answer =
        std::panic::AssertUnwindSafe(eks.update_cluster_version(&target, &request, &fence));
    let error = answer
        .catch_unwind()
        .await
        .expect("no panic")
        .expect_err("no session");
    assert_eq!(error.kind, ErrorKind::CredentialsMissing, "{error}");
}
