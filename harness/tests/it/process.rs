//! A program of ours: its lines, its end, and what is said when it does not do what was waited for.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use crate::common::{SOON, gone, runs};
use harness::{Error, Process, Program, eventually};

/// Starts a shell script and waits until it has said `up`, so that its traps are set.
async fn script(text: &str) -> Result<Process, Error> {
    let mut process = Program::new("sh").args(["-c", text]).start()?;
    process
        .wait_for_line("it was up", SOON, |line| (line == "up").then_some(()))
        .await?;
    Ok(process)
}

#[tokio::test]
async fn finds_lines_of_both_outputs_early_and_late() -> Result<(), Error> {
    let mut process = script("echo up; echo port 80 >&2; exec sleep 1000").await?;
    let port = process
        .wait_for_line("it listened", SOON, |line| {
            line.strip_prefix("port ")?.parse::<u16>().ok()
        })
        .await?;
    assert_eq!(port, 80);
    process
        .wait_for_line("it was up", SOON, |line| (line == "up").then_some(()))
        .await
}

#[tokio::test]
async fn an_early_end_is_told_with_status_and_last_lines() -> Result<(), Error> {
    let mut process = script("echo up; echo no such flag >&2; exit 3").await?;
    let error = process
        .wait_for_line("it listened", SOON, |line| {
            line.starts_with("listening").then_some(())
        })
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("before it listened"), "{error}");
    assert!(error.contains("exit status: 3"), "{error}");
    assert!(error.contains("no such flag"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_line_that_does_not_come_is_told_with_the_last_lines() -> Result<(), Error> {
    let mut process = script("echo up; exec sleep 1000").await?;
    let error = process
        .wait_for_line("it listened", Duration::from_millis(50), |_| None::<()>)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("it listened"), "{error}");
    assert!(error.to_string().ends_with("\nup"), "{error}");
    Ok(())
}

#[tokio::test]
async fn sigterm_lets_it_end_by_itself() -> Result<(), Error> {
    let mut process =
        script("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done").await?;
    process.sigterm()?;
    assert_eq!(process.wait(SOON).await?.code(), Some(7));
    assert_eq!(process.lines(), ["up", "bye"]);
    let late = process.sigterm().unwrap_err();
    assert!(matches!(late, Error::Ended { .. }), "{late}");
    Ok(())
}

#[tokio::test]
async fn kill9_does_not() -> Result<(), Error> {
    let mut process =
        script("trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.01; done").await?;
    assert_eq!(process.kill9()?.signal(), Some(9));
    assert!(!process.lines().contains(&"bye".to_owned()));
    Ok(())
}

#[tokio::test]
async fn waiting_for_an_end_that_does_not_come_is_an_error() -> Result<(), Error> {
    let mut process = script("echo up; exec sleep 1000").await?;
    let error = process.wait(Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert_eq!(process.ended()?, None);
    Ok(())
}

#[tokio::test]
async fn dropping_it_ends_it() -> Result<(), Error> {
    let process = script("trap '' TERM; echo up; exec sleep 1000").await?;
    let id = process.id();
    assert!(runs(id));
    drop(process);
    gone(&[id]).await
}

#[tokio::test]
async fn its_lines_go_to_a_file_too() -> Result<(), Error> {
    let path = std::env::temp_dir().join(format!("harness-log-{}", std::process::id()));
    let mut process = Program::new("sh")
        .args(["-c", "echo one; echo \"$WHAT\" >&2"])
        .env("WHAT", "two")
        .log_to(&path)
        .start()?;
    assert!(process.wait(SOON).await?.success());
    let log = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut lines: Vec<_> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["one", "two"]);
    Ok(())
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = Program::new("/nowhere/eks-upgrade").start().unwrap_err();
    assert!(
        error.to_string().contains("could not start eks-upgrade"),
        "{error}"
    );
}

#[tokio::test]
async fn a_condition_that_does_not_come_about_is_told_with_what_was_seen() {
    let mut looks = 0;
    let error = eventually::<Result<(), _>>(
        "the object is Ready",
        Duration::from_millis(100),
        async || {
            looks += 1;
            Err("Ready=False")
        },
    )
    .await
    .unwrap_err()
    .to_string();
    assert!(error.contains("the object is Ready"), "{error}");
    assert!(error.contains("Ready=False"), "{error}");
    assert!(looks > 1, "looked once only");
}

#[tokio::test]
async fn a_look_that_hangs_ends_with_the_deadline() {
    let error = eventually(
        "an answer",
        Duration::from_millis(50),
        std::future::pending::<Option<()>>,
    );
    let error = error.await.unwrap_err().to_string();
    assert!(error.contains("did not return"), "{error}");
}

#[test]
fn a_free_port_can_be_listened_on() -> Result<(), Error> {
    let port = harness::free_port()?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    assert_eq!(listener.local_addr().unwrap().port(), port);
    Ok(())
}
