use std::path::Path;

use super::fixture::Fixture;

#[tokio::test]
async fn the_samples_apply() {
    let fixture = Fixture::new().await;
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples");
    // Freezes are of no namespace: other tests would meet them.
    let applied = fixture
        .plane
        .kubectl()
        .run([
            "apply".as_ref(),
            "--dry-run=server".as_ref(),
            "--namespace".as_ref(),
            fixture.namespace.as_ref(),
            "--filename".as_ref(),
            samples.as_os_str(),
        ])
        .await
        .unwrap()
        .ok()
        .unwrap();
    let files = std::fs::read_dir(samples).unwrap();
    let yaml = |path: &Path| path.extension().is_some_and(|it| it == "yaml");
    let files = files.filter(|entry| yaml(&entry.as_ref().unwrap().path()));
    assert_eq!(applied.lines().count(), files.count(), "{applied}");
}
