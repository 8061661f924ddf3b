//! The simulator as a process of its own, and what it noted.

use std::path::Path;

use eks_upgrade_operator::simulator::model::Tally;
use harness::{Process, Program};
use jiff::Timestamp;
use serde_json::Value;

use crate::http::{ask, get};
use crate::stage::DEADLINE;

pub struct Simulator {
    process: Process,
    pub endpoint: String,
}

/// A noted call.
pub struct Call {
    pub at: Timestamp,
    pub operation: String,
    pub cluster: String,
    pub version: Option<String>,
    pub accepted: bool,
}

/// An update as it really was.
pub struct Truth {
    pub cluster: String,
    pub version: String,
    pub updates: Vec<UpdateTruth>,
}

pub struct UpdateTruth {
    pub to: String,
    pub status: String,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl Simulator {
    pub async fn start(scenario: &Path) -> Self {
        let mut process = Program::new(env!("CARGO_BIN_EXE_eks-simulator"))
            .args(["--listen", "127.0.0.1:0", "--scenario"])
            .arg(scenario)
            .start()
            .unwrap();
        let endpoint = process
            .wait_for_line("it listens", DEADLINE, |line| {
                line.strip_prefix("eks-simulator listening on ")
                    .map(str::to_owned)
            })
            .await
            .unwrap();
        Self { process, endpoint }
    }

    /// The calls in numbers. None that were asked for may have been forgotten.
    pub async fn tally(&self, after: u64, query: &str) -> Tally {
        let url = format!(
            "{}/_simulator/calls/tally?after={after}&{query}",
            self.endpoint
        );
        let tally: Tally = serde_json::from_str(&get(&url).await).unwrap();
        let all = query.is_empty() || query == "by=cluster";
        assert!(
            !all || tally.calls == 0 || tally.first_seq == after + 1,
            "the simulator has forgotten calls: the part is too big for its notes"
        );
        tally
    }

    /// The `seq` of the last call.
    pub async fn last_seq(&self) -> u64 {
        let url = format!("{}/_simulator/calls/tally", self.endpoint);
        let tally: Tally = serde_json::from_str(&get(&url).await).unwrap();
        tally.last_seq
    }

    /// The calls one by one, oldest first.
    pub async fn calls(&self, query: &str) -> Vec<Call> {
        let text = get(&format!("{}/_simulator/calls?{query}", self.endpoint)).await;
        let calls: Vec<Value> = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let call = |call: &Value| Call {
            at: time(&call["at"]).unwrap(),
            operation: text(&call["operation"]).unwrap(),
            cluster: text(&call["cluster"]).unwrap_or_default(),
            version: text(&call["request"]["version"]),
            accepted: call["accepted"] == true,
        };
        calls.iter().map(call).collect()
    }

    /// All clusters with their updates.
    pub async fn truth(&self) -> Vec<Truth> {
        let text = get(&format!("{}/_simulator/clusters", self.endpoint)).await;
        let clusters: Vec<Value> = serde_json::from_str(&text).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let update = |update: &Value| UpdateTruth {
            to: text(&update["toVersion"]),
            status: text(&update["status"]),
            created_at: time(&update["createdAt"]).unwrap(),
            finished_at: time(&update["finishedAt"]),
        };
        let cluster = |cluster: &Value| Truth {
            cluster: text(&cluster["name"]),
            version: text(&cluster["version"]),
            updates: cluster["updates"]
                .as_array()
                .unwrap()
                .iter()
                .map(update)
                .collect(),
        };
        clusters.iter().map(cluster).collect()
    }

    /// Has every answer come this late.
    pub async fn delay(&self, lasts: &str) {
        let url = format!("{}/_simulator/faults", self.endpoint);
        let fault = format!("{{kind: delay, lasts: {lasts}}}");
        let (status, body) = ask("POST", &url, &fault).await.unwrap();
        assert_eq!(status, 201, "{body}");
    }

    pub async fn answer_at_once(&self) {
        let url = format!("{}/_simulator/faults", self.endpoint);
        let (status, body) = ask("DELETE", &url, "").await.unwrap();
        assert_eq!(status, 204, "{body}");
    }

    pub async fn end(mut self) {
        self.process.sigterm().unwrap();
        let status = self.process.wait(DEADLINE).await.unwrap();
        assert!(status.success(), "{status}: {}", self.process.tail());
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
