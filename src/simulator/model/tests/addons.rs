//! Add-ons: what is shown of them, and which of their versions fit which Kubernetes versions.

use super::*;
use crate::simulator::api::{AddonInfo, AddonStatus, AddonView, DescribeAddonVersions};

impl Eks {
    fn addon(&mut self, name: &str) -> Result<AddonView, ApiError> {
        let request = Request::DescribeAddon {
            name: "prod".into(),
            addon_name: name.into(),
        };
        self.call(&request).map(|response| match response {
            Response::Addon(view) => *view,
            other => panic!("not an add-on: {other:?}"),
        })
    }

    fn addons(&mut self, page: Page) -> (Vec<String>, Option<String>) {
        let request = Request::ListAddons {
            name: "prod".into(),
            page,
        };
        match self.call(&request).unwrap() {
            Response::Addons { names, next_token } => (names, next_token),
            other => panic!("not a list of add-ons: {other:?}"),
        }
    }

    fn infos(
        &mut self,
        filter: DescribeAddonVersions,
    ) -> Result<(Vec<AddonInfo>, Option<String>), ApiError> {
        let request = Request::DescribeAddonVersions(filter);
        self.call(&request).map(|response| match response {
            Response::AddonVersions { addons, next_token } => (addons, next_token),
            other => panic!("not versions of add-ons: {other:?}"),
        })
    }

    /// Each version of an add-on that fits, `*` behind the default.
    fn fitting(&mut self, addon: &str, kubernetes: &str) -> Vec<String> {
        let (infos, _) = self.infos(of(Some(addon), Some(kubernetes))).unwrap();
        let versions = infos.into_iter().flat_map(|info| {
            assert_eq!(info.addon_name, addon);
            info.addon_versions
        });
        versions
            .map(|one| {
                let [fit] = &one.compatibilities[..] else {
                    panic!("one Kubernetes version was asked for: {one:?}");
                };
                assert_eq!(fit.cluster_version.to_string(), kubernetes);
                let mark = if fit.default_version { "*" } else { "" };
                format!("{}{mark}", one.addon_version)
            })
            .collect()
    }
}

fn of(addon: Option<&str>, kubernetes: Option<&str>) -> DescribeAddonVersions {
    DescribeAddonVersions {
        addon_name: addon.map(str::to_owned),
        kubernetes_version: kubernetes.map(str::to_owned),
        ..DescribeAddonVersions::default()
    }
}

#[test]
fn add_ons_are_listed_in_pages_and_described() {
    let mut eks = Eks::prod(
        "addons: [{name: coredns, version: v1}, {name: vpc-cni, version: v2, status: DEGRADED, \
         issues: [{code: AccessDenied, message: no, resourceIds: [r-1]}]}, {name: c, version: v3}]",
    );
    let two = |next_token| Page {
        max_results: Some(2),
        next_token,
    };
    let (mut names, token) = eks.addons(two(None));
    assert_eq!(names.len(), 2);
    let (rest, none) = eks.addons(two(token));
    assert_eq!(none, None);
    names.extend(rest);
    names.sort();
    assert_eq!(names, ["c", "coredns", "vpc-cni"]);

    let broken = eks.addon("vpc-cni").unwrap();
    assert_eq!(broken.addon_version, "v2");
    assert_eq!(broken.status, AddonStatus::Degraded);
    assert_eq!(broken.health.issues[0].code, "AccessDenied");
    assert_eq!(broken.health.issues[0].resource_ids, ["r-1"]);
    assert!(
        broken
            .addon_arn
            .starts_with("arn:aws:eks:us-west-2:111122223333:addon/prod/vpc-cni/"),
        "{}",
        broken.addon_arn
    );
    assert_eq!(eks.addon("c").unwrap().status, AddonStatus::Active);
    assert_eq!(code(eks.addon("d")), "ResourceNotFoundException");
    assert_eq!(Eks::prod("").addons(Page::default()), (Vec::new(), None));
}

