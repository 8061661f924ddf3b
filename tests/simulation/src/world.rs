//! Everything outside the processes: EKS, the API server, the calls on their way, and what is noted of it all.

use eks_upgrade_operator::simulator::Model;

use crate::api_server::ApiServer;
use crate::oracle::Oracle;
use crate::time::{Millis, shown};
use crate::wire::Wire;

pub struct World {
    pub now: Millis,
    pub model: Model,
    pub api: ApiServer,
    pub wire: Wire,
    pub oracle: Oracle,
    pub timeline: Timeline,
    /// By how much each replica's wall clock is ahead.
    pub clock_ahead: Vec<Millis>,
}

/// What happened, for a person. Nothing is written down unless somebody wants to read it.
#[derive(Default)]
pub struct Timeline {
    is_kept: bool,
    lines: Vec<String>,
    outline: Vec<String>,
}

impl Timeline {
    pub fn new(is_kept: bool) -> Self {
        Self {
            is_kept,
            lines: Vec::new(),
            outline: Vec::new(),
        }
    }

    /// Notes a line.
    pub fn note(&mut self, now: Millis, line: impl FnOnce() -> String) {
        if self.is_kept {
            self.lines.push(format!("{:>13}  {}", shown(now), line()));
        }
    }

    /// Notes what a course is about: no times, no ids, and nothing twice in a row.
    pub fn outline(&mut self, line: impl FnOnce() -> String) {
        if self.is_kept {
            let line = line();
            if self.outline.last() != Some(&line) {
                self.outline.push(line);
            }
        }
    }

    /// What a course is about.
    pub fn outlined(&self) -> &[String] {
        &self.outline
    }

    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}
