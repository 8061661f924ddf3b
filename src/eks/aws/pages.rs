//! Listings, which come in pages.

use std::collections::HashSet;
use std::future::Future;
use std::time::Duration;

use super::convert;
use crate::eks::{EksError, ErrorKind};

/// How many entries to ask for per page; the most that EKS gives.
pub(super) const PAGE_SIZE: i32 = 100;

/// Pages after which a listing is taken for broken. Ten thousand updates of one cluster are decades of work.
const MAX_PAGES: usize = 100;

/// Entries after which a listing is taken for broken: as many as that many pages hold.
const MAX_ITEMS: usize = 10_000;

/// How long all pages of one listing may take together: inside the ten seconds of a shutdown.
const LISTING_TIMEOUT: Duration = Duration::from_secs(8);

/// Collects all pages, each but the first after `another`. EKS promises no end: a token that comes twice, or too many pages, is a broken answer.
pub(super) async fn all_pages<T, A, F>(
    operation: &'static str,
    another: impl Fn() -> A + Send,
    mut page: impl FnMut(Option<String>) -> F + Send,
) -> Result<Vec<T>, EksError>
where
    T: Send,
    A: Future<Output = ()> + Send,
    F: Future<Output = Result<(Vec<T>, Option<String>), EksError>> + Send,
{
    let reading = async {
        let mut items = Vec::new();
        let mut seen = HashSet::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let (some, next) = page(token).await?;
            items.extend(some);
            if items.len() > MAX_ITEMS {
                return Err(convert::broken(operation, "it lists too much"));
            }
            let Some(next) = next.filter(|token| !token.is_empty()) else {
                return Ok(items);
            };
            if !seen.insert(next.clone()) {
                return Err(convert::broken(operation, "its pages go round in a circle"));
            }
            token = Some(next);
            another().await;
        }
        Err(convert::broken(operation, "its pages do not end"))
    };
    tokio::time::timeout(LISTING_TIMEOUT, reading)
        .await
        .unwrap_or_else(|_| {
            Err(EksError {
                kind: ErrorKind::Unavailable,
                operation,
                code: "Timeout".to_owned(),
                message: format!("not all pages came within {LISTING_TIMEOUT:?}"),
                request_id: None,
                clock_behind: None,
            })
        })
}
