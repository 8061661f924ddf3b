//! Add-ons and their versions.

use aws_sdk_eks::types::{Addon, AddonInfo, AddonIssue, AddonVersionInfo};

use super::{ERRORS, SENTENCE, broken, resources, word};
use crate::api::Minor;
use crate::eks::{AddonVersion, AddonView, EksError, HealthIssue, is_update_id};
use crate::text::plain;

/// The names of a page of ListAddons.
pub(in crate::eks::aws) fn addon_names(
    operation: &'static str,
    names: Option<Vec<String>>,
) -> Result<Vec<String>, EksError> {
    let names = names.unwrap_or_default();
    if names.iter().all(|name| is_update_id(name)) {
        Ok(names)
    } else {
        Err(broken(
            operation,
            "it lists what cannot be an add-on's name",
        ))
    }
}

/// DescribeAddon's answer: the add-on that was asked about, and no other.
pub(in crate::eks::aws) fn addon(
    operation: &'static str,
    addon: Option<Addon>,
    name: &str,
) -> Result<AddonView, EksError> {
    let addon = addon.ok_or_else(|| broken(operation, "it holds no add-on"))?;
    if addon.addon_name.as_deref() != Some(name) {
        return Err(broken(operation, "it is about another add-on"));
    }
    let version = addon
        .addon_version
        .ok_or_else(|| broken(operation, "the add-on has no version"))?;
    let status = addon
        .status
        .ok_or_else(|| broken(operation, "the add-on has no status"))?;
    let issues = addon.health.and_then(|health| health.issues);
    Ok(AddonView {
        name: name.to_owned(),
        version: word(&version),
        status: word(status.as_str()),
        issues: issues
            .unwrap_or_default()
            .into_iter()
            .take(ERRORS)
            .map(issue)
            .collect(),
    })
}

fn issue(issue: AddonIssue) -> HealthIssue {
    HealthIssue {
        code: issue
            .code
            .map_or_else(|| "Unknown".to_owned(), |code| word(code.as_str())),
        message: plain(&issue.message.unwrap_or_default(), SENTENCE),
        resource_ids: resources(issue.resource_ids),
    }
}

/// The versions of an add-on in a page of DescribeAddonVersions, as far as they fit a Kubernetes version by what they say
/// themselves: the filter of the request is not relied on.
pub(in crate::eks::aws) fn addon_versions(
    addons: Option<Vec<AddonInfo>>,
    name: &str,
    version: Minor,
) -> Vec<AddonVersion> {
    addons
        .unwrap_or_default()
        .into_iter()
        .filter(|info| info.addon_name.as_deref() == Some(name))
        .filter_map(|info| info.addon_versions)
        .flatten()
        .filter_map(|info| fitting(info, version))
        .collect()
}

/// A version that fits; `None` for one that does not, or has no name.
fn fitting(info: AddonVersionInfo, version: Minor) -> Option<AddonVersion> {
    let of_version: Vec<_> = info
        .compatibilities
        .unwrap_or_default()
        .into_iter()
        .filter(|fit| {
            let fits = fit.cluster_version.as_deref().map(str::parse);
            fits.is_some_and(|fits| fits == Ok(version))
        })
        .collect();
    if of_version.is_empty() {
        return None;
    }
    Some(AddonVersion {
        version: info.addon_version.as_deref().map(word)?,
        is_default: of_version.iter().any(|fit| fit.default_version),
    })
}
