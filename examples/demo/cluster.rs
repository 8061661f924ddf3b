//! What is known of one cluster's upgrade: what its object says, and when that was seen to change.

use std::time::{Duration, Instant};

use console::style;
use eks_upgrade_operator::api::condition::READY;
use eks_upgrade_operator::api::{
    CheckResult, ClusterUpgrade, ClusterUpgradeStatus, Minor, PreflightStatus, Reason, Update,
    UpdateStatus,
};

use crate::expected::Expected;

/// One object, followed by watching the API server.
pub struct Cluster {
    pub expected: Expected,
    /// The version at first sight.
    pub start: Option<Minor>,
    pub target: Option<Minor>,
    pub status: ClusterUpgradeStatus,
    /// When the next hop was first asked for, and since then when EKS took it.
    pub hop_since: Option<Instant>,
    /// The hops that are done, and how long each took.
    pub hops: Vec<(Minor, Duration)>,
    /// When it ended, well or not, counted from its first sight.
    pub took: Option<Duration>,
    seen_since: Instant,
    generation: Option<i64>,
}

/// How far a hop is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    Done,
    Running,
    /// Asked for, but not accepted yet.
    Waiting,
    Failed,
    ToCome,
}

impl Cluster {
    pub fn new(expected: Expected) -> Self {
        Self {
            expected,
            start: None,
            target: None,
            status: ClusterUpgradeStatus::default(),
            hop_since: None,
            hops: Vec::new(),
            took: None,
            seen_since: Instant::now(),
            generation: None,
        }
    }

    /// The reason of the Ready condition.
    pub fn reason(&self) -> Option<Reason> {
        let ready = self.status.conditions.iter().find(|c| c.type_ == READY)?;
        Reason::ALL
            .into_iter()
            .find(|reason| reason.as_str() == ready.reason)
    }

    /// The message of the Ready condition.
    pub fn message(&self) -> &str {
        let mut conditions = self.status.conditions.iter();
        conditions
            .find(|condition| condition.type_ == READY)
            .map_or("nothing yet", |ready| ready.message.as_str())
    }

    /// The version that the cluster runs.
    pub fn current(&self) -> Option<Minor> {
        self.status.cluster.as_ref()?.version.parse().ok()
    }

    /// Whether nothing more happens by itself.
    pub fn is_over(&self) -> bool {
        self.generation.is_some()
            && self.status.observed_generation == self.generation
            && self
                .reason()
                .is_some_and(|reason| reason == Reason::UpToDate || reason.is_stalled())
    }

    /// The versions to reach, in order, and how far each is.
    pub fn path(&self) -> Vec<(Minor, Hop)> {
        let (Some(start), Some(target)) = (self.start, self.target) else {
            return Vec::new();
        };
        if target < start {
            return vec![(target, self.hop(target))];
        }
        let next = |version: &Minor| (*version < target).then(|| version.next());
        std::iter::successors(next(&start), next)
            .map(|version| (version, self.hop(version)))
            .collect()
    }

    fn hop(&self, to: Minor) -> Hop {
        let is_down = self.start.is_some_and(|start| to < start);
        let is_there = |current: Minor| {
            if is_down {
                current <= to
            } else {
                current >= to
            }
        };
        if self.current().is_some_and(is_there) {
            return Hop::Done;
        }
        match self.status.update.as_ref().filter(|u| u.to_version == to) {
            Some(update) if update.status == Some(UpdateStatus::Failed) => Hop::Failed,
            Some(update) if update.id.is_some() => Hop::Running,
            Some(_) => Hop::Waiting,
            None => Hop::ToCome,
        }
    }

    /// Takes over what the watch brought, and says what is new, a line each.
    pub fn see(&mut self, object: ClusterUpgrade) -> Vec<String> {
        let status = object.status.unwrap_or_default();
        self.generation = object.metadata.generation;
        self.target = object.spec.version.parse().ok();
        let was = std::mem::replace(&mut self.status, status);
        let before = (self.start.is_some(), self.is_over());
        self.start = self.start.or_else(|| self.current());

        let mut news = Vec::new();
        if let (false, Some(current), Some(target)) = (before.0, self.current(), self.target) {
            news.push(format!("at {current}, to reach {target}"));
        }
        news.extend(self.news_of_checks(was.preflight.as_ref()));
        news.extend(self.news_of_update(was.update.as_ref()));
        if let (Some(old), Some(new)) = (was.cluster, self.current())
            && old.version != new.to_string()
        {
            let took = self.hop_since.take().map(|since| since.elapsed());
            self.hops.push((new, took.unwrap_or_default()));
            let took = took.map_or_else(String::new, |took| format!(" after {}", seconds(took)));
            news.push(style(format!("runs {new}{took}")).green().to_string());
        }
        if self.is_over() && self.took.is_none() {
            self.took = Some(self.seen_since.elapsed());
            self.hop_since = None;
        }
        news
    }

    /// What a check found and the manifest accepts.
    fn news_of_checks(&self, was: Option<&PreflightStatus>) -> Option<String> {
        let waived = |status: &PreflightStatus| -> Vec<_> {
            let waived = status.checks.iter().flat_map(|check| {
                let findings = check.findings.iter();
                let waived = findings.filter(|finding| finding.result == CheckResult::Waived);
                waived.map(|finding| {
                    let name = finding.name.as_ref().unwrap_or(&finding.id);
                    format!("{} before {}: {name}", check.code, status.version)
                })
            });
            waived.collect()
        };
        let now = self.status.preflight.as_ref().map(waived)?;
        let is_news = !now.is_empty() && was.map(waived).as_ref() != Some(&now);
        is_news.then(|| {
            let text = format!("waived, {}", now.join(", "));
            style(text).yellow().to_string()
        })
    }

    /// From the intent to EKS's last word.
    fn news_of_update(&mut self, was: Option<&Update>) -> Vec<String> {
        let Some(update) = self.status.update.clone() else {
            return Vec::new();
        };
        let hop = format!("{} → {}", update.from_version, update.to_version);
        let is_same =
            was.is_some_and(|was| was.client_request_token == update.client_request_token);
        let was = was.filter(|_| is_same);
        let mut news = Vec::new();
        if was.is_none() {
            self.hop_since = Some(Instant::now());
            news.push(format!("intent {hop} written, then sent to EKS"));
        }
        if was.is_none_or(|was| was.id.is_none())
            && let Some(id) = &update.id
        {
            self.hop_since = Some(Instant::now());
            let id = id.split('-').next().unwrap_or(id);
            news.push(format!("{hop} accepted by EKS as update {id}…"));
        }
        let code = |update: &Update| update.errors.first().map(|error| error.error_code.clone());
        let answered = was.and_then(code);
        if update.id.is_none()
            && let Some(code) = code(&update)
            && answered.as_ref() != Some(&code)
        {
            let text = format!("waits, for EKS is busy with itself ({code})");
            news.push(style(text).yellow().to_string());
        }
        let was = was.and_then(|was| was.status.as_ref());
        match &update.status {
            Some(UpdateStatus::Successful) if was != Some(&UpdateStatus::Successful) => {
                news.push(format!("{hop} successful, says EKS"));
            }
            Some(UpdateStatus::Failed) if was != Some(&UpdateStatus::Failed) => {
                let why = code(&update).unwrap_or_else(|| "without a reason".to_owned());
                let text = format!("{hop} failed, says EKS: {why}");
                news.push(style(text).red().to_string());
            }
            _ => {}
        }
        news
    }
}

/// Whole seconds, for a person.
pub fn seconds(time: Duration) -> String {
    format!("{:.0} s", time.as_secs_f64())
}
