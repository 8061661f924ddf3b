//! What an insight says in full.

use aws_sdk_eks::types::{DeprecationDetail, Insight};

use super::{RESOURCES, SENTENCE, broken, word};
use crate::eks::{Deprecation, EksError, InsightDetail};
use crate::text::plain;

/// As many clients of one deprecated API as are of any use.
const CLIENTS: usize = 16;

/// DescribeInsight's answer: the insight that was asked about, and no other.
pub(in crate::eks::aws) fn insight_detail(
    operation: &'static str,
    insight: Option<Insight>,
    id: &str,
) -> Result<InsightDetail, EksError> {
    let insight = insight.ok_or_else(|| broken(operation, "it holds no insight"))?;
    if insight.id.as_deref() != Some(id) {
        return Err(broken(operation, "it is about another insight"));
    }
    let resources = insight.resources.unwrap_or_default().into_iter();
    let summary = insight.category_specific_summary;
    let deprecations = summary.and_then(|summary| summary.deprecation_details);
    Ok(InsightDetail {
        recommendation: plain(&insight.recommendation.unwrap_or_default(), SENTENCE),
        // One that names nothing tells nobody where to look.
        resources: resources
            .filter_map(|resource| resource.kubernetes_resource_uri.or(resource.arn))
            .take(RESOURCES)
            .map(|name| plain(&name, SENTENCE))
            .collect(),
        deprecations: deprecations
            .unwrap_or_default()
            .into_iter()
            .take(RESOURCES)
            .map(deprecation)
            .collect(),
    })
}

fn deprecation(detail: DeprecationDetail) -> Deprecation {
    let clients = detail.client_stats.unwrap_or_default().into_iter();
    Deprecation {
        usage: plain(&detail.usage.unwrap_or_default(), SENTENCE),
        replaced_with: detail.replaced_with.map(|text| plain(&text, SENTENCE)),
        stop_serving_version: detail.stop_serving_version.as_deref().map(word),
        clients: clients
            .filter_map(|client| client.user_agent)
            .take(CLIENTS)
            .map(|agent| word(&agent))
            .collect(),
    }
}
