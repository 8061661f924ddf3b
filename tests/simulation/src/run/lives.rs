//! Processes start, end, die and freeze.

use crate::call::Life;
use crate::process::Process;
use crate::time::{Millis, SECOND};

use super::{Simulation, Step};

impl Simulation<'_> {
    pub(super) fn lives(&self, life: Life) -> bool {
        let replica = &self.replicas[life.replica];
        replica.life == life.nth && replica.process.is_some()
    }

    pub(super) fn starts(&mut self, replica: usize) {
        if self.replicas[replica].process.is_some() {
            return;
        }
        self.replicas[replica].life += 1;
        self.replicas[replica].frozen_until = 0;
        let life = Life {
            replica,
            nth: self.replicas[replica].life,
        };
        self.note(|| format!("{life} starts"));
        let process = Process::start(&self.shared, life, self.course.setup.clone());
        self.replicas[replica].process = Some(process);
        let later = self.now + self.rng.i64(0..2 * SECOND);
        self.then(later, Step::Lists(life));
    }

    pub(super) fn ends(&mut self, life: Life) {
        if self.replicas[life.replica].life == life.nth {
            self.replicas[life.replica].process = None;
        }
    }

    pub(super) fn crash(&mut self, replica: usize, lasts: Millis) {
        if self.replicas[replica].process.take().is_some() {
            self.note(|| format!("replica {replica} dies"));
        }
        let again = self.now + lasts;
        self.then(again, Step::Starts(replica));
    }

    pub(super) fn freeze(&mut self, replica: usize, lasts: Millis) {
        if self.replicas[replica].process.is_some() {
            // Faults stop, this one too.
            let until = (self.now + lasts).min(self.course.calm_from);
            self.note(|| {
                format!(
                    "replica {replica} freezes until {}",
                    crate::time::shown(until)
                )
            });
            let frozen = &mut self.replicas[replica].frozen_until;
            *frozen = (*frozen).max(until);
        }
    }
}
