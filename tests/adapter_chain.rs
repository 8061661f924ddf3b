//! The SDK's own chain of settings: environment, profile files, web identity, instance metadata.
//!
//! It reads the process's environment, so every case is a process of its own: this program, started again.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "adapter/server.rs"]
#[allow(dead_code)]
mod server;
#[path = "adapter/sts.rs"]
#[allow(dead_code)]
mod sts;

use std::process::Command;
use std::sync::Arc;

use eks_upgrade_operator::eks::aws::AwsEks;
use eks_upgrade_operator::eks::{Eks, Target};

use server::{Reply, Server, answer, error};

/// Set in the processes that are a case: the role to assume, or nothing for the operator itself.
const CASE: &str = "ADAPTER_CHAIN_ROLE";

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIDENV"),
    ("AWS_SECRET_ACCESS_KEY", "secret"),
];

#[tokio::main]
async fn main() {
    if let Ok(role) = std::env::var(CASE) {
        return ask(Some(role).filter(|role| !role.is_empty())).await;
    }
    environment_and_endpoints().await;
    settings_cannot_bring_retries_back().await;
    no_credentials_are_told_as_such().await;
    an_empty_endpoint_is_named().await;
    an_empty_region_is_none().await;
    a_service_account_token_is_exchanged().await;
    profile_files_are_read().await;
    println!("settings are read from environment, profiles, tokens and metadata: held");
}

/// A case: one call, and what came of it.
async fn ask(role_arn: Option<String>) {
    let eks = AwsEks::load(Arc::new(())).await;
    let target = Target {
        account_id: "111122223333".to_owned(),
        region: "us-west-2".to_owned(),
        name: "devel".to_owned(),
        role_arn,
        external_id: None,
    };
    match eks.list_updates(&target).await {
        Ok(ids) => println!("ok {}", ids.join(",")),
        Err(error) => println!(
            "{} {} {}: {}",
            error.kind.label(),
            error.code,
            error.operation,
            error.message
        ),
    }
}

/// Starts a case with this environment and no other, and returns the line it says.
async fn case(role: &str, environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .env_clear()
        .env("HOME", "/nonexistent")
        .env(CASE, role)
        .envs(environment.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("no panic")
        .expect("the case starts");
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(
        output.status.success(),
        "{said} {}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// EKS and STS at one address.
async fn aws() -> Server {
    Server::start(|asked| {
        if asked.is_sts() {
            sts::session(asked, 1, sts::FAR).into()
        } else {
            answer(200, r#"{"updateIds":["u-1"]}"#).into()
        }
    })
    .await
}

const ROLE: &str = "arn:aws:iam::111122223333:role/admin";

async fn environment_and_endpoints() {
    let (eks, sts) = (aws().await, aws().await);
    let mut environment = vec![
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_EKS", eks.url.as_str()),
        ("AWS_ENDPOINT_URL_STS", sts.url.as_str()),
    ];
    environment.extend(KEYS);
    assert_eq!(case(ROLE, &environment).await, "ok u-1");
    assert_eq!((eks.asked().len(), sts.asked().len()), (1, 1));
    assert_eq!(sts.asked()[0].access_key(), "AKIDENV");
    let signed = sts.asked()[0].header("authorization").to_owned();
    assert!(signed.contains("/eu-central-1/sts/"), "{signed}");
    assert_eq!(eks.asked()[0].access_key(), "adminN1");
}

async fn settings_cannot_bring_retries_back() {
    let eks = Server::always(error(500, "ServerException", "oops")).await;
    for mode in ["standard", "adaptive"] {
        let mut environment = vec![
            ("AWS_ENDPOINT_URL", eks.url.as_str()),
            ("AWS_MAX_ATTEMPTS", "9"),
            ("AWS_RETRY_MODE", mode),
        ];
        environment.extend(KEYS);
        let said = case("", &environment).await;
        assert!(said.starts_with("unavailable ServerException"), "{said}");
    }
    assert_eq!(eks.asked().len(), 2, "one request per call");
}

async fn no_credentials_are_told_as_such() {
    let silent = Server::always(Reply::Hang).await;
    for metadata in [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // As in a pod that the metadata's answers do not reach.
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", silent.url.as_str()),
    ] {
        let said = case("", &[metadata]).await;
        assert!(
            said.starts_with("credentials_missing CredentialsNotLoaded"),
            "{said}"
        );
        assert!(said.contains("service account"), "{said}");
    }
    assert_eq!(silent.asked().len(), 1, "asked once, and for no region");
}

async fn an_empty_endpoint_is_named() {
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_EKS",
        "AWS_ENDPOINT_URL_STS",
    ] {
        let mut environment = vec![(name, "")];
        environment.extend(KEYS);
        for role in ["", ROLE] {
            let said = case(role, &environment).await;
            let start = "credentials_missing InvalidConfiguration";
            assert!(said.starts_with(start), "{said}");
            assert!(said.contains(&format!("{name} is set but empty")), "{said}");
        }
    }
}

async fn an_empty_region_is_none() {
    let aws = aws().await;
    let mut environment = vec![("AWS_REGION", ""), ("AWS_ENDPOINT_URL", aws.url.as_str())];
    environment.extend(KEYS);
    assert_eq!(case(ROLE, &environment).await, "ok u-1");
    let signed = aws.asked()[0].header("authorization").to_owned();
    assert!(signed.contains("/us-west-2/sts/"), "{signed}");
}

async fn a_service_account_token_is_exchanged() {
    let aws = aws().await;
    let token = scratch_file("token", "jwt-of-the-pod");
    let environment = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ENDPOINT_URL_EKS", aws.url.as_str()),
        ("AWS_ENDPOINT_URL_STS", aws.url.as_str()),
        ("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/operator"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
    ];
    assert_eq!(case(ROLE, &environment).await, "ok u-1");
    let asked = aws.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked[0].body.contains("Action=AssumeRoleWithWebIdentity"));
    assert!(asked[0].body.contains("jwt-of-the-pod"));
    assert_eq!(asked[1].access_key(), "operatorN1");
    assert_eq!(asked[2].access_key(), "adminN1");

    let refusing = Server::always(sts::refusal(403, "AccessDenied", "no trust")).await;
    let mut environment = environment;
    environment[2].1 = &refusing.url;
    let said = case(ROLE, &environment).await;
    assert_eq!(
        said,
        "credentials_missing AccessDenied sts:AssumeRoleWithWebIdentity: no trust"
    );
}

async fn profile_files_are_read() {
    let aws = aws().await;
    let config = scratch_file(
        "config",
        &format!(
            "[profile ops]\nregion = eu-west-1\naws_access_key_id = AKIDPROFILE\n\
             aws_secret_access_key = secret\nservices = here\n\n[services here]\neks =\n  endpoint_url = {}\n",
            aws.url
        ),
    );
    let environment = [("AWS_PROFILE", "ops"), ("AWS_CONFIG_FILE", config.as_str())];
    assert_eq!(case("", &environment).await, "ok u-1");
    assert_eq!(aws.asked()[0].access_key(), "AKIDPROFILE");
}

/// A file in cargo's directory for tests; its path.
fn scratch_file(name: &str, text: &str) -> String {
    let path = format!("{}/adapter-chain-{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&path, text).expect("a file");
    path
}
