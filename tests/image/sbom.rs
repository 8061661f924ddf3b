//! The SBOM beside the image.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

use crate::built::{built, run};

async fn sbom() -> Value {
    let text = std::fs::read_to_string(&built().await.sbom).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The purls of components, without the qualifiers.
fn purls(sbom: &Value) -> BTreeSet<String> {
    let components = sbom["components"].as_array().unwrap();
    components
        .iter()
        .map(|component| {
            let purl = component["purl"].as_str().unwrap();
            purl.split('?').next().unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn it_is_cyclone_dx_whose_references_lead_somewhere() {
    let sbom = sbom().await;
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    assert_eq!(sbom["specVersion"], "1.5");
    let operator = &sbom["metadata"]["component"];
    assert_eq!(operator["name"], "eks-upgrade-operator");
    assert_eq!(operator["version"], env!("CARGO_PKG_VERSION"));
    let components = sbom["components"].as_array().unwrap();
    eprintln!("{} components", components.len());
    let mut known = BTreeSet::from([operator["bom-ref"].as_str().unwrap()]);
    for component in components {
        for field in ["type", "name", "version", "purl"] {
            assert!(component[field].is_string(), "{field} of {component}");
        }
        let new = known.insert(component["bom-ref"].as_str().unwrap());
        assert!(new, "twice: {component}");
    }
    for dependency in sbom["dependencies"].as_array().unwrap() {
        let to = dependency["dependsOn"].as_array();
        let to = to.into_iter().flatten();
        for reference in to.chain([&dependency["ref"]]) {
            assert!(known.contains(reference.as_str().unwrap()), "{reference}");
        }
    }
}

#[tokio::test]
async fn it_names_the_crates_that_the_binary_is_made_of_and_no_others() {
    let named: BTreeSet<_> = purls(&sbom().await)
        .into_iter()
        .filter(|purl| purl.starts_with("pkg:cargo/"))
        .collect();
    // Lines `NAME vVERSION`, with a note where it is a macro.
    let tree = run(Command::new("cargo")
        .args(["tree", "--locked", "--package", "eks-upgrade-operator"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR")));
    let built_of: BTreeSet<_> = tree
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next()?, words.next()?);
            Some(format!("pkg:cargo/{name}@{}", version.strip_prefix('v')?))
        })
        .collect();
    assert!(
        built_of
            .iter()
            .any(|purl| purl.starts_with("pkg:cargo/aws-sdk-eks@1."))
    );
    let missing: Vec<_> = built_of.difference(&named).collect();
    let too_many: Vec<_> = named.difference(&built_of).collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "missing {missing:?}, too many {too_many:?}"
    );
}

#[tokio::test]
async fn it_names_the_packages_that_files_were_taken_of_with_their_versions() {
    let named: BTreeSet<_> = purls(&sbom().await)
        .into_iter()
        .filter(|purl| purl.starts_with("pkg:deb/"))
        .collect();
    let installed = run(Command::new("dpkg-query").args([
        "--show",
        "--showformat=${Package}@${Version}\n",
        "libc6",
        "libgcc-s1",
        "ca-certificates",
    ]));
    let system = run(Command::new("sh").args(["-c", ". /etc/os-release; echo $ID"]));
    let installed: BTreeSet<_> = installed
        .lines()
        .map(|line| format!("pkg:deb/{}/{}", system.trim(), line.replace('+', "%2B")))
        .collect();
    assert_eq!(named, installed);
}

#[tokio::test]
async fn it_names_no_path_of_the_building_machine() {
    let text = std::fs::read_to_string(&built().await.sbom).unwrap();
    let paths: Vec<_> = text
        .lines()
        .filter(|line| line.contains("file:///"))
        .collect();
    assert!(
        paths.iter().all(|line| line.contains("file:///src")),
        "{paths:?}"
    );
}
