//! Alerts, dashboard and docs, held against what the operator really exports.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

#[path = "monitoring/alerts.rs"]
mod alerts;
#[path = "monitoring/dashboard.rs"]
mod dashboard;
#[path = "monitoring/docs.rs"]
mod docs;
#[path = "monitoring/expression.rs"]
mod expression;
#[path = "monitoring/metrics.rs"]
mod metrics;

use std::path::{Path, PathBuf};
use std::process::Command;

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs promtool, which has to succeed.
fn promtool(args: &[&str]) {
    let output = Command::new(file("hack/tools/promtool"))
        .args(args)
        .current_dir(file("."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "promtool {args:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
