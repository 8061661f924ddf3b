//! Program entry.
fn main() {
    print!(
        "{}",
        serde_norway::to_string(&eks_upgrade_operator::api::cluster_upgrade_crd())
            .unwrap_or_default()
    );
}
