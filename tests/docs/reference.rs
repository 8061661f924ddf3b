//! docs/reference.md: every field of both kinds, from the CRDs.

use std::fmt::Write as _;
use std::fs;

use eks_upgrade_operator::api::crds;
use serde_json::Value;

use super::file;

/// Every field of every version of every kind.
fn reference() -> String {
    let mut page = String::from(
        "# Reference: every field\n\n<!-- `make docs` writes this page, from the code. -->\n\nThe kinds of `eksupgrade.dev/v1alpha1`. What is \
         not required may be left out. *Refused unless* has the API server's own sentence, at apply. What the fields of `spec` do is \
         in [gates.md](gates.md) and [rollback.md](rollback.md), what the reasons in `status.conditions` mean in \
         [runbook.md](runbook.md#reasons).\n",
    );
    for crd in crds() {
        let crd = serde_json::to_value(&crd).unwrap();
        let names = &crd["spec"]["names"];
        let kind = text(&names["kind"]);
        let scope = if crd["spec"]["scope"] == "Namespaced" {
            "in a namespace"
        } else {
            "of no namespace"
        };
        for version in crd["spec"]["versions"].as_array().unwrap() {
            let schema = &version["schema"]["openAPIV3Schema"];
            write!(
                page,
                "\n## {kind}\n\n{}\n\n`{}`, {scope}; `kubectl get {}`",
                text(&schema["description"]),
                text(&crd["metadata"]["name"]),
                text(&names["plural"]),
            )
            .unwrap();
            for short in names["shortNames"].as_array().into_iter().flatten() {
                write!(page, " or `{}`", text(short)).unwrap();
            }
            page.push_str(".\n");
            for rule in rules(schema) {
                write!(page, "\nRefused unless: {rule}\n").unwrap();
            }
            let properties = schema["properties"].as_object().unwrap();
            for part in ["spec", "status"] {
                let Some(schema) = properties.get(part) else {
                    continue;
                };
                write!(
                    page,
                    "\n### {kind} {part}\n\n{}\n\n| field | type | |\n|---|---|---|\n",
                    text(&schema["description"])
                        .replace("\n\n", "\u{0}")
                        .replace('\n', " ")
                        .replace('\u{0}', "\n\n")
                )
                .unwrap();
                rows(&mut page, part, schema);
            }
            columns(&mut page, version);
        }
    }
    page
}

/// What `kubectl get` shows.
fn columns(page: &mut String, version: &Value) {
    let Some(columns) = version["additionalPrinterColumns"].as_array() else {
        return;
    };
    page.push_str("\nColumns of `kubectl get`:\n\n| column | shows | |\n|---|---|---|\n");
    for column in columns {
        let wide = if column["priority"].as_i64().unwrap_or(0) > 0 {
            "with `-o wide`"
        } else {
            ""
        };
        writeln!(
            page,
            "| {} | `{}` | {wide} |",
            text(&column["name"]),
            text(&column["jsonPath"])
        )
        .unwrap();
    }
}

/// A row for each field below `path`, and for what is in it.
fn rows(page: &mut String, path: &str, schema: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let required: Vec<_> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    for (name, field) in properties {
        let is_list = field["type"] == "array";
        let path = format!("{path}.{name}{}", if is_list { "[]" } else { "" });
        let inner = if is_list { &field["items"] } else { field };
        let mut said = vec![text(&field["description"]).replace('\n', " ")];
        if required.contains(&name.as_str()) {
            said.insert(0, "**Required.**".to_owned());
        }
        said.extend(limits(field));
        said.extend(rules(field).map(|rule| format!("Refused unless: {rule}")));
        if is_list {
            said.extend(limits(inner));
            said.extend(rules(inner).map(|rule| format!("Refused unless: {rule}")));
        }
        said.retain(|words| !words.is_empty());
        let said: Vec<_> = said.iter().map(|words| full_stop(words)).collect();
        // A pipe would end the cell, also between backticks.
        let said = said.join(" ").replace('|', "\\|");
        writeln!(page, "| `{path}` | {} | {said} |", kind(field)).unwrap();
        rows(page, &path, inner);
    }
}

/// What a value may be, in words.
fn kind(field: &Value) -> String {
    if field["x-kubernetes-int-or-string"] == true {
        return "integer or string".to_owned();
    }
    match text(&field["type"]) {
        "array" => format!("list of {}", plural(&kind(&field["items"]))),
        "object" if field["additionalProperties"].is_object() => {
            format!("map to {}", kind(&field["additionalProperties"]))
        }
        "string" if field["format"] == "date-time" => "time".to_owned(),
        "" => "any".to_owned(),
        other => other.to_owned(),
    }
}

fn plural(kind: &str) -> String {
    format!("{kind}s")
}

/// What the schema itself bounds.
fn limits(field: &Value) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(words) = field["enum"].as_array() {
        let words: Vec<_> = words
            .iter()
            .map(|word| format!("`{}`", text(word)))
            .collect();
        said.push(format!("One of {}", words.join(", ")));
    }
    if let Some(default) = field.get("default") {
        said.push(format!("By default `{default}`"));
    }
    for (key, what) in [
        ("minimum", "At least"),
        ("maximum", "At most"),
        ("minLength", "Length at least"),
        ("maxLength", "Length at most"),
        ("minItems", "Entries at least"),
        ("maxItems", "Entries at most"),
    ] {
        if let Some(number) = field[key].as_f64() {
            said.push(format!("{what} {number}"));
        }
    }
    if let Some(keys) = field["x-kubernetes-list-map-keys"].as_array() {
        let keys: Vec<_> = keys.iter().map(|key| format!("`{}`", text(key))).collect();
        said.push(format!("One entry for each {}", keys.join(", ")));
    }
    said
}

/// The sentences of the CEL rules.
fn rules(field: &Value) -> impl Iterator<Item = String> {
    let rules = field["x-kubernetes-validations"].as_array();
    let rules = rules.into_iter().flatten();
    rules.map(|rule| full_stop(text(&rule["message"])))
}

fn full_stop(words: &str) -> String {
    let words = words.trim_end();
    let end = if words.ends_with('.') || words.ends_with('*') {
        ""
    } else {
        "."
    };
    format!("{words}{end}")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

#[test]
fn the_reference_is_what_the_code_says() {
    let path = file("docs/reference.md");
    let wanted = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, wanted).unwrap();
        return;
    }
    let page = fs::read_to_string(&path).unwrap();
    assert!(
        page == wanted,
        "docs/reference.md has drifted: run make docs"
    );
}

/// A field that the CRD does not describe would have an empty cell.
#[test]
fn every_field_is_described() {
    for line in reference()
        .lines()
        .filter(|line| line.starts_with("| `spec.") || line.starts_with("| `status."))
    {
        assert!(!line.ends_with("|  |"), "{line}");
    }
}
