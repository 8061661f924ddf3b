//! What a rollback needs: the exact permission, and that EKS would take it.

use eks_upgrade_operator::api::{Minor, Reason, UpdateStatus};
use eks_upgrade_operator::eks::{Progress, RefreshStatus};
use eks_upgrade_operator::plan::Wish;
use jiff::{SignedDuration, Timestamp};

use super::hop::{Step, newest_version};
use super::{Case, Rule, Rules, Said, gates};

/// EKS takes an upgrade back for seven days after its end, which it does not tell: an upgrade takes two hours at most.
pub const TAKEN_BACK_WITHIN: SignedDuration = SignedDuration::from_hours(7 * 24 + 2);

/// An update that ended well: what it is called, of which kind it is, where it led and when it began.
pub struct Success<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub to: Option<Minor>,
    pub created_at: Option<Timestamp>,
}

/// The newest successful version update, as EKS lists it, or as status knows it where EKS does not list it.
pub fn newest_success<'a>(case: &'a Case<'_>) -> Option<Success<'a>> {
    let is_version = |kind: &str| ["VersionUpdate", "VersionRollback"].contains(&kind);
    let listed = case.listed();
    let by_eks = listed
        .iter()
        .filter(|view| is_version(&view.kind) && view.status == Progress::Successful)
        .map(|view| Success {
            id: &view.id,
            kind: &view.kind,
            to: newest_version(view),
            created_at: view.created_at,
        })
        .max_by_key(|view| (view.created_at, view.id));
    let remembered = case.memory.history.iter().rev().chain(&case.memory.update);
    let by_status = remembered
        .filter(|update| is_version(&update.kind))
        .filter(|update| update.status == Some(UpdateStatus::Successful))
        .filter_map(|update| {
            Some(Success {
                id: update.id.as_deref()?,
                kind: &update.kind,
                to: Some(update.to_version),
                created_at: update.created_at,
            })
        })
        .filter(|known| listed.iter().all(|view| view.id != known.id))
        .max_by_key(|known| known.created_at);
    match (by_eks, by_status) {
        (Some(eks), Some(status)) if status.created_at <= eks.created_at => Some(eks),
        (eks, status) => status.or(eks),
    }
}

/// From when on EKS can have looked at whether the last upgrade can be undone.
pub fn known_since(case: &Case<'_>) -> Option<Timestamp> {
    let last = newest_success(case)?;
    // The present update is known better than what history has of it.
    let mut remembered = case.memory.history.iter().rev().chain(&case.memory.update);
    let seen = remembered.find(|update| update.id.as_deref() == Some(last.id));
    let end = seen.and_then(|update| update.finished_at);
    end.filter(|at| *at <= case.now).max(last.created_at)
}

/// Whether the manifest names the very update that brought the cluster to its version, within the time that EKS gives.
pub fn is_permitted(case: &Case<'_>, wish: &Wish, version: Minor) -> bool {
    let is_by_versions = Step::of(wish, version).is_some_and(Step::is_down);
    let Some(last) = newest_success(case).filter(|_| is_by_versions) else {
        return false;
    };
    let is_named =
        |permit: &eks_upgrade_operator::plan::RollbackPermit| permit.update_id == last.id;
    last.kind == "VersionUpdate"
        && last.to.is_none_or(|to| to == version)
        && wish.rollback.as_ref().is_some_and(is_named)
        && last
            .created_at
            .is_none_or(|at| case.now < at + TAKEN_BACK_WITHIN)
}

/// What EKS would refuse it for.
pub fn gates(case: &Case<'_>, step: Step, rules: &mut Rules) {
    let observed = &case.all.observed;
    let failed = Said::Reason(Reason::PreflightFailed);
    let is_extended = matches!(&observed.versions, Some(Ok(offered)) if offered
        .iter()
        .any(|offer| offer.version == step.to && offer.status == "EXTENDED_SUPPORT"));
    let is_standard = case
        .cluster()
        .is_some_and(|view| view.support_type.as_deref() == Some("STANDARD"));
    let is_behind = matches!(&observed.nodegroups, Some(Ok(groups)) if groups
        .iter()
        .any(|group| group.version.parse::<Minor>().map_or(true, |version| version > step.to)));
    if (is_extended && is_standard) || is_behind {
        rules.insert(Rule::Blocked, failed);
    }
    // Force overrides the insights, and only them.
    if step.force {
        return;
    }
    let is_fresh = matches!(&observed.refresh, Some(Ok(refresh))
        if refresh.status == RefreshStatus::Completed
            && refresh.ended_at.is_some_and(|at| case.now <= at + SignedDuration::from_hours(1))
            && !gates::is_of_a_time_to_come(case, refresh.ended_at)
            && refresh.ended_at >= known_since(case)
            && refresh.ended_at >= gates::asked_at(case));
    if !is_fresh {
        // It runs, has failed, or is begun now. While one runs, what blocked before is no news.
        let has_failed = matches!(&observed.refresh, Some(Ok(refresh))
            if (refresh.status == RefreshStatus::Completed && gates::is_of_a_time_to_come(case, refresh.ended_at))
                || matches!(refresh.status, RefreshStatus::Failed(_))
                && refresh.ended_at.is_some_and(|at| case.now <= at + case.all.settings.resync_interval));
        let said = if gates::is_said(case) && !has_failed {
            Said::Keep
        } else {
            Said::Reason(Reason::PreflightUnknown)
        };
        rules.insert(Rule::PreflightUnknown, said);
    }
    let is_passed = |status: &str| ["PASSING", "WARNING"].contains(&status);
    if let Some(Ok(insights)) = &observed.insights
        && !insights.iter().all(|insight| is_passed(&insight.status))
    {
        rules.insert(Rule::Insights, failed);
    }
}
