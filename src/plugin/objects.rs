//! Reads ClusterUpgrades so that one that nobody understands hides none of the others.

use kube::Api;
use kube::api::{ApiResource, DynamicObject, ListParams};
use serde_json::Value;

use crate::api::ClusterUpgrade;

use super::connect::Connection;
use super::failure::Failure;

/// How many objects are asked for at a time.
const PAGE: u32 = 500;

/// An object as the API server has it, and what this build makes of it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// As it is; as with kubectl, who wrote which field is left out.
    pub raw: DynamicObject,
    /// As it is understood; the error says what of it is not.
    pub read: Result<ClusterUpgrade, String>,
}

impl Listed {
    /// Reads an object.
    pub fn of(mut raw: DynamicObject) -> Self {
        let value = serde_json::to_value(&raw).unwrap_or(Value::Null);
        let read = serde_json::from_value(value).map_err(|error| error.to_string());
        raw.metadata.managed_fields = None;
        Self { raw, read }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.raw.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        self.raw.metadata.namespace.as_deref().unwrap_or_default()
    }
}

/// Access to the objects as they are.
pub fn raw_api(connection: &Connection, all_namespaces: bool) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ClusterUpgrade>(&());
    if all_namespaces {
        Api::all_with(connection.client.clone(), &resource)
    } else {
        Api::namespaced_with(connection.client.clone(), &connection.namespace, &resource)
    }
}

/// What is listed, in words.
pub fn scope(connection: &Connection, all_namespaces: bool) -> String {
    if all_namespaces {
        "in all namespaces".to_owned()
    } else {
        format!("in namespace {}", connection.namespace)
    }
}

/// All objects, by namespace and name.
///
/// # Errors
/// Where they cannot be listed.
pub async fn list(
    connection: &Connection,
    all_namespaces: bool,
    selector: Option<&str>,
) -> Result<Vec<Listed>, Failure> {
    let api = raw_api(connection, all_namespaces);
    let doing = format!("list ClusterUpgrades {}", scope(connection, all_namespaces));
    let mut params = ListParams::default().limit(PAGE);
    if let Some(selector) = selector {
        params = params.labels(selector);
    }
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await;
        let page = match page {
            Ok(page) => page,
            // The list that was begun is too old to be gone on with: whole, then.
            Err(kube::Error::Api(status)) if status.code == 410 && params.limit.is_some() => {
                all.clear();
                params.limit = None;
                params.continue_token = None;
                continue;
            }
            Err(error) => return Err(Failure::of_kubernetes(&doing, &error)),
        };
        all.extend(page.items.into_iter().map(Listed::of));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => break,
        }
    }
    all.sort_by(|one, other| (one.namespace(), one.name()).cmp(&(other.namespace(), other.name())));
    Ok(all)
}

/// One object.
///
/// # Errors
/// Where it cannot be read.
pub async fn get(connection: &Connection, name: &str) -> Result<Listed, Failure> {
    let doing = format!("read ClusterUpgrade {}/{name}", connection.namespace);
    let read = raw_api(connection, false).get(name).await;
    read.map(Listed::of)
        .map_err(|error| Failure::of_kubernetes(&doing, &error))
}

/// One object that is understood.
///
/// # Errors
/// Where it cannot be read, or is not understood.
pub async fn upgrade(connection: &Connection, name: &str) -> Result<ClusterUpgrade, Failure> {
    understood(get(connection, name).await?)
}

/// The object as it is understood.
///
/// # Errors
/// Where it is not.
pub fn understood(listed: Listed) -> Result<ClusterUpgrade, Failure> {
    let name = format!("{}/{}", listed.namespace(), listed.name());
    listed.read.map_err(|why| {
        Failure::new(
            format!("ClusterUpgrade {name} cannot be understood: {why}"),
            "See it with `kubectl get clusterupgrade -o yaml` and correct the manifest; or this program is older than the operator.",
        )
    })
}

/// What `kind: List` is called by.
pub fn as_list(objects: &[Listed]) -> Value {
    let items: Vec<&DynamicObject> = objects.iter().map(|listed| &listed.raw).collect();
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "List",
        "metadata": {"resourceVersion": ""},
        "items": items,
    })
}
