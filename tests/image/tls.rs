//! HTTPS in front of a simulator, which speaks HTTP, with a certificate that an authority of the test's own has signed.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub struct Https {
    /// Where it listens.
    pub port: u16,
    /// The certificate of the authority, in PEM.
    pub authority: PathBuf,
    task: JoinHandle<()>,
}

impl Https {
    /// Serves as `host` what is served at `url`, with keys in `directory`.
    pub async fn before(url: &str, host: &str, directory: &Path) -> Self {
        let upstream: SocketAddr = url.strip_prefix("http://").unwrap().parse().unwrap();
        let authority = directory.join("authority.crt");
        sign(directory, host);
        let chain = vec![CertificateDer::from_pem_file(directory.join("server.crt")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self {
            port: listener.local_addr().unwrap().port(),
            authority,
            task: tokio::spawn(serve(
                listener,
                TlsAcceptor::from(Arc::new(config)),
                upstream,
            )),
        }
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, upstream: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let tls = tls.clone();
        connections.spawn(async move {
            // A client that does not trust the certificate goes away, as one that has what it wanted.
            let mut client = tls.accept(client).await?;
            let mut server = TcpStream::connect(upstream).await?;
            copy_bidirectional(&mut client, &mut server).await
        });
    }
}

/// Makes the keys and certificates of an authority and of a server, by the openssl that Debian's CA certificates come with.
fn sign(directory: &Path, host: &str) {
    let openssl = |args: &[&str]| {
        let said = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args(args)
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("openssl: {error}"));
        let stderr = String::from_utf8_lossy(&said.stderr);
        assert!(said.status.success(), "openssl {args:?}: {stderr}");
    };
    openssl(&[
        "-subj",
        "/CN=a test's authority",
        "-keyout",
        "authority.key",
        "-out",
        "authority.crt",
    ]);
    openssl(&[
        "-CA",
        "authority.crt",
        "-CAkey",
        "authority.key",
        "-subj",
        "/CN=server",
        "-addext",
        &format!("subjectAltName=DNS:{host}"),
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-keyout",
        "server.key",
        "-out",
        "server.crt",
    ]);
}
