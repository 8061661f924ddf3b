//! As much of Markdown as the checks need: headings with the anchors that GitHub gives them, and links.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Every page of the repository, by its path from there.
pub fn pages() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                // What is built or fetched, and is nobody's page.
                let is_ours = name == ".github" || !name.starts_with('.') && name != "target";
                if is_ours && !path.is_symlink() {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), text);
            }
        }
    }
    found
}

/// The lines that are no code, each with its number.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    text.lines()
        .enumerate()
        .filter(move |(_, line)| {
            let is_fence = line.trim_start().starts_with("```");
            if is_fence {
                is_code = !is_code;
            }
            !is_fence && !is_code
        })
        .map(|(number, line)| (number + 1, line))
}

/// Each heading: its level and its text.
pub fn headings(text: &str) -> Vec<(usize, &str)> {
    prose(text)
        .filter_map(|(_, line)| {
            let rest = line.trim_start_matches('#');
            let level = line.len() - rest.len();
            (level > 0)
                .then(|| rest.strip_prefix(' '))
                .flatten()
                .map(|title| (level, title.trim()))
        })
        .collect()
}

/// The anchors of a page: a heading in small letters, with hyphens for spaces and without what is neither letter, digit, hyphen
/// nor underscore; the second of the same name has `-1` behind it.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    headings(text)
        .into_iter()
        .map(|(_, title)| {
            let slug: String = title
                .to_lowercase()
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect();
            let times = seen.entry(slug.clone()).or_default();
            *times += 1;
            match *times {
                1 => slug,
                more => format!("{slug}-{}", more - 1),
            }
        })
        .collect()
}

/// Where the links of a page lead, each with its line. Code between backticks has none.
pub fn links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        // Every second piece is between backticks.
        let said: String = line.split('`').step_by(2).collect::<Vec<_>>().join("_");
        for piece in said.split("](").skip(1) {
            if let Some((target, _)) = piece.split_once(')') {
                found.push((number, target.to_owned()));
            }
        }
    }
    found
}

#[test]
fn anchors_are_those_of_github() {
    let page = "# What it *says*, and what to do\n## `spec.force`\n## A_b c-d\n## A_b c-d\n```\n# no heading\n```\n#no heading";
    let wanted = [
        "a_b-c-d",
        "a_b-c-d-1",
        "specforce",
        "what-it-says-and-what-to-do",
    ];
    assert_eq!(
        anchors(page).into_iter().collect::<Vec<_>>(),
        wanted.map(str::to_owned)
    );
}

#[test]
fn links_are_found_outside_of_code() {
    let page = "[a](b.md#c) and `[no](x)` [`d`](e)\n```\n[no](y)\n```\n[f](https://g)";
    let found: Vec<_> = links(page);
    let wanted = [(1, "b.md#c"), (1, "e"), (5, "https://g")];
    assert_eq!(found, wanted.map(|(line, to)| (line, to.to_owned())));
}
