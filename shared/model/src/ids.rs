//! Names and identifiers. Each can exist only in a valid form.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::pattern::names;
use crate::text::is_unseen;

/// An identifier that does not have the form it must have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {value:?} is not {allowed}")]
pub struct Malformed {
    pub what: &'static str,
    pub value: String,
    pub allowed: &'static str,
}

/// A string newtype whose every value passed `$valid`.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $allowed:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Malformed;
            fn from_str(value: &str) -> Result<Self, Malformed> {
                let valid: fn(&str) -> bool = $valid;
                if valid(value) {
                    Ok(Self(value.to_owned()))
                } else {
                    Err(Malformed { what: $what, value: excerpt(value), allowed: $allowed })
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;
            fn try_from(value: String) -> Result<Self, Malformed> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Errors quote at most this much of a value.
const EXCERPT_CHARS: usize = 80;

pub(crate) fn excerpt(value: &str) -> String {
    value.chars().take(EXCERPT_CHARS).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_lower_hex(value: &str) -> bool {
    value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

text_id!(
    /// What is deployed. Becomes part of stack, release and change-set names.
    ServiceName,
    "service name",
    "1 to 31 of a-z, 0-9 and single hyphens, starting with a letter and not ending with a hyphen",
    |v| {
        (1..=31).contains(&v.len())
            && v.as_bytes()[0].is_ascii_lowercase()
            && v.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !v.ends_with('-')
            && !v.contains("--")
    }
);

text_id!(
    /// Where a service runs. Has no hyphen, so that `<service>-<environment>-<n>` reads back in one way only.
    EnvironmentName,
    "environment name",
    "1 to 16 of a-z and 0-9, starting with a letter",
    |v| {
        (1..=16).contains(&v.len())
            && v.as_bytes()[0].is_ascii_lowercase()
            && v.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9'))
    }
);

text_id!(
    /// A CodeCommit repository. Source: CodeCommit user guide, "Quotas".
    RepositoryName,
    "repository name",
    "1 to 100 of letters, digits, '.', '_' and '-', not ending in \".git\"",
    |v| {
        (1..=100).contains(&v.len())
            && v.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && !v.ends_with(".git")
    }
);

text_id!(
    /// A branch, without `refs/heads/`. Source: CodeCommit user guide, "Quotas" (1 to 256 characters).
    BranchName,
    "branch name",
    "1 to 256 characters without blanks or control characters",
    |v| {
        (1..=256).contains(&v.chars().count())
            && !v.chars().any(|c| is_unseen(c) || c.is_whitespace())
    }
);

text_id!(
    /// A source commit: the full SHA-1 (40) or SHA-256 (64).
    Revision,
    "revision",
    "40 or 64 lower-case hex digits",
    |v| matches!(v.len(), 40 | 64) && is_lower_hex(v)
);

text_id!(
    /// A request of CodePipeline for approval. Has one hyphen, and so is never read as a release.
    PipelineRequestId,
    "request of a pipeline",
    "pipeline-<16 lower-case hex digits>",
    |v| v.strip_prefix("pipeline-").is_some_and(|digits| digits.len() == 16 && is_lower_hex(digits))
);

impl PipelineRequestId {
    /// The same token at the same action is the same request.
    pub fn of(fingerprint: &Fingerprint) -> Self {
        Self(format!("pipeline-{}", &fingerprint.as_str()[..16]))
    }
}

impl Revision {
    /// The first twelve digits, for people and names.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

text_id!(
    /// What an image is; a tag is only a label.
    ImageDigest,
    "image digest",
    "\"sha256:\" and 64 lower-case hex digits",
    |v| v.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && is_lower_hex(hex))
);

impl ImageDigest {
    pub fn of(sha256: &[u8; 32]) -> Self {
        Self(format!("sha256:{}", hex(sha256)))
    }
}

text_id!(
    /// SHA-256 of everything that a plan would change; approvals are bound to it.
    Fingerprint,
    "fingerprint",
    "64 lower-case hex digits",
    |v| v.len() == 64 && is_lower_hex(v)
);

impl Fingerprint {
    pub fn of(sha256: &[u8; 32]) -> Self {
        Self(hex(sha256))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..12]
    }
}

text_id!(
    /// A person's order, named by whoever sends it.
    OrderId,
    "order id",
    "1 to 64 of letters, digits, '-' and '_'",
    |v| (1..=64).contains(&v.len()) && v.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
);

text_id!(
    /// One attempt at a build; also its image tag: `tg-<revision, 12>-<inputs, 8>-<attempt>`.
    BuildId,
    "build id",
    "tg-<12 hex>-<8 hex>-<attempt>",
    |v| {
        let parts: Vec<&str> = v.split('-').collect();
        matches!(parts[..], ["tg", revision, inputs, attempt]
            if revision.len() == 12 && is_lower_hex(revision)
                && inputs.len() == 8 && is_lower_hex(inputs)
                && parse_counter(attempt).is_some())
    }
);

text_id!(
    /// What builds of the same (repository, revision, inputs) share: a build id without its attempt.
    BuildFamily,
    "build family",
    "tg-<12 hex>-<8 hex>",
    |v| {
        let parts: Vec<&str> = v.split('-').collect();
        matches!(parts[..], ["tg", revision, inputs]
            if revision.len() == 12 && is_lower_hex(revision) && inputs.len() == 8 && is_lower_hex(inputs))
    }
);

impl BuildFamily {
    /// `inputs` is everything beside the revision that changes what a build makes.
    pub fn of(repository: &RepositoryName, revision: &Revision, inputs: &str) -> Self {
        use sha2::{Digest, Sha256};
        let hash = Sha256::digest(format!("{repository}\n{revision}\n{inputs}"));
        let short: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("tg-{}-{short}", revision.short()))
    }

    pub fn attempt(&self, attempt: u32) -> BuildId {
        BuildId(format!("{}-{attempt}", self.0))
    }
}

impl BuildId {
    pub fn family(&self) -> BuildFamily {
        let (family, _) = self.0.rsplit_once('-').unwrap_or((&self.0, ""));
        BuildFamily(family.to_owned())
    }
}

text_id!(
    /// A person, as the directory names them: quorum counts these.
    PersonName,
    "person",
    "1 to 64 of letters, digits, '.', '_', '@' and '-'",
    is_handle
);

text_id!(
    /// People who may approve together.
    GroupName,
    "group",
    "1 to 64 of letters, digits, '.', '_', '@' and '-'",
    is_handle
);

fn is_handle(value: &str) -> bool {
    (1..=64).contains(&value.len())
        && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b'-'))
}

