//! Starts the real parts that the tests and the demo run against, and ends them: an API server with its etcd, our own
//! programs, kubectl.
//!
//! Nothing started here outlives the program that started it, not even when that program is killed with -9: the control
//! plane watches a pipe that ends with its caller, and beside every other process stands a guard that does.
//! Nothing here panics, so that a test decides what a failure means; errors print as sentences.

mod assets;
mod control_plane;
mod error;
mod eventually;
mod guard;
mod kubectl;
mod process;

use std::net::{Ipv4Addr, TcpListener};

pub use assets::Assets;
pub use control_plane::ControlPlane;
pub use error::Error;
pub use eventually::{Outcome, eventually};
pub use kubectl::{Kubectl, Said};
pub use process::{Process, Program};

/// A TCP port of the loopback address that nobody listens on right now.
///
/// Somebody else can take it before it is used: where a program can be told to listen on port 0 and to say which one it got,
/// do that instead.
pub fn free_port() -> Result<u16, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|source| Error::io("find a free port", source))
}
