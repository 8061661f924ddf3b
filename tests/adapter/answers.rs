//! The table of answers: which code and which status mean what.

use eks_upgrade_operator::eks::ErrorKind::{
    AccessDenied, ClockSkew, CredentialsRefused, InUse, InvalidParameter, InvalidState, NotFound,
    Rejected, Throttled, Unavailable,
};
use eks_upgrade_operator::eks::{Eks, ErrorKind, Fence};

use crate::server::{Reply, Server, answer, error};
use crate::{OPERATIONS, eks, errors_of_all, request, target};

/// Status and code as AWS sends them, and what they mean.
const TABLE: &[(u16, &str, ErrorKind)] = &[
    (429, "ThrottlingException", Throttled),
    (400, "ThrottlingException", Throttled),
    (400, "Throttling", Throttled),
    (429, "TooManyRequestsException", Throttled),
    (503, "RequestLimitExceeded", Throttled),
    (500, "ServerException", Unavailable),
    (503, "ServiceUnavailableException", Unavailable),
    (503, "ServiceUnavailable", Unavailable),
    (500, "InternalFailure", Unavailable),
    (408, "RequestTimeout", Unavailable),
    (400, "RequestTimeoutException", Unavailable),
    (409, "ResourceInUseException", InUse),
    (400, "InvalidStateException", InvalidState),
    (400, "InvalidParameterException", InvalidParameter),
    (400, "InvalidRequestException", Rejected),
    (400, "ClientException", Rejected),
    (400, "ValidationException", Rejected),
    (400, "ValidationError", Rejected),
    (404, "ResourceNotFoundException", NotFound),
    (403, "AccessDeniedException", AccessDenied),
    (403, "AccessDenied", AccessDenied),
    (400, "NotAuthorized", AccessDenied),
    (403, "OptInRequired", AccessDenied),
    (403, "ExpiredTokenException", CredentialsRefused),
    (400, "ExpiredToken", CredentialsRefused),
    (403, "UnrecognizedClientException", CredentialsRefused),
    (403, "InvalidClientTokenId", CredentialsRefused),
    (400, "RequestExpired", ClockSkew),
    (403, "RequestTimeTooSkewed", ClockSkew),
    // Codes this build does not know go by their status.
    (400, "UnheardOfException", Rejected),
    (402, "UnheardOfException", Rejected),
    (403, "UnheardOfException", AccessDenied),
    (404, "UnknownOperationException", Rejected),
    (409, "UnheardOfException", InUse),
    (418, "UnheardOfException", Rejected),
    (429, "UnheardOfException", Throttled),
    (500, "UnheardOfException", Unavailable),
    (504, "UnheardOfException", Unavailable),
];

#[tokio::test]
async fn every_code_means_the_same_for_every_operation_and_is_asked_for_once() {
    for &(status, code, kind) in TABLE {
        let server = Server::always(error(status, code, "AWS's own words")).await;
        let errors = errors_of_all(&eks(&server).await).await;
        for (error, operation) in errors.iter().zip(OPERATIONS) {
            let case = format!("{status} {code} to {operation}");
            assert_eq!(error.kind, kind, "{case}");
            assert_eq!(error.code, code, "{case}");
            assert_eq!(error.operation, operation, "{case}");
            assert_eq!(error.message, "AWS's own words", "{case}");
            assert_eq!(error.request_id.as_deref(), Some("req-1"), "{case}");
        }
        assert_eq!(
            server.asked().len(),
            OPERATIONS.len(),
            "one request per call, {status} {code}"
        );
    }
}

