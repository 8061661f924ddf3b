//! The AWS partitions, and with them the ARNs of clusters.

use super::Target;

/// The partition that a region is in, as it is written in ARNs.
pub fn partition(region: &str) -> &'static str {
    let known = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("eusc-", "aws-eusc"),
    ];
    known
        .iter()
        .find(|(prefix, _)| region.starts_with(prefix))
        .map_or("aws", |(_, partition)| partition)
}

impl Target {
    /// The ARN of the cluster, as far as the manifest says. Account, region and name of EKS's own ARN are held against the
    /// manifest before any call that changes something.
    pub fn arn(&self) -> String {
        let Self {
            account_id,
            region,
            name,
            role_arn: _,
            external_id: _,
        } = self;
        let partition = partition(region);
        format!("arn:{partition}:eks:{region}:{account_id}:cluster/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_follow_the_region() {
        assert_eq!(partition("us-west-2"), "aws");
        assert_eq!(partition("cn-north-1"), "aws-cn");
        assert_eq!(partition("us-gov-west-1"), "aws-us-gov");
        assert_eq!(partition("eusc-de-east-1"), "aws-eusc");
    }
}
