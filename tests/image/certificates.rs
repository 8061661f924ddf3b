//! Whom the operator trusts.

use std::fs;
use std::path::Path;

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::built::built;
use crate::pod::BUNDLE;

/// The authorities that AWS signs its endpoints' certificates with.
const AMAZON: [&str; 5] = [
    "Amazon Root CA 1",
    "Amazon Root CA 2",
    "Amazon Root CA 3",
    "Amazon Root CA 4",
    "Starfield Services Root Certificate Authority - G2",
];

#[tokio::test]
async fn the_authorities_of_aws_are_known() {
    let certificates = bundle().await;
    let mut roots = RootCertStore::empty();
    let (good, bad) = roots.add_parsable_certificates(certificates.iter().cloned());
    assert_eq!(bad, 0, "of {good}");
    for name in AMAZON {
        let known = certificates
            .iter()
            .any(|certificate| contains(certificate, name.as_bytes()));
        assert!(known, "{name}");
    }
}

/// A machine may trust whoever inspects its traffic; nobody else is to trust them for that.
#[tokio::test]
async fn nobody_is_known_whom_only_the_building_machine_trusts() {
    let listed = std::process::Command::new("dpkg-query")
        .args(["--listfiles", "ca-certificates"])
        .output()
        .unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let packaged: Vec<Vec<u8>> = listed
        .lines()
        .filter(|file| file.starts_with("/usr/share/ca-certificates/"))
        .filter(|file| Path::new(file).extension() == Some("crt".as_ref()))
        .map(|file| CertificateDer::from_pem_file(file).unwrap().to_vec())
        .collect();
    assert!(packaged.len() > 50, "{}", packaged.len());
    let certificates = bundle().await;
    assert_eq!(certificates.len(), packaged.len());
    for certificate in certificates {
        assert!(packaged.contains(&certificate.to_vec()));
    }
}

async fn bundle() -> Vec<CertificateDer<'static>> {
    let rootfs = &built().await.rootfs;
    let pem = fs::read(rootfs.join(BUNDLE.trim_start_matches('/'))).unwrap();
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .unwrap()
}

fn contains(certificate: &[u8], text: &[u8]) -> bool {
    certificate.windows(text.len()).any(|bytes| bytes == text)
}
