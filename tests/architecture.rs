//! Holds the layering: `plan` and `api` know no client, SDK, runtime, clock, log or metric, and one place knows the AWS SDK.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// What a pure module may name of other crates, by the first segment of a path. Everything else is refused, so that a new
/// dependency cannot slip in unseen.
const PURE: [&str; 9] = [
    "crate",
    "jiff",
    "k8s_openapi",
    "schemars",
    "self",
    "serde",
    "std",
    "super",
    "thiserror",
];

/// Beyond [`PURE`]: the derive of the CRD and what goes into its schema; the UUID of a token.
const ALLOWED_IN_API: [&str; 2] = ["kube", "serde_json"];
const ALLOWED_IN_PLAN: [&str; 1] = ["uuid"];

/// Words that bring a client, a runtime, a clock, randomness, a log or a file in without being the start of a path.
const IMPURE: [&str; 27] = [
    "::now(",
    "Api<",
    "Client",
    "HashMap",
    "HashSet",
    "Instant",
    "Mutex",
    "OnceLock",
    "SystemTime",
    "Zoned",
    "async ",
    "aws_",
    "eprint",
    "fastrand",
    "kube::Api",
    "kube::client",
    "kube::runtime",
    "new_v4",
    "print!",
    "println!",
    "prometheus",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::thread",
    "tracing",
];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file below `directory`, with its text.
fn files(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// What is compiled, with the same lines: neither comments nor the insides of strings, which are for people.
fn code(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text.chars().peekable();
    let mut is_string = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if is_string => drop(rest.next_if(|next| *next != '\n')),
            '"' => is_string = !is_string,
            '\n' => kept.push('\n'),
            _ if is_string => {}
            '\'' if rest.peek() == Some(&'"') => drop(rest.next()),
            '/' if rest.peek() == Some(&'/') => {
                while rest.next_if(|next| *next != '\n').is_some() {}
            }
            c => kept.push(c),
        }
    }
    kept
}

/// Lines with their numbers.
fn numbered(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

/// The crates and modules that a line's paths begin with: `use x::y`, and `x::y(...)` in the middle of it.
fn path_starts(line: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut starts = Vec::new();
    let mut from = 0;
    while let Some(at) = line[from..].find("::").map(|at| from + at) {
        let before = &line[..at];
        let word = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| is_word(*c))
            .last()
            .map_or(at, |(start, _)| start);
        let is_first = !before[..word].ends_with("::") && !line[at..].starts_with("::<");
        let name = &before[word..];
        // Crates and modules are written small; a type's or a variant's path starts in capitals or with `<`.
        if is_first && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
            starts.push(name);
        }
        from = at + 2;
    }
    starts
}

/// What makes a text impure, a sentence for each place.
fn impurities(text: &str, allowed: &[&str], siblings: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, line) in numbered(&code(text)) {
        for start in path_starts(line) {
            let known = PURE.contains(&start)
                || allowed.contains(&start)
                || siblings.iter().any(|sibling| sibling == start);
            if !known {
                wrong.push(format!("line {number} names {start}: {}", line.trim()));
            }
        }
        for word in IMPURE.iter().filter(|word| line.contains(**word)) {
            wrong.push(format!("line {number} has {word:?}: {}", line.trim()));
        }
    }
    wrong
}

/// What a path may begin with without leaving the directory: its modules, and names that are in scope there.
fn siblings(directory: &Path) -> Vec<String> {
    let modules = files(directory).into_iter().map(|(path, _)| {
        // A module with modules of its own is called as its directory.
        let named = if path.ends_with("mod.rs") {
            path.parent().unwrap()
        } else {
            &path
        };
        named.file_stem().unwrap().to_string_lossy().into_owned()
    });
    modules
        .chain(["fmt", "rules", "str", "u16", "u32"].map(ToOwned::to_owned))
        .collect()
}

fn assert_pure(module: &str, allowed: &[&str]) {
    let directory = source().join(module);
    let modules = siblings(&directory);
    let files = files(&directory);
    assert!(files.len() > 3, "{module} has moved");
    for (path, text) in files {
        let wrong = impurities(&text, allowed, &modules);
        assert!(wrong.is_empty(), "{}: {wrong:#?}", path.display());
    }
}

#[test]
fn plan_is_pure() {
    assert_pure("plan", &ALLOWED_IN_PLAN);
}

#[test]
fn api_is_pure() {
    assert_pure("api", &ALLOWED_IN_API);
}

/// `plan` speaks of EKS in the words of the port; the port's own words must not bring the SDK along.
#[test]
fn the_words_of_the_port_to_eks_are_pure() {
    for file in ["eks/mod.rs", "eks/error.rs"] {
        let text = fs::read_to_string(source().join(file)).unwrap();
        let code = code(&text);
        let names_sdk: Vec<_> = numbered(&code)
            .filter(|(_, line)| line.contains("aws_") || line.contains("tokio"))
            .collect();
        assert!(names_sdk.is_empty(), "{file}: {names_sdk:?}");
    }
}

/// Whether a file may import the AWS SDK: the real face of the port, and it alone.
fn may_import_the_sdk(path: &Path) -> bool {
    let inside = path.strip_prefix(source()).unwrap();
    inside == Path::new("eks/aws.rs") || inside.starts_with("eks/aws")
}

#[test]
fn only_the_real_face_of_the_port_imports_the_aws_sdk() {
    for (path, text) in files(&source()) {
        if may_import_the_sdk(&path) {
            continue;
        }
        let code = code(&text);
        let imports: Vec<_> = numbered(&code)
            .filter(|(_, line)| {
                path_starts(line)
                    .iter()
                    .any(|start| start.starts_with("aws_"))
            })
            .collect();
        assert!(imports.is_empty(), "{}: {imports:?}", path.display());
    }
}

#[test]
fn the_watch_sees_what_it_watches_for() {
    let siblings = ["say".to_owned()];
    for line in [
        "use tokio::time::sleep;",
        "let now = jiff::Timestamp::now();",
        "use std::time::Instant;",
        "use std::time::SystemTime;",
        "use aws_sdk_eks::Client;",
        "pub use kube::Api;",
        "let client: kube::Client = make();",
        "tracing::info!(\"x\");",
        "fastrand::u64(..)",
        "use prometheus_client::registry::Registry;",
        "let map = std::collections::HashMap::new();",
        "    let id = uuid::Uuid::new_v4();",
        "async fn decide() {}",
        "let x = reqwest::get(url);",
        "let text = std::fs::read_to_string(path);",
        "eprintln!(\"x\");",
    ] {
        assert!(!impurities(line, &["uuid"], &siblings).is_empty(), "{line}");
    }
    for line in [
        "use super::facts::Facts;",
        "/// tokio::time is not used here.",
        "let message = say::trouble(error); // tracing::info! is not used",
        "\"ClientException \\\" Client\" => Self::Rejected,",
        "let quote = '\"'; let words = \"tokio::spawn\";",
        "use jiff::Timestamp;",
    ] {
        assert_eq!(
            impurities(line, &["uuid"], &siblings),
            Vec::<String>::new(),
            "{line}"
        );
    }
    assert!(may_import_the_sdk(&source().join("eks/aws.rs")));
    assert!(may_import_the_sdk(&source().join("eks/aws/client.rs")));
    assert!(!may_import_the_sdk(&source().join("controller/aws.rs")));
    assert_eq!(
        path_starts("use aws_sdk_eks::Client; a(aws_x::y)"),
        ["aws_sdk_eks", "aws_x"]
    );
}
