//! The simulator byte by byte: the API reference's example, headers, and the admin endpoints.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use eks_upgrade_operator::simulator::{Handle, Scenario, serve_on_free_port};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn start(scenario: &str) -> Handle {
    serve_on_free_port(&Scenario::parse(scenario).unwrap())
        .await
        .unwrap()
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|why| panic!("{why}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// One request on a connection of its own; `None` when the connection closes without an answer.
async fn ask(
    simulator: &Handle,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let url = simulator.url();
    let address = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.extend([*name, ": ", *value, "\r\n"]);
    }
    request.push_str("\r\n");
    request.push_str(body);
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    })
}

async fn signed(simulator: &Handle, method: &str, path: &str, body: &str) -> Option<Answer> {
    let now = jiff::Timestamp::now();
    let date = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIATEST/{}/us-west-2/eks/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature=0",
        now.strftime("%Y%m%d")
    );
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-amz-date", date.as_str()),
        ("content-type", "application/json"),
    ];
    ask(simulator, method, path, &headers, body).await
}

async fn admin(simulator: &Handle, method: &str, path: &str, body: &str) -> Answer {
    ask(simulator, method, path, &[], body).await.unwrap()
}

/// What a JSON value is made of: member names and types, no values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), shape(value)))
            .collect(),
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        Value::Bool(_) => json!("boolean"),
        Value::Null => json!("null"),
    }
}

