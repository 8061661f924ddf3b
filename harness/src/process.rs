use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use crate::Error;
use crate::guard::Guard;

/// How often a process is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);
/// How many lines of a process an error shows.
const TAIL: usize = 30;

/// A program to start, with its arguments and environment.
#[derive(Debug)]
pub struct Program {
    command: Command,
    name: String,
    log: Option<PathBuf>,
    stdin: Stdio,
    guarded: bool,
    shown: bool,
}

impl Program {
    /// The program at `path`.
    ///
    /// It gets this process's environment without what would lead it to somebody's own AWS account, cluster or settings:
    /// `AWS_*`, `EKS_UPGRADE_*` and `KUBECONFIG` are removed, and AWS credentials are not looked for in files or on the network.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let path = path.as_ref();
        let mut command = Command::new(path);
        for (name, _) in std::env::vars_os() {
            if personal(&name) {
                command.env_remove(name);
            }
        }
        command
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        Self {
            command,
            name: Path::new(path)
                .file_name()
                .unwrap_or(path)
                .to_string_lossy()
                .into_owned(),
            log: None,
            stdin: Stdio::null(),
            guarded: true,
            shown: false,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Has what it prints go where ours goes, such as a terminal; no line is kept.
    #[must_use]
    pub fn shown(mut self) -> Self {
        self.shown = true;
        self
    }

    /// Also writes every line it prints to this file.
    #[must_use]
    pub fn log_to(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// For a program that ends by itself when its standard input does: gives it a pipe that lives as long as the [`Process`],
    /// and no guard.
    #[must_use]
    pub(crate) fn ends_with_stdin(mut self) -> Self {
        self.stdin = Stdio::piped();
        self.guarded = false;
        self
    }

    /// Starts it, in a process group of its own, where a terminal's Ctrl-C does not reach it.
    pub fn start(self) -> Result<Process, Error> {
        let Self {
            mut command,
            name,
            log,
            stdin,
            guarded,
            shown,
        } = self;
        let output = || {
            if shown {
                Stdio::inherit()
            } else {
                Stdio::piped()
            }
        };
        let log = match log {
            None => None,
            Some(path) => Some(Arc::new(Mutex::new(File::create(&path).map_err(
                |source| Error::io(format!("create {}", path.display()), source),
            )?))),
        };
        let mut child = command
            .stdin(stdin)
            .stdout(output())
            .stderr(output())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::io(format!("start {name}"), source))?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (sender, printed) = watch::channel(0);
        let readers = child
            .stdout
            .take()
            .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)
            .into_iter()
            .chain(
                child
                    .stderr
                    .take()
                    .map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
            );
        for pipe in readers {
            let (lines, log, sender) = (Arc::clone(&lines), log.clone(), sender.clone());
            std::thread::spawn(move || read_lines(pipe, &lines, log.as_deref(), &sender));
        }
        let stdin = child.stdin.take();
        let mut process = Process {
            child,
            stdin,
            guard: None,
            name,
            lines,
            printed,
        };
        if guarded {
            process.guard = Some(Guard::over(&process.child)?);
        }
        Ok(process)
    }
}

