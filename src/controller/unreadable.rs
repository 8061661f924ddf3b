//! Objects whose spec or status cannot be read: said on the object itself, and nothing else is done.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::json;

use crate::api::Reason;
use crate::eks::Eks;
use crate::store::{Note, Store, StoreError, Stored, Unreadable};
use crate::text::plain;

use super::conditions;
use super::context::{Clock, Context};

/// Says that an object cannot be read. What its status remembers is left alone.
///
/// # Errors
/// Where the API server did not take the write.
pub async fn report<E: Eks, S: Store, C: Clock>(
    ctx: &Context<E, S, C>,
    object: &Stored,
    why: &Unreadable,
) -> Result<Option<Duration>, StoreError> {
    if object.deleting {
        return Ok(None);
    }
    let message = format!(
        "This object cannot be read: {}. Nothing is done until it is corrected; an update that runs already is not followed.",
        plain(&why.0, 512)
    );
    let mut status = ctx.store.raw_status(object).await?;
    let before = status.get("conditions").cloned().unwrap_or_default();
    // Conditions that cannot be read either are written anew.
    let old: Vec<Condition> = serde_json::from_value(before.clone()).unwrap_or_default();
    let now = ctx.clock.now();
    let conditions = json!(conditions::of(
        &old,
        Reason::InvalidSpec,
        &message,
        None,
        object.generation,
        now
    ));
    if conditions == before {
        return Ok(None);
    }
    if !status.is_object() {
        status = json!({});
    }
    if let Some(fields) = status.as_object_mut() {
        fields.insert("observedGeneration".to_owned(), json!(object.generation));
        fields.insert("conditions".to_owned(), conditions);
    }
    ctx.store.write_raw_status(object, &status).await?;
    tracing::warn!(object = %object.key, "the object cannot be read");
    let note = Note {
        warning: true,
        reason: Reason::InvalidSpec.to_string(),
        action: format!("ObserveGeneration{}", object.generation),
        text: plain(&message, 1024),
    };
    ctx.store.publish(object, &note).await;
    Ok(None)
}
