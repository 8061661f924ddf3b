//! What actionlint does not ask of the workflows: rights, deadlines, and where actions come from.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use super::file;

/// Every workflow, by the name of its file.
fn workflows() -> BTreeMap<String, Value> {
    let files = fs::read_dir(file(".github/workflows")).unwrap();
    files
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(path).unwrap();
            (name, serde_norway::from_str(&text).unwrap())
        })
        .collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().unwrap().iter()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

#[test]
fn a_workflow_has_no_rights_and_each_job_names_its_own() {
    for (name, workflow) in workflows() {
        let rights = workflow["permissions"].as_object().unwrap();
        assert!(rights.is_empty(), "{name}");
        for (job, told) in jobs(&workflow) {
            assert!(told["permissions"].is_object(), "{name}: {job}");
        }
    }
}

/// What runs code of a change, its build scripts and tests, must not be able to publish anything.
#[test]
fn what_builds_cannot_write() {
    for (name, workflow) in workflows() {
        for (job, told) in jobs(&workflow) {
            let checks_out = steps(told).any(|step| {
                step["uses"]
                    .as_str()
                    .is_some_and(|action| action.starts_with("actions/checkout@"))
            });
            let rights = told["permissions"].as_object().unwrap();
            let can_write = rights.values().any(|right| right == "write");
            assert!(
                !(checks_out && can_write),
                "{name}: {job} has the code of a change and {rights:?}"
            );
        }
    }
}

#[test]
fn every_job_has_a_deadline_and_every_workflow_says_what_runs_at_a_time() {
    for (name, workflow) in workflows() {
        assert!(workflow["concurrency"]["group"].is_string(), "{name}");
        for (job, told) in jobs(&workflow) {
            // What is called has deadlines of its own.
            let is_call = told["uses"].is_string();
            assert_ne!(
                told["timeout-minutes"].is_number(),
                is_call,
                "{name}: {job}"
            );
        }
    }
}

#[test]
fn actions_are_pinned_and_leave_no_credentials() {
    let mut seen = 0;
    for (name, workflow) in workflows() {
        for (job, told) in jobs(&workflow) {
            for step in steps(told) {
                let Some(action) = step["uses"].as_str() else {
                    continue;
                };
                seen += 1;
                let (what, version) = action.split_once('@').unwrap();
                let is_digest =
                    version.len() == 40 && version.bytes().all(|b| b.is_ascii_hexdigit());
                let is_major = version
                    .strip_prefix('v')
                    .is_some_and(|major| major.parse::<u16>().is_ok());
                assert!(is_digest || is_major, "{name}: {job}: {action}");
                assert!(
                    ["actions/", "docker/"]
                        .iter()
                        .any(|owner| what.starts_with(owner)),
                    "{name}: {job}: {action}"
                );
                if what == "actions/checkout" {
                    assert_eq!(step["with"]["persist-credentials"], false, "{name}: {job}");
                }
            }
        }
    }
    assert!(seen > 0);
}

/// What somebody else chose, such as the name of a branch, must not become part of a script.
#[test]
fn scripts_take_what_is_given_by_the_environment() {
    for (name, workflow) in workflows() {
        for (job, told) in jobs(&workflow) {
            for step in steps(told) {
                let script = step["run"].as_str().unwrap_or("");
                assert!(!script.contains("${{"), "{name}: {job}: {script}");
            }
        }
    }
}

/// `pull_request_target` runs with the rights of the repository on what anybody sent.
#[test]
fn nothing_runs_with_rights_on_what_anybody_sent() {
    for (name, workflow) in workflows() {
        let on = workflow["on"].as_object().unwrap();
        assert!(!on.contains_key("pull_request_target"), "{name}");
        assert!(!on.contains_key("workflow_run"), "{name}");
    }
}
