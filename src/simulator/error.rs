//! Errors as EKS and STS answer them: a status, a code, a message.

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct ApiError {
    /// The HTTP status.
    pub status: u16,
    /// The error code, which is what clients must go by.
    pub code: String,
    /// For people.
    pub message: String,
    /// `clusterName`, where EKS's model gives the error that member.
    pub cluster_name: Option<String>,
}

/// The codes and their HTTP status, from EKS's service model and the common errors of AWS.
const STATUSES: &[(&str, u16)] = &[
    ("InvalidParameterException", 400),
    ("InvalidRequestException", 400),
    ("InvalidStateException", 400),
    ("ClientException", 400),
    ("RequestExpired", 400),
    ("SerializationException", 400),
    ("Throttling", 400),
    ("ValidationError", 400),
    ("NotAuthorized", 401),
    ("AccessDenied", 403),
    ("AccessDeniedException", 403),
    ("ExpiredToken", 403),
    ("ExpiredTokenException", 403),
    ("IncompleteSignature", 403),
    ("InvalidClientTokenId", 403),
    ("InvalidSignatureException", 403),
    ("MissingAuthenticationTokenException", 403),
    ("OptInRequired", 403),
    ("SignatureDoesNotMatch", 403),
    ("UnrecognizedClientException", 403),
    ("ResourceNotFoundException", 404),
    ("UnknownOperationException", 404),
    ("RequestTimeout", 408),
    ("ResourceInUseException", 409),
    ("ThrottlingException", 429),
    ("TooManyRequestsException", 429),
    ("InternalFailure", 500),
    ("ServerException", 500),
    ("RequestLimitExceeded", 503),
    ("ServiceUnavailable", 503),
    ("ServiceUnavailableException", 503),
];

/// EKS's codes and what STS calls the same thing.
const STS_NAMES: &[(&str, &str)] = &[
    ("AccessDeniedException", "AccessDenied"),
    ("ExpiredTokenException", "ExpiredToken"),
    ("InvalidParameterException", "ValidationError"),
    ("InvalidSignatureException", "SignatureDoesNotMatch"),
    ("ServerException", "InternalFailure"),
    ("ServiceUnavailableException", "ServiceUnavailable"),
    ("ThrottlingException", "Throttling"),
    ("UnrecognizedClientException", "InvalidClientTokenId"),
];

/// The modelled errors that name the cluster.
const WITH_CLUSTER_NAME: &[&str] = &[
    "ClientException",
    "InvalidParameterException",
    "InvalidRequestException",
    "InvalidStateException",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "ServerException",
    "ThrottlingException",
];

impl ApiError {
    /// An error under its usual status; 400 for a code nobody knows.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        let status = STATUSES
            .iter()
            .find_map(|(known, status)| (*known == code).then_some(*status))
            .unwrap_or(400);
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            cluster_name: None,
        }
    }

    /// `InvalidParameterException`, 400.
    pub fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    /// `InvalidRequestException`, 400.
    pub fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    /// `InvalidStateException`, 400.
    pub fn invalid_state(message: impl Into<String>) -> Self {
        Self::new("InvalidStateException", message)
    }

    /// `ResourceInUseException`, 409.
    pub fn in_use(message: impl Into<String>) -> Self {
        Self::new("ResourceInUseException", message)
    }

    /// `ResourceNotFoundException`, 404.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    /// The same error about this cluster, where the error has room for its name.
    #[must_use]
    pub fn about(mut self, cluster: &str) -> Self {
        if WITH_CLUSTER_NAME.contains(&self.code.as_str()) {
            self.cluster_name = Some(cluster.to_owned());
        }
        self
    }

    /// The same error in STS's words.
    #[must_use]
    pub fn for_sts(self) -> Self {
        let renamed = STS_NAMES
            .iter()
            .find_map(|(eks, sts)| (*eks == self.code).then_some(*sts));
        match renamed {
            Some(code) => Self::new(code, self.message),
            None => Self {
                cluster_name: None,
                ..self
            },
        }
    }
}