text_id!(
    /// An IAM identity by what is never given to another: a user's unique id, or a role's unique id with the name of
    /// the session. It is the `UserId` of `GetCallerIdentity`. The account's root and federated users have other forms.
    ///
    /// Source: IAM user guide, "IAM identifiers", "Unique identifiers".
    IamId,
    "IAM identity",
    "the unique id of an IAM user (AIDA…), or of a role and its session name (AROA…:ana)",
    |v| match v.split_once(':') {
        None => is_unique_id(v, "AIDA"),
        Some((role, session)) => is_unique_id(role, "AROA")
            && (2..=64).contains(&session.len())
            && session
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')),
    }
);

fn is_unique_id(value: &str, prefix: &str) -> bool {
    (16..=128).contains(&value.len())
        && value.starts_with(prefix)
        && value.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9'))
}

impl IamId {
    /// The unique id of the role, for a session of one.
    pub fn role(&self) -> Option<&str> {
        self.0.split_once(':').map(|(role, _)| role)
    }
}

text_id!(
    /// A Slack user by team and user id; names and e-mail addresses change hands.
    SlackUser,
    "Slack user",
    "a team's and a user's id: T0123ABCD/U0123ABCD",
    |v| {
        let is_id = |id: &str, first: [char; 2]| {
            (2..=32).contains(&id.len())
                && id.starts_with(first)
                && id.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9'))
        };
        v.split_once('/').is_some_and(|(team, user)| is_id(team, ['T', 'E']) && is_id(user, ['U', 'W']))
    }
);

impl SlackUser {
    pub fn team(&self) -> &str {
        self.0.split_once('/').map_or("", |(team, _)| team)
    }

    /// The user's own id, in whatever team.
    pub fn user(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, user)| user)
    }
}

text_id!(
    /// Whom a commit or a push names: an author's e-mail address, or the ARN that pushed. A statement, not a proof:
    /// it only ever keeps somebody from approving.
    GitName,
    "git identity",
    "an e-mail address, or the ARN of an IAM user or of a role's session",
    |v| {
        (3..=512).contains(&v.len())
            && !v.chars().any(|c| c.is_control() || c.is_whitespace())
            && (v.contains('@') || v.starts_with("arn:"))
    }
);

impl GitName {
    /// E-mail addresses differ by more than their case; ARNs do not.
    pub fn is(&self, said: &str) -> bool {
        if self.0.starts_with("arn:") { self.0 == said } else { self.0.eq_ignore_ascii_case(said.trim()) }
    }
}

text_id!(
    /// A channel in Slack. Names of channels change, ids do not.
    ChannelId,
    "Slack channel",
    "the channel's id, as its details in Slack show it: C0123456789 or G0123456789",
    |v| {
        (2..=32).contains(&v.len())
            && v.starts_with(['C', 'G'])
            && v.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9'))
    }
);

text_id!(
    /// Names of services, environments, databases or pipelines: one, or all that begin so.
    NamePattern,
    "name",
    "payments, or payments-* for all that begin so: 1 to 255 of letters, digits, '.', '_', '@', ':' and '-'; '*' at the \
     end alone",
    |v| {
        (1..=255).contains(&v.len())
            && v.strip_suffix('*').unwrap_or(v).bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'@' | b':' | b'-')
            })
    }
);

