//! Runs seeds for as long as it is told to, from where the last run stopped; or tells one seed's story.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use clap::Parser;
use simulation::run::Options;
use simulation::soak::{Came, explore, replay};
use simulation::states::States;

#[derive(Parser)]
#[command(about = "Runs the simulation with one seed after another")]
struct Cli {
    /// For how many minutes to run seeds, going on where the last run stopped.
    #[arg(long, default_value_t = 1, value_name = "N")]
    minutes: u64,
    /// Tell the story of this seed instead.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// Begin at this seed and forget what was seen.
    #[arg(long, value_name = "SEED")]
    from: Option<u64>,
}

fn main() -> ExitCode {
    let Cli {
        minutes,
        replay: told,
        from,
    } = Cli::parse();
    if let Some(seed) = told {
        print!("{}", replay(seed, Options::default()));
        return ExitCode::SUCCESS;
    }
    match soak(minutes, from) {
        Ok(came) if came.violations.is_empty() => ExitCode::SUCCESS,
        Ok(came) => {
            for (seed, violation) in &came.violations {
                print!("{}", replay(*seed, Options::default()));
                println!("seed {seed}: {violation:?}; make replay SEED={seed} tells it again");
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("what was seen cannot be kept: {error}");
            ExitCode::FAILURE
        }
    }
}

fn soak(minutes: u64, from: Option<u64>) -> io::Result<Came> {
    let kept = Kept::beside_the_program()?;
    let (first, seen) = match from {
        Some(seed) => (seed, HashSet::new()),
        None => kept.read()?,
    };
    let known = seen.len();
    let began = Instant::now();
    let ends = began + Duration::from_secs(60 * minutes);
    println!("seeds from {first} on, {known} distinct states known");
    let mut came = explore(first..u64::MAX, Options::default(), || {
        Instant::now() < ends
    });
    println!("{} in {} s", came.told(), began.elapsed().as_secs());
    came.states.merge(States::with(seen));
    // A seed with a violation is run again next time.
    let next = came
        .violations
        .first()
        .map_or(first + came.seeds, |(seed, _)| *seed);
    kept.write(next, came.states.seen())?;
    println!(
        "{} distinct states in all, {} of them new; the next seed is {next}",
        came.states.seen().len(),
        came.states.seen().len() - known
    );
    Ok(came)
}

/// What one run leaves for the next, in a folder beside the program.
struct Kept(PathBuf);

impl Kept {
    fn beside_the_program() -> io::Result<Self> {
        let program = env::current_exe()?;
        let folder = program.parent().unwrap_or(Path::new(".")).join("soaked");
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn read(&self) -> io::Result<(u64, HashSet<u64>)> {
        let next = match fs::read_to_string(self.0.join("next")) {
            Ok(text) => text.trim().parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((0, HashSet::new()));
            }
            Err(error) => return Err(error),
        };
        let bytes = fs::read(self.0.join("states"))?;
        let seen = bytes
            .chunks_exact(8)
            .filter_map(|chunk| chunk.try_into().ok())
            .map(u64::from_le_bytes)
            .collect();
        Ok((next, seen))
    }

    fn write(&self, next: u64, seen: &HashSet<u64>) -> io::Result<()> {
        let bytes: Vec<u8> = seen.iter().flat_map(|state| state.to_le_bytes()).collect();
        fs::write(self.0.join("states"), bytes)?;
        fs::write(self.0.join("next"), next.to_string())
    }
}
