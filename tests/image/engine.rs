//! podman with a store of its own, which goes with all that is in it when the test ends, in whatever way.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use harness::Program;

use crate::built::{Built, built, run, script};

/// Waits for the end of its input, which comes with the test's, and removes the containers and the directory `$1`.
const CLEAN_UP: &str = r#"
trap '' INT TERM HUP
read -r _
directory=$1
shift
"$@" rm --all --force --time 0 >/dev/null
rm -rf "$directory"
"#;

pub struct Engine {
    directory: PathBuf,
    image: String,
    cleaner: Child,
}

impl Engine {
    /// An engine that has the image of this commit, taken from its archive.
    pub async fn new() -> Self {
        let built = built().await;
        tokio::task::spawn_blocking(move || Self::with(built))
            .await
            .unwrap()
    }

    fn with(built: &Built) -> Self {
        run(Command::new(script("engine")).arg("podman"));
        let made = run(Command::new("mktemp").args(["-d", "-t", "image-test.XXXXXXXX"]));
        let directory = PathBuf::from(made.trim());
        let cleaner = Command::new("sh")
            .args(["-c", CLEAN_UP, "clean-up"])
            .arg(&directory)
            .args(podman(&directory))
            .env("CONTAINERS_CONF", directory.join("containers.conf"))
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        // By default locks are in memory that all engines of a machine share, and stay there.
        std::fs::write(
            directory.join("containers.conf"),
            "[engine]\nlock_type = \"file\"\n",
        )
        .unwrap();
        let mut engine = Self {
            directory,
            image: String::new(),
            cleaner,
        };
        let archive = format!("oci-archive:{}", built.archive.display());
        let pulled = engine.podman(&["pull", "--quiet", &archive]);
        pulled.trim().clone_into(&mut engine.image);
        engine
    }

    /// A directory for files that containers get, which goes with the engine.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The image's id.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// Runs podman to its end, and returns what it prints.
    pub fn podman(&self, args: &[&str]) -> String {
        let command = podman(&self.directory);
        run(Command::new(&command[0])
            .args(&command[1..])
            .args(args)
            .env("CONTAINERS_CONF", self.directory.join("containers.conf")))
    }

    /// podman, to be started with more arguments.
    pub fn program(&self) -> Program {
        let command = podman(&self.directory);
        Program::new(&command[0])
            .args(&command[1..])
            .env("CONTAINERS_CONF", self.directory.join("containers.conf"))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        drop(self.cleaner.wait());
    }
}

/// podman with what it must be told each time. vfs and cgroupfs work also in a container and without systemd.
fn podman(directory: &Path) -> Vec<String> {
    let below = |name: &str| directory.join(name).display().to_string();
    let mut command = vec!["podman".to_owned()];
    for (name, value) in [
        ("--root", below("store")),
        ("--runroot", below("run")),
        ("--tmpdir", below("tmp")),
        ("--storage-driver", "vfs".to_owned()),
        ("--cgroup-manager", "cgroupfs".to_owned()),
        ("--events-backend", "file".to_owned()),
    ] {
        command.extend([name.to_owned(), value]);
    }
    command
}
