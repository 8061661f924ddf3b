//! `docs/monitoring.md`: its tables are written from the code, and nothing is told of what is not exported.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use crate::alerts::{Rule, rules};
use crate::metrics::{Metric, exported};
use crate::{expression, file};

const PAGE: &str = "docs/monitoring.md";

/// What is between the marks of a table, with what is before and after it.
fn parts<'a>(page: &'a str, of: &str) -> (&'a str, &'a str, &'a str) {
    let begin = format!("<!-- The table of the {of} begins: `make docs` writes it. -->\n");
    let end = format!("<!-- The table of the {of} ends. -->\n");
    let (before, rest) = page.split_at(page.find(&begin).unwrap() + begin.len());
    let (table, after) = rest.split_at(rest.find(&end).unwrap());
    (before, table, after)
}

fn metrics_table() -> String {
    let mut table =
        "\n| Metric | Type | Labels | Meaning |\n| --- | --- | --- | --- |\n".to_owned();
    for (name, metric) in exported() {
        let Metric {
            kind,
            help,
            labels,
            samples: _,
        } = metric;
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        let help = help.trim_end_matches('.');
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
    }
    table.push('\n');
    table
}

fn alerts_table() -> String {
    let mut table =
        "\n| Alert | Severity | After | What it says |\n| --- | --- | --- | --- |\n".to_owned();
    for rule in rules() {
        let Rule {
            alert,
            expr: _,
            r#for: after,
            labels,
            annotations,
        } = rule;
        let (severity, summary) = (&labels["severity"], readable(&annotations["summary"]));
        writeln!(table, "| `{alert}` | {severity} | {after} | {summary} |").unwrap();
    }
    table.push('\n');
    table
}

/// A template as people read it: `{{ $labels.name }}` is NAME.
fn readable(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (variable, after) = after.split_once("}}").unwrap();
        let variable = variable.split('|').next().unwrap().trim();
        let name = variable
            .trim_start_matches('$')
            .trim_start_matches("labels.");
        text.push_str(before);
        text.push_str(&name.to_uppercase());
        rest = after;
    }
    text + rest
}

#[test]
fn the_tables_are_what_the_code_says() {
    let page = fs::read_to_string(file(PAGE)).unwrap();
    let mut wanted = page.clone();
    for (of, table) in [("metrics", metrics_table()), ("alerts", alerts_table())] {
        let (before, _, after) = parts(&wanted, of);
        wanted = [before, &table, after].concat();
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(file(PAGE), wanted).unwrap();
        return;
    }
    assert_eq!(page, wanted, "{PAGE} has drifted: run make docs");
}

#[test]
fn no_page_tells_of_a_metric_that_is_not_exported() {
    let all = exported();
    let mut known: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    known.extend(
        all.values()
            .flat_map(|it| it.samples.iter().map(String::as_str)),
    );
    let mut pages = vec![file("README.md")];
    for entry in fs::read_dir(file("docs")).unwrap() {
        pages.push(entry.unwrap().path());
    }
    for page in pages {
        if page.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&page).unwrap();
        for (name, _) in expression::names(&text) {
            // A group of metrics, such as `eks_upgrade_running_`.
            let is_known = known.contains(name)
                || (name.ends_with('_') && known.iter().any(|it| it.starts_with(name)));
            assert!(is_known, "{} tells of {name}", page.display());
        }
    }
}
