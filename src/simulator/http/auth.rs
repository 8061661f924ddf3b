//! Signature Version 4, as far as it says who calls. The signature itself is not verified: the
//! simulator has no secrets.

use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::simulator::error::ApiError;
use crate::simulator::period::Period;

/// The credential scope of a signed request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) access_key_id: String,
    pub(super) region: String,
    service: String,
}

/// Reads who signed a request for this service, and refuses what AWS would refuse.
pub(super) fn signed(
    headers: &HeaderMap,
    service: &str,
    skew: Period,
    now: Timestamp,
) -> Result<Signed, ApiError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization").ok_or_else(|| {
        ApiError::new(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        )
    })?;
    let signed = scope(authorization).ok_or_else(|| {
        ApiError::new(
            "IncompleteSignature",
            "The Authorization header is not one of AWS Signature Version 4",
        )
    })?;
    if signed.service != service {
        return Err(ApiError::new(
            "InvalidSignatureException",
            format!("Credential should be scoped to correct service: '{service}'."),
        ));
    }
    let stamp = text("x-amz-date").unwrap_or_default();
    let at = signing_time(stamp).ok_or_else(|| {
        ApiError::new(
            "IncompleteSignature",
            "The request lacks an X-Amz-Date header such as 20261123T101500Z",
        )
    })?;
    let invalid = |why: String| Err(ApiError::new("InvalidSignatureException", why));
    if at < skew.before(now) {
        return invalid(format!(
            "Signature expired: {stamp} is too early, it is {now}"
        ));
    }
    if at > skew.after(now) {
        return invalid(format!(
            "Signature not yet current: {stamp} is still later than {now}"
        ));
    }
    Ok(signed)
}

fn scope(authorization: &str) -> Option<Signed> {
    let parts = authorization.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let mut credential = None;
    let mut has_signature = false;
    for part in parts.split(',') {
        match part.trim().split_once('=')? {
            ("Credential", value) => credential = Some(value),
            ("Signature", value) => has_signature = !value.is_empty(),
            _ => {}
        }
    }
    // The access key id comes first, the other four parts contain no slash.
    let mut parts = credential.filter(|_| has_signature)?.rsplitn(5, '/');
    let (end, service, region) = (parts.next()?, parts.next()?, parts.next()?);
    let (_day, access_key_id) = (parts.next()?, parts.next()?);
    (end == "aws4_request").then(|| Signed {
        access_key_id: access_key_id.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

fn signing_time(stamp: &str) -> Option<Timestamp> {
    let time = DateTime::strptime("%Y%m%dT%H%M%SZ", stamp).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIA1/20261123/eu-west-1/eks/\
        aws4_request, SignedHeaders=host;x-amz-date, Signature=abc123";

    fn headers(authorization: &str, date: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        headers.insert("x-amz-date", date.parse().unwrap());
        headers
    }

    fn read(authorization: &str, date: &str) -> Result<Signed, String> {
        let now = "2026-11-23T10:00:00Z".parse().unwrap();
        signed(
            &headers(authorization, date),
            "eks",
            Period::minutes(5),
            now,
        )
        .map_err(|error| error.code)
    }

    #[test]
    fn the_scope_says_key_and_region() {
        let signed = read(AUTHORIZATION, "20261123T100400Z").unwrap();
        assert_eq!(signed.access_key_id, "AKIA1");
        assert_eq!(signed.region, "eu-west-1");
    }

    #[test]
    fn clocks_that_are_off_and_other_services_are_refused() {
        let off = Err("InvalidSignatureException".to_owned());
        assert_eq!(read(AUTHORIZATION, "20261123T100501Z"), off);
        assert_eq!(read(AUTHORIZATION, "20261123T095459Z"), off);
        let other = AUTHORIZATION.replace("/eks/", "/sts/");
        assert_eq!(read(&other, "20261123T100000Z"), off);
    }

    #[test]
    fn what_is_no_signature_is_incomplete() {
        let incomplete = Err("IncompleteSignature".to_owned());
        for wrong in [
            "Bearer token",
            "AWS4-HMAC-SHA256 Credential=AKIA1/eks/aws4_request, Signature=abc",
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261123/eu-west-1/eks/aws4_request",
        ] {
            assert_eq!(read(wrong, "20261123T100000Z"), incomplete, "{wrong}");
        }
        assert_eq!(read(AUTHORIZATION, "yesterday"), incomplete);
    }
}
