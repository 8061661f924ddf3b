//! Which calls of an upgrade harm is done at, and which harm.

use super::call::Call;
use super::line::Line;
use super::seat::Seat;
use super::stops::Moment;

/// Which calls are swept over.
#[derive(Clone, Copy, Debug)]
pub enum Calls {
    Eks,
    StatusWrites,
}

impl Calls {
    /// The line on which they go.
    pub fn line(self, seat: &Seat) -> &Line {
        match self {
            Self::Eks => &seat.eks,
            Self::StatusWrites => &seat.api,
        }
    }

    /// Whether a call on that line is one of them.
    pub fn count(self, call: &Call) -> bool {
        match self {
            Self::Eks => true,
            Self::StatusWrites => call.is_status_write(),
        }
    }
}

/// What is done at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// The operator is killed before the call is forwarded, and it never is.
    KillBefore,
    /// The operator is killed when the server has done it, before it has the answer.
    KillAfter,
    /// The operator is killed before the call is forwarded, which happens once the next one has begun to look: the call was
    /// held up on its way. Only for calls that change something.
    KillAndArriveLate,
    /// The line is cut before the call is forwarded, and it never is.
    CutBefore,
    /// The line is cut when the server has done it, before the operator has the answer.
    CutAfter,
}

impl Harm {
    pub const KILLS: &[Self] = &[Self::KillBefore, Self::KillAfter, Self::KillAndArriveLate];
    pub const CUTS: &[Self] = &[Self::CutBefore, Self::CutAfter];

    /// When the call is held up for it.
    pub fn moment(self) -> Moment {
        match self {
            Self::KillBefore | Self::KillAndArriveLate | Self::CutBefore => Moment::Before,
            Self::KillAfter | Self::CutAfter => Moment::After,
        }
    }

    /// Whether it makes a difference at a call of this name.
    pub fn concerns(self, calls: Calls, name: &str) -> bool {
        let is_read = matches!(calls, Calls::Eks) && !name.contains("UpdateClusterVersion");
        // What is read for `status.rollback` alone is read with the next look: nothing waits for it.
        let is_waited_for = !name.contains("ListInsights of ROLLBACK_READINESS");
        if Self::CUTS.contains(&self) {
            return is_waited_for;
        }
        self != Self::KillAndArriveLate || !is_read
    }
}
