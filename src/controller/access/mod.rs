//! Who may upgrade what, as whom: `--config` and `--allow-role`.
//!
//! The operator's identities reach further than those of the people who write its objects. Without this, anyone who can
//! create an object could borrow every role that the operator may assume, and the operator's own identity.

mod allow_role;
mod file;
mod pattern;
mod rule;

pub use allow_role::AllowRole;
pub use file::{AccessFile, AccessFileError};
pub use rule::Rule;

use crate::api::{ClusterRef, ClusterUpgradeSpec};
use crate::eks::Target;

use self::rule::Verdict;

/// All that lets an object use an identity.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The rules of the access file. Without a list, the operator's own identity is for every namespace and cluster.
    pub rules: Option<Vec<Rule>>,
    /// Entries of `--allow-role`, which add to the rules.
    pub roles: Vec<AllowRole>,
}

impl Access {
    /// The target as it is to be reached from an object of that namespace: with the external id of the rule that lets it.
    ///
    /// # Errors
    /// The sentence that says why it may not be reached.
    pub fn admit(&self, namespace: &str, target: &Target) -> Result<Target, String> {
        let Self { rules, roles } = self;
        let mut has_other_id = false;
        for rule in rules.iter().flatten() {
            match rule.judge(namespace, target) {
                Verdict::Yes(None) => return Ok(target.clone()),
                Verdict::Yes(Some(id)) => {
                    return Ok(Target {
                        external_id: Some(id.to_owned()),
                        ..target.clone()
                    });
                }
                Verdict::OtherExternalId => has_other_id = true,
                Verdict::No => {}
            }
        }
        let is_let = match &target.role_arn {
            None => rules.is_none(),
            // A flag does not undo what a rule keeps for this very role.
            Some(role) => !has_other_id && roles.iter().any(|entry| entry.lets(namespace, role)),
        };
        if is_let {
            return Ok(target.clone());
        }
        Err(refusal(namespace, target, has_other_id))
    }

    /// Whether an object of that namespace may do what its spec asks for.
    pub fn lets(&self, namespace: &str, spec: &ClusterUpgradeSpec) -> bool {
        let ClusterRef {
            account_id,
            region,
            name,
        } = &spec.cluster;
        let target = Target {
            account_id: account_id.clone(),
            region: region.clone(),
            name: name.clone(),
            role_arn: spec.role_arn.clone(),
            external_id: spec.external_id.clone(),
        };
        self.admit(namespace, &target).is_ok()
    }
}

