//! `plan`: whether and how a cluster can be upgraded, by EKS's answers and the operator's own decision.

mod ask;
mod manifest;
mod markdown;
mod report;
mod text;

pub use text::{found, supports};

use super::args::{ClusterArgs, PlanArgs};
use super::exit::Exit;
use super::failure::Failure;
use super::format::{Format, json, yaml};
use super::shown::fitted;
use super::{note, print};

pub async fn run(cluster: &ClusterArgs, args: PlanArgs) -> Result<Exit, Failure> {
    let PlanArgs {
        cluster: named,
        to,
        region,
        role_arn,
        profile,
        manifest,
        no_refresh,
        timeout,
        output,
    } = args;
    let asked = ask::Asked {
        named,
        to,
        region,
        role_arn,
        profile,
        may_refresh: !no_refresh,
        timeout,
    };
    let (spec, report) = ask::ask(asked).await?;
    let exit = if report.ready {
        Exit::Fine
    } else {
        Exit::Blocked
    };
    if manifest {
        let object = manifest::object(&spec, cluster.namespace.as_deref());
        print(&match output.format {
            Format::Json => json(&object)?,
            Format::Table | Format::Wide | Format::Yaml | Format::Markdown => yaml(&object)?,
        })?;
        note(format_args!("{}", text::headline(&report)));
        if spec.role_arn.is_some() {
            note(format_args!(
                "spec.roleArn is the role that was read with: the operator would use it for UpdateClusterVersion too. Name there the role that it is to have."
            ));
        }
        return Ok(exit);
    }
    print(&match output.format {
        Format::Table => fitted(&text::text(&report, false)),
        Format::Wide => fitted(&text::text(&report, true)),
        Format::Json => json(&report)?,
        Format::Yaml => yaml(&report)?,
        Format::Markdown => markdown::markdown(&report),
    })?;
    Ok(exit)
}
