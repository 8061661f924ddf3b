//! Stops a signed request whose time has passed.

use aws_sdk_eks::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_eks::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_eks::error::BoxError;

use crate::eks::{Fence, TooLate};

#[derive(Debug)]
pub(super) struct Fenced(pub(super) Fence);

impl Intercept for Fenced {
    fn name(&self) -> &'static str {
        "Fenced"
    }

    /// The SDK's last step before the connection.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.is_open() {
            Ok(())
        } else {
            Err(TooLate.into())
        }
    }
}
