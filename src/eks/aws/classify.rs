//! What an error of the SDK means: by its variant, then by AWS's code, then by the HTTP status. Never by a message.
//!
//! The order is not the SDK's, whose variants say where reading an answer ended and not what it was:
//! a page of HTML with status 200 is a "service error" to it, and missing credentials are a "dispatch failure".

use std::error::Error;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_eks::config::http::HttpResponse;
use aws_sdk_eks::error::{ConnectorError, ProvideErrorMetadata, SdkError};
use aws_sdk_eks::operation::RequestId;
use aws_sdk_eks::primitives::{DateTime, DateTimeFormat};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::words;
use crate::eks::{EksError, ErrorKind, TooLate};

/// Beyond this AWS refuses signatures (after five minutes); the SDK draws its line at the same four minutes
/// (`SKEW_DETECTION_THRESHOLD` in aws-runtime's `service_clock_skew.rs`).
const SKEW_THRESHOLD_SECONDS: u64 = 4 * 60;

/// Whose credentials have to be built again before the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspect {
    /// Nobody's.
    Nobody,
    /// Whoever signed the call to EKS: the assumed role, or the operator itself.
    Signer,
    /// The operator itself.
    Operator,
}

/// An error, and whose credentials are behind it.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: EksError,
    pub(super) suspect: Suspect,
}

/// Tells apart what went wrong in a call to EKS. `operation` is the IAM action.
pub(super) fn failure<E>(operation: &'static str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if let Some(cause) = credentials_error(error) {
        return credentials(operation, cause);
    }
    let error = without_credentials_trouble(operation, error);
    let suspect = if error.kind == ErrorKind::CredentialsRefused {
        Suspect::Signer
    } else {
        Suspect::Nobody
    };
    Failure { error, suspect }
}

/// The credentials error that kept a call from being sent, if that is what happened.
fn credentials_error<E>(error: &SdkError<E, HttpResponse>) -> Option<&CredentialsError>
where
    E: Error + 'static,
{
    match error {
        SdkError::DispatchFailure(failure) => failure
            .as_connector_error()
            .and_then(|error| words::find::<CredentialsError>(error)),
        _ => None,
    }
}

/// There was nothing to sign with, so nothing was sent. `call` is what should have been signed in the end.
fn credentials(call: &'static str, cause: &CredentialsError) -> Failure {
    // Assuming a role is a call to AWS with an answer of its own.
    if let Some(error) = words::find::<SdkError<AssumeRoleError, HttpResponse>>(cause) {
        return role_refused(call, "sts:AssumeRole", error);
    }
    if let Some(error) =
        words::find::<SdkError<AssumeRoleWithWebIdentityError, HttpResponse>>(cause)
    {
        return role_refused(call, "sts:AssumeRoleWithWebIdentity", error);
    }
    let (kind, code, message) = match cause {
        // Without its cause, which is a list of sources over many lines.
        CredentialsError::CredentialsNotLoaded(_) => (
            ErrorKind::CredentialsMissing,
            "CredentialsNotLoaded",
            "no AWS credentials found: give the operator's service account a role (IRSA or EKS Pod Identity), \
             or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .to_owned(),
        ),
        CredentialsError::InvalidConfiguration(_) => (
            ErrorKind::CredentialsMissing,
            "InvalidConfiguration",
            words::with_cause("the AWS settings for credentials are wrong", cause),
        ),
        CredentialsError::ProviderTimedOut(_) => (
            ErrorKind::Unavailable,
            "CredentialsTimeout",
            words::with_cause("the operator's AWS credentials did not come in time", cause),
        ),
        // Container credentials call it "unhandled" when they cannot be reached.
        _ if words::find::<ConnectorError>(cause).is_some() => (
            ErrorKind::Unavailable,
            "CredentialsUnreachable",
            words::with_cause("a source of AWS credentials cannot be reached", cause),
        ),
        // The SDK keeps this one for answers that cannot be read.
        CredentialsError::Unhandled(_) => (
            ErrorKind::Unavailable,
            "CredentialsUnreadable",
            words::with_cause("a source of AWS credentials cannot be read", cause),
        ),
        _ => (
            ErrorKind::CredentialsMissing,
            "CredentialsFailed",
            words::with_cause("a source of AWS credentials failed", cause),
        ),
    };
    Failure {
        error: EksError {
            kind,
            operation: call,
            code: code.to_owned(),
            message,
            request_id: None,
            clock_behind: None,
        },
        // Also because a profile that could not be read is reported once only: later calls of the same provider say
        // that the error is "already taken".
        suspect: Suspect::Operator,
    }
}

/// STS did not hand out a role. What EKS would have meant by the same code is read for what it says of the role.
fn role_refused<E>(
    call: &'static str,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> Failure
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if let Some(cause) = credentials_error(error) {
        return credentials(call, cause);
    }
    let mut error = without_credentials_trouble(operation, error);
    let suspect = match error.kind {
        ErrorKind::CredentialsRefused => Suspect::Operator,
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::ClockSkew => Suspect::Nobody,
        // A trust policy, a region switched off, a role that does not exist: for a person, and nothing to build again.
        ErrorKind::InUse
        | ErrorKind::InvalidState
        | ErrorKind::InvalidParameter
        | ErrorKind::Rejected
        | ErrorKind::NotFound
        | ErrorKind::AccessDenied
        | ErrorKind::CredentialsMissing => {
            error.kind = ErrorKind::CredentialsMissing;
            Suspect::Nobody
        }
    };
    Failure { error, suspect }
}

