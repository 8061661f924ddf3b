//! JSON that the API server can read as YAML.
//!
//! It reads an apply as YAML, whose strings take no raw control characters and turn line separators into spaces: a write that
//! quotes one is refused, or is not what was written. JSON's escapes mean the same to both.

use std::fmt::Write as _;

use serde_json::Value;
use serde_json::value::RawValue;

/// The same JSON, with everything escaped that YAML does not take as it is.
///
/// # Errors
/// None, for what was JSON before.
pub(super) fn readable(json: &Value) -> serde_json::Result<Box<RawValue>> {
    let text = json.to_string();
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_taken(c) {
            escaped.push(c);
        } else {
            // All of them are below U+10000, so one escape will do. Writing to a string does not fail.
            write!(escaped, "\\u{:04x}", u32::from(c)).map_err(serde::ser::Error::custom)?;
        }
    }
    RawValue::from_string(escaped)
}

fn is_taken(c: char) -> bool {
    !(c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn means_the_same_and_has_nothing_that_yaml_refuses() {
        let value =
            json!({"a\u{7f}": "\u{0}\u{1b}\u{85}\u{9b}\n\u{2028}\u{feff}\u{ffff}ä事🦀\"\\"});
        let text = readable(&value).map_or_else(|error| error.to_string(), |raw| raw.to_string());
        assert!(text.chars().all(is_taken), "{text:?}");
        assert!(text.contains("ä事🦀"), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value));
    }
}
