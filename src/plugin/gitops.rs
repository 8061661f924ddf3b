//! What a GitOps tool will undo of a change by hand, as docs/gitops.md has it.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::text::plain;

/// As many bytes of a name are shown.
const NAME: usize = 256;

/// Who brings an object from Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// An Argo CD Application.
    ArgoCd(String),
    /// A Flux Kustomization, as `namespace/name`.
    Kustomization(String),
    /// A Flux HelmRelease, as `namespace/name`.
    HelmRelease(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ArgoCd(name) => write!(f, "Argo CD's Application {name}"),
            Self::Kustomization(name) => write!(f, "Flux's Kustomization {name}"),
            Self::HelmRelease(name) => write!(f, "Flux's HelmRelease {name}"),
        }
    }
}

/// Who is recognised on an object, by the marks that Argo CD and Flux leave.
pub fn owners(metadata: &ObjectMeta) -> Vec<Owner> {
    let label = |key: &str| metadata.labels.as_ref()?.get(key);
    let annotation = |key: &str| metadata.annotations.as_ref()?.get(key);
    // `APPLICATION:GROUP/KIND:NAMESPACE/NAME`.
    let tracked = annotation("argocd.argoproj.io/tracking-id").and_then(|id| id.split(':').next());
    // Helm and others use the common label too: it is Argo CD's mark only where Argo CD writes to the object.
    let common = || {
        let managers = metadata.managed_fields.iter().flatten();
        let mut names = managers.filter_map(|entry| entry.manager.as_deref());
        let is_writer = names.any(|name| name == "argocd-controller");
        label("app.kubernetes.io/instance").filter(|_| is_writer)
    };
    let argo_cd = tracked.or_else(|| {
        let own = label("argocd.argoproj.io/instance");
        own.or_else(common).map(String::as_str)
    });
    let argo_cd = argo_cd
        .filter(|name| !name.is_empty())
        .map(|name| Owner::ArgoCd(plain(name, NAME)));
    let flux = |kind: &str| {
        let name = label(&format!("{kind}.toolkit.fluxcd.io/name"))?;
        let namespace = label(&format!("{kind}.toolkit.fluxcd.io/namespace"));
        let namespace = namespace.map_or("", String::as_str);
        Some(plain(&format!("{namespace}/{name}"), NAME))
    };
    argo_cd
        .into_iter()
        .chain(flux("kustomize").map(Owner::Kustomization))
        .chain(flux("helm").map(Owner::HelmRelease))
        .collect()
}

impl Owner {
    /// What becomes of a field of the spec that was changed by hand.
    pub fn undoes_spec(&self, field: &str) -> String {
        match self {
            Self::ArgoCd(_) => format!(
                "{self} shows {field} as out of sync, and undoes it with the next sync, or at once where it heals itself. To keep it, commit it."
            ),
            Self::Kustomization(_) => {
                format!("{self} undoes {field} at its next reconciliation. To keep it, commit it.")
            }
            Self::HelmRelease(_) => format!(
                "{self} undoes {field} where its chart says otherwise: with its next release, or at its next reconciliation where it corrects drift. To keep it, commit it."
            ),
        }
    }

    /// What becomes of the retry's annotation, which Git does not have.
    pub fn of_annotation(&self) -> String {
        match self {
            Self::ArgoCd(_) | Self::HelmRelease(_) => {
                format!("{self} leaves the annotation alone, which Git does not have.")
            }
            // kustomize-controller makes the fields of each manager whose name begins with "kubectl" its own, and then takes
            // away what Git does not have: `fieldManagers` in its kustomization_controller.go, `matchFieldManager` in
            // fluxcd/pkg/ssa.
            Self::Kustomization(_) => format!(
                "{self} takes the annotation away at its next reconciliation, since Git does not have it: what has not been tried again by then needs another retry."
            ),
        }
    }

    /// What becomes of an object that was deleted by hand.
    pub fn brings_back(&self) -> String {
        let when = match self {
            Self::ArgoCd(_) => "with the next sync, or at once where it heals itself",
            Self::Kustomization(_) => "at its next reconciliation",
            Self::HelmRelease(_) => {
                "with its next release, or at its next reconciliation where it corrects drift"
            }
        };
        format!("{self} brings it back {when}. To be rid of it, take it out of Git.")
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;

    use super::*;

    fn metadata(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> ObjectMeta {
        let map = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
            Some(owned.collect())
        };
        ObjectMeta {
            labels: map(labels),
            annotations: map(annotations),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn each_tool_is_known_by_its_marks_and_nobody_by_common_ones() {
        let common = metadata(&[("app.kubernetes.io/instance", "payments")], &[]);
        assert_eq!(owners(&common), []);
        let written_by = |manager: &str| {
            let entry = ManagedFieldsEntry {
                manager: Some(manager.to_owned()),
                ..ManagedFieldsEntry::default()
            };
            owners(&ObjectMeta {
                managed_fields: Some(vec![entry]),
                ..common.clone()
            })
        };
        assert_eq!(written_by("helm"), []);
        assert_eq!(
            written_by("argocd-controller"),
            [Owner::ArgoCd("payments".to_owned())]
        );
        // Its own marks count more than the common one.
        let own = [
            ("app.kubernetes.io/instance", "payments"),
            ("argocd.argoproj.io/instance", "clusters"),
        ];
        assert_eq!(
            owners(&metadata(&own, &[])),
            [Owner::ArgoCd("clusters".to_owned())]
        );
        let tracked = [(
            "argocd.argoproj.io/tracking-id",
            "clusters:eksupgrade.dev/ClusterUpgrade:team/prod",
        )];
        assert_eq!(
            owners(&metadata(&[], &tracked)),
            [Owner::ArgoCd("clusters".to_owned())]
        );
        let flux = [
            ("kustomize.toolkit.fluxcd.io/name", "apps"),
            ("kustomize.toolkit.fluxcd.io/namespace", "flux-system"),
        ];
        let found = owners(&metadata(&flux, &[]));
        assert_eq!(found, [Owner::Kustomization("flux-system/apps".to_owned())]);
        let said: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(said, ["Flux's Kustomization flux-system/apps"]);
    }

    #[test]
    fn only_who_takes_the_annotation_away_is_said_to() {
        let kustomization = Owner::Kustomization("flux-system/apps".to_owned());
        assert!(
            kustomization
                .of_annotation()
                .contains("takes the annotation away")
        );
        for owner in [
            Owner::ArgoCd("apps".to_owned()),
            Owner::HelmRelease("flux-system/apps".to_owned()),
        ] {
            assert!(
                owner
                    .of_annotation()
                    .contains("leaves the annotation alone")
            );
        }
    }

    #[test]
    fn a_release_of_helm_is_not_said_to_undo_each_change_at_once() {
        let release = Owner::HelmRelease("flux-system/apps".to_owned());
        for said in [release.undoes_spec("spec.suspend"), release.brings_back()] {
            assert!(said.contains("where it corrects drift"), "{said}");
        }
    }
}
