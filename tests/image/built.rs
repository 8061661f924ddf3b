//! The image, built once for all tests of this process.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tokio::sync::OnceCell;

/// What `hack/image/build` made.
#[derive(Clone, Debug)]
pub struct Built {
    /// The OCI archive.
    pub archive: PathBuf,
    /// The digest of the manifest: two images of the same digest are the same.
    pub digest: String,
    /// The CycloneDX SBOM.
    pub sbom: PathBuf,
    /// The files that went into the image.
    pub rootfs: PathBuf,
}

/// The image of this commit.
pub async fn built() -> &'static Built {
    static BUILT: OnceCell<Built> = OnceCell::const_new();
    BUILT.get_or_init(|| build(None)).await
}

/// The same, put into a directory.
pub async fn build_in(directory: &Path) -> Built {
    build(Some(directory.to_owned())).await
}

/// The path of one of the image's scripts.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("hack/image")
        .join(name)
}

/// Runs a program to its end, with its standard error shown, and returns its standard output.
pub fn run(command: &mut Command) -> String {
    let Output { status, stdout, .. } = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(status.success(), "{command:?}: {status}, as is said above");
    String::from_utf8(stdout).unwrap()
}

async fn build(directory: Option<PathBuf>) -> Built {
    tokio::task::spawn_blocking(move || {
        let printed = run(Command::new(script("build")).args(directory));
        let value = |name: &str| {
            printed
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
                .unwrap_or_else(|| panic!("no {name} in {printed}"))
        };
        Built {
            archive: value("archive").into(),
            digest: value("digest").to_owned(),
            sbom: value("sbom").into(),
            rootfs: value("rootfs").into(),
        }
    })
    .await
    .unwrap()
}
