//! STS as the scripted server plays it: XML, as the query protocol has it.

use crate::server::{Answer, Asked, answer};

/// An expiry that no test lives to see.
pub const FAR: &str = "2199-01-01T00:00:00Z";

/// A session for the role that was asked for, good until `expiry`. Its access key is the role's name, `N` and the number.
pub fn session(asked: &Asked, number: usize, expiry: &str) -> Answer {
    let key = format!("{}N{number}", role(asked));
    let action = member(asked, "Action");
    answer(
        200,
        format!(
            "<{action}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{action}Result><Credentials>\
             <AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
             <SessionToken>token</SessionToken><Expiration>{expiry}</Expiration>\
             </Credentials></{action}Result></{action}Response>"
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

/// The name of the role that is to be assumed.
fn role(asked: &Asked) -> &str {
    member(asked, "RoleArn")
        .rsplit("%2F")
        .next()
        .unwrap_or_default()
}

fn member<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked
        .body
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(known, value)| (known == name).then_some(value))
        .unwrap_or_default()
}
