//! The access file, as it is read at the start.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use super::Rule;

/// What `--config` names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessFile {
    /// Who may upgrade what; absent, every namespace may use the operator's own identity on every cluster.
    #[serde(default, deserialize_with = "listed")]
    pub access: Option<Vec<Rule>>,
}

/// A key with nothing behind it is an empty list: where all rules are commented out, nothing is let.
fn listed<'de, D: Deserializer<'de>>(source: D) -> Result<Option<Vec<Rule>>, D::Error> {
    Vec::deserialize(source).map(Some)
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessFileError {
    /// It cannot be read.
    #[error("cannot read {0}: {1}. Name a file that is there with --config")]
    Unreadable(PathBuf, std::io::Error),
    /// It is not what was expected.
    #[error("{0}: {1}")]
    Wrong(PathBuf, String),
}

impl AccessFile {
    /// Reads the file. It is read once: who may do what changes only with a restart.
    ///
    /// # Errors
    /// Where it cannot be read, or has something in it that could mean another thing than it says.
    pub fn read(path: &Path) -> Result<Self, AccessFileError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| AccessFileError::Unreadable(path.to_owned(), error))?;
        Self::parse(&text).map_err(|wrong| AccessFileError::Wrong(path.to_owned(), wrong))
    }

    /// Understands its text.
    ///
    /// # Errors
    /// The sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A file that is there and says nothing would open everything, which nobody means who writes one.
        if text.trim().is_empty() {
            return Err("is empty: say access: [] to let nobody do anything".to_owned());
        }
        let file: Self = serde_norway::from_str(text).map_err(|error| error.to_string())?;
        for (index, rule) in file.access.iter().flatten().enumerate() {
            if let Some(flaw) = rule.flaw() {
                return Err(format!("access[{index}]: {flaw}"));
            }
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_file() {
        let cluster = "clusters: ['arn:aws:eks:*:111122223333:cluster/*']";
        let rule = |rest: &str| format!("access: [{{namespaces: [a], {rest}}}]");
        for (text, wanted) in [
            ("  \n".to_owned(), "is empty"),
            ("acces: []".to_owned(), "acces"),
            (rule(&format!("{cluster}, role: [x]")), "unknown field"),
            (rule(cluster), "lets nobody"),
            (rule("clusters: [], ownIdentity: true"), "names no cluster"),
            (
                rule("clusters: ['arn:*'], ownIdentity: true"),
                "arn:* is no pattern of cluster ARNs",
            ),
            (
                rule("clusters: [payments], ownIdentity: true"),
                "payments is no pattern",
            ),
            (
                rule(&format!("{cluster}, roles: [eks-upgrades]")),
                "eks-upgrades is no pattern of role ARNs",
            ),
            (
                rule(&format!("{cluster}, ownIdentity: true, externalId: ab")),
                "there are none",
            ),
            (
                rule(&format!(
                    "{cluster}, roles: ['arn:aws:iam::111122223333:role/x'], externalId: a"
                )),
                "2 to 1224",
            ),
            (
                format!("access: [{{namespaces: [], {cluster}, ownIdentity: true}}]"),
                "names no namespace",
            ),
        ] {
            let wrong = AccessFile::parse(&text).unwrap_err();
            assert!(wrong.contains(wanted), "{text}: {wrong}");
        }
    }

    #[test]
    fn a_file_may_leave_access_open_or_closed() {
        assert_eq!(AccessFile::parse("{}").unwrap().access, None);
        for closed in ["access: []", "access:", "access:\n  # - namespaces: [a]"] {
            assert_eq!(AccessFile::parse(closed).unwrap().access, Some(vec![]));
        }
    }
}
