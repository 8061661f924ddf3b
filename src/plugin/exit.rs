//! What the plugin's exit status says.

use std::process::ExitCode;

/// How a command ended. Errors, and a wrong command line, end with [`FAILED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; of `plan`: the hop can start; of `watch`: all are up to date; of `doctor`: all is well.
    Fine,
    /// `watch`: one is stalled; `doctor`: something is wrong. A person must act.
    Stalled,
    /// `plan`: something stands in the way.
    Blocked,
    /// `watch`: `--timeout` is over.
    TimedOut,
    /// `watch`: ended by Ctrl-C.
    Interrupted,
}

/// The exit status where it could not be done or found out.
pub const FAILED: u8 = 4;

impl Exit {
    /// The number.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Stalled => 1,
            Self::Blocked => 2,
            Self::TimedOut => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.status())
    }
}
