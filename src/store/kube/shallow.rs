//! A client that reads answers of any depth.
//!
//! Our JSON parser gives up at 128 levels, the API server at ten thousand. In a list, one object that is nested deeper would
//! hide all others; where the CRD keeps unknown fields, anybody who may create an object can make one. So what lies too deep
//! to mean anything is taken out of every answer before it is read.

use http::Response;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use kube::client::ClientBuilder;
use kube::{Client, Config};
use tower::util::MapResponseLayer;

/// How many levels are read. An object of ours has about ten.
const LEVELS: usize = 64;

/// A client for the API server.
///
/// # Errors
/// Where the configuration cannot be used.
pub fn client(config: Config) -> kube::Result<Client> {
    let layer = MapResponseLayer::new(|answer: Response<_>| {
        answer.map(|body: Box<kube::client::DynBody>| {
            let mut shallow = Shallow::default();
            body.map_frame(move |frame| frame.map_data(|data| shallow.pass(data)))
        })
    });
    Ok(ClientBuilder::try_from(config)?.with_layer(&layer).build())
}

/// Replaces by `null` what lies deeper than [`LEVELS`] in JSON that comes in pieces.
#[derive(Debug, Default)]
struct Shallow {
    depth: usize,
    is_string: bool,
    is_escaped: bool,
}

impl Shallow {
    fn pass(&mut self, piece: Bytes) -> Bytes {
        let mut kept = Vec::new();
        let mut is_whole = true;
        for (index, byte) in piece.iter().enumerate() {
            let before = self.depth;
            self.take(*byte);
            let is_deep = before > LEVELS || self.depth > LEVELS;
            if is_deep && is_whole {
                is_whole = false;
                kept.extend(piece.iter().take(index));
            }
            if before == LEVELS && is_deep {
                kept.extend(b"null");
            } else if !is_deep && !is_whole {
                kept.push(*byte);
            }
        }
        if is_whole { piece } else { kept.into() }
    }

    fn take(&mut self, byte: u8) {
        match byte {
            _ if self.is_escaped => self.is_escaped = false,
            b'\\' => self.is_escaped = self.is_string,
            b'"' => self.is_string = !self.is_string,
            _ if self.is_string => {}
            b'{' | b'[' => self.depth = self.depth.saturating_add(1),
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn nested(levels: usize) -> Value {
        (1..levels).fold(json!([]), |inner, level| {
            if level % 2 == 0 {
                json!([inner])
            } else {
                json!({ "}\"]\\": inner })
            }
        })
    }

    fn read(text: &str, sizes: &[usize]) -> String {
        let (mut shallow, mut rest, mut kept) = (Shallow::default(), text.as_bytes(), Vec::new());
        for size in sizes.iter().cycle() {
            let (piece, behind) = rest.split_at((*size).clamp(1, rest.len()));
            kept.extend(shallow.pass(Bytes::copy_from_slice(piece)));
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        String::from_utf8(kept).unwrap_or_default()
    }

    #[test]
    fn what_is_not_deep_stays_as_it_is() {
        for text in [
            nested(LEVELS).to_string(),
            "404 page \"not found }".to_owned(),
        ] {
            assert_eq!(read(&text, &[7]), text);
        }
    }

    #[test]
    fn what_is_too_deep_is_null_and_what_follows_is_not_lost() {
        let deep = format!("{}{}", "[".repeat(9_000), "]".repeat(9_000));
        let text = format!(r#"{{"a":{deep},"b":[1,{deep},{{}}],"c":"]"}}"#);
        let value: Value = serde_json::from_str(&read(&text, &[1000])).unwrap_or_default();
        assert_eq!(value["b"][0], 1);
        assert_eq!(value["b"][2], json!({}));
        assert_eq!(value["c"], "]");
        assert!(value["a"].is_array());
    }

    proptest! {
        #[test]
        fn however_it_comes_in_pieces_it_can_be_read(
            levels in 1..120_usize,
            words in proptest::collection::vec(".*", 0..4),
            sizes in proptest::collection::vec(1..50_usize, 1..5),
        ) {
            let text = json!({"words": words, "deep": nested(levels), "after": words}).to_string();
            let value: Value = serde_json::from_str(&read(&text, &sizes)).unwrap_or_default();
            prop_assert_eq!(&value["words"], &json!(words));
            prop_assert_eq!(&value["after"], &json!(words));
            prop_assert_eq!(value["deep"] == nested(levels), levels < LEVELS);
        }
    }
}
