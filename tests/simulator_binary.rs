//! `eks-simulator` as a program: its one line, its errors, its end.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Already gone in a test that went well.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eks-simulator"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Starts it and reads the line it is ready with.
fn ready(arguments: &[&str]) -> (Running, String) {
    let mut child = program(arguments).spawn().unwrap();
    let mut line = String::new();
    let stdout = child.stdout.as_mut().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let url = line
        .strip_prefix("eks-simulator listening on http://")
        .unwrap_or_else(|| panic!("not the line: {line:?}"));
    let address = url.trim_end().to_owned();
    (Running(child), address)
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn scenario(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn it_serves_its_scenario_and_ends_well_on_both_signals() {
    let file = scenario(
        "binary.yaml",
        "clusters: [{name: prod, version: \"1.33\"}]\n",
    );
    for signal in ["-TERM", "-INT"] {
        let (mut simulator, address) = ready(&["--scenario", file.to_str().unwrap()]);
        assert!(get(&address, "/_simulator/clusters").contains("\"name\":\"prod\""));
        let id = simulator.0.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        assert_eq!(simulator.0.wait().unwrap().code(), Some(0), "{signal}");
        let mut rest = String::new();
        let stdout = simulator.0.stdout.as_mut().unwrap();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "more than one line on stdout");
    }
}

#[test]
fn it_needs_no_scenario() {
    let (_simulator, address) = ready(&["--listen", "127.0.0.1:0"]);
    assert!(get(&address, "/_simulator/clusters").ends_with("[]"));
}

#[test]
fn a_wrong_scenario_is_an_error_with_file_and_place() {
    let file = scenario(
        "wrong.yaml",
        "clusters:\n  - name: prod\n    version: 1.30\n",
    );
    let output = program(&["--scenario", file.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("wrong.yaml"), "{error}");
    assert!(error.contains("clusters[0].version"), "{error}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let (_simulator, address) = ready(&[]);
    let output = program(&["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains(&address), "{error}");
}
