//! An EKS of a few structs: it accepts one version update at a time, honours tokens, and lags as it is told to.

use std::collections::HashMap;
use std::sync::Arc;

use eks_upgrade_operator::api::Minor;
use eks_upgrade_operator::eks::{
    CancelRequest, Cancellation, ClusterView, EksError, ErrorKind, Hosting, InsightView,
    NodegroupView, OfferedVersion, Progress, RefreshStatus, RefreshView, UpdateError, UpdateView,
    VersionRequest,
};
use eks_upgrade_operator::plan::{Addon, Evidence, Insight, Observed, Part, Read, Readiness, Sent};
use jiff::{SignedDuration, Timestamp};

use super::evidence::{kubelets, new, refreshed};

pub const ARN: &str = "arn:aws:eks:eu-central-1:111122223333:cluster/devel";

/// For how long a token brings back the update that was accepted with it, also when that has failed meanwhile.
const TOKEN_HONOURED: SignedDuration = SignedDuration::from_mins(15);

/// What becomes of the next send; without one it is as EKS would.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Accepted, but the answer does not arrive.
    AnswerLost,
    /// Neither the request nor an answer arrives.
    RequestLost,
    /// Refused with this.
    Error(EksError),
    /// The process ends before it sends.
    CrashBefore,
    /// Accepted, and the process ends before it writes that down.
    CrashAfter,
    /// Too late after its guarded write: not sent.
    Dropped,
}

/// How updates end that nobody has said anything else about.
#[derive(Clone, Debug)]
pub enum End {
    Successful,
    Failed,
    Cancelled,
    Never,
}

#[derive(Clone, Debug)]
pub struct Stored {
    pub view: UpdateView,
    pub token: Option<String>,
    accepted_at: Timestamp,
    ends_at: Timestamp,
    control_plane_from: Timestamp,
    end: End,
    listed_from: Timestamp,
}

#[derive(Clone, Debug)]
pub struct FakeEks {
    pub cluster: ClusterView,
    pub offered: Vec<Minor>,
    pub updates: Vec<Stored>,
    /// How updates accepted from now on end.
    pub end: End,
    /// How long they take.
    pub takes: SignedDuration,
    /// How long ListUpdates does not show them.
    pub list_lag: SignedDuration,
    /// How long DescribeCluster shows the old state, after accepting and after the end.
    pub describe_lag: SignedDuration,
    /// By how much EKS's clock is ahead of the operator's.
    pub clock_ahead: SignedDuration,
    /// Errors of reads, by the name of the read.
    pub broken: HashMap<&'static str, EksError>,
    /// From when on which status is shown, and which version where it changes.
    shown_later: Vec<(Timestamp, &'static str, Option<String>)>,
    /// The versions in extended support.
    pub extended: Vec<Minor>,
    pub nodegroups: Vec<NodegroupView>,
    /// The rollback-readiness insights as the next refresh finds them.
    pub insights: Vec<InsightView>,
    /// As the last refresh found them.
    pub found: Vec<InsightView>,
    /// When the last refresh was started, and how long one takes.
    pub refresh_started: Option<Timestamp>,
    pub refresh_takes: SignedDuration,
    /// For how long the nodes of an Auto Mode cluster go back.
    pub node_phase: SignedDuration,
    /// What the checks before an upgrade look at, the refresh aside.
    pub addons: Vec<Addon>,
    pub upgrade_insights: Vec<Insight>,
    /// What EKS finds besides of the upgrade to one version.
    pub insights_of: HashMap<Minor, Vec<Insight>>,
    /// How the last refresh before an upgrade ended, where not well.
    pub upgrade_refresh_failed: bool,
    /// When standard support of a version ends.
    pub support_ends: HashMap<Minor, Timestamp>,
    /// How long a refresh before an upgrade takes; without it the last one has just ended, whenever it is looked at.
    pub upgrade_refresh_takes: Option<SignedDuration>,
    pub upgrade_refresh_started: Option<Timestamp>,
    /// When the last one ended, if not by these.
    pub upgrade_refreshed_at: Option<Timestamp>,
    pub reads: Vec<Read>,
}

pub fn error(kind: ErrorKind) -> EksError {
    let code = match kind {
        ErrorKind::Throttled => "ThrottlingException",
        ErrorKind::Unavailable => "ServiceUnavailableException",
        ErrorKind::InUse => "ResourceInUseException",
        ErrorKind::InvalidState => "InvalidStateException",
        ErrorKind::InvalidParameter => "InvalidParameterException",
        ErrorKind::Rejected => "InvalidRequestException",
        ErrorKind::NotFound => "ResourceNotFoundException",
        ErrorKind::AccessDenied => "AccessDeniedException",
        ErrorKind::CredentialsRefused => "ExpiredTokenException",
        ErrorKind::CredentialsMissing => "DispatchFailure",
        ErrorKind::ClockSkew => "RequestExpired",
    };
    EksError {
        kind,
        operation: "eks:DescribeCluster",
        code: code.to_owned(),
        message: "AWS's own words.".to_owned(),
        request_id: Some("request-1".to_owned()),
        clock_behind: (kind == ErrorKind::ClockSkew).then_some(421),
    }
}

impl Stored {
    /// Has it take longer.
    pub fn postpone(&mut self, by: SignedDuration) {
        self.ends_at += by;
    }
}

impl FakeEks {
    pub fn at(version: &str) -> Self {
        Self {
            cluster: ClusterView {
                arn: ARN.to_owned(),
                created_at: Some("2025-01-01T00:00:00.25Z".parse().unwrap()),
                version: version.to_owned(),
                platform_version: Some("eks.1".to_owned()),
                status: "ACTIVE".to_owned(),
                hosting: Hosting::Cloud,
                is_auto_mode: false,
                support_type: Some("EXTENDED".to_owned()),
                health: Vec::new(),
                hold: None,
            },
            offered: (30..=40).map(Minor::new).collect(),
            updates: Vec::new(),
            end: End::Successful,
            takes: SignedDuration::from_mins(10),
            list_lag: SignedDuration::ZERO,
            describe_lag: SignedDuration::ZERO,
            clock_ahead: SignedDuration::ZERO,
            broken: HashMap::new(),
            shown_later: Vec::new(),
            extended: Vec::new(),
            nodegroups: Vec::new(),
            insights: Vec::new(),
            found: Vec::new(),
            refresh_started: None,
            refresh_takes: SignedDuration::from_secs(40),
            node_phase: SignedDuration::from_hours(5),
            addons: Vec::new(),
            upgrade_insights: vec![kubelets()],
            insights_of: HashMap::new(),
            upgrade_refresh_failed: false,
            support_ends: HashMap::new(),
            upgrade_refresh_takes: None,
            upgrade_refresh_started: None,
            upgrade_refreshed_at: None,
            reads: Vec::new(),
        }
    }

