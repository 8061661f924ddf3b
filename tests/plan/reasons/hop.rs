//! What stands in the way of the next hop, or makes it needless.

use eks_upgrade_operator::api::{Minor, Reason, Update, UpdateStatus};
use eks_upgrade_operator::eks::{Progress, UpdateView};
use eks_upgrade_operator::plan::Wish;
use jiff::Timestamp;

use super::{Case, Rule, Rules, Said, is_running, leads_to, newest, refused};

pub fn rules(case: &Case<'_>, wish: &Wish, version: Minor, rules: &mut Rules) {
    let to = version.next();
    let mut say = |rule, reason| {
        rules.insert(rule, Said::Reason(reason));
    };
    if version == wish.version {
        say(Rule::UpToDate, Reason::UpToDate);
    }
    if version > wish.version {
        say(Rule::ClusterAheadOfSpec, Reason::ClusterAheadOfSpec);
    }
    if let Some(reason) = ended(case, wish, to) {
        say(Rule::Ended, reason);
    }
    let is_our_hop = |view: &UpdateView| view.kind == "VersionUpdate" && leads_to(view, to);
    let listed = case.listed();
    if version < wish.version {
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
        if !(to.number()..=wish.version.number()).all(is_offered) {
            say(Rule::UnsupportedVersion, Reason::UnsupportedVersion);
        }
    }
    let lags = newest(listed).is_some_and(|newest| {
        newest.kind == "VersionUpdate"
            && newest.status == Progress::Successful
            && newest_version(newest) > Some(version)
    });
    if lags || listed.iter().any(is_running) {
        say(Rule::WaitingForCluster, Reason::WaitingForCluster);
    }
    if version >= wish.version || case.has_open_intent() {
        rules.insert(Rule::Free, Said::Reason(Reason::Updating));
        return;
    }
    let refused = refused::said(case, wish, version);
    let free = match refused::is_said(case, version) {
        _ if attempts_are_used_up(case) => Said::Reason(Reason::RequestRejected),
        true => Said::Keep,
        false => Said::Reason(Reason::Updating),
    };
    rules.insert(Rule::Free, free);
    rules.extend(refused.map(|said| (Rule::Refused, said)));
}

fn newest_version(view: &UpdateView) -> Option<Minor> {
    view.to_version.as_deref()?.parse().ok()
}

/// No attempt is used twice, so there is none after the last number.
fn attempts_are_used_up(case: &Case<'_>) -> bool {
    let remembered = case.memory.update.iter().chain(&case.memory.history);
    let attempts = remembered.filter_map(|update| update.attempt);
    attempts.chain(case.memory.attempts).max() == Some(u32::MAX)
}

/// How the newest update ended, where that stands against the hop to `to`: by EKS's list, and by status where the list
/// shows neither that update nor a newer one.
fn ended(case: &Case<'_>, wish: &Wish, to: Minor) -> Option<Reason> {
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
        stands(case, wish, to, update, how)
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
            .unwrap_or(to);
        let again = tried_again(&view.kind, to_version);
        let seen_now = Update {
            id: Some(view.id.clone()),
            kind: view.kind.clone(),
            status: None,
            from_version: to,
            to_version,
            for_version: match known {
                None => Some(wish.version),
                // What was tried is not known where status and EKS differ.
                Some(update) if update.kind != view.kind || update.to_version != to_version => None,
                Some(update) => update.for_version,
            },
            client_request_token: None,
            attempt: None,
            sends: None,
            timeout: None,
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
        stands(case, wish, to, &seen_now, how)
    })
}

fn stands(
    case: &Case<'_>,
    wish: &Wish,
    to: Minor,
    update: &Update,
    how: Option<Reason>,
) -> Option<Reason> {
    let reason = if update.kind == "VersionRollback" {
        Reason::RolledBackElsewhere
    } else {
        how.filter(|_| update.to_version == to)?
    };
    (!is_permitted(case, wish, update)).then_some(reason)
}

/// The version of the hop that would be another try, or would undo a rollback.
fn tried_again(kind: &str, to: Minor) -> Minor {
    if kind == "VersionRollback" {
        to.next()
    } else {
        to
    }
}

/// Whether a person has permitted another try: by asking for something else, or by the annotation.
pub fn is_permitted(case: &Case<'_>, wish: &Wish, update: &Update) -> bool {
    let forced = wish.forced == Some(tried_again(&update.kind, update.to_version));
    let asks_for_another = update
        .for_version
        .is_some_and(|tried| tried != wish.version || update.force != forced);
    let annotated = case.all.object.retry_requested_at.as_deref();
    let annotated = annotated
        .and_then(|text| text.parse::<Timestamp>().ok())
        .filter(|at| *at <= case.now);
    let begun = [update.created_at, update.requested_at];
    let begun = begun.into_iter().flatten().max();
    asks_for_another || annotated.zip(begun).is_some_and(|(at, begun)| at > begun)
}
