//! The operator as a process: when it started, what it holds, what it used.

use std::time::Duration;

use harness::{Process, Program};
use jiff::Timestamp;

use crate::http::{ask, get};
use crate::stage::{DEADLINE, LONG};

/// In which `/proc` counts CPU time, on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Operator {
    process: Process,
    pub started: Timestamp,
}

impl Operator {
    pub fn start(program: Program) -> Self {
        let started = Timestamp::now();
        let process = program.start().unwrap();
        Self { process, started }
    }

    /// Where it serves metrics and its health.
    pub async fn address(&mut self) -> String {
        self.process
            .wait_for_line("it serves metrics", DEADLINE, |line| {
                line.split_once("addr=")
                    .map(|(_, addr)| addr.trim().to_owned())
            })
            .await
            .unwrap()
    }

    /// Waits until it is ready, and returns the seconds from its start until then.
    pub async fn ready(&mut self) -> f64 {
        let url = format!("http://{}/readyz", self.address().await);
        loop {
            if let Ok((200, _)) = ask("GET", &url, "").await {
                return seconds(self.started, Timestamp::now());
            }
            assert!(
                seconds(self.started, Timestamp::now()) < DEADLINE.as_secs_f64(),
                "the operator does not become ready: {}",
                self.process.tail()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// The sum of the samples of a metric that have this text in their labels.
    pub async fn metric(&mut self, name: &str, label: &str) -> f64 {
        let text = get(&format!("http://{}/metrics", self.address().await)).await;
        text.lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with([' ', '{']))
                    && line.contains(label)
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// Waits until a metric is at least so much. Telling the metrics of ten thousand objects is work, so `pause` lies between.
    pub async fn until_metric(&mut self, name: &str, least: f64, pause: Duration) {
        let end = tokio::time::Instant::now() + LONG;
        loop {
            let value = self.metric(name, "").await;
            if value >= least {
                return;
            }
            assert!(
                tokio::time::Instant::now() < end,
                "{name} is {value}, not {least}: {}",
                self.process.tail()
            );
            tokio::time::sleep(pause).await;
        }
    }

    /// MiB that are resident now.
    pub fn resident(&self) -> f64 {
        self.memory("VmRSS:")
    }

    /// The most MiB that were resident at once.
    pub fn peak(&self) -> f64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> f64 {
        let status = self.proc("status");
        let kib = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = kib.unwrap().trim().trim_end_matches(" kB");
        kib.parse::<f64>().unwrap() / 1024.0
    }

    /// Seconds of CPU that it has used, its own and the kernel's for it.
    pub fn cpu(&self) -> f64 {
        let stat = self.proc("stat");
        // The name before may have spaces in it; after its bracket the 12th and 13th are utime and stime.
        let (_, rest) = stat.rsplit_once(')').unwrap();
        let ticks: u64 = rest
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum();
        ticks as f64 / TICKS_PER_SECOND
    }

    fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id())).unwrap()
    }

    pub fn tail(&self) -> String {
        self.process.tail()
    }

    pub async fn end(mut self) {
        self.process.sigterm().unwrap();
        let status = self.process.wait(DEADLINE).await.unwrap();
        assert!(status.success(), "{status}: {}", self.process.tail());
    }
}

/// From one time to a later one.
pub fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}