#[test]
fn an_update_of_an_add_on_changes_its_version_and_an_event_all_of_it() {
    let mut eks = Eks::prod(
        "addons: [{name: coredns, version: v1}], events: [\
         {at: 1m, update: {type: AddonUpdate, addonName: coredns, duration: 5m, \
          params: {AddonVersion: v2}}}, \
         {at: 10m, addon: {name: coredns, version: v3, status: UPDATE_FAILED}}, \
         {at: 10m, addon: {name: vpc-cni, version: v1}}, {at: 20m, recreate: \"1.33\"}]",
    );
    let created_at = eks.addon("coredns").unwrap().created_at;
    eks.pass("2m");
    let updating = eks.addon("coredns").unwrap();
    assert_eq!(updating.status, AddonStatus::Updating);
    assert_eq!(updating.addon_version, "v1");
    eks.pass("4m");
    let updated = eks.addon("coredns").unwrap();
    assert_eq!(updated.status, AddonStatus::Active);
    assert_eq!(updated.addon_version, "v2");
    assert_eq!(updated.modified_at, eks.now);
    eks.pass("4m");
    let failed = eks.addon("coredns").unwrap();
    assert_eq!(failed.status, AddonStatus::UpdateFailed);
    assert_eq!(failed.addon_version, "v3");
    assert_eq!(failed.created_at, created_at);
    assert_eq!(eks.addons(Page::default()).0.len(), 2);
    assert_eq!(eks.addon("vpc-cni").unwrap().created_at, eks.now);
    eks.pass("10m");
    assert_eq!(eks.addons(Page::default()).0.len(), 0);
}

#[test]
fn the_catalogue_tells_which_versions_fit() {
    let mut eks = Eks::with(
        "{addonVersions: [\
         {addon: coredns, version: v3, kubernetes: [\"1.34\", \"1.35\"], default: [\"1.35\"]}, \
         {addon: coredns, version: v2, kubernetes: [\"1.33\", \"1.34\"], default: [\"1.33\", \"1.34\"]}, \
         {addon: adot, version: v9, kubernetes: [\"1.33\"]}], \
         clusters: [{name: prod, version: \"1.33\", addons: [{name: coredns, version: v1}]}]}",
    );
    assert_eq!(eks.fitting("coredns", "1.33"), ["v2*"]);
    assert_eq!(eks.fitting("coredns", "1.34"), ["v3", "v2*"]);
    assert_eq!(eks.fitting("coredns", "1.35"), ["v3*"]);
    assert_eq!(eks.fitting("coredns", "1.36"), [""; 0]);
    assert_eq!(eks.fitting("adot", "1.33"), ["v9"]);
    assert_eq!(eks.fitting("nobody-knows-it", "1.33"), [""; 0]);

    let (all, none) = eks.infos(of(None, None)).unwrap();
    assert_eq!(none, None);
    let names: Vec<_> = all.iter().map(|info| info.addon_name.as_str()).collect();
    assert_eq!(names, ["coredns", "adot"]);
    assert_eq!(all[0].addon_versions[0].compatibilities.len(), 2);
    let one = |next_token| DescribeAddonVersions {
        page: Page {
            max_results: Some(1),
            next_token,
        },
        ..DescribeAddonVersions::default()
    };
    let (first, token) = eks.infos(one(None)).unwrap();
    assert_eq!((&first[..], token.is_some()), (&all[..1], true));
    assert_eq!(eks.infos(one(token)).unwrap(), (all[1..].to_vec(), None));
    let others = DescribeAddonVersions {
        owners: vec!["aws-marketplace".to_owned()],
        ..DescribeAddonVersions::default()
    };
    assert_eq!(eks.infos(others).unwrap().0, []);
    assert_eq!(
        code(eks.infos(of(Some("coredns"), Some("newest")))),
        "InvalidParameterException"
    );
}

#[test]
fn an_add_on_that_no_catalogue_names_fits_everything_in_the_versions_that_are_installed() {
    let mut eks = Eks::with(
        "{addonVersions: [{addon: vpc-cni, version: v9, kubernetes: [\"1.33\"]}], clusters: [\
         {name: prod, version: \"1.33\", addons: [{name: coredns, version: v1}, {name: vpc-cni, version: v1}]}, \
         {name: other, version: \"1.33\", addons: [{name: coredns, version: v2}, {name: vpc-cni, version: v9}], \
          events: [{at: 1m, delete: true}]}, \
         {name: twin, version: \"1.33\", addons: [{name: coredns, version: v1}]}, \
         {name: far, version: \"1.33\", region: eu-west-1, addons: [{name: coredns, version: v7}]}]}",
    );
    for kubernetes in ["1.33", "1.34", "1.99"] {
        let mut fitting = eks.fitting("coredns", kubernetes);
        fitting.sort();
        assert_eq!(fitting, ["v1", "v2"], "{kubernetes}");
    }
    assert_eq!(eks.fitting("vpc-cni", "1.34"), [""; 0]);
    let (infos, _) = eks.infos(of(Some("coredns"), None)).unwrap();
    assert!(infos[0].addon_versions[0].compatibilities.len() > 1);
    eks.pass("1m");
    assert_eq!(eks.fitting("coredns", "1.34"), ["v1"]);
}
