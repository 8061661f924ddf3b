//! The controller: observe, decide, persist, execute, report.

mod access;
mod again;
mod cache;
pub mod conditions;
mod context;
mod events;
mod evidence;
mod execute;
mod finished;
mod fleet;
mod freeze_watch;
mod freezes;
mod intake;
mod later;
mod observe;
mod pace;
mod persist;
mod recall;
mod reconcile;
mod report;
mod run;
mod unreadable;
mod watch;

pub use access::{Access, AccessFile, AccessFileError, AllowRole, Rule};
pub use again::again;
pub use cache::Cache;
pub use context::{Clock, Context, Limits, Moment, Waker};
pub use fleet::{Fleet, Turn};
pub use freeze_watch::{FreezeChange, FreezeIntake};
pub use freezes::{FreezeSet, Freezes};
pub use intake::{Change, Intake, When};
pub use pace::{Look, Pace, Urgency};
pub use persist::status_of;
pub use recall::Recall;
pub use reconcile::reconcile;
pub use run::{Options, RunError, run};
