//! The Kubernetes versions EKS offers, and their dates. Dates are data, never code.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use super::api::{ClusterVersionView, DescribeClusterVersions, SupportStatus};
use crate::api::Minor;

/// One version, as the calendar's file and scenarios write it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VersionSpec {
    /// The version.
    pub version: Minor,
    /// The platform version that clusters get which move to it; `eks.1` when absent.
    #[serde(default = "first_platform")]
    pub platform_version: String,
    /// The Kubernetes patch; `.0` when absent.
    #[serde(default)]
    pub patch_version: Option<String>,
    /// The first day, in UTC.
    pub release_date: Date,
    /// The day standard support ends; 14 months after the release when absent.
    #[serde(default)]
    pub end_of_standard_support: Option<Date>,
    /// The day extended support ends; 12 months after standard support when absent.
    #[serde(default)]
    pub end_of_extended_support: Option<Date>,
    /// Whether new clusters get it by default.
    #[serde(default)]
    pub default: bool,
    /// Whether EKS offers it; true when absent.
    #[serde(default = "yes")]
    pub offered: bool,
}

fn first_platform() -> String {
    "eks.1".to_owned()
}

fn yes() -> bool {
    true
}

impl VersionSpec {
    /// The days on which standard and extended support end.
    ///
    /// # Errors
    /// A sentence, when a day is beyond the calendar's end.
    pub fn support_ends(&self) -> Result<(Date, Date), String> {
        let standard = match self.end_of_standard_support {
            Some(day) => day,
            None => later(self.release_date, 14)?,
        };
        let extended = match self.end_of_extended_support {
            Some(day) => day,
            None => later(standard, 12)?,
        };
        Ok((standard, extended))
    }
}

fn later(day: Date, months: i32) -> Result<Date, String> {
    day.checked_add(months.months())
        .map_err(|_| format!("{day} is too late a day"))
}

/// All versions that EKS knows.
#[derive(Clone, Debug, Default)]
pub struct Calendar {
    versions: BTreeMap<Minor, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    platform_version: String,
    patch_version: String,
    release: Timestamp,
    end_of_standard_support: Timestamp,
    end_of_extended_support: Timestamp,
    default: bool,
    offered: bool,
}

impl Entry {
    fn status(&self, now: Timestamp) -> SupportStatus {
        if now >= self.end_of_extended_support {
            SupportStatus::Unsupported
        } else if now >= self.end_of_standard_support {
            SupportStatus::ExtendedSupport
        } else {
            SupportStatus::StandardSupport
        }
    }
}

impl Calendar {
    /// The built-in calendar with a scenario's versions on top.
    ///
    /// # Errors
    /// A sentence with the version whose days cannot be used.
    pub fn with(own: &[VersionSpec]) -> Result<Self, String> {
        let built_in: Vec<VersionSpec> =
            serde_norway::from_str(include_str!("calendar.yaml")).map_err(|why| why.to_string())?;
        let own_default = own.iter().any(|spec| spec.default);
        let mut versions = BTreeMap::new();
        for (spec, is_own) in built_in
            .iter()
            .map(|spec| (spec, false))
            .chain(own.iter().map(|spec| (spec, true)))
        {
            let day_starts = |day: Date| {
                day.to_zoned(TimeZone::UTC)
                    .map(|zoned| zoned.timestamp())
                    .map_err(|why| format!("{}: {why}", spec.version))
            };
            let (standard, extended) = spec
                .support_ends()
                .map_err(|why| format!("{}: {why}", spec.version))?;
            let patch = format!("{}.0", spec.version);
            let entry = Entry {
                platform_version: spec.platform_version.clone(),
                patch_version: spec.patch_version.clone().unwrap_or(patch),
                release: day_starts(spec.release_date)?,
                end_of_standard_support: day_starts(standard)?,
                end_of_extended_support: day_starts(extended)?,
                // A scenario that names a default takes it from the built-in one.
                default: spec.default && (is_own || !own_default),
                offered: spec.offered,
            };
            versions.insert(spec.version, entry);
        }
        Ok(Self { versions })
    }

    /// Whether clusters can be updated to this version now.
    pub fn offers(&self, version: Minor, now: Timestamp) -> bool {
        self.versions.get(&version).is_some_and(|entry| {
            entry.offered && entry.release <= now && entry.status(now) != SupportStatus::Unsupported
        })
    }

    /// Where a version is in its life; `None` for one that EKS does not know.
    pub fn status(&self, version: Minor, now: Timestamp) -> Option<SupportStatus> {
        self.versions.get(&version).map(|entry| entry.status(now))
    }

    /// The platform version that clusters at this version get.
    pub fn platform_version(&self, version: Minor) -> String {
        self.versions
            .get(&version)
            .map_or_else(first_platform, |entry| entry.platform_version.clone())
    }

