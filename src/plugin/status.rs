//! `status`: everything about one ClusterUpgrade.

use console::style;
use jiff::Timestamp;

use crate::api::{
    CheckResult, ClusterUpgrade, ClusterUpgradeStatus, GateState, PreflightStatus, Reason,
    RollbackReadiness, Update,
};
use crate::plan::VERSION_ROLLBACK;
use crate::text::plain;

use super::args::{ClusterArgs, GetArgs, StatusArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::format::{Format, json, yaml};
use super::plan::{found, supports};
use super::shown::add;
use super::{get, gitops, history, objects, print, shown};

/// As many bytes of other people's words are shown.
const SAID: usize = 4096;
/// How many past updates are shown.
const PAST: usize = 3;

pub async fn run(cluster: &ClusterArgs, args: StatusArgs) -> Result<Exit, Failure> {
    let StatusArgs {
        name,
        all_namespaces,
        output,
    } = args;
    let Some(name) = name else {
        let args = GetArgs {
            names: Vec::new(),
            all_namespaces,
            selector: None,
            output,
        };
        return get::run(cluster, args).await;
    };
    let connection = Connection::open(cluster).await?;
    let listed = objects::get(&connection, &name).await?;
    let text = match output.format {
        Format::Json => json(&listed.raw)?,
        Format::Yaml => yaml(&listed.raw)?,
        Format::Table | Format::Wide | Format::Markdown => {
            let object = objects::understood(listed)?;
            let page = page(&object, output.format == Format::Wide, Timestamp::now());
            if output.format == Format::Markdown {
                page.markdown()
            } else {
                shown::fitted(&page.text())
            }
        }
    };
    print(&text)?;
    Ok(Exit::Fine)
}

/// A headline, and sections of lines.
struct Page {
    headline: String,
    sections: Vec<(&'static str, Vec<String>)>,
}

impl Page {
    fn section(&mut self, title: &'static str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.sections.push((title, lines));
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}\n", style(&self.headline).bold());
        for (title, lines) in &self.sections {
            add(&mut text, format_args!("\n{}\n", style(title).bold()));
            for line in lines {
                add(&mut text, format_args!("  {line}\n"));
            }
        }
        text
    }

    fn markdown(&self) -> String {
        let safe = super::table::markdown;
        let mut text = format!("### {}\n", safe(&self.headline));
        for (title, lines) in &self.sections {
            add(&mut text, format_args!("\n**{title}**\n\n"));
            for line in lines {
                add(&mut text, format_args!("- {}\n", safe(line.trim_start())));
            }
        }
        text
    }
}

fn page(object: &ClusterUpgrade, wide: bool, now: Timestamp) -> Page {
    let nothing = ClusterUpgradeStatus::default();
    let status = object.status.as_ref().unwrap_or(&nothing);
    let cluster = &object.spec.cluster;
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let version = status
        .cluster
        .as_ref()
        .map(|cluster| cluster.version.as_str());
    let reason = shown::reason(object).filter(|_| shown::is_decided(object));
    let mut page = Page {
        headline: plain(
            &format!(
                "{name}: {}, cluster {} in {} ({}), {} to {}",
                shown::state(object),
                cluster.name,
                cluster.region,
                cluster.account_id,
                version.unwrap_or("unknown"),
                object.spec.version
            ),
            SAID,
        ),
        sections: Vec::new(),
    };
    page.section("What is", what_is(object));
    page.section("What to do", vec![what_to_do(object, reason)]);
    page.section("Path", path(status, reason));
    page.section("Update", update(status, now));
    page.section(
        "Checks",
        status
            .preflight
            .as_ref()
            .map_or_else(Vec::new, |checks| self::checks(checks, wide)),
    );
    page.section("Waits for", waits_for(status));
    page.section("Schedule", schedule(object));
    page.section(
        "Rollback",
        status
            .rollback
            .as_ref()
            .map_or_else(Vec::new, |readiness| rollback(name, readiness, now)),
    );
    page.section(
        "Support",
        status.support.as_ref().map_or_else(Vec::new, supports),
    );
    page.section("Past updates", past(object));
    page
}

fn what_is(object: &ClusterUpgrade) -> Vec<String> {
    let mut lines = Vec::new();
    if !shown::is_decided(object) {
        lines.push(
            "The operator has not looked at the object as it is now. If that does not change within a minute: `kubectl eks-upgrade doctor`."
                .to_owned(),
        );
    }
    let said = plain(shown::message(object), SAID);
    if !said.is_empty() {
        lines.push(said);
    }
    let owners = gitops::owners(&object.metadata);
    lines.extend(owners.iter().map(|owner| format!("It is kept by {owner}.")));
    lines
}

fn what_to_do(object: &ClusterUpgrade, reason: Option<Reason>) -> String {
    match reason {
        Some(reason) => shown::next_step(reason).to_owned(),
        None if shown::is_decided(object) => {
            "Read what is said above: this program is older than the operator.".to_owned()
        }
        None => "Wait for the operator.".to_owned(),
    }
}

/// Hops that this object has done, the one that runs, and those to come.
fn path(status: &ClusterUpgradeStatus, reason: Option<Reason>) -> Vec<String> {
    let mut lines = Vec::new();
    let running = status
        .update
        .as_ref()
        .filter(|update| update.is_running() || update.is_open_intent());
    let mut done: Vec<&Update> = status
        .history
        .iter()
        .take_while(|update| update.is_ours() && is_successful(update))
        .collect();
    done.reverse();
    if running.is_some() || !status.path.is_empty() {
        lines.extend(
            done.iter()
                .map(|update| format!("✔ {} → {}", update.from_version, update.to_version)),
        );
    }
    if let Some(update) = running {
        lines.push(format!("▶ {} → {}", update.from_version, update.to_version));
    }
    let to_come = status
        .path
        .iter()
        .filter(|to| running.is_none_or(|update| update.to_version != **to));
    let stands = reason.is_some_and(Reason::is_stalled);
    for to in to_come {
        let from = to
            .previous()
            .map_or_else(String::new, |from| format!("{from} → "));
        let note = if stands {
            ", not before a person has acted"
        } else {
            ""
        };
        lines.push(format!("· {from}{to}{note}"));
    }
    lines
}

fn is_successful(update: &Update) -> bool {
    update.status == Some(crate::api::UpdateStatus::Successful)
}

fn update(status: &ClusterUpgradeStatus, now: Timestamp) -> Vec<String> {
    let Some(update) = &status.update else {
        return Vec::new();
    };
    let kind = if update.kind == VERSION_ROLLBACK {
        "rollback"
    } else {
        "upgrade"
    };
    let word = update
        .status
        .as_ref()
        .map_or("asked for", |status| status.as_str());
    let mut said = format!(
        "{kind} {} → {}: {word}",
        update.from_version, update.to_version
    );
    if let Some(began) = shown::began(update) {
        let until = update.finished_at.unwrap_or(now);
        add(&mut said, format_args!(", {}", shown::age(began, until)));
    }
    let mut lines = vec![plain(&said, SAID)];
    if let Some(id) = &update.id {
        let by = if update.is_ours() {
            ""
        } else {
            ", not asked for by this object"
        };
        lines.push(plain(&format!("EKS's id {id}{by}"), SAID));
    }
    if let Some(sends) = update.sends.filter(|sends| *sends > 1) {
        lines.push(format!("sent up to {sends} times"));
    }
    for error in &update.errors {
        let resources = error.resource_ids.join(", ");
        let said = format!("{}: {} {resources}", error.error_code, error.error_message);
        lines.push(plain(said.trim_end(), SAID));
    }
    if let Some(cancel) = &update.cancel {
        let word = match cancel.status {
            Some(crate::api::CancelStatus::Accepted) => "accepted",
            Some(crate::api::CancelStatus::Refused) => "refused: it was too late",
            None => "asked for",
        };
        lines.push(format!("its cancellation: {word}"));
    }
    lines
}

fn checks(status: &PreflightStatus, wide: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for check in &status.checks {
        let mark = match check.result {
            CheckResult::Passed => style("✔").green(),
            CheckResult::Warning | CheckResult::Waived => style("!").yellow(),
            CheckResult::Unknown => style("?").red(),
            CheckResult::Failed => style("✘").red(),
        };
        lines.push(plain_line(
            &format!("{} {}", check.code, check.result),
            &mark,
        ));
        for finding in &check.findings {
            if wide || finding.result != CheckResult::Passed {
                lines.push(format!("    {}: {}", finding.result, found(finding)));
            }
        }
    }
    lines
}

fn plain_line(said: &str, mark: &console::StyledObject<&str>) -> String {
    format!("{mark} {}", plain(said, SAID))
}

fn waits_for(status: &ClusterUpgradeStatus) -> Vec<String> {
    let first = status.plan.as_ref().and_then(|plan| plan.steps.first());
    let gates = first.into_iter().flat_map(|step| &step.gates);
    let mut lines: Vec<String> = gates
        .filter(|gate| matches!(gate.state, GateState::Closed | GateState::Unknown))
        .map(|gate| plain(&format!("{}: {}", gate.gate, gate.message), SAID))
        .collect();
    if let Some(at) = status.schedule.as_ref().and_then(|s| s.next_start.as_ref()) {
        lines.push(format!("starts at {}", plain(at, 64)));
    }
    lines
}

fn schedule(object: &ClusterUpgrade) -> Vec<String> {
    let spec = &object.spec;
    let mut lines = Vec::new();
    if spec.suspend {
        lines.push("suspended: nothing starts".to_owned());
    }
    if let Some(schedule) = &spec.schedule {
        for window in &schedule.windows {
            let days: Vec<String> = window.days.iter().map(ToString::to_string).collect();
            let zone = window.time_zone.as_deref().unwrap_or("UTC");
            let said = format!(
                "window {} from {} for {} ({zone})",
                days.join(" "),
                window.start,
                window.duration
            );
            lines.push(plain(&said, SAID));
        }
        if let Some(bake) = &schedule.bake {
            lines.push(plain(&format!("{bake} between two hops"), SAID));
        }
    }
    lines
}

fn rollback(name: &str, readiness: &RollbackReadiness, now: Timestamp) -> Vec<String> {
    let RollbackReadiness {
        eligible,
        to_version,
        update_id: _,
        expires_at,
        blockers,
        checked_at,
    } = readiness;
    if *expires_at <= now {
        return vec![format!(
            "the time to go back to {to_version} ended at {expires_at}"
        )];
    }
    let left = shown::age(now, *expires_at);
    let mut lines = vec![if *eligible {
        format!(
            "can go back to {to_version} until {expires_at} ({left}): `kubectl eks-upgrade rollback {name}` prints the lines"
        )
    } else {
        format!(
            "cannot go back to {to_version} as it is; the time for it ends at {expires_at} ({left})"
        )
    }];
    lines.extend(
        blockers
            .iter()
            .map(|blocker| plain(&format!("{}: {}", blocker.code, blocker.message), SAID)),
    );
    lines.push(format!("looked at {} ago", shown::age(*checked_at, now)));
    lines
}

fn past(object: &ClusterUpgrade) -> Vec<String> {
    let past = history::past(object);
    past.iter()
        .filter(|one| one.seen_ended_at.is_some())
        .take(PAST)
        .map(|one| {
            let by = if one.ours { "" } else { ", by somebody else" };
            let began = one
                .began_at
                .map_or_else(String::new, |at| format!(", {at}"));
            plain(
                &format!("{} → {}: {}{began}{by}", one.from, one.to, one.status),
                SAID,
            )
        })
        .collect()
}
