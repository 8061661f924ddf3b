//! Patterns in which `*` stands for any characters.

use std::fmt;

use serde::Deserialize;

/// Whether `text` is what `pattern` says, where `*` stands for any number of characters.
pub fn matches(pattern: &str, text: &str) -> bool {
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

/// How many parts an ARN has: `arn:partition:service:region:account:resource`.
const PARTS: usize = 6;

/// A pattern of ARNs. Each of the six parts is matched by itself, so that a `*` never reaches from the region into the
/// account.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct ArnPattern(String);

impl ArnPattern {
    /// Whether an ARN is as the pattern says.
    pub fn matches(&self, arn: &str) -> bool {
        let (patterns, parts) = (parts(&self.0), parts(arn));
        patterns.len() == PARTS
            && parts.len() == PARTS
            && patterns
                .iter()
                .zip(&parts)
                .all(|(pattern, part)| matches(pattern, part))
    }

    /// Whether it can be a pattern of the ARNs of a service's resources of that kind, such as `eks` and `cluster/`.
    pub fn is_of(&self, service: &str, kind: &str) -> bool {
        matches!(
            parts(&self.0).as_slice(),
            ["arn", _, named, _, _, resource] if *named == service && resource.starts_with(kind)
        )
    }
}

impl fmt::Display for ArnPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn parts(arn: &str) -> Vec<&str> {
    arn.splitn(PARTS, ':').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_anything_and_nothing_else_does() {
        for (pattern, text, expected) in [
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("a.c", "abc", false),
            ("team-*", "team-", true),
            ("team-*", "a-team-b", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_in_an_arn_stays_within_its_part() {
        let arn = "arn:aws:eks:eu-central-1:111122223333:cluster/payments";
        for (pattern, expected) in [
            (arn, true),
            ("arn:aws:eks:*:111122223333:cluster/*", true),
            ("arn:*:eks:*:111122223333:cluster/pay*", true),
            ("arn:aws:eks:*:cluster/payments", false),
            ("arn:aws:eks:*:444455556666:cluster/*", false),
            ("arn:aws:eks:eu-central-1:111122223333:cluster/pay", false),
            ("arn:*", false),
        ] {
            let pattern = ArnPattern(pattern.to_owned());
            assert_eq!(pattern.matches(arn), expected, "{pattern}");
        }
    }
}
