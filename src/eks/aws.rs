//! The real face of the port: the AWS SDK.