/// A running program of ours, whose lines are kept. It is killed when this is dropped, and when this process dies.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    guard: Option<Guard>,
    name: String,
    lines: Arc<Mutex<Vec<String>>>,
    /// How many lines there are; closed once the program has closed both of its outputs.
    printed: watch::Receiver<usize>,
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All lines it has printed so far, standard output and standard error as they came.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// The last lines it has printed, for a message.
    pub fn tail(&self) -> String {
        let lines = self.lines();
        let skipped = lines.len().saturating_sub(TAIL);
        let tail: Vec<_> = lines.into_iter().skip(skipped).collect();
        tail.join("\n")
    }

    /// Waits for a line from which `pick` makes a value, and returns the value; lines printed earlier count.
    ///
    /// `what` reads after "before", as in "it listens". An error where the program ends first, or at the `deadline`.
    pub async fn wait_for_line<T>(
        &mut self,
        what: &str,
        deadline: Duration,
        mut pick: impl FnMut(&str) -> Option<T>,
    ) -> Result<T, Error> {
        let end = Instant::now() + deadline;
        let mut printed = self.printed.clone();
        let mut looked_at = 0;
        loop {
            // Asked before the lines are looked at, so that the last ones are not missed.
            let closed = printed.has_changed().is_err();
            printed.mark_unchanged();
            let news: Vec<String> = lock(&self.lines).iter().skip(looked_at).cloned().collect();
            looked_at += news.len();
            if let Some(value) = news.iter().find_map(|line| pick(line)) {
                return Ok(value);
            }
            if closed {
                return Err(self.ended_before(what).await);
            }
            match timeout_at(end, printed.changed()).await {
                // Either there are lines, or it is closed and the last ones are to be looked at.
                Ok(Ok(()) | Err(_)) => {}
                Err(_elapsed) => {
                    return Err(Error::TimedOut {
                        what: format!("{}: {what}", self.name),
                        deadline,
                        last: format!("these last lines:\n{}", self.tail()),
                    });
                }
            }
        }
    }

    /// Sends SIGKILL, as `kill -9` does, and waits for the end.
    pub fn kill9(&mut self) -> Result<ExitStatus, Error> {
        self.child
            .kill()
            .map_err(|source| Error::io(format!("kill {}", self.name), source))?;
        self.guard = None;
        self.child
            .wait()
            .map_err(|source| Error::io(format!("wait for {}", self.name), source))
    }

    /// Sends SIGTERM, as Kubernetes does before a container is stopped.
    pub fn sigterm(&mut self) -> Result<(), Error> {
        self.signal(Signal::TERM)
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub fn sigint(&mut self) -> Result<(), Error> {
        self.signal(Signal::INT)
    }

    /// Has it stand still, as a frozen machine does, until [`Self::thaw`].
    pub fn freeze(&mut self) -> Result<(), Error> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&mut self) -> Result<(), Error> {
        self.signal(Signal::CONT)
    }

    /// How it ended, or none while it runs.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        let status = self
            .child
            .try_wait()
            .map_err(|source| Error::io(format!("wait for {}", self.name), source))?;
        if status.is_some() {
            self.guard = None;
        }
        Ok(status)
    }

    /// Waits for its end and says how it ended; [`Self::lines`] then has everything it printed.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus, Error> {
        let end = Instant::now() + deadline;
        loop {
            if let Some(status) = self.ended()? {
                while let Ok(Ok(())) = timeout_at(end, self.printed.changed()).await {}
                return Ok(status);
            }
            if Instant::now() >= end {
                return Err(Error::TimedOut {
                    what: format!("{} ends", self.name),
                    deadline,
                    last: format!("it was running, with these last lines:\n{}", self.tail()),
                });
            }
            sleep(PAUSE).await;
        }
    }

    /// Closes its standard input.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sending to a process that has been reaped would reach whoever has its id now.
    fn signal(&mut self, signal: Signal) -> Result<(), Error> {
        if let Some(status) = self.ended()? {
            return Err(Error::Ended {
                program: self.name.clone(),
                what: format!("it got {signal:?}"),
                status: Some(status),
                tail: self.tail(),
            });
        }
        kill_process(Pid::from_child(&self.child), signal)
            .map_err(|source| Error::io(format!("send {signal:?} to {}", self.name), source.into()))
    }

    async fn ended_before(&mut self, what: &str) -> Error {
        // Its outputs close a moment before it can be reaped.
        match self.wait(Duration::from_secs(1)).await {
            Err(error @ Error::Io { .. }) => error,
            ended => Error::Ended {
                program: self.name.clone(),
                what: what.to_owned(),
                status: ended.ok(),
                tail: self.tail(),
            },
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.guard = None;
        if self.child.kill().is_ok() {
            drop(self.child.wait());
        }
    }
}

fn personal(variable: &OsString) -> bool {
    let name = variable.to_string_lossy();
    name == "KUBECONFIG" || name.starts_with("AWS_") || name.starts_with("EKS_UPGRADE_")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads to the end. What cannot be read or written down is itself told as a line, for there is nobody else to tell.
fn read_lines(
    pipe: impl Read,
    lines: &Mutex<Vec<String>>,
    log: Option<&Mutex<File>>,
    sender: &watch::Sender<usize>,
) {
    let push = |line: String| {
        lock(lines).push(line);
        sender.send_modify(|count| *count += 1);
    };
    let mut reader = BufReader::new(pipe);
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_until(b'\n', &mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return push(format!("(its output cannot be read: {error})")),
        }
        if let Some(log) = log
            && let Err(error) = lock(log).write_all(&buffer)
        {
            push(format!("(the next line is not in the log: {error})"));
        }
        let line = String::from_utf8_lossy(&buffer);
        push(line.trim_end_matches(['\n', '\r']).to_owned());
    }
}
