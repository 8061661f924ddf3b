//! One call of an operator, and what it is called in a sweep.

use std::collections::{BTreeSet, HashMap};

use axum::body::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Call {
    fn path(&self) -> &str {
        self.uri.path()
    }

    /// Whether it lists objects.
    pub fn is_list(&self) -> bool {
        self.is_of_all("/clusterupgrades") && !self.is_watch()
    }

    /// Whether it watches objects or freezes.
    pub fn is_watch(&self) -> bool {
        let query = self.uri.query().unwrap_or_default();
        (self.is_of_all("/clusterupgrades") || self.is_of_all("/upgradefreezes"))
            && query.split('&').any(|pair| pair.starts_with("watch="))
    }

    fn is_of_all(&self, kind: &str) -> bool {
        self.method == Method::GET && self.path().ends_with(kind)
    }

    /// Whether it writes a status.
    pub fn is_status_write(&self) -> bool {
        self.method == Method::PATCH && self.path().ends_with("/status")
    }

    /// Whether it asks EKS for an update.
    pub fn is_send(&self) -> bool {
        self.method == Method::POST && self.path().ends_with("/updates")
    }

    /// Whether it writes an Event of this reason.
    pub fn tells(&self, reason: &str) -> bool {
        self.method != Method::GET && self.path().contains("/events") && {
            let event: Value = serde_json::from_slice(&self.body).unwrap();
            event["reason"] == reason
        }
    }

    /// The status that it writes.
    pub fn status(&self) -> Value {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap();
        body["status"].take()
    }

    /// Whether it writes the intent of an update to this version, or the repetition of its send.
    pub fn announces(&self, version: &str) -> bool {
        self.is_status_write() && {
            let update = self.status()["update"].take();
            update["toVersion"] == version && update["id"].is_null() && update["status"].is_null()
        }
    }

    /// What it does, in short. Calls of EKS have the names of EKS.
    fn what(&self) -> String {
        if self.is_status_write() {
            return of_status(&self.status());
        }
        if self.is_of_all("/upgradefreezes") {
            let verb = if self.is_watch() { "watch" } else { "list" };
            return format!("{verb} freezes");
        }
        let path: Vec<_> = self.path().split('/').skip(1).collect();
        let get = Method::GET;
        match (&self.method, path.as_slice()) {
            (method, ["clusters", _]) if *method == get => "DescribeCluster".to_owned(),
            (method, ["clusters", _, "updates"]) if *method == get => "ListUpdates".to_owned(),
            (method, ["clusters", _, "updates", _]) if *method == get => {
                "DescribeUpdate".to_owned()
            }
            (method, ["cluster-versions"]) if *method == get => {
                "DescribeClusterVersions".to_owned()
            }
            _ if self.is_send() => {
                let body: Value = serde_json::from_slice(&self.body).unwrap();
                format!(
                    "UpdateClusterVersion to {}",
                    body["version"].as_str().unwrap()
                )
            }
            // EKS has insights of two kinds, which are read for different ends.
            (method, ["clusters", _, "insights"]) if *method == Method::POST => {
                let body: Value = serde_json::from_slice(&self.body).unwrap();
                format!(
                    "ListInsights of {}",
                    body["filter"]["categories"][0].as_str().unwrap()
                )
            }
            (method, _) => format!("{method} {}", self.path()),
        }
    }
}

/// The reason and the update that a status speaks of.
fn of_status(status: &Value) -> String {
    let reason = status["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Ready")
        .and_then(|ready| ready["reason"].as_str())
        .unwrap_or("no reason");
    let update = &status["update"];
    let Some(to) = update["toVersion"].as_str() else {
        return format!("{reason}, no update");
    };
    let course = update["status"].as_str().unwrap_or("intent");
    format!("{reason}, {to} {course}")
}

/// Names calls by where they stand in a run: how many versions were asked for before, what it is, and how often that was
/// called since. The number of polls differs from run to run, so a plain index would be now one call, now another.
#[derive(Default)]
pub struct Names {
    asked_for: BTreeSet<String>,
    seen: HashMap<String, usize>,
}

impl Names {
    /// The next call's name.
    pub fn name(&mut self, call: &Call) -> String {
        let what = call.what();
        let times = self.seen.entry(what.clone()).or_default();
        *times += 1;
        let name = format!("{}: {what} #{times}", self.asked_for.len());
        if call.is_send() && self.asked_for.insert(what) {
            self.seen.clear();
        }
        name
    }
}
