//! The fields that commands in the pages print are fields of the kinds: kubectl prints nothing for one that is not there.

use eks_upgrade_operator::api::crds;
use serde_json::Value;

use super::markdown::pages;

/// The expressions between the quotes of `jsonpath='...'`.
fn expressions(page: &str) -> impl Iterator<Item = &str> {
    page.split("jsonpath='")
        .skip(1)
        .filter_map(|rest| rest.split_once('\'').map(|(expression, _)| expression))
}

/// The paths in an expression, each from the root.
fn paths(expression: &str) -> Vec<String> {
    let mut range = String::new();
    let mut found = Vec::new();
    for piece in expression.split('{').skip(1) {
        let Some((piece, _)) = piece.rsplit_once('}') else {
            continue;
        };
        if let Some(over) = piece.strip_prefix("range ") {
            over.clone_into(&mut range);
            found.push(range.clone());
        } else if piece == "end" {
            range.clear();
        } else if piece.starts_with('.') {
            found.push(format!("{range}{piece}"));
        }
    }
    found
}

/// Whether there is such a field in a schema. What stands in brackets chooses of a list.
fn is_field(schema: &Value, path: &str) -> bool {
    let mut names = String::new();
    let mut depth = 0;
    for c in path.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if depth == 0 => names.push(c),
            _ => {}
        }
    }
    let mut at = schema;
    for name in names.split('.').skip(1) {
        at = &at["properties"][name];
        if at["type"] == "array" {
            at = &at["items"];
        }
    }
    at.is_object()
}

#[test]
fn every_field_that_a_command_prints_is_there() {
    let schemas = crds().map(|crd| {
        let crd = serde_json::to_value(&crd).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
    });
    let mut seen = 0;
    for (page, text) in pages() {
        for path in expressions(&text).flat_map(paths) {
            if path.starts_with(".metadata") {
                continue;
            }
            seen += 1;
            assert!(
                schemas.iter().any(|schema| is_field(schema, &path)),
                "{}: {path}",
                page.display()
            );
        }
    }
    assert!(seen > 10, "only {seen} paths were found");
}

#[test]
fn paths_are_those_of_an_expression() {
    let expression = r#"{range .a.b[*]}{.c}{"\t"}{.d[?(@.e!="x")].f}{"\n"}{end}{.g}"#;
    let wanted = [".a.b[*]", ".a.b[*].c", r#".a.b[*].d[?(@.e!="x")].f"#, ".g"];
    assert_eq!(paths(expression), wanted);
    let schema = serde_json::json!({"properties": {"a": {"type": "array", "items": {"properties": {"b": {}}}}}});
    assert!(is_field(&schema, ".a[?(@.x.y==\"z\")].b"));
    assert!(!is_field(&schema, ".a[*].c"));
}
