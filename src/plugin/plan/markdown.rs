//! The plan for a pull request.

use crate::api::CheckResult;

use super::super::shown::add;
use super::super::table::{Table, markdown as safe};
use super::report::Report;
use super::text::{LATER, found, how_long, next, summary, supports};

/// In Markdown.
pub fn markdown(report: &Report) -> String {
    let cluster = &report.cluster;
    let mark = if report.ready { "✅" } else { "⛔" };
    let verdict = if report.ready {
        "ready"
    } else {
        &report.reason
    };
    let mut text = format!(
        "### {mark} {} in {}: {} to {}, {verdict}\n\n{}\n",
        safe(&cluster.name),
        safe(&cluster.region),
        safe(&cluster.version),
        report.to,
        safe(summary(report))
    );
    if !report.steps.is_empty() {
        let mut hops = Table::new(["Hop", "Call", "Earliest start"]);
        for step in &report.steps {
            hops.row([
                format!("{} → {}", step.from, step.to),
                step.call.clone(),
                step.earliest_start
                    .map_or_else(String::new, |at| at.to_string()),
            ]);
        }
        add(&mut text, format_args!("\n{}", hops.markdown()));
        if let Some(usually) = report.usually {
            add(&mut text, format_args!("\n{}\n", how_long(usually)));
        }
    }
    if !report.checks.is_empty() {
        let mut checks = Table::new(["Check", "Result", "Finding"]);
        for check in &report.checks {
            let said = if check.findings.is_empty() {
                check.message.as_str()
            } else {
                "see below"
            };
            checks.row([&check.code, check.result.as_str(), said]);
        }
        add(&mut text, format_args!("\n{}", checks.markdown()));
        let findings = report.checks.iter().flat_map(|check| &check.findings);
        let mut findings = findings
            .filter(|finding| finding.result != CheckResult::Passed)
            .peekable();
        if findings.peek().is_some() {
            text.push('\n');
        }
        for finding in findings {
            add(
                &mut text,
                format_args!("- {}: {}\n", finding.result, safe(&found(finding))),
            );
        }
    }
    if report.steps.len() > 1 {
        add(&mut text, format_args!("\n{LATER}\n"));
    }
    let mut last: Vec<String> = report.support.iter().flat_map(supports).collect();
    last.extend(next(report));
    text.push('\n');
    for said in last {
        add(&mut text, format_args!("- {}\n", safe(&said)));
    }
    text
}
