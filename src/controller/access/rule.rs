//! One rule of the access file.

use serde::Deserialize;

use crate::eks::Target;
use crate::text::is_plain_word;

use super::pattern::{ArnPattern, matches};

/// Lets objects of some namespaces upgrade some clusters, as somebody.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Of which namespaces; `*` is any characters.
    namespaces: Vec<String>,
    /// Which clusters, by ARN; `*` is any characters of one part.
    clusters: Vec<ArnPattern>,
    /// Which roles they may name.
    #[serde(default)]
    roles: Vec<ArnPattern>,
    /// Whether those that name no role may use the operator's own identity.
    #[serde(default)]
    own_identity: bool,
    /// Sent with AssumeRole of these roles. Kept here, it is known to those who run the operator alone.
    #[serde(default)]
    external_id: Option<String>,
}

/// What a rule says to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It may, with this external id where the rule has one.
    Yes(Option<&'a str>),
    /// It may, if only it did not state an external id of its own.
    OtherExternalId,
    /// The rule does not speak of it.
    No,
}

impl Rule {
    /// What it says to an object of that namespace and target.
    pub fn judge(&self, namespace: &str, target: &Target) -> Verdict<'_> {
        let Self {
            namespaces,
            clusters,
            roles,
            own_identity,
            external_id,
        } = self;
        let cluster = target.arn();
        let is_meant = namespaces.iter().any(|it| matches(it, namespace))
            && clusters.iter().any(|it| it.matches(&cluster));
        if !is_meant {
            return Verdict::No;
        }
        match &target.role_arn {
            None if *own_identity => Verdict::Yes(None),
            Some(role) if roles.iter().any(|it| it.matches(role)) => match external_id {
                None => Verdict::Yes(None),
                Some(id) if target.external_id.as_ref().is_none_or(|own| own == id) => {
                    Verdict::Yes(Some(id))
                }
                Some(_) => Verdict::OtherExternalId,
            },
            None | Some(_) => Verdict::No,
        }
    }

    /// What is wrong with it, if anything is.
    pub fn flaw(&self) -> Option<String> {
        let Self {
            namespaces,
            clusters,
            roles,
            own_identity,
            external_id,
        } = self;
        if namespaces.is_empty() || namespaces.iter().any(String::is_empty) {
            return Some("namespaces: names no namespace; [\"*\"] is all of them".to_owned());
        }
        if clusters.is_empty() {
            return Some(format!(
                "clusters: names no cluster; {ANY_CLUSTER} is all of them"
            ));
        }
        if let Some(wrong) = clusters.iter().find(|it| !it.is_of("eks", "cluster/")) {
            return Some(format!(
                "clusters: {wrong} is no pattern of cluster ARNs, such as {ANY_CLUSTER}"
            ));
        }
        if let Some(wrong) = roles.iter().find(|it| !it.is_of("iam", "role/")) {
            return Some(format!(
                "roles: {wrong} is no pattern of role ARNs, such as arn:aws:iam::111122223333:role/eks-*"
            ));
        }
        if roles.is_empty() && !own_identity {
            return Some(
                "it lets nobody do anything: name roles, or set ownIdentity: true".to_owned(),
            );
        }
        match external_id {
            Some(_) if roles.is_empty() => {
                Some("externalId: goes with roles, and there are none".to_owned())
            }
            Some(id) if id.len() < 2 || !is_plain_word(id, 1224) => {
                Some("externalId: has to have 2 to 1224 visible ASCII characters".to_owned())
            }
            _ => None,
        }
    }
}

const ANY_CLUSTER: &str = "arn:aws:eks:*:111122223333:cluster/*";
