//! The API `eksupgrade.dev/v1alpha1`.

mod version;

pub use version::{Minor, NotAMinor};
