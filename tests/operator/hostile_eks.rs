//! An EKS that answers nonsense for some clusters and sends everything else on to the simulator.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::ACCOUNT;

/// What a terminal would obey.
pub const ESCAPE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m";

/// The clusters that are answered for with nonsense, and the reasons that may come of it.
pub const ODD: [(&str, &[&str]); 14] = [
    ("odd-huge", &["UpdateFailed"]),
    ("odd-escape", &["RequestRejected"]),
    ("odd-pages", &["EksUnavailable"]),
    ("odd-ids", &["EksUnavailable"]),
    ("odd-many", &["EksUnavailable"]),
    ("odd-html", &["EksUnavailable"]),
    ("odd-deep", &["EksUnavailable"]),
    ("odd-times", &["UpdateFailed"]),
    ("odd-types", &["EksUnavailable"]),
    ("odd-garbage", &["EksUnavailable"]),
    ("odd-headers", &["EksUnavailable"]),
    ("odd-endless", &["EksUnavailable"]),
    ("odd-arn", &["EksUnavailable", "ClusterReplaced"]),
    ("odd-word", &["Updating", "WaitingForCluster"]),
];

/// Serves until the test ends. Returns the URL.
pub async fn serve(simulator: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let simulator = simulator.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let simulator = simulator.clone();
            tokio::spawn(async move {
                // A client that goes away is no trouble of the test's.
                if let Err(error) = answer(stream, &simulator).await {
                    assert_ne!(error.kind(), io::ErrorKind::InvalidData, "{error}");
                }
            });
        }
    });
    url
}

/// Answers one request and closes.
async fn answer(mut stream: TcpStream, simulator: &str) -> io::Result<()> {
    let mut request = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
        let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8_lossy(&request[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.eq_ignore_ascii_case("content-length")).then(|| value.trim().parse().ok())?
        });
        let length: usize = length.unwrap_or(0);
        if request.len() >= end + 4 + length {
            break (head, request[end + 4..].to_vec());
        }
    };
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    let mut parts = path.split('/').skip(2);
    let (name, below) = (parts.next().unwrap_or_default(), parts.next());
    if !ODD.iter().any(|(odd, _)| *odd == name) {
        return forward(stream, simulator, &head, &body).await;
    }
    if name == "odd-endless" {
        return without_end(stream).await;
    }
    let id = parts.next();
    stream.write_all(&nonsense(name, below.is_some(), id)).await
}

async fn forward(
    mut stream: TcpStream,
    simulator: &str,
    head: &str,
    body: &[u8],
) -> io::Result<()> {
    let mut onward = TcpStream::connect(simulator).await?;
    onward
        .write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())
        .await?;
    onward.write_all(body).await?;
    tokio::io::copy(&mut onward, &mut stream).await.map(|_| ())
}

/// A body that goes on for as long as somebody reads it.
async fn without_end(mut stream: TcpStream) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 16, " ".repeat(1 << 16));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

fn http(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} Odd\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

fn ok(body: &Value) -> Vec<u8> {
    http(200, "", &body.to_string())
}

/// A cluster that wants an upgrade, with more in it than there should be.
fn cluster(name: &str, more: &Value) -> Value {
    let mut cluster = json!({
        "arn": format!("arn:aws:eks:us-west-2:{ACCOUNT}:cluster/{name}"),
        "version": "1.33",
        "status": "ACTIVE",
        "createdAt": 1_700_000_000.5,
    });
    for (field, value) in more.as_object().unwrap() {
        cluster[field] = value.clone();
    }
    json!({"cluster": cluster})
}

/// An update that failed, with more in it than there should be.
fn update(id: &str, more: &Value) -> Value {
    let mut update = json!({
        "id": id,
        "type": "VersionUpdate",
        "status": "Failed",
        "params": [{"type": "Version", "value": "1.34"}],
        "createdAt": 1_700_000_000.5,
    });
    for (field, value) in more.as_object().unwrap() {
        update[field] = value.clone();
    }
    json!({"update": update})
}

fn nonsense(name: &str, is_updates: bool, id: Option<&str>) -> Vec<u8> {
    let huge = ESCAPE.repeat(5_000);
    match (name, is_updates, id) {
        ("odd-huge", false, _) => ok(&cluster(
            name,
            &json!({"platformVersion": huge, "createdAt": 1e9, "health": {"issues": vec![json!({"message": huge}); 9]}}),
        )),
        ("odd-huge", true, Some(id)) => {
            let error = json!({"errorCode": huge, "errorMessage": huge, "resourceIds": vec![huge.clone(); 5]});
            ok(&update(id, &json!({"errors": vec![error; 3]})))
        }
        ("odd-times", false, _) => ok(&cluster(name, &json!({"createdAt": -1e300}))),
        ("odd-times", true, Some(id)) => ok(&update(id, &json!({"createdAt": -99_999_999_999.0}))),
        ("odd-escape", ..) => http(
            400,
            &format!("x-amzn-requestid: {}\r\n", "\u{9b}31m".repeat(2_000)),
            &json!({"__type": format!("a#{huge}"), "message": format!("no{ESCAPE}\r\n{huge}")})
                .to_string(),
        ),
        ("odd-pages", true, None) => {
            let token = uuid::Uuid::new_v4().to_string();
            ok(&json!({"updateIds": [], "nextToken": token}))
        }
        ("odd-ids", true, None) => {
            ok(&json!({"updateIds": ["", "../../clusters", "a/b\nc", huge]}))
        }
        ("odd-many", true, None) => {
            let ids: Vec<_> = (0..50_000).map(|n| format!("id-{n}")).collect();
            ok(&json!({"updateIds": ids}))
        }
        ("odd-word", true, Some(id)) => ok(&update(
            id,
            &json!({"status": "Lost", "createdAt": 4_000_000_000_u64}),
        )),
        ("odd-types", false, _) => ok(&cluster(
            name,
            &json!({"status": {"a": [1]}, "version": 1.33}),
        )),
        ("odd-arn", false, _) => {
            let arn = format!("arn:{huge}:eks:us-west-2:{ACCOUNT}:cluster/{name}");
            ok(&cluster(name, &json!({"arn": arn})))
        }
        ("odd-html", ..) => http(200, "", &format!("<html>{huge}</html>")),
        ("odd-deep", ..) => {
            let deep = 100_000;
            let body = format!("{}1{}", "{\"cluster\":".repeat(deep), "}".repeat(deep));
            http(200, "", &body)
        }
        ("odd-garbage", ..) => format!("HTTP/9.9 {ESCAPE}\r\n\r\n{huge}").into_bytes(),
        ("odd-headers", ..) => http(200, &"x-odd: y\r\n".repeat(5_000), "{}"),
        (_, true, None) => ok(&json!({"updateIds": ["00000000-0000-4000-8000-000000000001"]})),
        (_, true, Some(id)) => ok(&update(id, &json!({}))),
        (_, false, _) => ok(&cluster(name, &json!({}))),
    }
}
