//! What stands in the way of the next hop, or makes it needless.

use eks_upgrade_operator::api::{Minor, Reason, RollbackTimeout, Update, UpdateStatus};
use eks_upgrade_operator::eks::{Progress, UpdateView};
use eks_upgrade_operator::plan::Wish;
use jiff::Timestamp;

use super::{Case, Rule, Rules, Said, gates, is_running, leads_to, newest, refused, rollback};

/// The next step, by the versions in the manifest and of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub kind: &'static str,
    pub from: Minor,
    pub to: Minor,
    pub force: bool,
    /// Of a rollback.
    pub timeout: Option<RollbackTimeout>,
}

impl Step {
    /// Up, or down where the manifest permits one minor from this version. None otherwise.
    pub fn of(wish: &Wish, version: Minor) -> Option<Self> {
        if version < wish.version {
            return Some(Self::up(wish, version));
        }
        let permit = wish.rollback.as_ref();
        let permit = permit.filter(|permit| permit.from == version)?;
        (wish.version.next() == version).then(|| Self {
            kind: "VersionRollback",
            from: version,
            to: wish.version,
            force: wish.forced == Some(wish.version),
            timeout: Some(permit.timeout),
        })
    }

    fn up(wish: &Wish, version: Minor) -> Self {
        let to = version.next();
        Self {
            kind: "VersionUpdate",
            from: version,
            to,
            force: wish.forced == Some(to),
            timeout: None,
        }
    }

    pub fn is_down(self) -> bool {
        self.kind == "VersionRollback"
    }
}

pub fn rules(case: &Case<'_>, wish: &Wish, version: Minor, rules: &mut Rules) {
    let step = Step::of(wish, version);
    let mut say = |rule, reason| {
        rules.insert(rule, Said::Reason(reason));
    };
    if version == wish.version {
        say(Rule::UpToDate, Reason::UpToDate);
    }
    if version > wish.version && !rollback::is_permitted(case, wish, version) {
        say(Rule::ClusterAheadOfSpec, Reason::ClusterAheadOfSpec);
    }
    if let Some(reason) = ended(case, wish, step.unwrap_or_else(|| Step::up(wish, version))) {
        say(Rule::Ended, reason);
    }
    let listed = case.listed();
    if let Some(step) = step {
        let is_our_hop = |view: &UpdateView| view.kind == step.kind && leads_to(view, step.to);
        let mut running = listed.iter().filter(|view| is_running(view));
        if running.any(is_our_hop) {
            say(Rule::Adopted, Reason::Updating);
        }
        let is_offered = |version: u16| {
            let Some(Ok(offered)) = &case.all.observed.versions else {
                return true;
            };
            offered
                .iter()
                .any(|offer| offer.version.number() == version && offer.status != "UNSUPPORTED")
        };
        if !(step.to.number()..=wish.version.number()).all(is_offered) {
            say(Rule::UnsupportedVersion, Reason::UnsupportedVersion);
        }
    }
    let is_down = step.is_some_and(Step::is_down);
    let lags = newest(listed).is_some_and(|newest| {
        newest.kind == "VersionUpdate"
            && newest.status == Progress::Successful
            && newest_version(newest) > Some(version)
    });
    if (lags && !is_down) || listed.iter().any(is_running) {
        say(Rule::WaitingForCluster, Reason::WaitingForCluster);
    }
    if let Some(step) = step {
        gates::rules(case, step, rules);
        if step.is_down() {
            rollback::gates(case, step, rules);
        }
    }
    let Some(step) = step.filter(|_| !case.has_open_intent()) else {
        rules.insert(Rule::Free, Said::Reason(Reason::Updating));
        return;
    };
    let refused = refused::said(case, wish, step);
    let free = match refused::is_said(case, step) {
        _ if attempts_are_used_up(case) => Said::Reason(Reason::RequestRejected),
        true => Said::Keep,
        false => Said::Reason(Reason::Updating),
    };
    rules.insert(Rule::Free, free);
    rules.extend(refused.map(|said| (Rule::Refused, said)));
}

pub fn newest_version(view: &UpdateView) -> Option<Minor> {
    view.to_version.as_deref()?.parse().ok()
}

/// No attempt is used twice, so there is none after the last number.
fn attempts_are_used_up(case: &Case<'_>) -> bool {
    let remembered = case.memory.update.iter().chain(&case.memory.history);
    let attempts = remembered.filter_map(|update| update.attempt);
    attempts.chain(case.memory.attempts).max() == Some(u32::MAX)
}

