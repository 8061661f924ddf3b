//! Asks EKS what the operator would ask, and decides as it would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::api::{ClusterRef, ClusterUpgradeSpec, ClusterUpgradeStatus, Minor};
use crate::controller::{Cache, Clock, Inquiry, Look, SystemClock, observe};
use crate::eks::aws::AwsEks;
use crate::eks::{Eks, EksError, ErrorKind, Target};
use crate::plan::{
    Durations, Facts, Forecast, Object, Observed, Outcome, Settings, Standing, Wish, forecast,
};

use super::super::failure::Failure;
use super::super::note;
use super::report::Report;

/// The first pause while EKS refreshes its insights, and the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// How often an answer that may come in a moment is asked for.
const TRIES: u32 = 4;

/// What a person asked.
#[derive(Debug)]
pub struct Asked {
    /// The cluster's name or ARN.
    pub named: String,
    pub to: Minor,
    pub region: Option<String>,
    pub role_arn: Option<String>,
    pub profile: Option<String>,
    pub may_refresh: bool,
    pub timeout: SignedDuration,
}

/// An ARN's region, account and name.
fn of_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let name = resource.strip_prefix("cluster/")?;
    (scheme == "arn" && service == "eks" && !name.is_empty()).then_some((region, account, name))
}

/// The spec of an object that asks for this, and the answer to it.
pub async fn ask(asked: Asked) -> Result<(ClusterUpgradeSpec, Report), Failure> {
    let Asked {
        named,
        to,
        region,
        role_arn,
        profile,
        may_refresh,
        timeout,
    } = asked;
    let (region_of_arn, account_of_arn, name) = match of_arn(&named) {
        Some((region, account, name)) => {
            let (region, account) = (region.to_owned(), account.to_owned());
            (Some(region), Some(account), name.to_owned())
        }
        None => (None, None, named),
    };
    if let (Some(given), Some(of_arn)) = (&region, &region_of_arn)
        && given != of_arn
    {
        return Err(Failure::new(
            format!("--region {given} is not the region of the ARN, {of_arn}"),
            "Leave one of them out.",
        ));
    }
    let (eks, default_region) = AwsEks::load_profile(profile, Arc::new(())).await;
    let region = region.or(region_of_arn).or(default_region).ok_or_else(|| {
        Failure::new(
            "no AWS region is known",
            "Name the cluster's with --region, by its ARN, with AWS_REGION or in the profile.",
        )
    })?;
    let mut target = Target {
        account_id: String::new(),
        region: region.clone(),
        name: name.clone(),
        role_arn: role_arn.clone(),
        external_id: None,
    };
    let doing = format!("look at cluster {name} in {region}");
    let described = patiently(|| eks.describe_cluster(&target)).await;
    let described = described.map_err(|error| Failure::of_aws(&doing, &error))?;
    let account_id = of_arn(&described.arn).map(|(_, account, _)| account.to_owned());
    let account_id = account_id.ok_or_else(|| {
        Failure::new(
            format!(
                "EKS calls cluster {name} {:?}, which is no ARN of a cluster",
                described.arn
            ),
            "See that AWS_ENDPOINT_URL and the like lead to EKS.",
        )
    })?;
    if let Some(meant) = account_of_arn.filter(|meant| *meant != account_id) {
        return Err(Failure::new(
            format!(
                "the ARN names account {meant}, and these credentials see the cluster {name} of account {account_id}"
            ),
            "Choose those of the other account, with --profile or --role-arn.",
        ));
    }
    target.account_id.clone_from(&account_id);
    let spec = ClusterUpgradeSpec {
        cluster: ClusterRef {
            account_id,
            region,
            name: name.clone(),
        },
        version: to.to_string(),
        role_arn,
        external_id: None,
        force: None,
        rollback: None,
        preflight: None,
        schedule: None,
        suspend: false,
    };
    let wish = Wish::try_from(&spec).map_err(|error| {
        Failure::new(
            error.to_string(),
            "Name the cluster and its region as EKS does.",
        )
    })?;
    let object = Object {
        name,
        uid: String::new(),
        generation: 1,
        deleting: false,
        retry_requested_at: None,
        wish: Ok(wish),
        settled_at: None,
    };
    let (observed, forecast) = look(&eks, &target, &object, may_refresh, timeout).await?;
    let report = Report::of(&spec, to, &observed, forecast, Timestamp::now());
    Ok((spec, report))
}

