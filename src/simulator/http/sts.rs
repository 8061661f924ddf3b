//! STS: the query protocol, form-encoded in and XML out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Form;
use axum::extract::State;
use axum::response::Response as HttpResponse;
use http::{HeaderMap, StatusCode};

use super::{Shared, auth, wire};
use crate::simulator::api::{AssumeRole, AssumedRole, Request, Response};
use crate::simulator::error::ApiError;

pub(super) async fn call(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Form(form): Form<BTreeMap<String, String>>,
) -> HttpResponse {
    let request = match read(form) {
        Ok(request) => request,
        Err(error) => return answer(Err(error)),
    };
    let reply =
        shared.with(
            |model, now| match auth::signed(&headers, "sts", shared.clock_skew, now) {
                Ok(signed) => {
                    model.signed_call(&signed.access_key_id, &signed.region, &request, now)
                }
                Err(error) => model.refuse("", &request, error, now),
            },
        );
    wire::send(reply, answer).await
}

fn read(mut form: BTreeMap<String, String>) -> Result<Request, ApiError> {
    let action = form.remove("Action").unwrap_or_default();
    match action.as_str() {
        "GetCallerIdentity" => Ok(Request::GetCallerIdentity {}),
        "AssumeRole" => {
            let duration_seconds = form
                .remove("DurationSeconds")
                .map(|text| {
                    text.parse().map_err(|_| {
                        ApiError::new(
                            "ValidationError",
                            format!("durationSeconds must be a number, not {text}"),
                        )
                    })
                })
                .transpose()?;
            Ok(Request::AssumeRole(AssumeRole {
                role_arn: form.remove("RoleArn").unwrap_or_default(),
                role_session_name: form.remove("RoleSessionName").unwrap_or_default(),
                external_id: form.remove("ExternalId"),
                duration_seconds,
            }))
        }
        _ => Err(ApiError::new(
            "InvalidAction",
            format!("the simulator does not know the action {action}"),
        )),
    }
}

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn answer(result: Result<Response, ApiError>) -> HttpResponse {
    let id = uuid::Uuid::new_v4();
    let (status, body) = match result {
        Ok(response) => (StatusCode::OK, success(&response, id)),
        Err(error) => {
            let status =
                StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let kind = if status.is_server_error() {
                "Receiver"
            } else {
                "Sender"
            };
            let body = format!(
                "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{}{}{}</Error>{}</ErrorResponse>",
                element("Type", kind),
                element("Code", &error.code),
                element("Message", &error.message),
                element("RequestId", &id.to_string()),
            );
            (status, body)
        }
    };
    wire::typed(status, "text/xml", body)
}

fn success(response: &Response, id: uuid::Uuid) -> String {
    let (action, result) = match response {
        Response::AssumedRole(AssumedRole {
            access_key_id,
            secret_access_key,
            session_token,
            expiration,
            arn,
            assumed_role_id,
        }) => {
            let user = [
                element("AssumedRoleId", assumed_role_id),
                element("Arn", arn),
            ];
            let credentials = [
                element("AccessKeyId", access_key_id),
                element("SecretAccessKey", secret_access_key),
                element("SessionToken", session_token),
                element("Expiration", &format!("{expiration:.0}")),
            ];
            let result = format!(
                "<AssumedRoleUser>{}</AssumedRoleUser><Credentials>{}</Credentials>",
                user.concat(),
                credentials.concat()
            );
            ("AssumeRole", result)
        }
        Response::CallerIdentity {
            account,
            arn,
            user_id,
        } => {
            let members = [
                element("Arn", arn),
                element("UserId", user_id),
                element("Account", account),
            ];
            ("GetCallerIdentity", members.concat())
        }
        // Only requests of STS are read here, and the model answers them with these.
        Response::Clusters { .. }
        | Response::Cluster(_)
        | Response::Update(_)
        | Response::Updates { .. }
        | Response::ClusterVersions { .. }
        | Response::Insights { .. }
        | Response::Insight(_)
        | Response::RefreshStarted(_)
        | Response::Refresh(_)
        | Response::Nodegroups { .. }
        | Response::Nodegroup(_)
        | Response::Addons { .. }
        | Response::Addon(_)
        | Response::AddonVersions { .. } => ("", String::new()),
    };
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata>{}</ResponseMetadata></{action}Response>",
        element("RequestId", &id.to_string()),
    )
}

fn element(name: &str, text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            other if other.is_control() => {
                // Writing to a string cannot fail.
                write!(escaped, "&#x{:x};", u32::from(other)).unwrap_or_default();
            }
            other => escaped.push(other),
        }
    }
    format!("<{name}>{escaped}</{name}>")
}