#[tokio::test]
async fn a_code_counts_wherever_aws_writes_it() {
    let with_url = answer(403, r#"{"message":"no"}"#).header(
        "x-amzn-errortype",
        "ExpiredTokenException:http://internal.amazon.com/coral/com.amazon.coral.service/",
    );
    let in_type = answer(
        400,
        r#"{"__type":"com.amazonaws.eks#ResourceInUseException","message":"busy"}"#,
    );
    let in_code = answer(400, r#"{"code":"InvalidStateException","message":"no"}"#);
    let no_body = answer(400, "").header("x-amzn-errortype", "ThrottlingException");
    let not_json = answer(503, "<html>later</html>")
        .header("x-amzn-errortype", "com.amazonaws.eks#ClientException:");
    for (reply, kind, code) in [
        (with_url, CredentialsRefused, "ExpiredTokenException"),
        (in_type, InUse, "ResourceInUseException"),
        (in_code, InvalidState, "InvalidStateException"),
        (no_body, Throttled, "ThrottlingException"),
        (not_json, Rejected, "ClientException"),
    ] {
        let server = Server::always(reply).await;
        for error in errors_of_all(&eks(&server).await).await {
            assert_eq!((error.kind, error.code.as_str()), (kind, code), "{error}");
        }
    }
}

#[tokio::test]
async fn a_bare_status_is_enough() {
    for (status, kind) in [
        (301, Unavailable),
        (400, Rejected),
        (401, AccessDenied),
        (403, AccessDenied),
        // A wrong endpoint answers so for every path: that is no missing cluster.
        (404, Rejected),
        (408, Unavailable),
        (409, InUse),
        (413, Rejected),
        (429, Throttled),
        (500, Unavailable),
        (502, Unavailable),
        (503, Unavailable),
    ] {
        for body in ["", "<html><body>from a proxy</body></html>", "{}"] {
            let server = Server::always(answer(status, body)).await;
            for error in errors_of_all(&eks(&server).await).await {
                assert_eq!(error.kind, kind, "{status} {body:?}");
                assert_eq!(error.code, format!("HTTP{status}"), "{body:?}");
                assert!(error.message.contains(&status.to_string()), "{error}");
            }
            assert_eq!(server.asked().len(), OPERATIONS.len(), "{status} {body:?}");
        }
    }
}

#[tokio::test]
async fn success_that_cannot_be_read_is_no_refusal() {
    for body in [
        "",
        "{}",
        "null",
        "<html>a login page</html>",
        r#"{"update":"#,
        r#"{"update":{"status":"InProgress","type":"VersionUpdate"}}"#,
        r#"{"update":{"id":"","status":"InProgress","type":"VersionUpdate"}}"#,
        r#"{"update":{"id":"u-1","type":"VersionUpdate"}}"#,
    ] {
        let server = Server::always(answer(200, body)).await;
        let error = eks(&server)
            .await
            .update_cluster_version(&target(), &request(), &Fence::none())
            .await
            .expect_err(body);
        assert_eq!(error.kind, Unavailable, "{body:?}: {error}");
        assert!(!error.kind.is_definite_refusal());
        assert_eq!(server.asked().len(), 1, "{body:?}");
    }
}

#[tokio::test]
async fn messages_are_one_short_line_without_secrets() {
    let endless = "no ".repeat(4000);
    let server = Server::always(error(400, "ClientException", &endless)).await;
    let error_of = |server: Server| async move {
        eks(&server)
            .await
            .describe_cluster(&target())
            .await
            .expect_err("an error")
    };
    assert!(error_of(server).await.message.len() <= 510);

    let quoted = "The request signature we calculated does not match the signature you provided.\n\n\
                  The Canonical String for this request should have been\n'GET\n/clusters/devel\n\n\
                  x-amz-security-token:IQoJb3JpZ2luX2VjEDoaCWV1'";
    let server = Server::always(error(403, "InvalidSignatureException", quoted)).await;
    let error = error_of(server).await;
    assert_eq!(error.kind, CredentialsRefused, "our clock is right");
    assert_eq!(
        error.message,
        "The request signature we calculated does not match the signature you provided."
    );
}

#[tokio::test]
async fn an_answer_of_another_protocol_is_unavailable() {
    let server = Server::always(Reply::Raw("SSH-2.0-OpenSSH_9.6\r\n".to_owned())).await;
    for error in errors_of_all(&eks(&server).await).await {
        assert_eq!(error.kind, Unavailable, "{error}");
    }
}
