//! `doctor`: whether everything that upgrades need is there, and what to do where it is not.

mod crds;
mod objects;
mod operator;
mod report;
mod rights;

use jiff::Timestamp;

use self::report::{Finding, Found, table};
use super::args::{ClusterArgs, DoctorArgs};
use super::connect::Connection;
use super::exit::Exit;
use super::failure::Failure;
use super::format::{Format, json, yaml};
use super::print;
use super::shown::{add, fitted};

pub async fn run(cluster: &ClusterArgs, args: DoctorArgs) -> Result<Exit, Failure> {
    let DoctorArgs {
        operator_namespace,
        output,
    } = args;
    let connection = Connection::open(cluster).await?;
    let version = connection.client.apiserver_version().await;
    let version = version.map_err(|error| Failure::of_kubernetes("ask the API server", &error))?;
    let mut findings = vec![Finding::ok(
        "Kubernetes",
        format!("The API server answers: {}.", version.git_version),
    )];
    let now = Timestamp::now();
    findings.extend(crds::look(&connection).await);
    let operators = operator::look(&connection, operator_namespace.as_deref(), now).await;
    findings.extend(operators.findings);
    for operator in &operators.found {
        findings.extend(rights::look(&connection, operator).await);
        findings.extend(operator::answers(&connection, operator).await);
    }
    findings.extend(objects::look(&connection, now).await);
    let is_wrong = findings
        .iter()
        .any(|finding| finding.result == Found::Failed);
    print(&match output.format {
        Format::Json => json(&findings)?,
        Format::Yaml => yaml(&findings)?,
        Format::Markdown => table(&findings).markdown(),
        Format::Table | Format::Wide => fitted(&text(&findings, output.format == Format::Wide)),
    })?;
    Ok(if is_wrong { Exit::Stalled } else { Exit::Fine })
}

fn text(findings: &[Finding], wide: bool) -> String {
    let mut text = String::new();
    for finding in findings {
        let Finding {
            check,
            result,
            message,
            next,
        } = finding;
        let check = console::style(check).bold();
        add(
            &mut text,
            format_args!("{} {check}: {message}\n", result.mark()),
        );
        if let Some(next) = next.as_ref().filter(|_| wide || *result != Found::Ok) {
            add(&mut text, format_args!("    {next}\n"));
        }
    }
    text
}
