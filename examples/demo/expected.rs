//! How the demo has to end. Anything else is a failure.

use std::collections::BTreeMap;

use console::style;
use eks_upgrade_operator::api::Reason;

use crate::Failure;
use crate::cluster::Cluster;
use crate::screen::Screen;

/// What has to become of a sample.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Its file in `deploy/samples`.
    pub sample: &'static str,
    /// The object's name, and its cluster's.
    pub name: &'static str,
    /// The reason it ends with.
    pub end: Reason,
    /// The versions of the UpdateClusterVersion calls that EKS accepts for it, in order.
    pub accepted: &'static [&'static str],
}

pub const EXPECTED: [Expected; 5] = [
    Expected {
        sample: "one-hop.yaml",
        name: "payments",
        end: Reason::UpToDate,
        accepted: &["1.34"],
    },
    Expected {
        sample: "two-hops.yaml",
        name: "search",
        end: Reason::UpToDate,
        accepted: &["1.34", "1.35"],
    },
    Expected {
        sample: "fails.yaml",
        name: "edge",
        end: Reason::UpdateFailed,
        accepted: &["1.34"],
    },
    Expected {
        sample: "rollback.yaml",
        name: "checkout",
        end: Reason::UpToDate,
        accepted: &["1.33"],
    },
    Expected {
        sample: "waiver.yaml",
        name: "ledger",
        end: Reason::UpToDate,
        accepted: &["1.34"],
    },
];

/// Compares what there is with what there has to be, and shows EKS's own count.
pub fn check(
    screen: &Screen,
    clusters: &[Cluster],
    accepted: &BTreeMap<String, Vec<String>>,
) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    let mut counted = Vec::new();
    for cluster in clusters {
        let Expected {
            sample,
            name,
            end,
            accepted: wanted,
        } = cluster.expected;
        if cluster.reason() != Some(end) {
            wrong.push(format!(
                "{name} ({sample}) has to end as {end}, but says: {}",
                cluster.message()
            ));
        }
        let got = accepted.get(name).map_or(&[][..], Vec::as_slice);
        if got != wanted {
            wrong.push(format!(
                "for {name} EKS has to accept UpdateClusterVersion for {}, but accepted {}",
                listed(wanted),
                listed(got)
            ));
        }
        counted.push(format!("{name} {}", listed(got)));
    }
    for (name, versions) in accepted {
        if clusters.iter().all(|cluster| cluster.expected.name != name) {
            wrong.push(format!(
                "EKS accepted {} for {name}, which no sample names",
                listed(versions)
            ));
        }
    }
    let total: usize = accepted.values().map(Vec::len).sum();
    screen.say("")?;
    let total = format!(
        "EKS accepted {total} UpdateClusterVersion calls: {}.",
        counted.join("; ")
    );
    if wrong.is_empty() {
        let verdict = "This is as it should be, the failure of edge too: \
                       one call for each hop, and none for anything else.";
        return Ok(screen.tell(
            &style("✔").green().to_string(),
            &format!("{total} {verdict}"),
        )?);
    }
    screen.tell(&style("✘").red().to_string(), &total)?;
    Err(format!("this is not as it should be:\n  {}", wrong.join("\n  ")).into())
}

fn listed<T: AsRef<str>>(versions: &[T]) -> String {
    if versions.is_empty() {
        return "none".to_owned();
    }
    let versions: Vec<_> = versions.iter().map(AsRef::as_ref).collect();
    versions.join(", then ")
}