#[tokio::test]
async fn the_api_references_example() {
    let example: Value =
        serde_json::from_str(include_str!("data/update-cluster-version-example.json")).unwrap();
    let simulator = start(
        "{versions: [{version: \"1.11\", releaseDate: 2026-01-01}], \
         clusters: [{name: devel, version: \"1.10\"}]}",
    )
    .await;
    let request = &example["request"];
    let answer = signed(
        &simulator,
        request["method"].as_str().unwrap(),
        request["path"].as_str().unwrap(),
        &request["body"].to_string(),
    )
    .await
    .unwrap();

    let wanted = &example["response"];
    assert_eq!(json!(answer.status), wanted["status"]);
    for (name, value) in wanted["headers"].as_object().unwrap() {
        let got = answer.header(name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(got.len(), value.as_str().unwrap().len(), "{name}: {got}");
    }
    assert_eq!(answer.header("content-type"), Some("application/json"));

    let (got, wanted) = (answer.json(), wanted["body"].clone());
    assert_eq!(shape(&got), shape(&wanted));
    for member in ["errors", "params", "status", "type"] {
        assert_eq!(got["update"][member], wanted["update"][member], "{member}");
    }
    // Seconds with a fraction of milliseconds, as in 1543512515.848.
    let created_at = got["update"]["createdAt"].as_f64().unwrap();
    let now = jiff::Timestamp::now().as_duration().as_secs_f64();
    assert!((now - created_at).abs() < 60.0, "{created_at} is not {now}");
    let milliseconds = created_at * 1000.0;
    assert!((milliseconds - milliseconds.round()).abs() < 0.01);
}

#[tokio::test]
async fn errors_carry_their_type_in_a_header_and_the_cluster_in_the_body() {
    let simulator = start("{}").await;
    let answer = signed(&simulator, "GET", "/clusters/no%2Fpe", "")
        .await
        .unwrap();
    assert_eq!(answer.status, 404);
    assert_eq!(
        answer.header("x-amzn-ErrorType"),
        Some("ResourceNotFoundException")
    );
    assert!(answer.header("x-amzn-RequestId").is_some());
    assert_eq!(
        answer.json(),
        json!({"clusterName": "no/pe", "message": "No cluster found for name: no/pe."})
    );
}

#[tokio::test]
async fn requests_that_nobody_signed_or_can_read_are_refused() {
    let simulator = start("clusters: [{name: prod, version: \"1.33\"}]").await;
    let unsigned = ask(&simulator, "GET", "/clusters/prod", &[], "")
        .await
        .unwrap();
    assert_eq!(unsigned.status, 403);
    assert_eq!(
        unsigned.header("x-amzn-errortype"),
        Some("MissingAuthenticationTokenException")
    );
    for (method, path, body, code) in [
        (
            "POST",
            "/clusters/prod/updates",
            "{",
            "SerializationException",
        ),
        (
            "POST",
            "/clusters/prod/updates",
            "{}",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters?maxResults=0",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters?maxResults=x",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters?nextToken=x",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/cluster-versions?versionStatus=OLD",
            "",
            "InvalidParameterException",
        ),
        (
            "POST",
            "/clusters/prod/insights",
            "{\"filter\": {\"categories\": [\"READINESS\"]}}",
            "InvalidParameterException",
        ),
        (
            "POST",
            "/clusters/prod/insights",
            "{\"filter\": {\"statuses\": [\"FINE\"]}}",
            "InvalidParameterException",
        ),
        (
            "POST",
            "/clusters/prod/insights",
            "{\"maxResults\": 101}",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters/prod/node-groups?maxResults=0",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters/prod/node-groups/none",
            "",
            "ResourceNotFoundException",
        ),
        (
            "GET",
            "/clusters/prod/addons?maxResults=0",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters/prod/addons/none",
            "",
            "ResourceNotFoundException",
        ),
        (
            "GET",
            "/addons/supported-versions?maxResults=101",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/addons/supported-versions?kubernetesVersion=new",
            "",
            "InvalidParameterException",
        ),
        (
            "GET",
            "/clusters/prod/insights/none",
            "",
            "ResourceNotFoundException",
        ),
        ("DELETE", "/clusters/prod", "", "UnknownOperationException"),
        ("GET", "/addons", "", "UnknownOperationException"),
    ] {
        let answer = signed(&simulator, method, path, body).await.unwrap();
        let got = answer.header("x-amzn-errortype");
        assert_eq!(got, Some(code), "{method} {path} {body}");
    }
}

#[tokio::test]
async fn insights_as_they_are_on_the_wire() {
    let simulator = start(
        "clusters: [{name: prod, version: \"1.33\", insights: {upgrade: [{name: Skew, \
         status: WARNING, reason: one, description: two, recommendation: three}]}}]",
    )
    .await;
    let path = "/clusters/prod/insights";
    let nobodys = signed(&simulator, "GET", "/clusters/prod/insights-refresh", "").await;
    assert_eq!(
        nobodys.unwrap().json(),
        json!({"message": "No refresh of the insights was started"})
    );
    let listed = signed(&simulator, "POST", path, "").await.unwrap().json();
    let mut summary = listed["insights"][0].clone();
    let id = summary["id"].as_str().unwrap().to_owned();
    assert!(summary["lastRefreshTime"].is_f64(), "{summary}");
    assert!(summary["lastTransitionTime"].is_f64(), "{summary}");
    let described = signed(&simulator, "GET", &format!("{path}/{id}"), "").await;
    let described = described.unwrap().json();
    let members = summary.as_object_mut().unwrap();
    let more = json!({
        "recommendation": "three", "additionalInfo": {}, "resources": [],
        "categorySpecificSummary": {"deprecationDetails": [], "addonCompatibilityDetails": []},
    });
    let mut full = members.clone();
    full.extend(more.as_object().unwrap().clone());
    assert_eq!(described, json!({ "insight": full }));
    for made_up in ["id", "lastRefreshTime", "lastTransitionTime"] {
        members.remove(made_up);
    }
    assert_eq!(
        summary,
        json!({
            "name": "Skew", "category": "UPGRADE_READINESS", "kubernetesVersion": "1.34",
            "description": "two", "insightStatus": {"status": "WARNING", "reason": "one"},
        })
    );
    let filter = json!({"filter": {"statuses": ["ERROR"]}, "maxResults": 1}).to_string();
    let none = signed(&simulator, "POST", path, &filter).await.unwrap();
    assert_eq!(none.json(), json!({"insights": []}));
}

#[tokio::test]
async fn faults_strike_the_reads_about_parts_of_a_cluster_and_their_calls_are_kept() {
    let operations = [
        ("ListInsights", "POST", "/clusters/prod/insights"),
        ("DescribeInsight", "GET", "/clusters/prod/insights/1"),
        (
            "StartInsightsRefresh",
            "POST",
            "/clusters/prod/insights-refresh",
        ),
        (
            "DescribeInsightsRefresh",
            "GET",
            "/clusters/prod/insights-refresh",
        ),
        ("ListNodegroups", "GET", "/clusters/prod/node-groups"),
        (
            "DescribeNodegroup",
            "GET",
            "/clusters/prod/node-groups/workers",
        ),
        ("ListAddons", "GET", "/clusters/prod/addons"),
        ("DescribeAddon", "GET", "/clusters/prod/addons/coredns"),
    ];
    for (operation, method, path) in operations {
        let simulator = start(&format!(
            "{{faults: [{{kind: throttling, operations: [{operation}]}}], \
             clusters: [{{name: prod, version: \"1.33\"}}]}}"
        ))
        .await;
        let refused = signed(&simulator, method, path, "").await.unwrap();
        assert_eq!(refused.status, 429, "{operation}");
        let other = signed(&simulator, "GET", "/clusters/prod", "").await;
        assert_eq!(other.unwrap().status, 200);
        let calls = format!("/_simulator/calls?operation={operation}&cluster=prod");
        let calls = admin(&simulator, "GET", &calls, "").await.json();
        assert_eq!(calls.as_array().unwrap().len(), 1, "{calls}");
        assert_eq!(calls[0]["errorCode"], "ThrottlingException");
        assert_eq!(calls[0]["request"]["clusterName"], "prod");
    }
}

#[tokio::test]
async fn findings_and_node_groups_are_changed_while_it_runs() {
    let simulator =
        start("clusters: [{name: prod, version: \"1.33\", durations: {insightsRefresh: 0s}}]")
            .await;
    let events = "/_simulator/clusters/prod/events";
    for event in [
        json!({"insights": {"upgrade": "ERROR"}}),
        json!({"nodegroup": {"name": "workers", "version": "1.32"}}),
    ] {
        let added = admin(&simulator, "POST", events, &event.to_string()).await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
    let groups = signed(&simulator, "GET", "/clusters/prod/node-groups", "").await;
    assert_eq!(groups.unwrap().json(), json!({"nodegroups": ["workers"]}));
    let status = async || {
        let listed = signed(&simulator, "POST", "/clusters/prod/insights", "{}").await;
        listed.unwrap().json()["insights"][0]["insightStatus"]["status"].take()
    };
    assert_eq!(status().await, "PASSING");
    let path = "/clusters/prod/insights-refresh";
    let started = signed(&simulator, "POST", path, "").await.unwrap();
    assert_eq!(started.json()["status"], "IN_PROGRESS");
    assert_eq!(status().await, "ERROR");
    let done = signed(&simulator, "GET", path, "").await.unwrap().json();
    assert_eq!(done["status"], "COMPLETED");
    assert!(
        done["startedAt"].is_f64() && done["endedAt"].is_f64(),
        "{done}"
    );
}

#[tokio::test]
async fn add_ons_as_they_are_on_the_wire() {
    let simulator = start(
        "{addonVersions: [{addon: coredns, version: v2, kubernetes: [\"1.33\", \"1.34\"], \
         default: [\"1.34\"]}, {addon: vpc-cni, version: v9, kubernetes: [\"1.33\"]}], \
         clusters: [{name: prod, version: \"1.33\", addons: [{name: coredns, version: v1, \
         status: DEGRADED, issues: [{code: AccessDenied, message: no, resourceIds: [r-1]}]}]}]}",
    )
    .await;
    let get = async |path: &str| signed(&simulator, "GET", path, "").await.unwrap().json();
    assert_eq!(
        get("/clusters/prod/addons").await,
        json!({"addons": ["coredns"]})
    );
    let mut described = get("/clusters/prod/addons/coredns").await;
    let addon = described["addon"].as_object_mut().unwrap();
    for made_up in ["createdAt", "modifiedAt"] {
        assert!(addon.remove(made_up).unwrap().is_f64(), "{made_up}");
    }
    let arn = addon.remove("addonArn").unwrap();
    let arn = arn.as_str().unwrap();
    assert!(arn.contains(":addon/prod/coredns/"), "{arn}");
    assert_eq!(
        described,
        json!({"addon": {
            "addonName": "coredns", "clusterName": "prod", "addonVersion": "v1", "status": "DEGRADED",
            "health": {"issues": [{"code": "AccessDenied", "message": "no", "resourceIds": ["r-1"]}]},
            "tags": {},
        }})
    );

    let path = "/addons/supported-versions?addonName=coredns&kubernetesVersion=1.34";
    assert_eq!(
        get(path).await,
        json!({"addons": [{
            "addonName": "coredns", "type": "infra-management", "publisher": "eks", "owner": "aws",
            "defaultNamespace": "kube-system",
            "addonVersions": [{
                "addonVersion": "v2", "architecture": ["amd64", "arm64"], "computeTypes": ["ec2"],
                "compatibilities": [
                    {"clusterVersion": "1.34", "platformVersions": ["*"], "defaultVersion": true}
                ],
                "requiresConfiguration": false, "requiresIamPermissions": false,
            }],
        }]})
    );
    let none = json!({"addons": []});
    for filter in [
        "addonName=vpc-cni&kubernetesVersion=1.34",
        "addonName=nobody",
        "types=storage",
        "publishers=a&publishers=b",
        "owners=self",
    ] {
        let path = format!("/addons/supported-versions?{filter}");
        assert_eq!(get(&path).await, none, "{filter}");
    }
    let first = get("/addons/supported-versions?maxResults=1&owners=self&owners=aws").await;
    assert_eq!(first["addons"][0]["addonName"], "coredns");
    let token = first["nextToken"].as_str().unwrap();
    let rest = get(&format!("/addons/supported-versions?nextToken={token}")).await;
    assert_eq!(rest["addons"][0]["addonName"], "vpc-cni");
    assert!(rest["nextToken"].is_null(), "{rest}");
    let calls = "/_simulator/calls?operation=DescribeAddonVersions";
    let calls = admin(&simulator, "GET", calls, "").await.json();
    assert_eq!(calls[0]["request"]["kubernetesVersion"], "1.34");
    assert!(calls[0]["cluster"].is_null(), "{calls}");
}

#[tokio::test]
async fn what_is_deprecated_is_on_the_wire_with_its_users() {
    let simulator = start(
        "clusters: [{name: prod, version: \"1.33\", insights: {upgrade: [{name: APIs, status: ERROR, \
         reason: used, resources: [/r, 'arn:aws:eks:::x'], deprecations: [{usage: /u, \
         replacedWith: /n, stopServingVersion: \"1.34\", startServingReplacementVersion: \"1.30\", \
         clients: [{userAgent: helm, requests: 3}]}, {usage: /v}]}]}}]",
    )
    .await;
    let path = "/clusters/prod/insights";
    let listed = signed(&simulator, "POST", path, "").await.unwrap().json();
    let id = listed["insights"][0]["id"].as_str().unwrap();
    let described = signed(&simulator, "GET", &format!("{path}/{id}"), "").await;
    let mut insight = described.unwrap().json()["insight"].take();
    let status = json!({"status": "ERROR", "reason": "used"});
    assert_eq!(
        insight["resources"],
        json!([
            {"insightStatus": status, "kubernetesResourceUri": "/r"},
            {"insightStatus": status, "arn": "arn:aws:eks:::x"},
        ])
    );
    let summary = &mut insight["categorySpecificSummary"];
    let last = summary["deprecationDetails"][0]["clientStats"][0]["lastRequestTime"].take();
    assert!(last.is_f64(), "{last}");
    assert_eq!(
        *summary,
        json!({"deprecationDetails": [
            {
                "usage": "/u", "replacedWith": "/n", "stopServingVersion": "1.34",
                "startServingReplacementVersion": "1.30",
                "clientStats": [{
                    "userAgent": "helm", "numberOfRequestsLast30Days": 3, "lastRequestTime": null,
                }],
            },
            {"usage": "/v", "clientStats": []},
        ], "addonCompatibilityDetails": []})
    );
}

#[tokio::test]
async fn add_ons_health_and_tags_are_changed_while_it_runs() {
    let simulator = start("clusters: [{name: prod, version: \"1.33\", tags: {team: a}}]").await;
    let events = "/_simulator/clusters/prod/events";
    let issue = json!({"code": "VpcNotFound", "message": "gone", "resourceIds": ["vpc-1"]});
    for event in [
        json!({"addon": {"name": "coredns", "version": "v1"}}),
        json!({ "health": [issue] }),
        json!({"tags": {"eksupgrade.dev/hold": "audit until Friday", "team": null}}),
    ] {
        let added = admin(&simulator, "POST", events, &event.to_string()).await;
        assert_eq!(added.status, 201, "{}", added.body);
    }
    let addons = signed(&simulator, "GET", "/clusters/prod/addons", "").await;
    assert_eq!(addons.unwrap().json(), json!({"addons": ["coredns"]}));
    let cluster = signed(&simulator, "GET", "/clusters/prod", "").await;
    let cluster = cluster.unwrap().json()["cluster"].take();
    assert_eq!(cluster["health"], json!({ "issues": [issue] }));
    assert_eq!(
        cluster["tags"],
        json!({"eksupgrade.dev/hold": "audit until Friday"})
    );
    let wrong = json!({"addon": {"name": "coredns"}}).to_string();
    let refused = admin(&simulator, "POST", events, &wrong).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("version"), "{}", refused.body);
}

#[tokio::test]
async fn members_that_are_not_known_are_ignored_as_eks_does() {
    let simulator = start("clusters: [{name: prod, version: \"1.33\"}]").await;
    let body = json!({"version": "1.34", "ofTheFuture": {"a": 1}}).to_string();
    let path = "/clusters/prod/updates";
    let answer = signed(&simulator, "POST", path, &body).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_lost_answer_is_a_connection_that_closes() {
    let simulator = start("faults: [{kind: lostAfter, times: 1}]").await;
    assert!(signed(&simulator, "GET", "/clusters", "").await.is_none());
    assert!(signed(&simulator, "GET", "/clusters", "").await.is_some());
}

#[tokio::test]
async fn calls_can_be_looked_up() {
    let simulator = start("clusters: [{name: prod, version: \"1.33\"}]").await;
    signed(&simulator, "GET", "/clusters/prod", "").await;
    let body = json!({"version": "1.34", "clientRequestToken": "t1"}).to_string();
    let started = signed(&simulator, "POST", "/clusters/prod/updates", &body).await;
    let id = started.unwrap().json()["update"]["id"].clone();

    let all = admin(&simulator, "GET", "/_simulator/calls", "")
        .await
        .json();
    assert_eq!(all.as_array().unwrap().len(), 2);
    let path = "/_simulator/calls?operation=UpdateClusterVersion&cluster=prod";
    let found = admin(&simulator, "GET", path, "").await.json();
    let [call] = &found.as_array().unwrap()[..] else {
        panic!("one call: {found}");
    };
    let mut call = call.clone();
    let at: jiff::Timestamp = call["at"].as_str().unwrap().parse().unwrap();
    assert!(at <= jiff::Timestamp::now());
    call.as_object_mut().unwrap().remove("at");
    assert_eq!(
        call,
        json!({
            "seq": 2, "account": "111122223333", "region": "us-west-2",
            "operation": "UpdateClusterVersion", "cluster": "prod", "updateId": id,
            "request": {
                "name": "prod", "version": "1.34", "clientRequestToken": "t1", "force": false
            },
            "httpStatus": 200, "errorCode": null, "outcome": "answered", "accepted": true,
        })
    );
    for none in ["cluster=other", "operation=NoSuchThing", "after=2"] {
        let path = format!("/_simulator/calls?{none}");
        let found = admin(&simulator, "GET", &path, "").await;
        assert_eq!(found.json(), json!([]), "{none}");
    }
    let path = "/_simulator/calls/tally?after=1&by=cluster";
    let tally = admin(&simulator, "GET", path, "").await.json();
    assert_eq!(tally["calls"], 1);
    let started = &tally["operations"]["UpdateClusterVersion"];
    assert_eq!(
        (&started["calls"], &started["accepted"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(tally["operations"].as_object().unwrap().len(), 1);
    assert_eq!(tally["clusters"]["111122223333/prod"]["calls"], 1);
}

#[tokio::test]
async fn clusters_faults_updates_and_events_are_added_while_it_runs() {
    let simulator = start("{}").await;
    let clusters = "- {name: a, version: \"1.33\"}\n- {name: b, version: \"1.33\"}\n";
    let added = admin(&simulator, "POST", "/_simulator/clusters", clusters).await;
    assert_eq!((added.status, added.json()), (201, json!({"added": 2})));
    let again = json!({"name": "a", "version": "1.33"}).to_string();
    let refused = admin(&simulator, "POST", "/_simulator/clusters", &again).await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("already"), "{}", refused.body);

    let fault = json!([{"kind": "serverError", "clusters": ["a"]}]).to_string();
    let added = admin(&simulator, "POST", "/_simulator/faults", &fault).await;
    assert_eq!(added.status, 201);
    assert_eq!(
        signed(&simulator, "GET", "/clusters/a", "")
            .await
            .unwrap()
            .status,
        500
    );
    let cleared = admin(&simulator, "DELETE", "/_simulator/faults", "").await;
    assert_eq!(cleared.status, 204);
    assert_eq!(
        signed(&simulator, "GET", "/clusters/a", "")
            .await
            .unwrap()
            .status,
        200
    );

    let update = json!({"type": "VpcConfigUpdate"}).to_string();
    let path = "/_simulator/clusters/a/updates";
    let started = admin(&simulator, "POST", path, &update).await;
    assert_eq!(started.status, 201);
    let id = started.json()["update"]["id"].clone();
    let listed = signed(&simulator, "GET", "/clusters/a/updates", "")
        .await
        .unwrap();
    assert_eq!(listed.json(), json!({"updateIds": [id]}));
    assert_eq!(admin(&simulator, "POST", path, &update).await.status, 409);

    let path = "/_simulator/clusters/b/events";
    let event = json!({"recreate": "1.30"}).to_string();
    assert_eq!(admin(&simulator, "POST", path, &event).await.status, 201);
    let refused = admin(&simulator, "POST", path, "{}").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("exactly one of"), "{}", refused.body);
    let path = "/_simulator/clusters/c/events";
    assert_eq!(admin(&simulator, "POST", path, &event).await.status, 404);

    let truth = admin(&simulator, "GET", "/_simulator/clusters", "")
        .await
        .json();
    assert_eq!(truth[0]["updates"][0]["origin"], "foreign");
    assert_eq!(truth[0]["busy"], true);
    assert_eq!(truth[1]["version"], "1.30");
}

#[tokio::test]
async fn a_wrong_fault_is_refused_with_its_place() {
    let simulator = start("{}").await;
    let fault = json!({"kind": "hang"}).to_string();
    let refused = admin(&simulator, "POST", "/_simulator/faults", &fault).await;
    assert_eq!(refused.status, 400);
    let message = refused.json()["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("faults[0].lasts:"), "{message}");
}

#[tokio::test]
async fn it_says_that_it_is_healthy() {
    let simulator = start("{}").await;
    let answer = admin(&simulator, "GET", "/healthz", "").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "ok\n"));
}
