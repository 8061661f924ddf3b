//! What went wrong in a call to AWS, told apart by what happens next.

use std::fmt;

/// What an answer of AWS, or its absence, means for what happens next.
///
/// Decided by the SDK's error variant first and by AWS's error code second, never by the words of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Too many requests (429 and the throttling codes). A mutation may be repeated.
    Throttled,
    /// 5xx, 408, a timeout, DNS, connect or TLS trouble, or an answer that could not be read. A mutation may have happened.
    Unavailable,
    /// `ResourceInUseException` or another 409: something else works on the cluster. Never a failure.
    InUse,
    /// `InvalidStateException`: upgrade-readiness insights block the update.
    InvalidState,
    /// `InvalidParameterException`: what was asked for does not fit the cluster or the versions on offer.
    InvalidParameter,
    /// Any other 4xx (`InvalidRequestException`, `ClientException`, `ValidationException`, ...): nothing was started.
    Rejected,
    /// `ResourceNotFoundException`: no such cluster or update.
    NotFound,
    /// `AccessDeniedException`, `NotAuthorized`, `OptInRequired`: the role lacks a permission.
    AccessDenied,
    /// AWS does not take these credentials (any more): `ExpiredTokenException`, `UnrecognizedClientException`, `InvalidClientTokenId`.
    CredentialsRefused,
    /// There are no credentials to sign with, or the role could not be assumed. Nothing was sent.
    CredentialsMissing,
    /// The machine's clock is too far off for a signature (`RequestExpired`, `RequestTimeTooSkewed`, ...).
    ClockSkew,
}

impl ErrorKind {
    /// What AWS's error code means by itself; `None` for one that this build does not know, whose HTTP status then decides.
    ///
    /// Sources: the errors of the EKS API reference and of its operations, AWS's common errors, and the SDK's own lists
    /// (`THROTTLING_ERRORS` in aws-runtime's `retries/classifiers.rs`, `CLOCK_SKEW_ERROR_CODES` in `service_clock_skew.rs`).
    pub fn of_code(code: &str) -> Option<Self> {
        Some(match code {
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "PriorRequestNotComplete"
            | "SlowDown" => Self::Throttled,
            "ServerException"
            | "ServiceUnavailable"
            | "ServiceUnavailableException"
            | "InternalFailure"
            | "InternalError"
            | "InternalServerError"
            | "InternalServerException"
            | "RequestTimeout"
            | "RequestTimeoutException" => Self::Unavailable,
            "ResourceInUseException" => Self::InUse,
            "InvalidStateException" => Self::InvalidState,
            "InvalidParameterException" => Self::InvalidParameter,
            "InvalidRequestException"
            | "ClientException"
            | "ValidationException"
            | "ValidationError" => Self::Rejected,
            "ResourceNotFoundException" => Self::NotFound,
            "AccessDenied"
            | "AccessDeniedException"
            | "NotAuthorized"
            | "UnauthorizedOperation"
            | "OptInRequired" => Self::AccessDenied,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "UnrecognizedClient"
            | "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException" => Self::CredentialsRefused,
            "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Self::ClockSkew,
            _ => return None,
        })
    }

    /// A short name for metric labels and logs; the set is closed.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::InUse => "in_use",
            Self::InvalidState => "invalid_state",
            Self::InvalidParameter => "invalid_parameter",
            Self::Rejected => "rejected",
            Self::NotFound => "not_found",
            Self::AccessDenied => "access_denied",
            Self::CredentialsRefused => "credentials_refused",
            Self::CredentialsMissing => "credentials_missing",
            Self::ClockSkew => "clock_skew",
        }
    }

    /// Whether AWS refused a mutation for certain, so that nothing was started by that send.
    pub const fn is_definite_refusal(self) -> bool {
        match self {
            Self::InvalidState
            | Self::InvalidParameter
            | Self::Rejected
            | Self::NotFound
            | Self::AccessDenied
            | Self::CredentialsRefused
            | Self::ClockSkew => true,
            Self::Throttled | Self::Unavailable | Self::InUse | Self::CredentialsMissing => false,
        }
    }
}

/// A call to AWS that brought no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EksError {
    /// What happens next.
    pub kind: ErrorKind,
    /// The IAM action of the call, such as `eks:DescribeCluster`; where a role could not be assumed, `sts:AssumeRole`.
    pub operation: &'static str,
    /// AWS's error code, or our name for what happened where AWS did not answer (`Timeout`, `DispatchFailure`, ...).
    pub code: String,
    /// AWS's words, or what the SDK said, down to its innermost cause; at most some hundred bytes.
    pub message: String,
    /// AWS's request id, for a support case.
    pub request_id: Option<String>,
    /// Seconds by which our clock is behind (+) or ahead (-) of AWS's, from the answer's `Date`; only with [`ErrorKind::ClockSkew`].
    pub clock_behind: Option<i64>,
}

impl fmt::Display for EksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} answered {}: {}",
            self.operation, self.code, self.message
        )?;
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for EksError {}