fn refusal(namespace: &str, target: &Target, has_other_id: bool) -> String {
    let cluster = target.arn();
    match &target.role_arn {
        Some(role) if has_other_id => format!(
            "Namespace {namespace} may use role {role} only with the external id that the operator keeps for it: no call is made. Remove spec.externalId."
        ),
        Some(role) => format!(
            "Namespace {namespace} may not use role {role} for {cluster}: no call is made with it. Whoever runs the operator can allow it with a rule in its access file (--config), or for every cluster with --allow-role {namespace}={role}."
        ),
        None => format!(
            "Namespace {namespace} may not use the operator's own identity for {cluster}: no call is made with it. Name a role in spec.roleArn that it may use, or whoever runs the operator can allow it with a rule in its access file (--config) that has ownIdentity: true."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/eks-upgrades";

    fn target(name: &str, role: Option<&str>) -> Target {
        Target {
            account_id: "111122223333".to_owned(),
            region: "eu-central-1".to_owned(),
            name: name.to_owned(),
            role_arn: role.map(str::to_owned),
            external_id: None,
        }
    }

    fn flags(entries: &[&str]) -> Access {
        Access {
            rules: None,
            roles: entries.iter().map(|entry| entry.parse().unwrap()).collect(),
        }
    }

    fn rules(yaml: &str) -> Access {
        Access {
            rules: AccessFile::parse(yaml).unwrap().access,
            roles: Vec::new(),
        }
    }

    #[test]
    fn without_a_file_the_own_identity_is_for_all_and_roles_are_for_nobody() {
        let access = Access::default();
        assert!(access.admit("team-a", &target("prod", None)).is_ok());
        assert!(access.admit("team-a", &target("prod", Some(ROLE))).is_err());
    }

    #[test]
    fn a_role_is_refused_unless_its_namespace_has_it() {
        let exact = flags(&[&format!("team-a={ROLE}")]);
        let admin = format!("{ROLE}-admin");
        assert!(exact.admit("team-a", &target("prod", Some(ROLE))).is_ok());
        assert!(exact.admit("team-b", &target("prod", Some(ROLE))).is_err());
        assert!(
            exact
                .admit("team-a", &target("prod", Some(&admin)))
                .is_err()
        );
        let by_pattern = flags(&["team-*=arn:aws:iam::111122223333:role/eks-*"]);
        assert!(
            by_pattern
                .admit("team-b", &target("prod", Some(ROLE)))
                .is_ok()
        );
        assert!(
            by_pattern
                .admit("other", &target("prod", Some(ROLE)))
                .is_err()
        );
    }

    #[test]
    fn with_an_empty_list_nobody_may_do_anything() {
        let access = rules("access: []");
        let refused = access.admit("team-a", &target("prod", None)).unwrap_err();
        assert!(refused.contains("arn:aws:eks:eu-central-1:111122223333:cluster/prod"));
        assert!(access.admit("team-a", &target("prod", Some(ROLE))).is_err());
    }

    #[test]
    fn a_rule_binds_namespace_cluster_and_identity_together() {
        let access = rules(
            "access:
             - {namespaces: [team-a], clusters: ['arn:aws:eks:*:111122223333:cluster/a-*'], ownIdentity: true}
             - {namespaces: [team-b], clusters: ['arn:aws:eks:*:111122223333:cluster/b-*'], roles: ['arn:aws:iam::111122223333:role/eks-*']}",
        );
        for (namespace, cluster, role, is_let) in [
            ("team-a", "a-1", None, true),
            ("team-a", "b-1", None, false),
            ("team-b", "a-1", None, false),
            ("team-a", "a-1", Some(ROLE), false),
            ("team-b", "b-1", Some(ROLE), true),
            ("team-b", "a-1", Some(ROLE), false),
            ("team-b", "b-1", None, false),
            ("team-a-2", "a-1", None, false),
        ] {
            let admitted = access.admit(namespace, &target(cluster, role));
            assert_eq!(
                admitted.is_ok(),
                is_let,
                "{namespace} {cluster} {role:?}: {admitted:?}"
            );
        }
    }

    #[test]
    fn the_rule_s_external_id_is_sent_and_no_other() {
        let access = rules(
            "access:
             - {namespaces: ['*'], clusters: ['arn:aws:eks:*:111122223333:cluster/*'], roles: ['arn:aws:iam::111122223333:role/*'], externalId: hub-1}",
        );
        let admitted = access.admit("team-a", &target("prod", Some(ROLE))).unwrap();
        assert_eq!(admitted.external_id.as_deref(), Some("hub-1"));
        let stated = |id: &str| Target {
            external_id: Some(id.to_owned()),
            ..target("prod", Some(ROLE))
        };
        assert!(access.admit("team-a", &stated("hub-1")).is_ok());
        let refused = access.admit("team-a", &stated("other")).unwrap_err();
        assert!(refused.contains("external id"), "{refused}");
        assert!(!refused.contains("hub-1"), "{refused}");
        let with_flag = Access {
            roles: flags(&[&format!("team-a={ROLE}")]).roles,
            ..access
        };
        assert!(with_flag.admit("team-a", &stated("other")).is_err());
    }

    #[test]
    fn without_one_in_the_rule_the_object_s_own_external_id_is_sent() {
        let access = rules(
            "access:
             - {namespaces: ['*'], clusters: ['arn:aws:eks:*:*:cluster/*'], roles: ['arn:aws:iam::111122223333:role/*']}",
        );
        let stated = Target {
            external_id: Some("mine".to_owned()),
            ..target("prod", Some(ROLE))
        };
        assert_eq!(access.admit("team-a", &stated), Ok(stated));
    }
}
