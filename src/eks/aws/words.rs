//! What an error says, in a length and a shape that fit a condition.

use std::error::Error;

/// The most bytes of a message. Conditions and events hold a kilobyte, and say more than what AWS said.
const LIMIT: usize = 500;

/// Header names that AWS's signature errors quote together with their secret values.
const SECRET: &str = "x-amz-security-token";

/// The first error of this type in a chain of sources.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |&error| error.source())
        .find_map(|error| error.downcast_ref())
}

/// A sentence's beginning and the innermost cause, which is the one that names a file, a host or an errno.
pub(super) fn with_cause(lead: &str, error: &(dyn Error + 'static)) -> String {
    let cause = std::iter::successors(error.source(), |&error| error.source())
        .last()
        .map(ToString::to_string);
    match cause.filter(|cause| !cause.is_empty()) {
        Some(cause) => bounded(&format!("{lead}: {cause}")),
        None => bounded(lead),
    }
}

/// The first line, without what is secret, cut at [`LIMIT`].
///
/// The first line only, since `SignatureDoesNotMatch` goes on with the whole request that AWS expected.
pub(super) fn bounded(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    let end = line
        .to_ascii_lowercase()
        .find(SECRET)
        .unwrap_or(line.len())
        .min(LIMIT);
    if end == line.len() {
        return line.to_owned();
    }
    let mut short = line
        .get(..line.floor_char_boundary(end))
        .unwrap_or_default()
        .trim_end()
        .to_owned();
    short.push_str("...");
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_message_stays_as_it_is() {
        assert_eq!(
            bounded("No cluster found for name: dev."),
            "No cluster found for name: dev."
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let long = "ä".repeat(400);
        let short = bounded(&format!("x{long}"));
        assert_eq!(short, format!("x{}...", "ä".repeat(249)));
    }

    #[test]
    fn the_request_that_aws_quotes_is_left_out() {
        let message = "The request signature we calculated does not match.\n\nThe Canonical String was\n'GET\n\
                       x-amz-security-token:IQoJb3JpZ2luX2VjE'";
        assert_eq!(
            bounded(message),
            "The request signature we calculated does not match."
        );
        assert_eq!(bounded("quoted X-Amz-Security-Token:IQoJb3"), "quoted...");
    }
}
