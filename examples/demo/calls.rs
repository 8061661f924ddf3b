//! What was asked of EKS, as the simulator counted it.

use std::collections::BTreeMap;

use kube::{Client, Config};
use serde::Deserialize;

use crate::Failure;

#[derive(Deserialize)]
struct Call {
    cluster: Option<String>,
    accepted: bool,
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    version: String,
}

/// The versions of the accepted UpdateClusterVersion calls for each cluster, in the order they came.
pub async fn accepted(simulator: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    // An HTTP client like any other.
    let client = Client::try_from(Config::new(simulator.parse()?))?;
    let request = http::Request::get("/_simulator/calls?operation=UpdateClusterVersion");
    let calls: Vec<Call> = client.request(request.body(Vec::new())?).await?;
    let mut accepted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for call in calls {
        let Call {
            cluster: Some(cluster),
            accepted: true,
            request: Request { version },
        } = call
        else {
            continue;
        };
        accepted.entry(cluster).or_default().push(version);
    }
    Ok(accepted)
}
