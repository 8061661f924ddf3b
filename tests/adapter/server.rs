//! A tiny HTTP server that answers as scripted and writes down what it was asked. It speaks HTTP itself, so that it can
//! also break off, hang and answer nonsense.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_sdk_eks::primitives::{DateTime, DateTimeFormat};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    /// With the query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }

    /// Whether this is a call to STS; EKS has no `POST /`.
    pub fn is_sts(&self) -> bool {
        self.path == "/"
    }

    /// The access key that signed the request.
    pub fn access_key(&self) -> &str {
        self.header("authorization")
            .split_once("Credential=")
            .and_then(|(_, rest)| rest.split('/').next())
            .unwrap_or_default()
    }
}

/// What the server does about a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers in full.
    Answer(Answer),
    /// Announces more than it sends, and closes the connection.
    BreakOff,
    /// Closes the connection without a byte.
    Close,
    /// Answers when told to.
    Held(Arc<Gate>, Answer),
    /// Never answers.
    Hang,
    /// Sends these bytes and closes the connection.
    Raw(String),
}

/// Lets a test hold an answer back.
#[derive(Debug, Default)]
pub struct Gate {
    /// Told once the request has arrived.
    pub arrived: Notify,
    /// To be told when the answer may go.
    pub release: Notify,
}

#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    clock: SystemTime,
}

pub fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer {
        status,
        headers: vec![("x-amzn-requestid".to_owned(), "req-1".to_owned())],
        body: body.into(),
        clock: SystemTime::now(),
    }
}

/// An error as EKS writes it: the code in a header, the message in the body.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    answer(
        status,
        serde_json::json!({ "message": message }).to_string(),
    )
    .header("x-amzn-ErrorType", code)
}

impl Answer {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What the server takes the time to be.
    pub fn at(mut self, clock: SystemTime) -> Self {
        self.clock = clock;
        self
    }

    fn to_http(&self) -> String {
        let date = DateTime::from(self.clock)
            .fmt(DateTimeFormat::HttpDate)
            .expect("a date");
        let mut lines = vec![
            format!("HTTP/1.1 {} Scripted", self.status),
            format!("date: {date}"),
            format!("content-length: {}", self.body.len()),
        ];
        let headers = self.headers.iter();
        lines.extend(headers.map(|(name, value)| format!("{name}: {value}")));
        format!("{}\r\n\r\n{}", lines.join("\r\n"), self.body)
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

type Script = dyn Fn(&Asked) -> Reply + Send + Sync;

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    pub async fn start(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .await
            .expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script: Arc<Script> = Arc::new(script);
        tokio::spawn({
            let asked = asked.clone();
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, script.clone(), asked.clone()));
                }
            }
        });
        Self { url, asked }
    }

    /// Answers every call alike.
    pub async fn always(reply: impl Into<Reply>) -> Self {
        let reply = reply.into();
        Self::start(move |_| reply.clone()).await
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic under the lock").clone()
    }

    /// How often STS was asked.
    pub fn sts_calls(&self) -> usize {
        self.asked().iter().filter(|asked| asked.is_sts()).count()
    }
}

async fn serve(stream: TcpStream, script: Arc<Script>, asked: Arc<Mutex<Vec<Asked>>>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await {
        asked
            .lock()
            .expect("no panic under the lock")
            .push(request.clone());
        let (bytes, close) = match script(&request) {
            Reply::Answer(answer) => (answer.to_http(), false),
            Reply::Held(gate, answer) => {
                gate.arrived.notify_one();
                gate.release.notified().await;
                (answer.to_http(), false)
            }
            Reply::BreakOff => (
                "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"update\":".to_owned(),
                true,
            ),
            Reply::Close => (String::new(), true),
            Reply::Hang => std::future::pending().await,
            Reply::Raw(bytes) => (bytes, true),
        };
        let written = stream.get_mut().write_all(bytes.as_bytes()).await;
        if close || written.is_err() {
            return;
        }
    }
}

/// The next request of a connection; `None` once the client has closed it.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let (name, value) = (name.to_ascii_lowercase(), value.trim().to_owned());
        if name == "content-length" {
            length = value.parse().ok()?;
        }
        headers.push((name, value));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Asked {
        method,
        path,
        headers,
        body: String::from_utf8(body).ok()?,
    })
}