    /// DescribeClusterVersions, newest first. Versions out of support come only with `includeAll` or
    /// when they are named.
    pub fn describe(
        &self,
        filter: &DescribeClusterVersions,
        now: Timestamp,
    ) -> Vec<ClusterVersionView> {
        let DescribeClusterVersions {
            cluster_type,
            default_only,
            include_all,
            cluster_versions,
            version_status,
            page: _,
        } = filter;
        if cluster_type.as_deref().is_some_and(|kind| kind != "eks") {
            return Vec::new();
        }
        let named = |version: Minor| cluster_versions.contains(&version.to_string());
        self.versions
            .iter()
            .rev()
            .filter(|(_, entry)| entry.offered && entry.release <= now)
            .filter(|(_, entry)| !default_only || entry.default)
            .filter(|(version, _)| cluster_versions.is_empty() || named(**version))
            .filter(|(_, entry)| version_status.is_none_or(|want| want == entry.status(now)))
            .filter(|(version, entry)| {
                *include_all
                    || named(**version)
                    || *version_status == Some(SupportStatus::Unsupported)
                    || entry.status(now) != SupportStatus::Unsupported
            })
            .map(|(version, entry)| ClusterVersionView {
                version: *version,
                platform_version: entry.platform_version.clone(),
                patch_version: entry.patch_version.clone(),
                default_version: entry.default,
                release_date: entry.release,
                end_of_standard_support: entry.end_of_standard_support,
                end_of_extended_support: entry.end_of_extended_support,
                status: entry.status(now),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn listed(filter: &DescribeClusterVersions, now: &str) -> Vec<String> {
        Calendar::with(&[])
            .unwrap()
            .describe(filter, at(now))
            .into_iter()
            .map(|view| view.version.to_string())
            .collect()
    }

    #[test]
    fn a_version_leaves_the_offer_on_the_day_extended_support_ends() {
        let calendar = Calendar::with(&[]).unwrap();
        let version = Minor::new(31);
        assert!(calendar.offers(version, at("2026-11-25T23:59:59Z")));
        assert!(!calendar.offers(version, at("2026-11-26T00:00:00Z")));
        assert_eq!(
            calendar.status(version, at("2026-11-26T00:00:00Z")),
            Some(SupportStatus::Unsupported)
        );
    }

    #[test]
    fn a_version_is_not_offered_before_its_release() {
        let calendar = Calendar::with(&[]).unwrap();
        assert!(!calendar.offers(Minor::new(35), at("2026-01-01T00:00:00Z")));
        assert!(calendar.offers(Minor::new(35), at("2026-02-01T00:00:00Z")));
    }

    #[test]
    fn filters_choose_by_status_name_and_default() {
        let all = DescribeClusterVersions::default();
        let now = "2026-11-27T00:00:00Z";
        assert_eq!(listed(&all, now), ["1.36", "1.35", "1.34", "1.33", "1.32"]);
        let everything = DescribeClusterVersions {
            include_all: true,
            ..all.clone()
        };
        assert_eq!(listed(&everything, now).last().unwrap(), "1.31");
        let default = DescribeClusterVersions {
            default_only: true,
            ..all.clone()
        };
        assert_eq!(listed(&default, now), ["1.35"]);
        let named = DescribeClusterVersions {
            cluster_versions: vec!["1.31".into(), "1.34".into(), "1.99".into()],
            ..all.clone()
        };
        assert_eq!(listed(&named, now), ["1.34", "1.31"]);
        let extended = DescribeClusterVersions {
            version_status: Some(SupportStatus::ExtendedSupport),
            ..all.clone()
        };
        assert_eq!(listed(&extended, now), ["1.33", "1.32"]);
        let other_type = DescribeClusterVersions {
            cluster_type: Some("outposts".into()),
            ..all
        };
        assert!(listed(&other_type, now).is_empty());
    }

    #[test]
    fn a_scenarios_version_replaces_the_built_in_one_and_its_ends_are_worked_out() {
        let own: Vec<VersionSpec> = serde_norway::from_str(
            "[{version: '1.34', releaseDate: 2026-01-31, default: true, platformVersion: eks.7}]",
        )
        .unwrap();
        let calendar = Calendar::with(&own).unwrap();
        let filter = DescribeClusterVersions {
            default_only: true,
            ..DescribeClusterVersions::default()
        };
        let [entry] = &calendar.describe(&filter, at("2026-06-01T00:00:00Z"))[..] else {
            panic!("one default version");
        };
        assert_eq!(entry.version, Minor::new(34));
        assert_eq!(entry.platform_version, "eks.7");
        assert_eq!(entry.end_of_standard_support, at("2027-03-31T00:00:00Z"));
        assert_eq!(entry.end_of_extended_support, at("2028-03-31T00:00:00Z"));
    }
}