/// Looks until it is known what would be done.
async fn look(
    eks: &AwsEks,
    target: &Target,
    object: &Object,
    may_refresh: bool,
    timeout: SignedDuration,
) -> Result<(Observed, Forecast), Failure> {
    let began = Instant::now();
    let timeout = timeout.unsigned_abs();
    let clock = SystemClock::start();
    let (cache, free) = (Cache::default(), Look::free());
    let inquiry = Inquiry {
        eks,
        cache: &cache,
        clock: &clock,
        look: &free,
        may_refresh,
        may_go_on: &|| true,
    };
    let (memory, standing) = (ClusterUpgradeStatus::default(), Standing::default());
    let (settings, nothing_yet) = (Settings::default(), Observed::default());
    let mut pause = FIRST_PAUSE;
    let mut tries = 1;
    let mut is_told = false;
    loop {
        let facts = Facts {
            object,
            memory: &memory,
            standing: &standing,
            observed: &nothing_yet,
            trouble: None,
            refusals: None,
            durations: Durations::default(),
            settings: &settings,
            now: clock.now(),
        };
        let observed = observe(&inquiry, &facts).await;
        let forecast = forecast(&Facts {
            observed: &observed,
            ..facts
        });
        let refused = observed.failure().filter(|error| {
            // What is not asked for a check alone: nothing can be said without.
            error.kind == ErrorKind::AccessDenied
        });
        let wrong = refused.or_else(|| {
            let all = observed.trouble().into_iter();
            all.chain(observed.evidence.errors())
                .find(|error| is_of_the_asker(error))
        });
        if let Some(error) = wrong {
            let doing = format!("look at cluster {} in {}", target.name, target.region);
            return Err(Failure::of_aws(&doing, error));
        }
        let said = matches!(forecast.decision.outcome, Outcome::Say(..));
        let may_pass = observed
            .trouble()
            .filter(|error| is_passing(error) || !said);
        if let Some(error) = may_pass {
            if tries >= TRIES || !is_passing(error) {
                let doing = format!("look at cluster {} in {}", target.name, target.region);
                return Err(Failure::of_aws(&doing, error));
            }
            tries += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
            continue;
        }
        tries = 1;
        if !forecast.is_refreshing || began.elapsed() >= timeout {
            return Ok((observed, forecast));
        } else if !std::mem::replace(&mut is_told, true) {
            note(format_args!(
                "EKS refreshes its upgrade-readiness insights, which takes minutes ..."
            ));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Credentials that ran out meanwhile are no finding about the cluster.
fn is_of_the_asker(error: &EksError) -> bool {
    matches!(
        error.kind,
        ErrorKind::CredentialsMissing | ErrorKind::CredentialsRefused | ErrorKind::ClockSkew
    )
}

fn is_passing(error: &EksError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::InUse
    )
}

/// Asks again where the answer may come in a moment.
async fn patiently<T, F: Future<Output = Result<T, EksError>>>(
    ask: impl Fn() -> F,
) -> Result<T, EksError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match ask().await {
            Err(error) if is_passing(&error) => {}
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    ask().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_names_region_account_and_cluster() {
        assert_eq!(
            of_arn("arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod"),
            Some(("cn-north-1", "111122223333", "prod"))
        );
        for other in [
            "prod",
            "arn:aws:eks:eu-central-1:111122223333:nodegroup/prod",
            "arn:aws:ecs:eu-central-1:111122223333:cluster/prod",
            "arn:aws:eks:eu-central-1:111122223333:cluster/",
        ] {
            assert_eq!(of_arn(other), None, "{other}");
        }
    }
}
