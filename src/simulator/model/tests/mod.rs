//! The rules of EKS, each shown by calls and their answers under a clock that the test holds.

mod addons;
mod faults;
mod hops;
mod identities;
mod insights;
mod nodegroups;
mod notes;
mod rollbacks;
mod tallies;
mod tokens;
mod visibility;

use jiff::Timestamp;

use super::Model;
use crate::simulator::api::{
    Caller, ClusterView, Page, Reply, Request, Response, RollbackConfig, Scope,
    UpdateClusterVersion, UpdateStatus, UpdateView,
};
use crate::simulator::error::ApiError;
use crate::simulator::period::Period;
use crate::simulator::scenario::Scenario;

const START: &str = "2026-10-01T00:00:00Z";

/// A model, a clock and somebody who calls.
#[derive(Clone)]
struct Eks {
    model: Model,
    now: Timestamp,
    caller: Caller,
}

impl Eks {
    fn with(scenario: &str) -> Self {
        let scenario = Scenario::parse(scenario).unwrap();
        let now = START.parse().unwrap();
        Self {
            model: Model::new(&scenario, now).unwrap(),
            now,
            caller: Caller {
                account: scenario.account_id,
                region: scenario.region,
                arn: "arn:aws:iam::111122223333:user/test".into(),
            },
        }
    }

    /// A cluster `prod` on 1.33 with these further lines of YAML.
    fn prod(lines: &str) -> Self {
        Self::with(&format!(
            "clusters: [{{name: prod, version: \"1.33\"{}{lines}}}]",
            if lines.is_empty() { "" } else { ", " }
        ))
    }

    fn pass(&mut self, time: &str) {
        self.now = Period::parse(time).unwrap().after(self.now);
    }

    fn reply(&mut self, request: &Request) -> Reply {
        self.model.call(&self.caller, request, self.now)
    }

    fn call(&mut self, request: &Request) -> Result<Response, ApiError> {
        match self.reply(request) {
            Reply::Answer { after, result } if after.is_zero() => result,
            other => panic!("expected an answer at once, got {other:?}"),
        }
    }

    fn send(&mut self, request: &UpdateClusterVersion) -> Result<UpdateView, ApiError> {
        self.call(&Request::UpdateClusterVersion(request.clone()))
            .map(update)
    }

    fn start(&mut self, version: &str) -> Result<UpdateView, ApiError> {
        self.send(&to(version))
    }

    fn cluster(&mut self) -> Result<ClusterView, ApiError> {
        let request = Request::DescribeCluster {
            name: "prod".into(),
        };
        self.call(&request).map(|response| match response {
            Response::Cluster(view) => *view,
            other => panic!("not a cluster: {other:?}"),
        })
    }

    /// Version and status as DescribeCluster shows them.
    fn shown(&mut self) -> (String, String) {
        let view = self.cluster().unwrap();
        let status = format!("{:?}", view.status).to_uppercase();
        (view.version.to_string(), status)
    }

    fn update(&mut self, id: &str) -> Result<UpdateView, ApiError> {
        let request = Request::DescribeUpdate {
            name: "prod".into(),
            update_id: id.into(),
            scope: Scope::default(),
        };
        self.call(&request).map(update)
    }

    fn status(&mut self, id: &str) -> UpdateStatus {
        self.update(id).unwrap().status
    }

    fn listed_in(&mut self, scope: Scope) -> Vec<String> {
        let request = Request::ListUpdates {
            name: "prod".into(),
            scope,
            page: Page::default(),
        };
        match self.call(&request).unwrap() {
            Response::Updates { ids, next_token } => {
                assert_eq!(next_token, None);
                ids
            }
            other => panic!("not a list of updates: {other:?}"),
        }
    }

    fn listed(&mut self) -> Vec<String> {
        self.listed_in(Scope::default())
    }

    fn cancel(&mut self, id: &str, token: Option<&str>) -> Result<UpdateView, ApiError> {
        let request = Request::CancelUpdate {
            name: "prod".into(),
            update_id: id.into(),
            client_request_token: token.map(str::to_owned),
        };
        self.call(&request).map(update)
    }
}

fn to(version: &str) -> UpdateClusterVersion {
    UpdateClusterVersion {
        name: "prod".into(),
        version: version.into(),
        client_request_token: None,
        force: false,
        rollback_config: None,
    }
}

fn with_token(version: &str, token: &str) -> UpdateClusterVersion {
    UpdateClusterVersion {
        client_request_token: Some(token.into()),
        ..to(version)
    }
}

fn forced(version: &str) -> UpdateClusterVersion {
    UpdateClusterVersion {
        force: true,
        ..to(version)
    }
}

fn within(version: &str, timeout_minutes: i64) -> UpdateClusterVersion {
    UpdateClusterVersion {
        rollback_config: Some(RollbackConfig {
            timeout_minutes: Some(timeout_minutes),
        }),
        ..to(version)
    }
}

fn update(response: Response) -> UpdateView {
    match response {
        Response::Update(view) => view,
        other => panic!("not an update: {other:?}"),
    }
}

/// Code, status and message of an error.
fn refusal<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (String, u16, String) {
    let error = result.unwrap_err();
    (error.code, error.status, error.message)
}

fn code<T: std::fmt::Debug>(result: Result<T, ApiError>) -> String {
    refusal(result).0
}