/// How the newest update ended, where that stands against `step`: by EKS's list, and by status where the list shows neither
/// that update nor a newer one.
fn ended(case: &Case<'_>, wish: &Wish, step: Step) -> Option<Reason> {
    let listed = newest(case.listed());
    let memory = &case.memory;
    let known = memory.history.iter().rev().chain(&memory.update);
    let known = known.filter(|update| update.id.is_some());
    let unlisted = known
        .max_by_key(|update| update.created_at)
        .filter(|update| {
            let mut ids = case.listed().iter().map(|view| Some(&view.id));
            let is_older = listed.is_some_and(|listed| listed.created_at > update.created_at);
            !is_older && !ids.any(|id| id == update.id.as_ref())
        });
    let by_status = unlisted.and_then(|update| {
        let how = match &update.status {
            Some(UpdateStatus::Failed) => Some(Reason::UpdateFailed),
            Some(UpdateStatus::Cancelled) => Some(Reason::UpdateCancelled),
            Some(UpdateStatus::Lost) => Some(Reason::UpdateLost),
            _ => None,
        };
        stands(case, wish, step, update, how)
    });
    by_status.or_else(|| {
        let view = listed.filter(|view| !is_running(view))?;
        let how = match view.status {
            Progress::Failed => Some(Reason::UpdateFailed),
            Progress::Cancelled => Some(Reason::UpdateCancelled),
            Progress::InProgress | Progress::Other(_) | Progress::Successful => None,
        };
        // What this object knows of it; of somebody else's it is known only now.
        let mut known = memory.history.iter().rev().chain(&memory.update);
        let known = known.find(|update| update.id.as_ref() == Some(&view.id));
        let to_version = newest_version(view)
            .or(known.map(|update| update.to_version))
            .unwrap_or(step.to);
        let again = tried_again(&view.kind, to_version, step);
        let is_rollback = view.kind == "VersionRollback";
        let seen_now = Update {
            id: Some(view.id.clone()),
            kind: view.kind.clone(),
            status: None,
            from_version: match known {
                Some(update) => update.from_version,
                None if is_rollback => to_version.next(),
                None => step.from,
            },
            to_version,
            for_version: match known {
                None => Some(wish.version),
                // What was tried is not known where status and EKS differ.
                Some(update) if update.kind != view.kind || update.to_version != to_version => None,
                Some(update) => update.for_version,
            },
            client_request_token: known.and_then(|update| update.client_request_token.clone()),
            attempt: known.and_then(|update| update.attempt),
            sends: None,
            timeout: match known {
                None => step.timeout,
                Some(update) => update.timeout,
            },
            cancel: None,
            force: known.map_or(wish.forced == Some(again), |update| update.force),
            requested_at: known.and_then(|update| update.requested_at),
            last_send_at: None,
            created_at: view
                .created_at
                .or(known.and_then(|update| update.created_at)),
            finished_at: None,
            errors: Vec::new(),
        };
        stands(case, wish, step, &seen_now, how)
    })
}

fn stands(
    case: &Case<'_>,
    wish: &Wish,
    step: Step,
    update: &Update,
    how: Option<Reason>,
) -> Option<Reason> {
    let is_same_step = update.kind == step.kind && update.to_version == step.to;
    let reason = if update.kind == "VersionRollback" && !step.is_down() {
        told(Some(wish), update, how)
    } else {
        told(Some(wish), update, Some(how.filter(|_| is_same_step)?))
    };
    (!is_permitted(case, wish, step, update)).then_some(reason)
}

/// How an update that ended is called: a rollback that neither this object nor its manifest asked for is somebody else's
/// decision, however it ended. So is one that succeeded, whoever asked for it.
pub fn told(wish: Option<&Wish>, update: &Update, how: Option<Reason>) -> Reason {
    let is_ours = update.attempt.is_some() && update.client_request_token.is_some();
    let is_asked_for = wish.is_some_and(|wish| {
        let permit = wish.rollback.as_ref();
        wish.version == update.to_version
            && permit.is_some_and(|permit| permit.from == update.from_version)
    });
    how.filter(|_| update.kind != "VersionRollback" || is_ours || is_asked_for)
        .unwrap_or(Reason::RolledBackElsewhere)
}

/// The version of the step that would be another try, or would undo a rollback.
fn tried_again(kind: &str, to: Minor, step: Step) -> Minor {
    if kind == "VersionRollback" && !step.is_down() {
        to.next()
    } else {
        to
    }
}

/// Whether a person has permitted another try: by asking for something else, or by the annotation.
pub fn is_permitted(case: &Case<'_>, wish: &Wish, step: Step, update: &Update) -> bool {
    let is_rollback = update.kind == "VersionRollback";
    let forced = wish.forced == Some(tried_again(&update.kind, update.to_version, step));
    let has_other_timeout = is_rollback
        && step.is_down()
        && update
            .timeout
            .is_some_and(|tried| Some(tried) != step.timeout);
    // Only one that was asked for as a rollback has a timeout, and its force flag is of that.
    let is_of_that = !is_rollback || update.timeout.is_some() == step.is_down();
    let is_forced_otherwise = is_of_that && update.force != forced;
    let asks_for_another = update
        .for_version
        .is_some_and(|tried| tried != wish.version || is_forced_otherwise || has_other_timeout);
    // Our own was asked for, and is no more.
    let is_ours = update.attempt.is_some() && update.client_request_token.is_some();
    let is_taken_back = is_rollback && is_ours && wish.version != update.to_version;
    let annotated = case.all.object.retry_requested_at.as_deref();
    let annotated = annotated
        .and_then(|text| text.parse::<Timestamp>().ok())
        .filter(|at| *at <= case.now);
    let begun = [update.created_at, update.requested_at];
    let begun = begun.into_iter().flatten().max();
    let is_annotated = annotated.zip(begun).is_some_and(|(at, begun)| at > begun);
    asks_for_another || is_taken_back || is_annotated
}
