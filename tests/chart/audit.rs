//! What a ServiceAccount has asked of the API server, by the server's own audit log.

use harness::ControlPlane;
use serde_json::Value;

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: String,
    pub group: String,
    /// With the subresource, as rules write it.
    pub resource: String,
    /// Empty for a request for the whole cluster.
    pub namespace: String,
    pub name: String,
    /// The status of the answer.
    pub code: u64,
}

/// All requests of a user so far, in their order.
pub async fn requests(plane: &ControlPlane, user: &str) -> Vec<Request> {
    let log = tokio::fs::read_to_string(plane.audit_log_path()).await;
    let log = log.unwrap();
    // The last line may be under way.
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let entries = whole
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries
        .filter(|entry| entry["user"]["username"] == user)
        .map(|entry| request(&entry))
        .collect()
}

fn request(entry: &Value) -> Request {
    let object = &entry["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resource = text(&object["resource"]);
    let resource = match object["subresource"].as_str() {
        Some(subresource) => format!("{resource}/{subresource}"),
        None => resource,
    };
    Request {
        verb: text(&entry["verb"]),
        group: text(&object["apiGroup"]),
        resource,
        namespace: text(&object["namespace"]),
        name: text(&object["name"]),
        code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
    }
}
