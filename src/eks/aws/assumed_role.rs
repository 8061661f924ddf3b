//! Credentials of a role that the operator assumes.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use tokio::sync::watch;

use super::base::{NAME, usable};

/// Assumes a role on demand, through an STS client that all roles share.
///
/// The SDK's own `AssumeRoleProvider` makes an STS client for itself that caches no identity and learns no clock skew of
/// others, and logs the role's ARN as a warning when STS refuses.
#[derive(Debug)]
pub(super) struct AssumedRole {
    /// The operator's STS client of the day: another comes when the operator's own credentials are built again.
    pub(super) sts: watch::Receiver<aws_sdk_sts::Client>,
    pub(super) role_arn: String,
    pub(super) external_id: Option<String>,
}

impl AssumedRole {
    async fn assume(&self) -> provider::Result {
        let sts = self.sts.borrow().clone();
        let answer = sts
            .assume_role()
            .role_arn(&self.role_arn)
            .role_session_name(NAME)
            .set_external_id(self.external_id.clone())
            .send()
            .await
            .map_err(CredentialsError::provider_error)?;
        let credentials = answer
            .credentials
            .ok_or_else(|| CredentialsError::unhandled("STS answered without credentials"))?;
        let expiry = SystemTime::try_from(credentials.expiration)
            .map_err(|_| CredentialsError::unhandled("STS answered with an expiry out of range"))?;
        usable(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expiry),
            "AssumedRole",
        ))
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
