//! An EKS that speaks the real wire protocol.
