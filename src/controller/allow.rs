//! Which namespaces may use which roles: `--allow-role NAMESPACE=ARN-PATTERN`.
//!
//! Without it, anyone who can create an object could borrow every role that the operator may assume.

use std::str::FromStr;

/// One `NAMESPACE=ARN-PATTERN`. `*` in either part stands for any number of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRole {
    namespace: String,
    role: String,
}

impl FromStr for AllowRole {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, role) = text.split_once('=').ok_or_else(|| {
            format!("{text:?} is not NAMESPACE=ARN-PATTERN, such as team-a=arn:aws:iam::111122223333:role/eks-*")
        })?;
        if namespace.is_empty() || !role.starts_with("arn:") {
            return Err(format!(
                "{text:?}: before the = belongs a namespace, behind it a role ARN or a pattern that begins with arn:"
            ));
        }
        Ok(Self {
            namespace: namespace.to_owned(),
            role: role.to_owned(),
        })
    }
}

/// All of them; an empty list allows no role.
#[derive(Clone, Debug, Default)]
pub struct AllowList(pub Vec<AllowRole>);

impl AllowList {
    /// Why a namespace may not use a role, if it may not.
    pub fn refusal(&self, namespace: &str, role: Option<&str>) -> Option<String> {
        let role = role?;
        let allowed = self
            .0
            .iter()
            .any(|allow| matches(&allow.namespace, namespace) && matches(&allow.role, role));
        (!allowed).then(|| {
            format!(
                "Namespace {namespace} may not use role {role}: no call is made with it. Whoever runs the operator can allow it with --allow-role {namespace}={role}."
            )
        })
    }
}

/// Whether `text` is what `pattern` says, where `*` stands for any number of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(first) = pieces.next() else {
        return false;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else {
        return rest.is_empty();
    };
    for piece in middle {
        match rest.split_once(piece) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/eks-upgrades";

    fn list(entries: &[&str]) -> AllowList {
        AllowList(entries.iter().map(|entry| entry.parse().unwrap()).collect())
    }

    #[test]
    fn a_role_is_refused_unless_its_namespace_has_it() {
        assert_eq!(
            AllowList::default().refusal("team-a", None),
            None,
            "no role is the operator's own identity"
        );
        assert!(AllowList::default().refusal("team-a", Some(ROLE)).is_some());
        let exact = list(&[&format!("team-a={ROLE}")]);
        assert_eq!(exact.refusal("team-a", Some(ROLE)), None);
        assert!(exact.refusal("team-b", Some(ROLE)).is_some());
        assert!(
            exact
                .refusal("team-a", Some(&format!("{ROLE}-admin")))
                .is_some()
        );
    }

    #[test]
    fn stars_stand_for_anything_and_nothing_else_does() {
        let by_pattern = list(&["team-*=arn:aws:iam::111122223333:role/eks-*"]);
        assert_eq!(by_pattern.refusal("team-b", Some(ROLE)), None);
        assert!(by_pattern.refusal("other", Some(ROLE)).is_some());
        assert!(
            by_pattern
                .refusal(
                    "team-b",
                    Some("arn:aws:iam::444455556666:role/eks-upgrades")
                )
                .is_some()
        );
        for (pattern, text, expected) in [
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("a.c", "abc", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_an_entry() {
        for wrong in ["team-a", "=arn:aws:iam::1:role/x", "team-a=role/x"] {
            assert!(
                wrong.parse::<AllowRole>().unwrap_err().contains(wrong),
                "{wrong}"
            );
        }
    }
}
