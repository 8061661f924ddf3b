//! Other people's words, in a length and a shape that a condition, an Event, a log and a terminal bear.
//!
//! What AWS answers and what an object holds is quoted to people. A terminal obeys control characters in what it shows, and
//! Kubernetes refuses what is too long, the rest of the status with it.

/// Stands for what was cut off.
const MARK: &str = "…";

/// At most `most` bytes of `text` (no fewer than the three of the mark), on one line and without characters that change
/// how the others are shown. What is left out is marked. Applied twice, it changes nothing.
#[must_use]
pub fn plain(text: &str, most: usize) -> String {
    let mut kept = String::new();
    let mut end = 0;
    for c in text.chars().map(harmless) {
        if kept.len() + c.len_utf8() > most {
            kept.truncate(end);
            kept.push_str(MARK);
            return kept;
        }
        kept.push(c);
        if kept.len() + MARK.len() <= most {
            end = kept.len();
        }
    }
    kept
}

/// Whether `text` is not empty, at most `most` bytes long, and of visible ASCII characters alone.
#[must_use]
pub fn is_plain_word(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_graphic())
}

fn harmless(c: char) -> char {
    match c {
        c if c.is_whitespace() => ' ',
        // No characters at all, and refused in YAML, as which the API server reads a status.
        '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER,
        // Those that turn the direction of writing make a text read as another.
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_taken_out() {
        assert_eq!(plain("a\r\nb\tc\u{2028}d", 99), "a  b c d");
        assert_eq!(
            plain("\u{1b}[31mred\u{7}\u{9b}0m\u{0}", 99),
            "\u{fffd}[31mred\u{fffd}\u{fffd}0m\u{fffd}"
        );
        assert_eq!(plain("user\u{202e}nimda", 99), "user\u{fffd}nimda");
        assert_eq!(plain("Ärger, 事故 🦀", 99), "Ärger, 事故 🦀");
    }

    #[test]
    fn cuts_between_characters_and_says_so() {
        assert_eq!(plain("short", 5), "short");
        assert_eq!(plain("longer", 5), "lo…");
        assert_eq!(plain("äöüäöü", 8), "äö…");
        assert_eq!(plain("🦀🦀", 7), "🦀…");
        let cut = plain(&"ä\u{1b}".repeat(1000), 100);
        assert!(cut.len() <= 100);
        assert_eq!(plain(&cut, 100), cut);
    }

    #[test]
    fn a_plain_word_can_be_put_anywhere() {
        assert!(is_plain_word("u-1", 3));
        for wrong in ["", "four", "a b", "a\n", "ä"] {
            assert!(!is_plain_word(wrong, 3), "{wrong:?}");
        }
    }
}
