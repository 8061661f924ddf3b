//! What is in the image, and what is not.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::built::{build_in, built, run};
use crate::engine::Engine;

/// What a node has to fetch and to keep, at most.
const LIMIT: u64 = 30_000_000;

/// A file of the image as `tar` lists it.
#[derive(Debug)]
struct Entry {
    mode: String,
    owner: String,
    size: u64,
    path: String,
}

/// All there is in a container that was made of the image but never ran.
async fn entries() -> Vec<Entry> {
    let engine = Engine::new().await;
    tokio::task::spawn_blocking(move || {
        let tar = engine.directory().join("image.tar");
        engine.podman(&[
            "create",
            "--name",
            "looked-at",
            "--network=host",
            engine.image(),
        ]);
        engine.podman(&["export", "--output", tar.to_str().unwrap(), "looked-at"]);
        let listed = run(Command::new("tar")
            .args([
                "--list",
                "--verbose",
                "--numeric-owner",
                "--full-time",
                "--file",
            ])
            .arg(&tar));
        listed.lines().map(entry).collect()
    })
    .await
    .unwrap()
}

/// Reads `-rwxr-xr-x 0/0  1234 2026-11-23 12:00:00 lib/libc.so.6`.
fn entry(line: &str) -> Entry {
    let words: Vec<_> = line.split_whitespace().collect();
    Entry {
        mode: words[0].to_owned(),
        owner: words[1].to_owned(),
        size: words[2].parse().unwrap(),
        path: words[5].trim_end_matches('/').to_owned(),
    }
}

#[tokio::test]
async fn only_what_the_operator_loads_can_be_run() {
    let entries = entries().await;
    let mut executables: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.mode.starts_with('d') && entry.mode.contains('x'))
        .map(|entry| {
            Path::new(&entry.path)
                .file_name()
                .unwrap()
                .to_str()
                .unwrap()
        })
        .collect();
    executables.sort_unstable();
    let loader = if cfg!(target_arch = "x86_64") {
        "ld-linux-x86-64.so.2"
    } else {
        "ld-linux-aarch64.so.1"
    };
    assert_eq!(
        executables,
        [
            "eks-upgrade-operator",
            loader,
            "libc.so.6",
            "libgcc_s.so.1",
            "libm.so.6"
        ]
    );
}

#[tokio::test]
async fn everything_is_roots_and_nobody_else_can_change_it() {
    let entries = entries().await;
    assert!(entries.len() > 10, "{entries:?}");
    for entry in entries {
        assert_eq!(entry.owner, "0/0", "{entry:?}");
        let (kind, mode) = entry.mode.split_at(1);
        // Nothing writable for group and others, setuid, setgid, or a device.
        let ours = ["rwxr-xr-x", "rw-r--r--"].contains(&mode) && ["-", "d"].contains(&kind);
        assert!(ours, "{entry:?}");
    }
}

#[tokio::test]
async fn it_is_small() {
    let unpacked: u64 = entries().await.iter().map(|entry| entry.size).sum();
    let archive = std::fs::metadata(&built().await.archive).unwrap().len();
    eprintln!("unpacked {unpacked} bytes, archive {archive} bytes");
    assert!(unpacked < LIMIT, "{unpacked}");
    assert!(archive < LIMIT, "{archive}");
}

#[tokio::test]
async fn it_says_what_it_is_and_whom_it_runs_as() {
    let engine = Engine::new().await;
    let inspected = engine.podman(&["image", "inspect", engine.image()]);
    let inspected: Value = serde_json::from_str(&inspected).unwrap();
    let config = &inspected[0]["Config"];
    assert_eq!(config["User"], "65532:65532");
    assert_eq!(
        config["Entrypoint"],
        serde_json::json!(["/eks-upgrade-operator"])
    );
    assert_eq!(config["Cmd"], serde_json::json!(["run"]));
    let label = |name: &str| {
        let label = config["Labels"][format!("org.opencontainers.image.{name}")].as_str();
        label
            .unwrap_or_else(|| panic!("{name} in {config}"))
            .to_owned()
    };
    assert_eq!(label("version"), env!("CARGO_PKG_VERSION"));
    assert_eq!(label("licenses"), "Apache-2.0");
    for name in ["title", "description", "source", "revision", "created"] {
        assert!(!label(name).is_empty(), "{name}");
    }
    let architecture = if cfg!(target_arch = "x86_64") {
        "amd64"
    } else {
        "arm64"
    };
    assert_eq!(inspected[0]["Architecture"], architecture);
}

#[tokio::test]
async fn the_same_commit_makes_the_same_image() {
    let first = built().await;
    let engine = Engine::new().await;
    let again = build_in(&engine.directory().join("again")).await;
    assert_eq!(first.digest, again.digest);
    assert_eq!(
        std::fs::read_to_string(&first.sbom).unwrap(),
        std::fs::read_to_string(&again.sbom).unwrap()
    );
}

/// A panic tells where in the source it was, which is nobody's directory.
#[tokio::test]
async fn the_binary_names_no_path_of_the_building_machine() {
    let binary = std::fs::read(built().await.rootfs.join("eks-upgrade-operator")).unwrap();
    let home = std::env::var("HOME").unwrap();
    for path in [
        env!("CARGO_MANIFEST_DIR"),
        &format!("{home}/.cargo/registry"),
    ] {
        let found = binary
            .windows(path.len())
            .position(|bytes| bytes == path.as_bytes());
        assert_eq!(found, None, "{path}");
    }
}
