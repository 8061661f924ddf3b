//! The manifest for krew: filled in as krew-release-bot does, it is one, of the archives that a release makes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

fn file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// What becomes of the template. The bot's second line is indented by four, wherever the first is.
fn filled_in(template: &str) -> String {
    let mut text = String::new();
    for line in template.lines() {
        match line.trim_start().strip_prefix("{{addURIAndSha \"") {
            Some(rest) => {
                let (uri, end) = rest.split_once('"').unwrap();
                assert_eq!(end, " .TagName }}");
                let margin = line.len() - line.trim_start().len();
                let sha = "0".repeat(64);
                text += &" ".repeat(margin);
                writeln!(text, "uri: {uri}\n    sha256: \"{sha}\"").unwrap();
            }
            None => writeln!(text, "{line}").unwrap(),
        }
    }
    text.replace("{{ .TagName }}", "v1.2.3")
}

#[test]
fn the_manifest_for_krew_has_the_archives_of_a_release() {
    let template = file("deploy/krew/eks-upgrade.yaml");
    assert!(
        !template.contains("sha256:"),
        "a checksum that nobody has made"
    );
    let manifest: Value = serde_norway::from_str(&filled_in(&template)).unwrap();
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"]["name"], "eks-upgrade");
    assert_eq!(manifest["spec"]["version"], "v1.2.3");
    // What krew's own check of the index asks for.
    let short = manifest["spec"]["shortDescription"].as_str().unwrap();
    assert!(short.len() <= 50, "{short}");

    let release: Value = serde_norway::from_str(&file(".github/workflows/release.yaml")).unwrap();
    let built = release["jobs"]["plugin"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    let mut built: Vec<&str> = built
        .iter()
        .map(|each| each["platform"].as_str().unwrap())
        .collect();
    built.sort_unstable();
    assert_eq!(
        built,
        ["darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64"]
    );

    let repository = manifest["spec"]["homepage"].as_str().unwrap();
    let platforms = manifest["spec"]["platforms"].as_array().unwrap();
    let offered: BTreeMap<String, &Value> = platforms
        .iter()
        .map(|platform| {
            let labels = &platform["selector"]["matchLabels"];
            let word = |name: &str| labels[name].as_str().unwrap().to_owned();
            (format!("{}-{}", word("os"), word("arch")), platform)
        })
        .collect();
    assert_eq!(offered.keys().collect::<Vec<_>>(), built);
    for (name, platform) in offered {
        assert_eq!(platform["bin"], "kubectl-eks_upgrade");
        assert_eq!(
            platform["uri"],
            format!("{repository}/releases/download/v1.2.3/kubectl-eks_upgrade-{name}.tar.gz")
        );
        assert!(platform["sha256"].is_string(), "{name}");
    }
}