    pub fn is_running(&self) -> bool {
        self.updates.iter().any(|update| {
            matches!(
                update.view.status,
                Progress::InProgress | Progress::Other(_)
            )
        })
    }

    /// Whether what is shown is what is.
    pub fn is_at_rest(&self) -> bool {
        !self.is_running() && self.shown_later.is_empty()
    }

    /// Accepts an update of somebody or of us.
    pub fn accept(
        &mut self,
        kind: &str,
        to: Option<Minor>,
        token: Option<&str>,
        now: Timestamp,
    ) -> UpdateView {
        let view = UpdateView {
            id: format!("u{}", self.updates.len() + 1),
            kind: kind.to_owned(),
            status: Progress::InProgress,
            to_version: to.map(|to| to.to_string()),
            created_at: Some(now + self.clock_ahead),
            errors: Vec::new(),
            cancellation: None,
        };
        let nodes = if kind == "VersionRollback" && self.cluster.is_auto_mode {
            self.node_phase
        } else {
            SignedDuration::ZERO
        };
        self.updates.push(Stored {
            view: view.clone(),
            token: token.map(ToOwned::to_owned),
            accepted_at: now,
            ends_at: now + nodes + self.takes,
            control_plane_from: now + nodes,
            end: self.end.clone(),
            listed_from: now + self.list_lag,
        });
        self.show_at(now + nodes + self.describe_lag, "UPDATING", None);
        view
    }

    /// Has what runs fail at a time.
    pub fn fail_running(&mut self, at: Timestamp) {
        for stored in &mut self.updates {
            if stored.view.status == Progress::InProgress {
                stored.end = End::Failed;
                stored.ends_at = at;
            }
        }
    }

    /// What happened first is shown first, also where the lag has changed.
    fn show_at(&mut self, at: Timestamp, status: &'static str, version: Option<String>) {
        let last = self.shown_later.last().map_or(at, |(last, _, _)| *last);
        self.shown_later.push((at.max(last), status, version));
    }

