//! Lost answers, silence, and a clock that is off.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, ErrorKind, Fence, Target};
use tokio::net::TcpListener;

use crate::server::{Asked, Reply, Server, answer, error};
use crate::{OPERATIONS, errors_of_all, request, settings, soon, target};

async fn impatient(url: &str) -> AwsEks {
    let config = settings(url).timeout_config(soon()).load().await;
    AwsEks::new(config, Arc::new(())).await
}

#[tokio::test]
async fn a_lost_answer_may_hide_a_success_and_is_not_asked_for_again() {
    for (reply, code) in [
        (Reply::Close, "DispatchFailure"),
        (Reply::BreakOff, "BrokenAnswer"),
        (Reply::Hang, "Timeout"),
    ] {
        let server = Server::always(reply).await;
        for error in errors_of_all(&impatient(&server.url).await).await {
            assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
            assert_eq!(error.code, code, "{error}");
            assert!(!error.kind.is_definite_refusal());
        }
        assert_eq!(server.asked().len(), OPERATIONS.len(), "{code}");
    }
}

#[tokio::test]
async fn a_connection_that_dies_while_idle_costs_one_request_at_most() {
    // Every answer closes its connection behind the client's back; the next call must not be sent twice.
    let server = Server::always(Reply::Raw(
        "HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{\"updateIds\":[] }".to_owned(),
    ))
    .await;
    let eks = impatient(&server.url).await;
    let mut sent = 0;
    for _ in 0..20 {
        let answered = eks.list_updates(&target()).await;
        sent += 1;
        let arrived = server.asked().len();
        assert!(arrived <= sent, "{arrived} requests for {sent} calls");
        if let Err(error) = answered {
            assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_reached_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let plain = Server::always(answer(200, "{}")).await;
    for url in [
        format!("http://{address}"),
        "http://eks.invalid".to_owned(),
        plain.url.replace("http://", "https://"),
    ] {
        for error in errors_of_all(&impatient(&url).await).await {
            assert_eq!(error.kind, ErrorKind::Unavailable, "{url}: {error}");
            assert!(
                ["DispatchFailure", "Timeout"].contains(&error.code.as_str()),
                "{url}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn settings_without_a_usable_endpoint_are_for_a_person() {
    for url in ["not a url", "localhost:8080"] {
        for error in errors_of_all(&impatient(url).await).await {
            assert_eq!(error.kind, ErrorKind::CredentialsMissing, "{url}: {error}");
            assert_eq!(error.code, "BadConfiguration", "{url}");
            assert!(error.message.contains("AWS_ENDPOINT_URL_EKS"), "{error}");
        }
    }
    let config = settings("http://127.0.0.1:1").use_fips(true).load().await;
    let eks = AwsEks::new(config, Arc::new(())).await;
    for error in errors_of_all(&eks).await {
        assert_eq!(error.kind, ErrorKind::CredentialsMissing, "{error}");
        assert!(error.message.contains("AWS_USE_FIPS_ENDPOINT"), "{error}");
    }
    let misnamed = Target {
        region: "no such region".to_owned(),
        ..target()
    };
    let error = impatient("http://127.0.0.1:1").await;
    let error = error
        .describe_cluster(&misnamed)
        .await
        .expect_err("no host");
    assert_eq!(error.kind, ErrorKind::CredentialsMissing, "{error}");
}

fn signed_at(asked: &Asked) -> jiff::civil::DateTime {
    jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", asked.header("x-amz-date"))
        .expect("a signing time")
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_by_how_much_and_learned() {
    const HOUR: Duration = Duration::from_hours(1);
    for (code, ahead) in [
        ("InvalidSignatureException", true),
        ("SignatureDoesNotMatch", false),
        ("RequestExpired", true),
        ("RequestTimeTooSkewed", false),
    ] {
        let now = SystemTime::now();
        let (theirs, expected) = if ahead {
            (now + HOUR, 3600)
        } else {
            (now - HOUR, -3600)
        };
        let server = Server::always(error(403, code, "Signature expired").at(theirs)).await;
        let eks = impatient(&server.url).await;
        let error = eks
            .update_cluster_version(&target(), &request(), &Fence::none())
            .await
            .expect_err("skewed");
        assert_eq!(error.kind, ErrorKind::ClockSkew, "{error}");
        let behind = error.clock_behind.expect("the difference");
        assert!((behind - expected).abs() < 60, "{code}: {behind} s");
        assert_eq!(server.asked().len(), 1, "no repetition of the SDK's own");

        // Our loop repeats on the same client, which signs with AWS's time now.
        let again = eks
            .update_cluster_version(&target(), &request(), &Fence::none())
            .await;
        again.expect_err("the script says the same again");
        let asked = server.asked();
        let moved = signed_at(&asked[1]) - signed_at(&asked[0]);
        let seconds = moved.get_hours() * 3600;
        let seconds = i64::from(seconds) + moved.get_minutes() * 60 + moved.get_seconds();
        assert!(
            (seconds - expected).abs() < 60,
            "{code}: signed {seconds} s later"
        );
    }
}

#[tokio::test]
async fn a_wrong_signature_under_a_right_clock_is_the_credentials() {
    let server = Server::always(error(403, "InvalidSignatureException", "does not match")).await;
    for error in errors_of_all(&impatient(&server.url).await).await {
        assert_eq!(error.kind, ErrorKind::CredentialsRefused, "{error}");
        assert_eq!(error.clock_behind, None);
    }
}

#[tokio::test]
async fn only_skew_speaks_of_the_clock() {
    let off = SystemTime::now() + Duration::from_hours(1);
    let server = Server::always(error(403, "AccessDeniedException", "no").at(off)).await;
    for error in errors_of_all(&impatient(&server.url).await).await {
        assert_eq!(error.kind, ErrorKind::AccessDenied, "{error}");
        assert_eq!(error.clock_behind, None);
    }
}

#[tokio::test]
async fn a_send_whose_time_has_passed_does_not_leave_though_it_is_signed() {
    let server = Server::always(answer(200, "{}")).await;
    let eks = impatient(&server.url).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let times = Arc::clone(&asked);
    let closed = Fence::new(move || {
        times.fetch_add(1, Ordering::Relaxed);
        false
    });
    let error = eks
        .update_cluster_version(&target(), &request(), &closed)
        .await
        .expect_err("nothing was sent");
    assert_eq!(error.code, "TooLate");
    assert!(
        !error.kind.is_definite_refusal(),
        "the intent stays open: {error}"
    );
    assert_eq!(
        asked.load(Ordering::Relaxed),
        1,
        "asked once, by the last step"
    );
    assert!(server.asked().is_empty());
    // The same client sends what may leave.
    eks.update_cluster_version(&target(), &request(), &Fence::none())
        .await
        .expect_err("an answer without an update");
    assert_eq!(server.asked().len(), 1);
}
