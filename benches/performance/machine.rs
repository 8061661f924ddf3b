//! What the figures were taken on.

use serde::{Deserialize, Serialize};

/// A machine, as far as it matters to the figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    pub cores: usize,
    pub model: String,
    pub memory_mib: u64,
    pub kernel: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let value = |text: &str, name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let line = line.unwrap_or("unknown");
            line.trim_start_matches([' ', '\t', ':']).trim().to_owned()
        };
        let kib = value(&read("/proc/meminfo"), "MemTotal");
        let kib = kib.trim_end_matches(" kB").parse::<u64>();
        Self {
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            model: value(&read("/proc/cpuinfo"), "model name"),
            memory_mib: kib.unwrap_or_default() / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }

    /// In one line.
    pub fn line(&self) -> String {
        let Self {
            cores,
            model,
            memory_mib,
            kernel,
        } = self;
        let gib = *memory_mib as f64 / 1024.0;
        format!("{cores} cores ({model}), {gib:.0} GiB, Linux {kernel}")
    }
}
