//! `VersionOffered`: EKS offers every version on the path, and supports them for a while to come.

use jiff::{SignedDuration, Timestamp};

use crate::api::{CheckCode, CheckResult, Finding, Minor, Support, SupportStatus};
use crate::eks::OfferedVersion;
use crate::plan::facts::Facts;
use crate::plan::time::{before, shown};

use super::{Looked, Question, offered, say};

/// So long before its support ends a version is warned of.
const WARNED_BEFORE: SignedDuration = SignedDuration::from_hours(60 * 24);

pub fn look(question: &Question<'_>) -> Looked {
    let Question {
        facts, wish, hop, ..
    } = question;
    let Some(offered) = offered(facts) else {
        return Looked {
            code: CheckCode::VersionOffered,
            findings: vec![Finding::new(
                "eks:DescribeClusterVersions",
                None,
                CheckResult::Unknown,
                "It is not known which versions EKS offers.",
            )],
            passed: String::new(),
        };
    };
    let path = say::path(hop.from, wish.version);
    let missing = path
        .iter()
        .filter(|version| !is_offered(offered, **version));
    let missing = missing.map(|version| {
        Finding::new(
            &version.to_string(),
            None,
            CheckResult::Failed,
            &format!(
                "EKS does not offer Kubernetes {version} in {}.",
                wish.target.region
            ),
        )
    });
    let ends = [hop.from, wish.version].into_iter().filter_map(|version| {
        let offer = offered.iter().find(|offer| offer.version == version)?;
        let (support, end) = near_end(ends(offer), facts.now)?;
        Some(Finding::new(
            &version.to_string(),
            None,
            CheckResult::Warning,
            &format!(
                "The {support} support of Kubernetes {version} ends at {}.",
                shown(end)
            ),
        ))
    });
    let versions: Vec<_> = path.iter().map(ToString::to_string).collect();
    Looked {
        code: CheckCode::VersionOffered,
        findings: missing.chain(ends).collect(),
        passed: format!("EKS offers {}.", versions.join(", ")),
    }
}

fn is_offered(offered: &[OfferedVersion], version: Minor) -> bool {
    offered
        .iter()
        .any(|offer| offer.version == version && offer.status != "UNSUPPORTED")
}

/// When standard and extended support end.
pub type Ends = (Option<Timestamp>, Option<Timestamp>);

fn ends(offer: &OfferedVersion) -> Ends {
    (offer.end_of_standard_support, offer.end_of_extended_support)
}

/// Until when a version is supported: by EKS's answer, else by what status says.
pub fn supported_until(facts: &Facts<'_>, version: Minor) -> Option<Ends> {
    if let Some(offered) = offered(facts) {
        return offered
            .iter()
            .find(|offer| offer.version == version)
            .map(ends);
    }
    // At the end of the last hop what was wanted is what it has.
    let SupportStatus { current, target } = facts.memory.support.as_ref()?;
    let mut known = std::iter::once(current).chain(target);
    let known = known.find(|known| known.version == version)?;
    Some((known.end_of_standard_support, known.end_of_extended_support))
}

/// Which support goes on at present, if it ends soon, and when.
pub fn near_end((standard, extended): Ends, now: Timestamp) -> Option<(&'static str, Timestamp)> {
    let (support, end) = [("standard", standard), ("extended", extended)]
        .into_iter()
        .filter_map(|(support, end)| Some((support, end?)))
        .find(|(_, end)| *end > now)?;
    (now >= before(end, WARNED_BEFORE)).then_some((support, end))
}

/// Until when the present and the wanted version are supported.
pub fn support(offered: &[OfferedVersion], current: Minor, target: Minor) -> Option<SupportStatus> {
    let of = |version: Minor| {
        let offer = offered.iter().find(|offer| offer.version == version)?;
        Some(Support {
            version,
            end_of_standard_support: offer.end_of_standard_support,
            end_of_extended_support: offer.end_of_extended_support,
        })
    };
    Some(SupportStatus {
        current: of(current)?,
        target: (target != current).then(|| of(target)).flatten(),
    })
}
