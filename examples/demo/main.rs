//! `make demo`: upgrades four clusters of a simulated EKS by a real Kubernetes API server, and rolls one back, for a
//! person to watch.
//!
//! Everything runs on loopback and ends with this program. `KEEP=1` leaves it running until Ctrl-C.

mod calls;
mod cluster;
mod expected;
mod keep;
mod screen;
mod show;
mod signals;
mod stage;

use std::error::Error;
use std::process::ExitCode;

use screen::Screen;
use signals::Signals;
use stage::Stage;

/// What goes wrong is for a person to read; nothing is decided on it.
type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let screen = Screen::new();
    match run(&screen).await {
        Ok(code) => code,
        Err(failure) => {
            screen.clear();
            eprintln!("\ndemo: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(screen: &Screen) -> Result<ExitCode, Failure> {
    let keep = std::env::var("KEEP").is_ok_and(|keep| !matches!(keep.as_str(), "" | "0"));
    // Before anything is started that has to be ended.
    let mut signals = Signals::new()?;

    let played = tokio::select! {
        played = play(screen, keep) => Some(played),
        () = signals.next() => None,
    };
    // By now what was dropped has ended.
    let Some(played) = played else {
        return Ok(interrupted(screen));
    };
    let (stage, outcome) = played?;
    if let Err(failure) = outcome {
        screen.clear();
        // The sentence comes last, where a person looks first.
        eprintln!("\n{}\n\ndemo: {failure}", stage.tails());
        if !keep {
            return Ok(ExitCode::FAILURE);
        }
        keep::until_told(screen, stage, &mut signals).await?;
        return Ok(ExitCode::FAILURE);
    }
    if keep {
        keep::until_told(screen, stage, &mut signals).await?;
        return Ok(ExitCode::SUCCESS);
    }
    tokio::select! {
        ended = stage.end() => ended.map(|()| ExitCode::SUCCESS),
        () = signals.next() => Ok(interrupted(screen)),
    }
}

/// From nothing to the verdict. The stage outlives it, with what became of the play.
async fn play(screen: &Screen, keep: bool) -> Result<(Stage, Result<(), Failure>), Failure> {
    let mut stage = Stage::set(screen).await?;
    let outcome = perform(screen, &mut stage, keep).await;
    Ok((stage, outcome))
}

async fn perform(screen: &Screen, stage: &mut Stage, keep: bool) -> Result<(), Failure> {
    stage.apply_samples(screen).await?;
    let clusters = show::watch(screen, stage).await?;
    show::table(screen, stage).await?;
    show::sentences(screen, &clusters)?;
    // What is counted while the operator runs could be short of what it still sends.
    if !keep {
        stage.end_operator().await?;
    }
    let accepted = calls::accepted(stage.simulator_url()).await?;
    expected::check(screen, &clusters, &accepted)
}

fn interrupted(screen: &Screen) -> ExitCode {
    screen.clear();
    eprintln!("\ndemo: interrupted; everything it started has ended");
    ExitCode::from(130)
}
