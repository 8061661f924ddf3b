//! Pages of a list whose order nobody is promised.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::api::Page;
use super::error::ApiError;

/// One page, in an order that depends on `salt`: within one listing it holds, so that no page
/// repeats or misses an item; the next listing has another. The token carries the salt and the last
/// item's place, so that items added meanwhile disturb nothing.
pub(super) fn shuffled(
    items: impl Iterator<Item = String>,
    page: &Page,
    salt: impl FnOnce() -> u64,
) -> Result<(Vec<String>, Option<String>), ApiError> {
    let size = size(page)?;
    let (salt, last) = match &page.next_token {
        Some(token) => {
            let (salt, last) = read_token(token).ok_or_else(bad_token)?;
            (salt, Some(last))
        }
        None => (salt(), None),
    };
    let mut placed: Vec<(u64, String)> = items
        .map(|item| (place(salt, &item), item))
        .filter(|(place, _)| last.is_none_or(|last| last < *place))
        .collect();
    placed.sort_unstable();
    let more = placed.len() > size;
    placed.truncate(size);
    let next_token = match placed.last() {
        Some((place, _)) if more => Some(format!("{salt:016x}{place:016x}")),
        _ => None,
    };
    Ok((
        placed.into_iter().map(|(_, item)| item).collect(),
        next_token,
    ))
}

/// One page of a list that keeps its order.
pub(super) fn ordered<T>(items: Vec<T>, page: &Page) -> Result<(Vec<T>, Option<String>), ApiError> {
    let size = size(page)?;
    let start = match &page.next_token {
        Some(token) => {
            let (start, zero) = read_token(token).ok_or_else(bad_token)?;
            usize::try_from(start)
                .ok()
                .filter(|_| zero == 0)
                .ok_or_else(bad_token)?
        }
        None => 0,
    };
    let end = start.saturating_add(size);
    let next_token = (items.len() > end).then(|| format!("{end:016x}{:016x}", 0));
    Ok((
        items.into_iter().skip(start).take(size).collect(),
        next_token,
    ))
}

fn size(page: &Page) -> Result<usize, ApiError> {
    let wanted = page.max_results.unwrap_or(100);
    usize::try_from(wanted)
        .ok()
        .filter(|size| (1..=100).contains(size))
        .ok_or_else(|| {
            ApiError::invalid_parameter(format!(
                "maxResults must be between 1 and 100, not {wanted}"
            ))
        })
}

fn bad_token() -> ApiError {
    ApiError::invalid_parameter("nextToken is not one that this list gave out")
}

fn read_token(token: &str) -> Option<(u64, u64)> {
    let both = u128::from_str_radix(token, 16)
        .ok()
        .filter(|_| token.len() == 32)?;
    Some((
        u64::try_from(both >> 64).ok()?,
        u64::try_from(both & u128::from(u64::MAX)).ok()?,
    ))
}

fn place(salt: u64, item: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (salt, item).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(items: &[String], size: i64, salt: u64) -> Vec<String> {
        let mut seen = Vec::new();
        let mut next_token = None;
        loop {
            let page = Page {
                max_results: Some(size),
                next_token,
            };
            let (some, next) = shuffled(items.iter().cloned(), &page, || salt).unwrap();
            assert!(some.len() <= usize::try_from(size).unwrap());
            seen.extend(some);
            next_token = next;
            if next_token.is_none() {
                return seen;
            }
        }
    }

    #[test]
    fn all_pages_together_hold_each_item_once_in_an_order_that_changes() {
        let items: Vec<String> = (0..25).map(|n| format!("item-{n}")).collect();
        let first = walk(&items, 4, 1);
        let second = walk(&items, 4, 2);
        assert_ne!(first, second);
        for mut seen in [first, second] {
            seen.sort();
            let mut all = items.clone();
            all.sort();
            assert_eq!(seen, all);
        }
    }

    #[test]
    fn ordered_pages_keep_the_order() {
        let page = |next_token| Page {
            max_results: Some(2),
            next_token,
        };
        let (some, next) = ordered(vec![1, 2, 3], &page(None)).unwrap();
        assert_eq!(some, [1, 2]);
        let (rest, none) = ordered(vec![1, 2, 3], &page(next)).unwrap();
        assert_eq!((rest, none), (vec![3], None));
    }

    #[test]
    fn sizes_and_tokens_out_of_range_are_refused() {
        for max_results in [-1, 0, 101] {
            let page = Page {
                max_results: Some(max_results),
                next_token: None,
            };
            let error = ordered(vec![1], &page).unwrap_err();
            assert_eq!(error.code, "InvalidParameterException");
        }
        let page = Page {
            max_results: None,
            next_token: Some("elsewhere".into()),
        };
        assert!(shuffled(std::iter::empty(), &page, || 1).is_err());
    }
}
