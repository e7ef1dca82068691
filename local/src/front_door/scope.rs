//! Whose request it is and for which service, read from its signature.

use axum::http::{HeaderMap, Uri};

use super::Incoming;
use crate::people;

/// Requests without a signature (a function URL, a presigned link of another form) belong to nobody.
const NOBODY: &str = "000000000000";

/// The credential scope of a signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) service: String,
}

impl Scope {
    /// From the `Authorization` header, or from the query of a presigned URL.
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Option<Self> {
        let header = headers.get("authorization").and_then(|value| value.to_str().ok());
        let signed = header.and_then(|header| header.split("Credential=").nth(1)).and_then(Self::parse);
        signed.or_else(|| {
            let query = uri.query()?;
            let (_, credential) = form_urlencoded::parse(query.as_bytes())
                .find(|(name, _)| name.eq_ignore_ascii_case("X-Amz-Credential"))?;
            Self::parse(&credential)
        })
    }

    /// `<access key>/<date>/<region>/<service>/aws4_request`, with whatever follows.
    fn parse(credential: &str) -> Option<Self> {
        let credential = credential.split([',', ' ']).next()?;
        let mut parts = credential.split('/');
        let (key, _date) = (parts.next()?, parts.next()?);
        let (region, service) = (parts.next()?, parts.next()?);
        Some(Self {
            account: account_of(key).to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// The same request, in the name of the account alone.
    pub(crate) fn as_its_account(&self, mut incoming: Incoming) -> Incoming {
        let header = incoming.headers.get("authorization").and_then(|value| value.to_str().ok());
        let key = header
            .and_then(|header| header.split("Credential=").nth(1))
            .and_then(|key| key.split('/').next());
        let is_a_person_s = key.and_then(people::user_of).is_some_and(|(account, _)| key != Some(account));
        if is_a_person_s && let Ok(authorization) = self.authorization().parse() {
            incoming.headers.insert("authorization", authorization);
        }
        incoming
    }

    /// The header with which we call the emulator in somebody's name; it does not check signatures.
    pub(crate) fn authorization(&self) -> String {
        let Self { account, region, service } = self;
        format!(
            "AWS4-HMAC-SHA256 Credential={account}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=local"
        )
    }
}

/// An access key begins with the account.
fn account_of(access_key: &str) -> &str {
    people::user_of(access_key).map_or(NOBODY, |(account, _)| account)
}

/// The operation that a request names: a JSON protocol's target, a query protocol's action, or for REST
/// protocols the method.
pub(crate) fn action(headers: &HeaderMap, body: &[u8], method: &str) -> String {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    if let Some((_, action)) = target.and_then(|target| target.rsplit_once('.')) {
        return action.to_owned();
    }
    let is_form = headers
        .get("content-type")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let named = is_form
        .then(|| form_urlencoded::parse(body).find(|(name, _)| name == "Action"))
        .flatten()
        .map(|(_, action)| action.into_owned());
    named.unwrap_or_else(|| method.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(credential: &str) -> HeaderMap {
        let value =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=ab");
        [("authorization".parse().unwrap(), value.parse().unwrap())].into_iter().collect()
    }

    fn scope(account: &str, service: &str) -> Option<Scope> {
        Some(Scope { account: account.into(), region: "eu-west-1".into(), service: service.into() })
    }

    #[test]
    fn an_access_key_of_twelve_digits_is_the_account() {
        let headers = signed("111122223333/20261123/eu-west-1/ecs/aws4_request");
        assert_eq!(Scope::of(&headers, &Uri::from_static("/")), scope("111122223333", "ecs"));
    }

    #[test]
    fn a_person_s_key_is_their_account_s_and_goes_to_the_emulator_as_that() {
        let headers = signed("111122223333ana/20261123/eu-west-1/ecs/aws4_request");
        let scope = Scope::of(&headers, &Uri::from_static("/")).unwrap();
        assert_eq!(scope.account, "111122223333");
        let incoming = Incoming {
            method: axum::http::Method::POST,
            path_and_query: "/".to_owned(),
            headers,
            body: bytes::Bytes::new(),
        };
        let passed = scope.as_its_account(incoming);
        let authorization = passed.headers["authorization"].to_str().unwrap();
        assert!(authorization.contains("Credential=111122223333/"), "{authorization}");
    }

    #[test]
    fn any_other_access_key_is_nobodys() {
        let headers = signed("AKIAEXAMPLE/20261123/eu-west-1/ecs/aws4_request");
        assert_eq!(Scope::of(&headers, &Uri::from_static("/")), scope(NOBODY, "ecs"));
    }

    #[test]
    fn a_presigned_url_names_its_scope_in_the_query() {
        let uri = Uri::from_static(
            "/bucket/key?X-Amz-Credential=111122223333%2F20261123%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Expires=60",
        );
        assert_eq!(Scope::of(&HeaderMap::new(), &uri), scope("111122223333", "s3"));
    }

    #[test]
    fn a_request_without_a_signature_has_no_scope() {
        assert_eq!(Scope::of(&HeaderMap::new(), &Uri::from_static("/x?y=z")), None);
        assert_eq!(Scope::of(&signed("broken"), &Uri::from_static("/")), None);
    }

    #[test]
    fn the_action_is_read_in_either_protocol() {
        let json = [("x-amz-target".parse().unwrap(), "CodeBuild_20161006.StartBuild".parse().unwrap())];
        assert_eq!(action(&json.into_iter().collect(), b"{}", "POST"), "StartBuild");
        let form = [(
            "content-type".parse().unwrap(),
            "application/x-www-form-urlencoded; charset=utf-8".parse().unwrap(),
        )];
        assert_eq!(
            action(&form.into_iter().collect(), b"Version=1&Action=DescribeStacks", "POST"),
            "DescribeStacks"
        );
        assert_eq!(action(&HeaderMap::new(), b"", "PUT"), "PUT");
    }
}