    /// Lets time pass up to `now`.
    pub fn pass(&mut self, now: Timestamp) {
        for index in 0..self.updates.len() {
            let stored = &mut self.updates[index];
            let running = matches!(
                stored.view.status,
                Progress::InProgress | Progress::Other(_)
            );
            if !running || stored.ends_at > now {
                continue;
            }
            let (status, version) = match stored.end {
                End::Successful => (Progress::Successful, stored.view.to_version.clone()),
                End::Failed => (Progress::Failed, None),
                End::Cancelled => (Progress::Cancelled, None),
                End::Never => continue,
            };
            if status == Progress::Failed {
                stored.view.errors = vec![UpdateError {
                    code: "IpNotAvailable".to_owned(),
                    message: "Too few free addresses.".to_owned(),
                    resource_ids: vec!["subnet-1".to_owned()],
                }];
            }
            stored.view.status = status;
            let shown_at = stored.ends_at + self.describe_lag;
            self.show_at(shown_at, "ACTIVE", version);
        }
        while self
            .shown_later
            .first()
            .is_some_and(|(at, _, _)| *at <= now)
        {
            let (_, status, version) = self.shown_later.remove(0);
            if self.cluster.status != "FAILED" {
                status.clone_into(&mut self.cluster.status);
            }
            if let Some(version) = version {
                self.cluster.version = version;
            }
        }
    }

    /// Answers one read into `observed`.
    pub fn answer(&mut self, read: &Read, observed: &mut Observed, now: Timestamp) {
        self.reads.push(read.clone());
        if let Read::StartRefresh = read
            && !self.broken.contains_key("start refresh")
        {
            self.refresh_started = Some(now);
        }
        let refresh = self.refresh(now);
        let broken = |name: &str| {
            self.broken
                .get(name)
                .or_else(|| self.broken.get("all"))
                .cloned()
                .map_or(Ok(()), Err)
        };
        match read {
            Read::Tracked(id) => {
                let found = self.updates.iter().find(|update| update.view.id == *id);
                observed.tracked = Some(broken("tracked").and_then(|()| {
                    found
                        .map(|update| update.view.clone())
                        .ok_or_else(|| error(ErrorKind::NotFound))
                }));
            }
            Read::Cluster => {
                observed.cluster = Some(broken("cluster").map(|()| self.cluster.clone()));
            }
            Read::Updates => {
                let listed = self
                    .updates
                    .iter()
                    .filter(|update| update.listed_from <= now);
                let views = listed.map(|update| update.view.clone()).collect();
                observed.updates = Some(broken("updates").map(|()| views));
            }
            Read::Versions => {
                observed.versions = Some(broken("versions").map(|()| self.on_offer()));
            }
            Read::Nodegroups => {
                observed.nodegroups = Some(broken("nodegroups").map(|()| self.nodegroups.clone()));
            }
            Read::Refresh => observed.refresh = Some(broken("refresh").map(|()| refresh)),
            Read::StartRefresh => {
                observed.refresh = Some(broken("start refresh").map(|()| RefreshView {
                    status: RefreshStatus::InProgress,
                    started_at: None,
                    ended_at: None,
                }));
            }
            Read::Insights => {
                observed.insights = Some(broken("insights").map(|()| self.found.clone()));
            }
            Read::Support => {
                observed.support = Some(broken("support").map(|()| self.on_offer()));
            }
            Read::Evidence(part, _) => self.show(*part, &mut observed.evidence, now),
            Read::Readiness => {
                observed.readiness = Some(broken("insights").map(|()| Readiness {
                    insights: self.found.clone(),
                    offered: self.on_offer(),
                }));
            }
        }
    }

    /// Shows what a check looks at.
    fn show(&mut self, part: Part, evidence: &mut Evidence, now: Timestamp) {
        let name = match part {
            Part::Nodegroups => "check nodegroups",
            Part::Addons(_) => "check addons",
            Part::Refresh => "check refresh",
            Part::StartRefresh => "check start refresh",
            Part::Insights { .. } => "check insights",
        };
        let broken = self.broken.get(name).or_else(|| self.broken.get("all"));
        let broken = broken.cloned().map_or(Ok(()), Err);
        if part == Part::StartRefresh && broken.is_ok() {
            self.upgrade_refresh_started = Some(now);
        }
        match part {
            Part::Nodegroups => {
                let groups = broken.map(|()| self.nodegroups.clone());
                evidence.nodegroups = Some(new(now, groups));
            }
            Part::Addons(_) => {
                evidence.addons = Some(new(now, broken.map(|()| self.addons.clone())));
            }
            Part::Refresh => {
                let view = broken.map(|()| self.upgrade_refresh(now));
                evidence.refresh = Some(new(now, view));
            }
            Part::StartRefresh => {
                let view = broken.map(|()| RefreshView {
                    status: RefreshStatus::InProgress,
                    started_at: Some(now),
                    ended_at: None,
                });
                evidence.refresh = Some(new(now, view));
            }
            Part::Insights { version, .. } => {
                let of_version = self.insights_of.get(&version).into_iter().flatten();
                let all = self.upgrade_insights.iter().chain(of_version);
                let insights = broken.map(|()| all.cloned().collect());
                evidence.insights = Some(new(now, insights));
            }
        }
    }

