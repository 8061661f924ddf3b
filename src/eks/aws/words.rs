//! What an error says, in a length and a shape that fit a condition.

use std::error::Error;

use crate::text::plain;

/// The most bytes of a message. Conditions and events hold a kilobyte, and say more than what AWS said.
const LIMIT: usize = 500;

/// The most bytes of a code or a request id, which have some forty.
const CODE_LIMIT: usize = 128;

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

/// The first line, without what is secret and without what a terminal would obey, cut at [`LIMIT`].
///
/// The first line only, since `SignatureDoesNotMatch` goes on with the whole request that AWS expected.
pub(super) fn bounded(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    match line.to_ascii_lowercase().find(SECRET) {
        Some(secret) => {
            let before = line.get(..secret).unwrap_or_default().trim_end();
            plain(&format!("{before}…"), LIMIT)
        }
        None => plain(line, LIMIT),
    }
}

/// AWS's error code.
pub(super) fn code(code: &str) -> String {
    plain(code, CODE_LIMIT)
}

/// AWS's id of a request.
pub(super) fn request_id(id: &str) -> String {
    plain(id, CODE_LIMIT)
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
        assert_eq!(short, format!("x{}…", "ä".repeat(248)));
    }

    #[test]
    fn the_request_that_aws_quotes_is_left_out() {
        let message = "The request signature we calculated does not match.\n\nThe Canonical String was\n'GET\n\
                       x-amz-security-token:IQoJb3JpZ2luX2VjE'";
        assert_eq!(
            bounded(message),
            "The request signature we calculated does not match."
        );
        assert_eq!(bounded("quoted X-Amz-Security-Token:IQoJb3"), "quoted…");
    }

    #[test]
    fn what_a_terminal_would_obey_is_taken_out_of_everything() {
        let said = "no\u{1b}[2J\u{9b}31m\rforged";
        for words in [bounded(said), code(said), request_id(said)] {
            assert_eq!(words, "no\u{fffd}[2J\u{fffd}31m forged");
        }
        assert!(code(&"C".repeat(9000)).len() <= CODE_LIMIT);
        assert!(request_id(&"r".repeat(9000)).len() <= CODE_LIMIT);
    }
}
