//! CEL rules that several fields share, each with a sentence a person can act on. The API server checks them at apply.

use serde_json::{Value, json};

/// One rule with its sentence.
pub(super) fn rule(rule: &str, message: &str) -> Value {
    json!([{"rule": rule, "message": message}])
}

/// A minor as EKS names it.
pub(super) fn version() -> Value {
    rule(
        "self.matches('^1\\\\.[1-9][0-9]{0,2}$')",
        "must be a Kubernetes minor version as EKS names it, such as \"1.34\": no patch, no prefix v, no spaces, no leading zero, no words like latest",
    )
}

/// A text that says something.
pub(super) fn not_blank(message: &str) -> Value {
    rule("self.matches('[^ \\\\t\\\\r\\\\n]')", message)
}

/// Hours and minutes above nothing and up to `most` hours.
pub(super) fn duration(most: u32) -> Value {
    rule(
        &format!(
            "self.matches('^([0-9]{{1,5}}[hm])+(0s)?$') && duration(self) > duration('0s') && duration(self) <= duration('{most}h')"
        ),
        &format!(
            "must be hours and minutes such as \"4h\", \"90m\" or \"1h30m\", more than nothing and at most {most}h"
        ),
    )
}

/// A time by RFC 3339. The library's own check lets through what our parser does not take, such as an offset of 99 hours.
pub(super) fn time() -> Value {
    rule(
        "self.matches('^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$') && \
         !format.datetime().validate(self).hasValue()",
        "must be a time by RFC 3339 before the year 3000, such as \"2026-01-31T12:00:00Z\"",
    )
}
