//! No link of a page leads nowhere.

use std::path::{Component, Path, PathBuf};

use super::markdown::{anchors, links, pages};

/// `from` a folder to where a relative path leads, without `.` and `..`; nothing where it leaves the repository.
fn resolve(folder: &Path, path: &str) -> Option<PathBuf> {
    let mut to = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::Normal(name) => to.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !to.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(to)
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    let mut broken = Vec::new();
    let mut checked = 0;
    for (page, text) in &pages {
        for (line, link) in links(text) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            checked += 1;
            let (path, anchor) = match link.split_once('#') {
                Some((path, anchor)) => (path, Some(anchor)),
                None => (link.as_str(), None),
            };
            let to = if path.is_empty() {
                Some(page.clone())
            } else {
                resolve(page.parent().unwrap(), path)
            };
            let is_there = to.as_ref().is_some_and(|to| root.join(to).exists());
            let has_anchor = anchor.is_none_or(|anchor| {
                to.and_then(|to| pages.get(&to))
                    .is_some_and(|text| anchors(text).contains(anchor))
            });
            if !is_there || !has_anchor {
                broken.push(format!("{}:{line}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(checked > 50, "only {checked} links were found");
}

#[test]
fn every_page_of_docs_is_in_the_index() {
    let pages = pages();
    let index = &pages[Path::new("docs/README.md")];
    let linked: Vec<_> = links(index).into_iter().map(|(_, link)| link).collect();
    for page in pages.keys() {
        if page.parent() == Some(Path::new("docs")) && !page.ends_with("README.md") {
            let name = page.file_name().unwrap().to_str().unwrap();
            assert!(linked.iter().any(|link| link == name), "{name}");
        }
    }
}