    fn upgrade_refresh(&self, now: Timestamp) -> RefreshView {
        if let Some(at) = self.upgrade_refreshed_at {
            return refreshed(at);
        }
        let Some(takes) = self.upgrade_refresh_takes else {
            return refreshed(now);
        };
        let Some(started) = self.upgrade_refresh_started else {
            return RefreshView {
                status: RefreshStatus::None,
                started_at: None,
                ended_at: None,
            };
        };
        let is_over = now >= started + takes;
        RefreshView {
            status: if is_over && self.upgrade_refresh_failed {
                RefreshStatus::Failed("FAILED".to_owned())
            } else if is_over {
                RefreshStatus::Completed
            } else {
                RefreshStatus::InProgress
            },
            started_at: Some(started),
            // Of one that failed EKS need not say when.
            ended_at: (is_over && !self.upgrade_refresh_failed).then(|| started + takes),
        }
    }

    fn on_offer(&self) -> Arc<[OfferedVersion]> {
        let offered = self.offered.iter().map(|version| OfferedVersion {
            version: *version,
            status: if self.extended.contains(version) {
                "EXTENDED_SUPPORT".to_owned()
            } else {
                "STANDARD_SUPPORT".to_owned()
            },
            end_of_standard_support: self.support_ends.get(version).copied(),
            end_of_extended_support: None,
        });
        offered.collect()
    }

    /// How the last refresh of insights goes.
    fn refresh(&mut self, now: Timestamp) -> RefreshView {
        let Some(started) = self.refresh_started else {
            return RefreshView {
                status: RefreshStatus::None,
                started_at: None,
                ended_at: None,
            };
        };
        let end = started + self.refresh_takes;
        if now < end {
            return RefreshView {
                status: RefreshStatus::InProgress,
                started_at: None,
                ended_at: None,
            };
        }
        self.found.clone_from(&self.insights);
        RefreshView {
            status: RefreshStatus::Completed,
            started_at: Some(started),
            ended_at: Some(end),
        }
    }

    /// CancelUpdate as EKS answers it: while the nodes of an Auto Mode cluster go back.
    pub fn cancel(&mut self, request: &CancelRequest, now: Timestamp) -> Sent {
        self.pass(now);
        let found = self
            .updates
            .iter_mut()
            .find(|update| update.view.id == request.update_id);
        let Some(stored) = found else {
            return Sent::NotAccepted(error(ErrorKind::NotFound));
        };
        if stored.view.cancellation.is_some() {
            return Sent::Accepted(stored.view.clone());
        }
        if stored.view.status != Progress::InProgress {
            return Sent::NotAccepted(error(ErrorKind::Rejected));
        }
        if now >= stored.control_plane_from {
            return Sent::NotAccepted(error(ErrorKind::InvalidState));
        }
        stored.view.cancellation = Some(Cancellation {
            status: "InProgress".to_owned(),
            reason: String::new(),
        });
        stored.end = End::Cancelled;
        stored.ends_at = now + SignedDuration::from_secs(30);
        // The control plane was not touched.
        self.shown_later.clear();
        Sent::Accepted(stored.view.clone())
    }

    /// UpdateClusterVersion as EKS answers it.
    pub fn send(&mut self, request: &VersionRequest, now: Timestamp) -> Sent {
        let token = &request.client_request_token;
        if let Some(known) = self.updates.iter().find(|update| {
            update.token.as_ref() == Some(token) && now < update.accepted_at + TOKEN_HONOURED
        }) {
            return Sent::Accepted(known.view.clone());
        }
        if self.is_running() {
            return Sent::NotAccepted(error(ErrorKind::InUse));
        }
        let from: Minor = self.cluster.version.parse().unwrap();
        let kind = if request.rollback_timeout.is_some() {
            assert_eq!(Some(request.version), from.previous());
            "VersionRollback"
        } else {
            assert_eq!(
                request.version,
                from.next(),
                "EKS would roll back or refuse"
            );
            "VersionUpdate"
        };
        Sent::Accepted(self.accept(kind, Some(request.version), Some(token), now))
    }
}
