use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use crate::Error;

/// Reads a pipe that ends when the program holding its other end does, in whatever way, and then kills process `$1`.
const SCRIPT: &str = "trap '' INT TERM HUP; read -r _; kill -KILL \"$1\" 2>/dev/null";

/// A shell that kills a process once this program is gone without having dropped the guard.
///
/// It must be dropped before the process is reaped: afterwards its id can be somebody else's.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

impl Guard {
    pub(crate) fn over(child: &Child) -> Result<Self, Error> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "guard", &child.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|source| Error::io("start a guard", source))?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // By kill rather than by closing its pipe, on which it would act.
        if self.shell.kill().is_ok() {
            drop(self.shell.wait());
        }
    }
}
