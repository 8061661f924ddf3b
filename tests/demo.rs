//! `make demo` as somebody sees it who has no terminal, from its first line to what it leaves behind.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{Error, Process, Program, eventually};

/// It takes half a minute on an idle machine, and has a deadline of its own.
const DEADLINE: Duration = Duration::from_mins(5);
const SOON: Duration = Duration::from_mins(1);
/// Every process that the demo starts inherits it.
const MARK: &str = "DEMO_TEST_MARK";

/// A demo of our own, with a directory of its own for temporary files.
struct Demo {
    process: Process,
    mark: String,
    temporary: PathBuf,
}

impl Demo {
    fn start(name: &str) -> Self {
        let mark = format!("{name}-{}", std::process::id());
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&mark);
        fs::create_dir_all(&temporary).unwrap();
        let process = Program::new(program())
            .env(MARK, &mark)
            .env("TMPDIR", &temporary)
            .env("KEEP", "")
            .start()
            .unwrap();
        Self {
            process,
            mark,
            temporary,
        }
    }

    /// The processes that it started, and itself.
    fn processes(&self) -> Vec<String> {
        let wanted = format!("{MARK}={}", self.mark);
        let marked = |process: &Path| {
            let environment = fs::read(process.join("environ")).ok()?;
            let is_ours = environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == wanted.as_bytes());
            let name = fs::read_to_string(process.join("comm")).ok()?;
            is_ours.then(|| name.trim().to_owned())
        };
        let all = fs::read_dir("/proc").unwrap();
        all.filter_map(|entry| marked(&entry.unwrap().path()))
            .collect()
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.temporary).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    async fn has_left_nothing(&self) {
        eventually("no process and no file is left", SOON, async || {
            let (processes, files) = (self.processes(), self.files());
            if processes.is_empty() && files.is_empty() {
                Ok(())
            } else {
                Err(format!("{processes:?} {files:?}"))
            }
        })
        .await
        .unwrap();
        fs::remove_dir(&self.temporary).unwrap();
    }
}

/// Cargo puts examples beside the directory of the tests.
fn program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let path = own.ancestors().nth(2).unwrap().join("examples/demo");
    assert!(
        path.is_file(),
        "there is no {}: `cargo test` builds it, as does `cargo build --example demo`",
        path.display()
    );
    path
}

#[tokio::test]
async fn it_ends_as_it_should_and_says_what_happened() -> Result<(), Error> {
    let mut demo = Demo::start("whole");
    let status = demo.process.wait(DEADLINE).await?;
    let lines = demo.process.lines();
    let shown = lines.join("\n");
    assert!(status.success(), "{status}\n{shown}");

    let has = |words: &[&str]| {
        assert!(
            lines
                .iter()
                .any(|line| words.iter().all(|word| line.contains(word))),
            "no line has {words:?}:\n{shown}"
        );
    };
    has(&[
        "kubectl apply",
        "one-hop.yaml",
        "two-hops.yaml",
        "fails.yaml",
        "rollback.yaml",
        "waiver.yaml",
    ]);
    has(&["watch payments search edge checkout ledger"]);
    has(&["checkout", "Updating", "1.34 → 1.33, update "]);
    has(&["checkout", "1.33", "True", "UpToDate"]);
    has(&["checkout:", "Rolled back to 1.33 in"]);
    has(&["search", "Updating", "1.34 → 1.35, update "]);
    has(&["4 up to date", "1 stalled"]);
    has(&["ledger", "1.34", "True", "UpToDate"]);
    has(&["NAME", "CLUSTER", "DESIRED", "CURRENT", "READY", "REASON"]);
    has(&["payments", "1.34", "True", "UpToDate"]);
    has(&["search", "1.35", "True", "UpToDate"]);
    has(&["edge", "1.34", "1.33", "False", "UpdateFailed"]);
    has(&["payments:", "Upgraded to 1.34 in"]);
    has(&["search:", "Upgraded to 1.34 in", "then to 1.35 in"]);
    has(&["edge:", "IpNotAvailable", "subnet-", "kubectl annotate"]);
    has(&[
        "accepted 6",
        "payments 1.34",
        "search 1.34, then 1.35",
        "edge 1.34",
        "checkout 1.33",
        "ledger 1.34",
    ]);
    assert!(!shown.contains('\u{1b}'), "colours in a pipe:\n{shown}");
    demo.has_left_nothing().await;
    Ok(())
}

#[tokio::test]
async fn interrupted_it_leaves_nothing_behind() -> Result<(), Error> {
    let mut demo = Demo::start("interrupted");
    demo.process
        .wait_for_line("an update ran", DEADLINE, |line| {
            line.contains("Updating").then_some(())
        })
        .await?;
    let running = demo.processes();
    for name in ["kube-apiserver", "etcd", "eks-simulator", "eks-upgrade-ope"] {
        assert!(running.iter().any(|process| process == name), "{running:?}");
    }
    demo.process.sigint()?;
    let status = demo.process.wait(SOON).await?;
    assert_eq!(status.code(), Some(130), "{}", demo.process.tail());
    assert!(demo.process.tail().contains("interrupted"));
    demo.has_left_nothing().await;
    Ok(())
}