fn without_credentials_trouble<E>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> EksError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let (kind, code, lead) = match error {
        SdkError::ServiceError(answer) => {
            return answered(operation, answer.err(), answer.raw());
        }
        SdkError::ConstructionFailure(_) => (
            ErrorKind::CredentialsMissing,
            "BadConfiguration",
            "no request can be made of the region and the AWS settings",
        ),
        SdkError::DispatchFailure(_) if has_no_endpoint(error) => (
            ErrorKind::CredentialsMissing,
            "BadConfiguration",
            "no usable endpoint: look at the region, AWS_REGION, AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_EKS, AWS_ENDPOINT_URL_STS \
             and AWS_USE_FIPS_ENDPOINT",
        ),
        SdkError::DispatchFailure(_) if words::find::<TooLate>(error).is_some() => {
            (ErrorKind::Unavailable, "TooLate", "not sent")
        }
        SdkError::TimeoutError(_) => (ErrorKind::Unavailable, "Timeout", "AWS did not answer"),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            (ErrorKind::Unavailable, "Timeout", "AWS did not answer")
        }
        SdkError::DispatchFailure(_) => (
            ErrorKind::Unavailable,
            "DispatchFailure",
            "AWS could not be reached",
        ),
        SdkError::ResponseError(_) => (
            ErrorKind::Unavailable,
            "BrokenAnswer",
            "AWS's answer cannot be used",
        ),
        _ => (ErrorKind::Unavailable, "Unknown", "the call failed"),
    };
    EksError {
        kind,
        operation,
        code: code.to_owned(),
        message: words::with_cause(lead, error),
        request_id: error.request_id().map(words::request_id),
        clock_behind: None,
    }
}

/// Whether the SDK found no endpoint to send to. It has two errors of that name: for its rules, and for a URL it cannot use.
fn has_no_endpoint(error: &(dyn Error + 'static)) -> bool {
    words::find::<aws_smithy_http::endpoint::ResolveEndpointError>(error).is_some()
        || words::find::<aws_smithy_runtime_api::client::endpoint::error::ResolveEndpointError>(
            error,
        )
        .is_some()
}

/// AWS, or something that stands in between, answered with an error.
fn answered<E>(operation: &'static str, error: &E, response: &HttpResponse) -> EksError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let status = response.status().as_u16();
    // The SDK prefers the header to the body, but loses both where it cannot read the body.
    let code = error
        .code()
        .or_else(|| response.headers().get("x-amzn-errortype").map(bare_code))
        .filter(|code| !code.trim().is_empty());
    let behind = clock_behind(response);
    let kind = code
        .and_then(|code| by_code(code, behind))
        .unwrap_or_else(|| by_status(status));
    let message = match error.message().map(words::bounded) {
        Some(message) if !message.is_empty() => message,
        _ if code.is_some() => format!("HTTP status {status}, without a message"),
        _ => words::with_cause(
            &format!("HTTP status {status}, without an AWS error"),
            error,
        ),
    };
    EksError {
        kind,
        operation,
        code: code.map_or_else(|| format!("HTTP{status}"), words::code),
        message,
        request_id: response.headers().request_id().map(words::request_id),
        clock_behind: behind.filter(|_| kind == ErrorKind::ClockSkew),
    }
}

/// `namespace#Code:http://...` is how some services write `Code`.
fn bare_code(header: &str) -> &str {
    let code = header.split(':').next().unwrap_or(header);
    code.rsplit('#').next().unwrap_or(code)
}

/// What AWS's code means; `None` for one that this build does not know.
fn by_code(code: &str, clock_behind: Option<i64>) -> Option<ErrorKind> {
    match code {
        // A signature is wrong by the clock or by the secret; AWS's own time tells which.
        "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => {
            let off = clock_behind.map_or(0, i64::unsigned_abs);
            Some(if off > SKEW_THRESHOLD_SECONDS {
                ErrorKind::ClockSkew
            } else {
                ErrorKind::CredentialsRefused
            })
        }
        "RegionDisabledException" => Some(ErrorKind::CredentialsMissing),
        // STS could not reach the identity provider.
        "IDPCommunicationError" | "IDPCommunicationErrorException" => Some(ErrorKind::Unavailable),
        _ => ErrorKind::of_code(code),
    }
}

/// What a status means where no known code came with it.
fn by_status(status: u16) -> ErrorKind {
    match status {
        408 => ErrorKind::Unavailable,
        409 => ErrorKind::InUse,
        429 => ErrorKind::Throttled,
        401 | 403 => ErrorKind::AccessDenied,
        // Also 404: a wrong endpoint answers it for every path, and that is no missing cluster.
        400..=499 => ErrorKind::Rejected,
        // Also 200: an answer that could not be read.
        _ => ErrorKind::Unavailable,
    }
}

/// AWS's time less ours, in seconds, from the answer's `Date`.
fn clock_behind(response: &HttpResponse) -> Option<i64> {
    let date = response.headers().get("date")?;
    let theirs = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?;
    theirs
        .secs()
        .checked_sub(DateTime::from(SystemTime::now()).secs())
}
