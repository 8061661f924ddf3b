//! Who a caller is: access keys, roles and the sessions AssumeRole gives out.

use std::collections::BTreeMap;

use fastrand::Rng;
use jiff::Timestamp;

use crate::eks::partition;

use super::api::{AssumeRole, AssumedRole, Caller};
use super::error::ApiError;
use super::period::Period;
use super::scenario::{AccessKey, RoleSpec, Scenario, Sts, UnknownKeys};

/// Access key ids that start so are expired, whatever else is known of them.
const EXPIRED: &str = "EXPIRED";

/// The account of a role's ARN; `None` when it is not the ARN of a role.
pub fn role_account(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let (head, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let role = resource.strip_prefix("role/")?;
    let account_is_id = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let right = head == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account_is_id
        && !role.is_empty();
    right.then_some(account)
}

#[derive(Clone, Debug)]
struct Session {
    account: String,
    arn: String,
    expires: Timestamp,
}

/// Everybody the simulator knows.
#[derive(Clone, Debug)]
pub(super) struct Identities {
    account: String,
    keys: BTreeMap<String, String>,
    unknown_keys: UnknownKeys,
    denied_roles: Vec<String>,
    external_ids: BTreeMap<String, String>,
    longest_session: Option<Period>,
    sessions: BTreeMap<String, Session>,
}

impl Identities {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let Sts {
            access_keys,
            unknown_keys,
            denied_roles,
            roles,
            session_duration,
        } = scenario.sts.clone();
        Self {
            account: scenario.account_id.clone(),
            keys: access_keys
                .into_iter()
                .map(|AccessKey { id, account_id }| (id, account_id))
                .collect(),
            unknown_keys,
            denied_roles,
            external_ids: roles
                .into_iter()
                .map(|RoleSpec { arn, external_id }| (arn, external_id))
                .collect(),
            longest_session: session_duration,
            sessions: BTreeMap::new(),
        }
    }

    /// Who signs with this key.
    pub(super) fn caller(
        &self,
        access_key_id: &str,
        region: &str,
        now: Timestamp,
    ) -> Result<Caller, ApiError> {
        let expired = || {
            Err(ApiError::new(
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ))
        };
        if access_key_id.starts_with(EXPIRED) {
            return expired();
        }
        if let Some(session) = self.sessions.get(access_key_id) {
            if session.expires <= now {
                return expired();
            }
            return Ok(Caller {
                account: session.account.clone(),
                region: region.to_owned(),
                arn: session.arn.clone(),
            });
        }
        let account = match (self.keys.get(access_key_id), self.unknown_keys) {
            (Some(account), _) => account,
            (None, UnknownKeys::Accept) => &self.account,
            (None, UnknownKeys::Refuse) => {
                return Err(ApiError::new(
                    "UnrecognizedClientException",
                    "The security token included in the request is invalid.",
                ));
            }
        };
        Ok(Caller {
            account: account.clone(),
            region: region.to_owned(),
            arn: format!("arn:{}:iam::{account}:user/simulator", partition(region)),
        })
    }

    /// AssumeRole at `now`.
    pub(super) fn assume_role(
        &mut self,
        caller: &Caller,
        request: &AssumeRole,
        now: Timestamp,
        rng: &mut Rng,
    ) -> Result<AssumedRole, ApiError> {
        let AssumeRole {
            role_arn,
            role_session_name,
            external_id,
            duration_seconds,
        } = request;
        let account = role_account(role_arn)
            .ok_or_else(|| ApiError::new("ValidationError", format!("{role_arn} is invalid")))?;
        let name_fits = (2..=64).contains(&role_session_name.len())
            && role_session_name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_=,.@-".contains(&byte));
        if !name_fits {
            return Err(ApiError::new(
                "ValidationError",
                "roleSessionName must be 2 to 64 letters, digits or _=,.@-",
            ));
        }
        let seconds = u32::try_from(duration_seconds.unwrap_or(3600))
            .ok()
            .filter(|seconds| (900..=43_200).contains(seconds))
            .ok_or_else(|| {
                ApiError::new(
                    "ValidationError",
                    "durationSeconds must be between 900 and 43200",
                )
            })?;
        let wanted = self.external_ids.get(role_arn);
        let trusted = wanted.is_none_or(|wanted| external_id.as_ref() == Some(wanted));
        if !trusted || self.denied_roles.contains(role_arn) {
            return Err(ApiError::new(
                "AccessDenied",
                format!(
                    "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
                    caller.arn
                ),
            ));
        }
        let random = |rng: &mut Rng, length: usize| -> String {
            (0..length)
                .map(|_| rng.alphanumeric().to_ascii_uppercase())
                .collect()
        };
        let length = Period::seconds(seconds);
        let length = self
            .longest_session
            .map_or(length, |longest| longest.min(length));
        let role = role_arn.rsplit('/').next().unwrap_or(role_arn);
        let arn = format!(
            "arn:{}:sts::{account}:assumed-role/{role}/{role_session_name}",
            partition(&caller.region)
        );
        let assumed = AssumedRole {
            access_key_id: format!("ASIA{}", random(rng, 16)),
            secret_access_key: random(rng, 40),
            session_token: random(rng, 200),
            expiration: length.after(now),
            assumed_role_id: format!("AROA{}:{role_session_name}", random(rng, 17)),
            arn: arn.clone(),
        };
        self.sessions.insert(
            assumed.access_key_id.clone(),
            Session {
                account: account.to_owned(),
                arn,
                expires: assumed.expiration,
            },
        );
        Ok(assumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_roles_have_a_role_arn() {
        let account = role_account("arn:aws:iam::444455556666:role/path/upgrader");
        assert_eq!(account, Some("444455556666"));
        assert!(role_account("arn:aws-cn:iam::444455556666:role/upgrader").is_some());
        for wrong in [
            "",
            "upgrader",
            "arn:aws:iam::444455556666:user/upgrader",
            "arn:aws:iam::44445555666:role/upgrader",
            "arn:aws:iam::444455556666:role/",
            "arn:aws:sts::444455556666:assumed-role/upgrader/x",
        ] {
            assert_eq!(role_account(wrong), None, "{wrong:?}");
        }
    }
}
