//! The plan for a terminal.

use console::{Style, style};

use crate::api::{Check, CheckResult, Finding, Support, SupportStatus};
use crate::text::plain;

use super::super::shown::add;

use super::report::{Report, Usually};

/// As many bytes of other people's words are shown.
const SAID: usize = 1024;

/// What a plan cannot know.
pub const LATER: &str =
    "The checks of the later hops can only be made once the hop before is done.";

/// `prod in eu-central-1, 1.33 to 1.35: ready`.
pub fn headline(report: &Report) -> String {
    let cluster = &report.cluster;
    let verdict = if report.ready {
        style(if report.steps.is_empty() {
            "nothing to do"
        } else {
            "ready"
        })
        .green()
        .bold()
    } else {
        style(report.reason.as_str()).red().bold()
    };
    format!(
        "{} in {}, {} to {}: {verdict}",
        style(plain(&cluster.name, SAID)).bold(),
        cluster.region,
        cluster.version,
        report.to
    )
}

/// Everything, with the checks that passed where `wide`.
pub fn text(report: &Report, wide: bool) -> String {
    let mut text = format!("{}\n", headline(report));
    line(&mut text, &plain(summary(report), 4 * SAID));
    if !report.steps.is_empty() {
        heading(&mut text, "Path");
        for (index, step) in report.steps.iter().enumerate() {
            let number = index + 1;
            let mut said = format!("{number}. {} → {}  {}", step.from, step.to, step.call);
            if let Some(at) = step.earliest_start {
                add(&mut said, format_args!(", from {at} on"));
            }
            line(&mut text, &said);
        }
        if let Some(usually) = &report.usually {
            line(&mut text, &style(how_long(*usually)).dim().to_string());
        }
    }
    if !report.checks.is_empty() {
        let to = report.steps.first().map(|step| step.to.to_string());
        heading(
            &mut text,
            &format!("Checks before {}", to.unwrap_or_default()),
        );
        for check in &report.checks {
            add_check(&mut text, check, wide);
        }
        if report.steps.len() > 1 {
            line(&mut text, &style(LATER).dim().to_string());
        }
    }
    let closed: Vec<_> = report.gates_closed().collect();
    if !closed.is_empty() {
        heading(&mut text, "Gates");
        for gate in closed {
            line(
                &mut text,
                &format!("{} {:?}: {}", gate.gate, gate.state, gate.message),
            );
        }
    }
    if let Some(support) = &report.support {
        heading(&mut text, "Support");
        for said in supports(support) {
            line(&mut text, &said);
        }
    }
    heading(&mut text, "Next");
    for said in next(report) {
        line(&mut text, &said);
    }
    text
}

/// The message; where it is all about the checks, which follow, what can be done about them.
pub fn summary(report: &Report) -> &str {
    if report.is_held_by_checks() {
        "The checks below hold it up. Mend what they name; to accept a finding, add it to spec.preflight.waivers (check, finding, version, reason, expires)."
    } else {
        &report.message
    }
}

fn heading(text: &mut String, words: &str) {
    add(text, format_args!("\n{}\n", style(words).bold()));
}

fn line(text: &mut String, words: &str) {
    if !words.is_empty() {
        text.push_str("  ");
        text.push_str(words);
        text.push('\n');
    }
}

fn add_check(text: &mut String, check: &Check, wide: bool) {
    let (mark, colour) = mark(check.result);
    let result = check.result.as_str();
    let mut said = format!(
        "{} {} {}",
        colour.apply_to(mark),
        style(&check.code).bold(),
        colour.apply_to(result)
    );
    // The findings say it themselves.
    if check.findings.is_empty() {
        add(&mut said, format_args!(": {}", plain(&check.message, SAID)));
    }
    line(text, &said);
    for finding in &check.findings {
        if finding.result == CheckResult::Passed && !wide {
            continue;
        }
        let (mark, colour) = self::mark(finding.result);
        line(
            text,
            &format!("    {} {}", colour.apply_to(mark), found(finding)),
        );
    }
}

/// A finding as a waiver would name it, and what to do about it.
pub fn found(finding: &Finding) -> String {
    let Finding {
        id,
        name,
        result: _,
        message,
    } = finding;
    let named = match name {
        Some(name) => format!("{name} ({id})"),
        None => id.clone(),
    };
    format!("{}: {}", plain(&named, SAID), plain(message, SAID))
}

fn mark(result: CheckResult) -> (&'static str, Style) {
    match result {
        CheckResult::Passed => ("✔", Style::new().green()),
        CheckResult::Warning => ("!", Style::new().yellow()),
        CheckResult::Waived => ("~", Style::new().yellow()),
        CheckResult::Unknown => ("?", Style::new().red()),
        CheckResult::Failed => ("✘", Style::new().red()),
    }
}

/// How long the hops usually take.
pub fn how_long(usually: Usually) -> String {
    let Usually {
        hops,
        early_minutes,
        late_minutes,
    } = usually;
    if hops == 1 {
        format!("Such a hop usually takes {early_minutes} to {late_minutes} minutes.")
    } else {
        let (early, late) = (early_minutes / hops, late_minutes / hops);
        format!(
            "Such a hop usually takes {early} to {late} minutes: {early_minutes} to {late_minutes} in all, without what is waited between them."
        )
    }
}

/// Until when the versions are supported, a line each.
pub fn supports(support: &SupportStatus) -> Vec<String> {
    let SupportStatus { current, target } = support;
    let said = |support: &Support| {
        let Support {
            version,
            end_of_standard_support,
            end_of_extended_support,
        } = support;
        let day = |at: &Option<jiff::Timestamp>| {
            at.map_or_else(
                || "unknown".to_owned(),
                |at| at.to_string().chars().take(10).collect(),
            )
        };
        format!(
            "{version}: standard support until {}, extended until {}",
            day(end_of_standard_support),
            day(end_of_extended_support)
        )
    };
    std::iter::once(current).chain(target).map(said).collect()
}

/// What a person does now.
pub fn next(report: &Report) -> Vec<String> {
    if report.ready && report.steps.is_empty() {
        return vec!["Nothing: the cluster has this version.".to_owned()];
    }
    let mut said = Vec::new();
    if report.is_stalled() {
        said.push(
            "The operator would start nothing until a person has done what is said above."
                .to_owned(),
        );
    } else if !report.ready {
        said.push(
            "Mend what is named above and plan again; the operator would wait, and start by itself once it can."
                .to_owned(),
        );
    }
    if report.refreshing {
        said.push("EKS still refreshes its insights: plan again in some minutes.".to_owned());
    }
    said.push(
        "The same command with --manifest prints the ClusterUpgrade to commit. Freezes, windows and other objects of a hub are not known here."
            .to_owned(),
    );
    said
}
