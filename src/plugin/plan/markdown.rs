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

#[cfg(test)]
mod tests {
    use crate::api::{Check, Finding, Step};

    use super::super::report::{Cluster, Usually};
    use super::*;

    fn step(from: &str, to: &str) -> Step {
        serde_json::from_value(serde_json::json!({
            "from": from, "to": to, "call": "UpdateClusterVersion", "gates": [],
        }))
        .unwrap()
    }

    #[test]
    fn what_others_wrote_stays_where_it_is_put() {
        let check = |code: &str, result, message: &str, findings| Check {
            code: code.to_owned(),
            result,
            message: message.to_owned(),
            findings,
            since: "2026-11-24T12:00:00Z".parse().unwrap(),
        };
        let report = Report {
            cluster: Cluster {
                name: "prod_1".to_owned(),
                region: "eu-central-1".to_owned(),
                account_id: "111122223333".to_owned(),
                arn: "arn:aws:eks:eu-central-1:111122223333:cluster/prod_1".to_owned(),
                version: "1.33".to_owned(),
                status: "ACTIVE".to_owned(),
            },
            to: "1.35".parse().unwrap(),
            ready: false,
            reason: "PreflightFailed".to_owned(),
            message: "UpgradeInsights failed.".to_owned(),
            steps: vec![step("1.33", "1.34"), step("1.34", "1.35")],
            usually: Some(Usually {
                hops: 2,
                early_minutes: 16,
                late_minutes: 30,
            }),
            checks: vec![
                check("NodeSkew", CheckResult::Passed, "all | well", Vec::new()),
                check(
                    "UpgradeInsights",
                    CheckResult::Failed,
                    "",
                    vec![Finding {
                        id: "1".to_owned(),
                        name: Some("Old <b>APIs</b>".to_owned()),
                        result: CheckResult::Failed,
                        message: "Ask @ops\n# now".to_owned(),
                    }],
                ),
            ],
            support: None,
            refreshing: false,
            asked_at: "2026-11-24T12:00:00Z".parse().unwrap(),
        };
        assert_eq!(
            markdown(&report),
            "\
### ⛔ prod\\_1 in eu-central-1: 1.33 to 1.35, PreflightFailed

The checks below hold it up. Mend what they name; to accept a finding, add it to spec.preflight.waivers (check, finding, version, reason, expires).

| Hop | Call | Earliest start |
| --- | --- | --- |
| 1.33 → 1.34 | UpdateClusterVersion |  |
| 1.34 → 1.35 | UpdateClusterVersion |  |

Such a hop usually takes 8 to 15 minutes: 16 to 30 in all, without what is waited between them.

| Check | Result | Finding |
| --- | --- | --- |
| NodeSkew | Passed | all \\| well |
| UpgradeInsights | Failed | see below |

- Failed: Old &lt;b&gt;APIs&lt;/b&gt; (1): Ask &#64;ops \\# now

The checks of the later hops can only be made once the hop before is done.

- Mend what is named above and plan again; the operator would wait, and start by itself once it can.
- The same command with --manifest prints the ClusterUpgrade to commit. Freezes, windows and other objects of a hub are not known here.
"
        );
    }
}
