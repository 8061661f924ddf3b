//! Which namespaces may use which roles: `--allow-role NAMESPACE=ARN-PATTERN`.

use std::str::FromStr;

use super::pattern::matches;

/// One `NAMESPACE=ARN-PATTERN`. `*` in either part stands for any number of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowRole {
    namespace: String,
    role: String,
}

impl AllowRole {
    /// Whether objects of that namespace may use that role.
    pub fn lets(&self, namespace: &str, role: &str) -> bool {
        matches(&self.namespace, namespace) && matches(&self.role, role)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
