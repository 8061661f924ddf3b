//! The second kind: a time in which nothing starts.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::{not_blank, rule};

/// When nothing starts, for whom, and why.
///
/// Without dates it counts as long as it exists. A running update is never touched.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "eksupgrade.dev",
    version = "v1alpha1",
    kind = "UpgradeFreeze",
    plural = "upgradefreezes",
    shortname = "uf",
    category = "eks",
    derive = "PartialEq",
    doc = "Stops every start of the ClusterUpgrades that it selects, in all namespaces: a blackout of the whole organisation, or the emergency stop. Running updates go on.",
    validation = kube::core::Rule::new("!has(self.spec.from) || !has(self.spec.until) || self.spec.from < self.spec.until")
        .message("until must lie after from: as it is, it never freezes anything")
        .field_path(".spec.until"),
    printcolumn(name = "From", type_ = "string", json_path = ".spec.from"),
    printcolumn(name = "Until", type_ = "string", json_path = ".spec.until"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".spec.reason"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
pub struct UpgradeFreezeSpec {
    /// From when, such as "2026-12-20T00:00:00Z"; from its creation on where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time", extend("x-kubernetes-validations" = date()))]
    pub from: Option<Timestamp>,

    /// Until when, such as "2027-01-07T00:00:00Z"; until it is deleted where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Time", extend("x-kubernetes-validations" = date()))]
    pub until: Option<Timestamp>,

    /// Why, for whoever finds an upgrade frozen.
    #[schemars(length(max = 1024), extend("x-kubernetes-validations" = not_blank(
        "must say why nothing may start, for whoever finds an upgrade frozen"
    )))]
    pub reason: String,

    /// Which ClusterUpgrades, by their labels; all where absent or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "selector::Selector")]
    pub selector: Option<LabelSelector>,
}

/// A time that can be read, and that has an end where there is one.
fn date() -> serde_json::Value {
    rule(
        "self >= timestamp('1000-01-01T00:00:00Z') && self < timestamp('3000-01-01T00:00:00Z')",
        "must lie before the year 3000: leave until out for a freeze without an end",
    )
}

/// What of a selector is checked at apply. A selector that selects nothing by a mistake would be no freeze.
mod selector {
    #![expect(dead_code, reason = "only their schemas are used")]

    use std::collections::BTreeMap;

    use schemars::JsonSchema;
    use serde_json::{Value, json};

    use super::super::rules::rule;

    /// Selects by labels: all of its requirements have to be met.
    #[derive(JsonSchema)]
    #[serde(rename_all = "camelCase")]
    pub(super) struct Selector {
        /// Labels that an object must have, each with this value.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        #[schemars(
            extend("maxProperties" = 32),
            extend("x-kubernetes-validations" = match_labels())
        )]
        match_labels: BTreeMap<String, LabelValue>,
        /// What an object's labels must meet beside that.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 32))]
        match_expressions: Vec<Requirement>,
    }

    /// What one label must meet.
    #[derive(JsonSchema)]
    #[schemars(extend("x-kubernetes-validations" = values()))]
    struct Requirement {
        /// The label's key.
        #[schemars(length(max = 317), extend("x-kubernetes-validations" = key()))]
        key: String,
        /// How the label relates to the values: In, NotIn, Exists or DoesNotExist.
        #[schemars(length(max = 32), extend("x-kubernetes-validations" = operator()))]
        operator: String,
        /// The values of In and NotIn; none for Exists and DoesNotExist.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(length(max = 64))]
        values: Vec<LabelValue>,
    }

    /// A label's value.
    #[derive(JsonSchema)]
    #[schemars(inline, extend("x-kubernetes-validations" = value()))]
    struct LabelValue(#[schemars(length(max = 63))] String);

    fn value() -> Value {
        rule(
            "self.matches('^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$')",
            "must be the value of a label: letters, digits, '-', '_' and '.', the first and the last a letter or digit, or nothing",
        )
    }

    fn match_labels() -> Value {
        rule(
            "!('' in self)",
            "must not have an empty key: no label is called so",
        )
    }

    fn key() -> Value {
        rule(
            "self.matches('^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$')",
            "must be the key of a label, such as \"environment\" or \"example.com/team\"",
        )
    }

    fn operator() -> Value {
        rule(
            "self in ['In', 'NotIn', 'Exists', 'DoesNotExist']",
            "must be In, NotIn, Exists or DoesNotExist",
        )
    }

    fn values() -> Value {
        json!([
            {
                "rule": "!(self.operator in ['In', 'NotIn']) || (has(self.values) && size(self.values) > 0)",
                "message": "In and NotIn need at least one value",
                "fieldPath": ".values",
            },
            {
                "rule": "!(self.operator in ['Exists', 'DoesNotExist']) || !has(self.values) || size(self.values) == 0",
                "message": "Exists and DoesNotExist take no values",
                "fieldPath": ".values",
            },
        ])
    }
}
