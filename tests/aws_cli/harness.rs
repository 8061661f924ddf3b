//! The AWS CLI, a simulator, and a recorder of what passes between them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use eks_upgrade_operator::simulator::{Handle, Scenario, serve_on_free_port};
use serde_json::Value;
use tokio::runtime::Runtime;

/// The directory of the CLI's programs, made once.
fn programs() -> &'static Path {
    static PROGRAMS: OnceLock<PathBuf> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let output = Command::new(hack("setup"))
            .stderr(Stdio::inherit())
            .output()
            .expect("hack/aws-cli/setup can be run");
        assert!(output.status.success(), "the AWS CLI cannot be set up");
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    })
}

fn hack(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("hack/aws-cli")
        .join(file)
}

fn python(script: &str) -> Command {
    let mut command = Command::new(programs().join("python"));
    command.arg(hack(script));
    command
}

/// A simulator, and the CLI pointed at it through a recorder.
pub struct Cli {
    pub simulator: Handle,
    recorder: Child,
    url: String,
    capture: PathBuf,
    pub key: String,
    pub region: String,
    _runtime: Runtime,
}

impl Drop for Cli {
    fn drop(&mut self) {
        // The end of its input ends it.
        drop(self.recorder.stdin.take());
        drop(self.recorder.wait());
    }
}

impl Cli {
    pub fn new(name: &str, scenario: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let scenario = Scenario::parse(scenario).unwrap();
        let simulator = runtime.block_on(serve_on_free_port(&scenario)).unwrap();
        let capture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.jsonl"));
        std::fs::write(&capture, "").unwrap();
        let mut recorder = python("record.py")
            .arg(simulator.url())
            .arg(&capture)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(recorder.stdout.as_mut().unwrap())
            .read_line(&mut url)
            .unwrap();
        Self {
            simulator,
            recorder,
            url: url.trim().to_owned(),
            capture,
            key: "AKIATEST".into(),
            region: "us-west-2".into(),
            _runtime: runtime,
        }
    }

    pub fn run(&self, arguments: &str) -> Output {
        let nowhere = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-file");
        Command::new(programs().join("aws"))
            .args(arguments.split_whitespace())
            .env_clear()
            .env("PATH", programs())
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_ACCESS_KEY_ID", &self.key)
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_DEFAULT_REGION", &self.region)
            .env("AWS_DEFAULT_OUTPUT", "json")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_CONFIG_FILE", &nowhere)
            .env("AWS_SHARED_CREDENTIALS_FILE", &nowhere)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .output()
            .unwrap()
    }

    pub fn ok(&self, arguments: &str) -> Value {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "aws {arguments}: {error}");
        if output.stdout.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must fail with this code in this operation.
    pub fn refused(&self, arguments: &str, code: &str, operation: &str) {
        let output = self.run(arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "aws {arguments} succeeded");
        let wanted = format!("({code}) when calling the {operation} operation");
        assert!(error.contains(&wanted), "aws {arguments}: {error}");
    }

    /// The status an update ends with.
    pub fn ended(&self, cluster: &str, id: &str) -> String {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let shown = self.ok(&format!(
                "eks describe-update --name {cluster} --update-id {id}"
            ));
            let status = shown["update"]["status"].as_str().unwrap();
            if status != "InProgress" {
                return status.to_owned();
            }
            assert!(Instant::now() < deadline, "still running: {shown}");
        }
    }

    /// Checks all answers so far, and returns how many there were by operation and by error.
    pub fn conforms(&self) -> Value {
        let (findings, summary) = validate(&self.capture);
        assert_eq!(findings, "");
        summary
    }
}

/// The findings in a capture file, and the summary.
pub fn validate(capture: &Path) -> (String, Value) {
    let output = python("validate.py").arg(capture).output().unwrap();
    let findings = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), findings.is_empty(), "{findings}");
    let summary = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|why| panic!("no summary: {why}\n{findings}"));
    (findings, summary)
}
