//! Windows, freezes and waivers as tests write them.

use eks_upgrade_operator::api;
use eks_upgrade_operator::plan::{AcceptedFinding, Freeze, Window};
use jiff::Timestamp;

/// A window by the clocks of UTC.
pub fn window(days: &[&str], start: &str, duration: &str) -> Window {
    Window::new(&api::Window {
        days: days.iter().map(ToString::to_string).collect(),
        start: start.to_owned(),
        duration: duration.to_owned(),
        time_zone: None,
    })
    .unwrap()
}

pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub fn freeze(name: &str, from: Option<Timestamp>, until: Option<Timestamp>) -> Freeze {
    Freeze {
        name: name.to_owned(),
        reason: "Black Friday.".to_owned(),
        from,
        until,
    }
}

pub fn waiver(check: &str, finding: &str, version: &str, expires: Timestamp) -> AcceptedFinding {
    AcceptedFinding {
        check: check.parse().unwrap(),
        finding: finding.to_owned(),
        version: version.parse().unwrap(),
        reason: "The batch job is gone by then".to_owned(),
        expires,
    }
}
