//! The reads about add-ons.

use super::{AwsEks, PAGE_SIZE, all_pages, convert};
use crate::api::Minor;
use crate::eks::{AddonVersion, AddonView, EksError, ErrorKind, Target};

/// ListAddons.
pub(super) async fn list(eks: &AwsEks, target: &Target) -> Result<Vec<String>, EksError> {
    const OPERATION: &str = "eks:ListAddons";
    all_pages(
        OPERATION,
        || eks.observer.another_page(target),
        |token| async move {
            let output = eks
                .call(OPERATION, target, |client| {
                    client
                        .list_addons()
                        .cluster_name(&target.name)
                        .max_results(PAGE_SIZE)
                        .set_next_token(token)
                        .send()
                })
                .await?;
            let names = convert::addon_names(OPERATION, output.addons)?;
            Ok((names, output.next_token))
        },
    )
    .await
}

/// DescribeAddon.
pub(super) async fn describe(
    eks: &AwsEks,
    target: &Target,
    name: &str,
) -> Result<AddonView, EksError> {
    const OPERATION: &str = "eks:DescribeAddon";
    let output = eks
        .call(OPERATION, target, |client| {
            client
                .describe_addon()
                .cluster_name(&target.name)
                .addon_name(name)
                .send()
        })
        .await?;
    convert::addon(OPERATION, output.addon, name)
}

/// DescribeAddonVersions.
pub(super) async fn versions(
    eks: &AwsEks,
    target: &Target,
    addon: &str,
    version: Minor,
) -> Result<Vec<AddonVersion>, EksError> {
    const OPERATION: &str = "eks:DescribeAddonVersions";
    let answer = all_pages(
        OPERATION,
        || eks.observer.another_page(target),
        |token| async move {
            let output = eks
                .call(OPERATION, target, |client| {
                    client
                        .describe_addon_versions()
                        .addon_name(addon)
                        .kubernetes_version(version.to_string())
                        .max_results(PAGE_SIZE)
                        .set_next_token(token)
                        .send()
                })
                .await?;
            let versions = convert::addon_versions(output.addons, addon, version);
            Ok((versions, output.next_token))
        },
    )
    .await;
    match answer {
        // EKS answers a name that fits nothing with an empty list, and the service model lets it be this as well.
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
        answer => answer,
    }
}
