//! What the docs and samples say, held against the code.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

#[path = "docs/jsonpath.rs"]
mod jsonpath;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/markdown.rs"]
mod markdown;
#[path = "docs/reference.rs"]
mod reference;
#[path = "docs/runbook.rs"]
mod runbook;
#[path = "docs/workflows.rs"]
mod workflows;

use std::fs;
use std::path::{Path, PathBuf};

use eks_upgrade_operator::api::{CheckCode, ClusterUpgrade, UpgradeFreeze};
use eks_upgrade_operator::plan::Wish;

const BEGIN: &str = "<!-- The table of the checks begins: `make docs` writes it. -->\n";
const END: &str = "<!-- The table of the checks ends. -->\n";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn the_table_of_the_checks_is_what_the_code_says() {
    let path = file("docs/gates.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let wanted = format!("\n{}\n", CheckCode::table());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, [before, BEGIN, &wanted, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(table, wanted, "docs/gates.md has drifted: run make docs");
}

#[test]
fn the_docs_name_every_permission_of_the_checks() {
    let readme = fs::read_to_string(file("README.md")).unwrap();
    for code in CheckCode::ALL {
        for action in code.permissions() {
            assert!(readme.contains(action), "{action}, for {code}");
        }
    }
}

/// The API server knows no time zones: a sample with a wrong one would apply, and stall.
#[test]
fn the_samples_can_be_meant() {
    let mut upgrades = 0;
    let mut freezes = 0;
    for entry in fs::read_dir(file("deploy/samples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if text.contains("kind: UpgradeFreeze") {
            let freeze: UpgradeFreeze = serde_norway::from_str(&text).unwrap();
            let selector = freeze.spec.selector.unwrap();
            assert!(
                !selector.match_labels.unwrap().is_empty(),
                "{} would stop the other samples",
                path.display()
            );
            freezes += 1;
        } else {
            let upgrade: ClusterUpgrade = serde_norway::from_str(&text).unwrap();
            let wish = Wish::try_from(&upgrade.spec).unwrap();
            wish.gates.unwrap();
            upgrades += 1;
        }
    }
    assert!(upgrades > 0 && freezes > 0);
}
