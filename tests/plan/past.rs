//! What an object may remember of one hop from 1.33 to 1.34, at noon.

use eks_upgrade_operator::api::{ErrorDetail, Minor, Update, UpdateStatus};
use jiff::{SignedDuration, Timestamp};
use proptest::bool::weighted;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::arbitrary::noon;

/// So many seconds before noon, which is now.
pub fn ago(seconds: i64) -> Timestamp {
    noon() - SignedDuration::from_secs(seconds)
}

/// Times around each limit that counts, in seconds before now.
pub fn lately() -> impl Strategy<Value = Timestamp> {
    select(vec![
        -600, 0, 1, 29, 31, 120, 299, 300, 301, 599, 600, 601, 899, 901, 1199, 1200, 1201, 6000,
    ])
    .prop_map(ago)
}

pub fn minor(weights: [u32; 4]) -> impl Strategy<Value = Minor> {
    let [a, b, c, d] = weights;
    prop_oneof![a => Just(32), b => Just(33), c => Just(34), d => Just(35)].prop_map(Minor::new)
}

/// What is the same in every update of the hop.
fn hop() -> impl Strategy<Value = Update> {
    (
        minor([1, 30, 1, 0]),
        minor([0, 1, 30, 1]),
        option::weighted(0.9, minor([0, 0, 6, 1])),
        (weighted(0.1), weighted(0.95)),
        (1_u32..4, option::weighted(0.9, lately()), lately()),
    )
        .prop_map(
            |(
                from_version,
                to_version,
                for_version,
                (force, has_token),
                (sends, last_send_at, requested_at),
            )| {
                Update {
                    id: None,
                    kind: "VersionUpdate".to_owned(),
                    status: None,
                    from_version,
                    to_version,
                    for_version,
                    client_request_token: has_token.then(|| "token-1".to_owned()),
                    attempt: Some(1),
                    sends: Some(sends),
                    force,
                    timeout: None,
                    requested_at: Some(requested_at),
                    last_send_at,
                    created_at: None,
                    finished_at: None,
                    errors: Vec::new(),
                    cancel: None,
                }
            },
        )
}

pub fn said(code: &str) -> Vec<ErrorDetail> {
    vec![ErrorDetail {
        error_code: code.to_owned(),
        error_message: "AWS's own words.".to_owned(),
        resource_ids: Vec::new(),
    }]
}

pub fn intent() -> impl Strategy<Value = Update> {
    (hop(), weighted(0.3)).prop_map(|(hop, is_busy)| Update {
        errors: if is_busy {
            said("ResourceInUseException")
        } else {
            Vec::new()
        },
        ..hop
    })
}

/// With an id: running, or ended in any way.
pub fn accepted() -> impl Strategy<Value = Update> {
    let words = select(vec![
        "InProgress",
        "Cancelling",
        "Successful",
        "Failed",
        "Cancelled",
        "Lost",
    ]);
    let kind = prop_oneof![9 => Just("VersionUpdate"), 1 => Just("VersionRollback")];
    (hop(), words, kind, option::weighted(0.95, lately())).prop_map(
        |(hop, word, kind, created_at)| Update {
            id: Some("u1".to_owned()),
            kind: kind.to_owned(),
            status: Some(UpdateStatus::from(word.to_owned())),
            created_at,
            ..hop
        },
    )
}

/// Without an id, and closed.
pub fn closed() -> impl Strategy<Value = Update> {
    closed_as(hop())
}

/// What came to nothing.
pub fn closed_as(hop: impl Strategy<Value = Update>) -> impl Strategy<Value = Update> {
    let codes = select(vec![
        "InvalidStateException",
        "InvalidStateException",
        "InvalidRequestException",
        "InvalidParameterException",
        "AccessDeniedException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "RequestExpired",
        "SomethingNew",
    ]);
    (hop, weighted(0.8), codes, option::weighted(0.95, lately())).prop_map(
        |(hop, is_refused, code, finished_at)| Update {
            status: Some(if is_refused {
                UpdateStatus::Refused
            } else {
                UpdateStatus::NotSent
            }),
            finished_at,
            errors: said(code),
            ..hop
        },
    )
}
