//! `watch`, in a terminal and in a pipe.

use serde_json::json;

use crate::terminal::Terminal;
use crate::world::World;

const SIZE: (u16, u16) = (12, 100);

#[tokio::test]
async fn a_bar_moves_until_the_cluster_is_up_to_date() {
    let world =
        World::new("{durations: {update: 2s}, clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.35")).await;
    let mut terminal = Terminal::start(&world, &["watch"], SIZE);
    let line = |lines: &[String]| lines.first().cloned().unwrap_or_default();
    terminal
        .until("it waits for the operator", |lines| {
            line(lines).contains("prod")
        })
        .await;
    let _operator = world.operator();
    let running = terminal
        .until("the first hop runs", |lines| {
            let line = line(lines);
            line.contains("Updating") && line.contains("of usually 8m to 15m")
        })
        .await;
    let bar = running.first().unwrap();
    assert!(
        bar.contains("1.33") && bar.contains("1.34") && bar.contains("1.35"),
        "{bar}"
    );
    assert!(terminal.screen().alternate_screen() && terminal.screen().hide_cursor());
    // Narrower: no line breaks.
    terminal.resize(12, 40);
    let about = |lines: &[String]| lines.iter().take_while(|line| !line.is_empty()).count();
    terminal
        .until("one line for the cluster, without a bar", |lines| {
            line(lines).contains("prod  ") && !line(lines).contains("1.35") && about(lines) == 1
        })
        .await;
    terminal.resize(12, 100);
    assert_eq!(terminal.ended().await, 0);
    terminal.is_given_back().await;
    terminal
        .until("the outcome stays", |lines| {
            lines.iter().any(|line| line == "✔ prod 1.35 UpToDate")
                && lines.iter().any(|line| line == "1 up to date")
        })
        .await;
}

#[tokio::test]
async fn a_stalled_one_ends_it_with_one_once_the_others_have_ended() {
    let world = World::new(
        "{durations: {update: 1s}, clusters: [{name: good, version: '1.33'}, {name: bad, version: '1.33', outcomes: [
            {version: '1.34', times: 1, duration: 100ms, fail: {errorCode: IpNotAvailable, errorMessage: No addresses.}}]}]}",
    )
    .await;
    let _operator = world.operator();
    world.create(World::manifest("good", "1.34")).await;
    world.create(World::manifest("bad", "1.34")).await;
    let mut terminal = Terminal::start(&world, &["watch", "good", "bad"], SIZE);
    assert_eq!(terminal.ended().await, 1);
    terminal.is_given_back().await;
    terminal
        .until("what a person needs", |lines| {
            let text = lines.join("\n");
            text.contains("✘ bad 1.33 UpdateFailed")
                && text.contains("IpNotAvailable")
                && text.contains("kubectl eks-upgrade status")
                && text.contains("✔ good 1.34 UpToDate")
        })
        .await;
}

#[tokio::test]
async fn ctrl_c_gives_the_terminal_back() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.34")).await;
    let mut terminal = Terminal::start(&world, &["watch"], SIZE);
    terminal
        .until("it watches", |lines| {
            lines.iter().any(|line| line.contains("prod"))
        })
        .await;
    terminal.interrupt();
    assert_eq!(terminal.ended().await, 130);
    terminal.is_given_back().await;
}

#[tokio::test]
async fn a_timeout_is_no_failure_of_an_upgrade() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    let mut manifest = World::manifest("prod", "1.34");
    manifest["spec"]["suspend"] = json!(true);
    world.create(manifest).await;
    let _operator = world.operator();
    world.until_reason("prod", "Suspended").await;
    let ran = world.plugin(&["watch", "--timeout", "1s"]).await;
    assert!(ran.err.contains("--timeout is over"), "{ran:?}");
    let text = ran.ended(3);
    assert!(
        text.contains("prod: 1.33 to 1.34: Suspended") && text.contains("1 waiting"),
        "{text}"
    );
}

#[tokio::test]
async fn a_pipe_gets_a_plain_line_for_each_piece_of_news_and_eks_is_not_asked() {
    let world =
        World::new("{durations: {update: 500ms}, clusters: [{name: prod, version: '1.33'}]}").await;
    let operator = world.operator();
    world.create(World::manifest("prod", "1.34")).await;
    let text = world.plugin(&["watch", "prod"]).await.ended(0);
    assert!(!text.contains('\u{1b}'), "{text}");
    let at = |words: &str| {
        let position = text.lines().position(|line| line.contains(words));
        position.unwrap_or_else(|| panic!("no line has {words:?}:\n{text}"))
    };
    assert!(
        at("1.33 → 1.34, update ") < at("1.34 to 1.34: UpToDate"),
        "{text}"
    );
    assert!(at("UpToDate") < at("1 up to date"), "{text}");
    drop(operator);

    let asked = world.calls(|_| true).len();
    world.plugin(&["watch"]).await.ended(0);
    assert_eq!(world.calls(|_| true).len(), asked);
}

/// Longer than an answer of the API server may be awaited.
#[tokio::test]
async fn where_nothing_happens_for_long_nothing_is_said() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.34")).await;
    let text = world.plugin(&["watch", "--timeout", "35s"]).await.ended(3);
    assert!(!text.contains("API server"), "{text}");
}

#[tokio::test]
async fn one_that_was_named_and_is_deleted_is_no_success() {
    let world = World::new("{clusters: [{name: prod, version: '1.33'}]}").await;
    world.create(World::manifest("prod", "1.34")).await;
    let mut terminal = Terminal::start(&world, &["watch", "prod"], SIZE);
    terminal
        .until("it watches", |lines| {
            lines.iter().any(|line| line.contains("prod"))
        })
        .await;
    world.kubectl(&["delete", "clusterupgrade", "prod"]).await;
    assert_eq!(terminal.ended().await, 1);
}

#[tokio::test]
async fn nothing_to_watch_is_said() {
    let world = World::new("{}").await;
    let ran = world.plugin(&["watch"]).await;
    assert!(ran.err.contains("nothing to watch"), "{ran:?}");
    assert_eq!(ran.ended(0), "");
}
