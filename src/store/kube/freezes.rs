//! Freezes as the API server keeps them.

use kube::api::ListParams;
use kube::core::DeserializeGuard;
use kube::{Api, ResourceExt as _};

use super::WORDS_LIMIT;
use crate::api::UpgradeFreeze;
use crate::store::{StoreError, StoredFreeze, Unreadable};
use crate::text::plain;

/// A freeze in the watch: one that cannot be read does not hide the others.
pub type WatchedFreeze = DeserializeGuard<UpgradeFreeze>;

/// How many are asked for at a time.
const PAGE: u32 = 500;

/// All freezes as they are at this moment: without a resource version, the API server asks etcd.
pub(super) async fn list(api: &Api<WatchedFreeze>) -> kube::Result<Vec<StoredFreeze>> {
    let mut all = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await?;
        all.extend(list.items.iter().map(stored_freeze));
        match list.metadata.continue_ {
            Some(token) if !token.is_empty() => page = page.continue_token(&token),
            _ => return Ok(all),
        }
    }
}

/// What it means that they cannot be listed: nothing is known of any one object.
pub(super) fn unlisted(error: StoreError) -> StoreError {
    match error {
        StoreError::Gone => StoreError::Unavailable(
            "it knows no UpgradeFreeze: install the CRD (eks-upgrade-operator crd | kubectl apply -f -)"
                .to_owned(),
        ),
        StoreError::Conflict => {
            StoreError::Unavailable("the freezes could not be listed".to_owned())
        }
        StoreError::Unavailable(why) => {
            StoreError::Unavailable(format!("the freezes could not be listed: {why}"))
        }
        StoreError::Refused(why) => {
            StoreError::Refused(format!("the freezes may not be listed: {why}"))
        }
    }
}

/// kube's freeze in the port's words.
pub fn stored_freeze(freeze: &WatchedFreeze) -> StoredFreeze {
    StoredFreeze {
        name: freeze.name_any(),
        freeze: match &freeze.0 {
            Ok(freeze) => Ok(freeze.spec.clone()),
            Err(error) => Err(Unreadable(plain(&error.error, WORDS_LIMIT))),
        },
    }
}