impl NamePattern {
    pub fn fits(&self, name: &str) -> bool {
        names(&self.0, name)
    }
}

/// One service in one environment; releases on a track go one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrackKey {
    pub service: ServiceName,
    pub environment: EnvironmentName,
}

impl TrackKey {
    /// `tidegate-<service>-<environment>`; a stack of any other name is not ours.
    pub fn stack(&self) -> StackName {
        StackName(format!("{STACK_PREFIX}{}-{}", self.service, self.environment))
    }
}

impl fmt::Display for TrackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.service, self.environment)
    }
}

impl FromStr for TrackKey {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        let malformed =
            || Malformed { what: "track", value: excerpt(value), allowed: "<service>/<environment>" };
        let (service, environment) = value.split_once('/').ok_or_else(malformed)?;
        Ok(Self { service: service.parse()?, environment: environment.parse()? })
    }
}

/// One revision's way along one track: `<service>-<environment>-<n>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseId {
    pub track: TrackKey,
    pub n: u32,
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.track.service, self.track.environment, self.n)
    }
}

impl FromStr for ReleaseId {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        let malformed =
            || Malformed { what: "release", value: excerpt(value), allowed: "<service>-<environment>-<n>" };
        let (track, n) = value.rsplit_once('-').ok_or_else(malformed)?;
        let (service, environment) = track.rsplit_once('-').ok_or_else(malformed)?;
        Ok(Self {
            track: TrackKey { service: service.parse()?, environment: environment.parse()? },
            n: parse_counter(n).ok_or_else(malformed)?,
        })
    }
}

/// One promised effect: `<release>-<k>`. Also its change-set name and client request token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EffectKey {
    pub release: ReleaseId,
    pub k: u32,
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.release, self.k)
    }
}

impl FromStr for EffectKey {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed {
            what: "effect key",
            value: excerpt(value),
            allowed: "<service>-<environment>-<n>-<k>",
        };
        let (release, k) = value.rsplit_once('-').ok_or_else(malformed)?;
        Ok(Self { release: release.parse()?, k: parse_counter(k).ok_or_else(malformed)? })
    }
}

/// Stack names carry their track, so that a stack's or a service's event names its track by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StackName(String);

const STACK_PREFIX: &str = "tidegate-";

impl StackName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn track(&self) -> Option<TrackKey> {
        let (service, environment) = self.0.strip_prefix(STACK_PREFIX)?.rsplit_once('-')?;
        Some(TrackKey { service: service.parse().ok()?, environment: environment.parse().ok()? })
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StackName {
    type Err = Malformed;
    fn from_str(value: &str) -> Result<Self, Malformed> {
        let name = Self(value.to_owned());
        match name.track() {
            Some(_) => Ok(name),
            None => Err(Malformed {
                what: "stack",
                value: excerpt(value),
                allowed: "tidegate-<service>-<environment>",
            }),
        }
    }
}

macro_rules! string_form {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = Malformed;
            fn try_from(value: String) -> Result<Self, Malformed> {
                value.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    )*};
}
string_form!(TrackKey, ReleaseId, EffectKey, StackName);

/// A positive decimal without sign or leading zero, so that every id has one spelling.
fn parse_counter(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    plain.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_id_of_a_hyphenated_service_reads_back() {
        let id: ReleaseId = "card-payments-production-12".parse().unwrap();
        assert_eq!(id.track.service.as_str(), "card-payments");
        assert_eq!(id.track.environment.as_str(), "production");
        assert_eq!(id.n, 12);
        assert_eq!(id.to_string(), "card-payments-production-12");
    }

    #[test]
    fn ids_have_one_spelling() {
        for bad in
            ["payments-production-07", "payments-production-0", "payments-production-+7", "payments-7", "7"]
        {
            assert!(bad.parse::<ReleaseId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn only_our_stacks_name_a_track() {
        let stack: StackName = "tidegate-payments-production".parse().unwrap();
        assert_eq!(stack.track().unwrap().to_string(), "payments/production");
        for other in
            ["web-prod", "tidegate", "tidegate-", "tidegate-payments", "Tidegate-payments-production"]
        {
            assert!(other.parse::<StackName>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_digest_is_all_of_its_64_digits() {
        assert!(format!("sha256:{}", "a".repeat(64)).parse::<ImageDigest>().is_ok());
        assert!(format!("sha256:{}", "a".repeat(60)).parse::<ImageDigest>().is_err());
        assert!(format!("sha256:{}", "A".repeat(64)).parse::<ImageDigest>().is_err());
    }

    #[test]
    fn a_build_id_keeps_its_family() {
        let revision: Revision = "0123456789abcdef0123456789abcdef01234567".parse().unwrap();
        let family = BuildFamily::of(&"payments".parse().unwrap(), &revision, "");
        let id = family.attempt(2);
        assert_eq!(id.to_string().parse::<BuildId>().unwrap().family(), family);
    }
}
