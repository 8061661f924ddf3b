use std::path::Path;
use std::time::Duration;

use harness::{Error, eventually};

pub const SOON: Duration = Duration::from_mins(1);

/// Whether a process runs; one that has ended but that nobody has reaped does not.
pub fn runs(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .ok()
        .and_then(|stat| {
            stat.rsplit_once(") ")
                .map(|(_, rest)| !rest.starts_with('Z'))
        })
        .unwrap_or(false)
}

/// The process ids of the control plane with its data in `directory`: etcd, kube-apiserver.
pub fn servers(directory: &Path) -> [u32; 2] {
    ["etcd.pid", "kube-apiserver.pid"].map(|file| {
        let text = std::fs::read_to_string(directory.join(file)).unwrap();
        text.trim().parse().unwrap()
    })
}

pub async fn gone(pids: &[u32]) -> Result<(), Error> {
    eventually("every process has ended", SOON, async || {
        let left: Vec<_> = pids.iter().filter(|pid| runs(**pid)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?} running"))
        }
    })
    .await
}
