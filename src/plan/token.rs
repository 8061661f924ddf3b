//! The idempotency token of an intent.

use uuid::Uuid;

use crate::api::{Minor, RollbackTimeout};

/// The namespace of the operator's tokens: a constant, so that every replica and every restart makes the same ones.
const NAMESPACE: Uuid = Uuid::from_u128(0x6b1d_3c0e_52a4_4c0b_9a6e_3f7d_7e0a_1c55);

/// What one token stands for. Two requests that differ in any of it have different tokens.
#[derive(Clone, Copy, Debug)]
pub struct TokenParts<'a> {
    /// The object that asks.
    pub uid: &'a str,
    /// The cluster it asks for.
    pub cluster_arn: &'a str,
    /// `VersionUpdate` or `VersionRollback`.
    pub kind: &'a str,
    /// The version before.
    pub from: Minor,
    /// The version after.
    pub to: Minor,
    /// The last version update of the cluster that was known when this was decided, and which attempt since then it is.
    /// Not the attempt over the object's life: that begins anew where status is lost. EKS's list does not, so that the same
    /// request has the same token then, and another one has another.
    pub after: Option<&'a str>,
    /// See `after`.
    pub nth: u32,
    /// EKS's force flag.
    pub force: bool,
    /// A rollback's timeout.
    pub timeout: Option<RollbackTimeout>,
}

impl TokenParts<'_> {
    /// The deterministic `clientRequestToken`, a UUIDv5.
    pub fn token(self) -> String {
        let Self {
            uid,
            cluster_arn,
            kind,
            from,
            to,
            after,
            nth,
            force,
            timeout,
        } = self;
        let timeout = timeout.map_or_else(String::new, |timeout| timeout.to_string());
        let after = after.unwrap_or_default();
        // A line each: none of the parts can contain a line break.
        let name = format!(
            "{uid}\n{cluster_arn}\n{kind}\n{from}\n{to}\n{nth}\n{after}\n{force}\n{timeout}"
        );
        Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
    }
}

/// The token of the one cancellation of an update.
pub fn of_cancel(uid: &str, cluster_arn: &str, update_id: &str) -> String {
    let name = format!("{uid}\n{cluster_arn}\nCancelUpdate\n{update_id}");
    Uuid::new_v5(&NAMESPACE, name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_same_for_the_same_request_and_differs_in_every_part() {
        let parts = TokenParts {
            uid: "uid",
            cluster_arn: "arn:aws:eks:eu-central-1:111122223333:cluster/a",
            kind: "VersionUpdate",
            from: Minor::new(33),
            to: Minor::new(34),
            after: None,
            nth: 1,
            force: false,
            timeout: None,
        };
        // Pinned: a build that made other tokens would not be protected against what its predecessor sent.
        assert_eq!(parts.token(), "fcf868ca-1823-5150-b568-58b399f6c487");
        let others = [
            TokenParts {
                uid: "other",
                ..parts
            },
            TokenParts {
                cluster_arn: "other",
                ..parts
            },
            TokenParts {
                kind: "VersionRollback",
                ..parts
            },
            TokenParts {
                from: Minor::new(32),
                ..parts
            },
            TokenParts {
                to: Minor::new(35),
                ..parts
            },
            TokenParts { nth: 2, ..parts },
            TokenParts {
                after: Some("0b6c1d3e-6f0a-4a55-9b3f-2f0c5a1d7e42"),
                ..parts
            },
            TokenParts {
                force: true,
                ..parts
            },
            TokenParts {
                timeout: Some(RollbackTimeout::DEFAULT),
                ..parts
            },
        ];
        for other in others {
            assert_ne!(other.token(), parts.token(), "{other:?}");
        }
    }
}
