//! Add-ons and the catalogue of their versions.

use std::collections::BTreeMap;

use super::{Checked, issues, name};
use crate::simulator::scenario::{AddonSpec, AddonVersionSpec};
use crate::text::is_plain_word;

/// Checks the catalogue of add-ons: each version once, and at most one default for a Kubernetes version.
pub(super) fn catalogue(path: &str, catalogue: &[AddonVersionSpec]) -> Checked {
    let mut defaults = BTreeMap::new();
    for (index, entry) in catalogue.iter().enumerate() {
        let path = format!("{path}[{index}]");
        name(&format!("{path}.addon"), "add-on", 100, &entry.addon)?;
        version(&format!("{path}.version"), &entry.version)?;
        let mut earlier = catalogue.iter().take(index);
        if earlier.any(|other| other.addon == entry.addon && other.version == entry.version) {
            return Err(format!(
                "{path}: there is a {} {} already: name all its Kubernetes versions in one entry",
                entry.addon, entry.version
            ));
        }
        for minor in &entry.default {
            if !entry.kubernetes.contains(minor) {
                return Err(format!(
                    "{path}.default: {minor} is not among its Kubernetes versions"
                ));
            }
            if let Some(other) = defaults.insert((&entry.addon, minor), &entry.version) {
                return Err(format!(
                    "{path}.default: {other} is the default of {} for {minor} already",
                    entry.addon
                ));
            }
        }
    }
    Ok(())
}

/// Checks an add-on of a cluster, by itself.
pub(super) fn installed(path: &str, addon: &AddonSpec) -> Checked {
    name(&format!("{path}.name"), "add-on", 100, &addon.name)?;
    version(&format!("{path}.version"), &addon.version)?;
    issues(&format!("{path}.issues"), &addon.issues)
}

fn version(path: &str, version: &str) -> Checked {
    if is_plain_word(version, 100) {
        Ok(())
    } else {
        Err(format!(
            "{path}: {version:?} is not an add-on's version such as v1.11.4-eksbuild.2"
        ))
    }
}
