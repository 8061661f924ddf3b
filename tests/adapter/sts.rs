//! STS as the scripted server plays it: XML, as the query protocol has it.

use crate::server::{Answer, Asked, answer};

/// An expiry that no test lives to see.
pub const FAR: &str = "2199-01-01T00:00:00Z";

/// A session for the role that was asked for, good until `expiry`. Its access key is `ROLE/NUMBER` without the slash.
pub fn session(asked: &Asked, number: usize, expiry: &str) -> Answer {
    let key = format!("{}N{number}", role(asked));
    answer(
        200,
        format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>{expiry}</Expiration>\
             </Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

pub fn refusal(status: u16, code: &str, message: &str) -> Answer {
    answer(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error><RequestId>sts-1</RequestId></ErrorResponse>"
        ),
    )
}

/// The name of the role that AssumeRole asks for.
pub fn role(asked: &Asked) -> &str {
    asked
        .body
        .split('&')
        .find_map(|pair| pair.strip_prefix("RoleArn="))
        .and_then(|arn| arn.rsplit("%2F").next())
        .unwrap_or_default()
}
