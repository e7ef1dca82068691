//! CloudFormation's dynamic references: `{{resolve:ssm:/payments/level:3}}`.
//!
//! Source: CloudFormation user guide, "Get values stored in other services using dynamic references".

use model::ids::ServiceName;

pub(crate) const VERSIONED_ALLOWED: &str = "a dynamic reference that names its version: \
    {{resolve:ssm:<name>:<version>}}, {{resolve:ssm-secure:<name>:<version>}} or \
    {{resolve:secretsmanager:<name>:SecretString:<key>::<version id>}}";

const OPENING: &str = "{{resolve:";

/// One reference as it was written.
pub(crate) struct Reference<'t> {
    /// All of it, for messages; it names a secret but holds none.
    pub(crate) text: &'t str,
    target: Option<Target<'t>>,
}

struct Target<'t> {
    name: &'t str,
    versioned: bool,
}

/// The references in `text`, in order. One that is not closed reaches to the end.
pub(crate) fn references(text: &str) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(OPENING) {
        let opened = &rest[start..];
        let (text, inner, after) = match opened.find("}}") {
            Some(end) => (&opened[..end + 2], Some(&opened[OPENING.len()..end]), &opened[end + 2..]),
            None => (opened, None, ""),
        };
        found.push(Reference { text, target: inner.and_then(target) });
        rest = after;
    }
    found
}

fn target(inner: &str) -> Option<Target<'_>> {
    // Of two that are opened before one is closed, CloudFormation might resolve either.
    if inner.contains(OPENING) {
        return None;
    }
    let (service, rest) = inner.split_once(':')?;
    match service {
        "ssm" | "ssm-secure" => {
            let (name, version) = rest.rsplit_once(':').unwrap_or((rest, ""));
            // A substitution such as ${Version} is not known before it is resolved.
            let versioned = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
            Some(Target { name: if versioned { name } else { rest }, versioned })
        }
        "secretsmanager" => {
            // A secret given by its ARN has colons in its name.
            let (name, tail) = rest.split_once(":SecretString").unwrap_or((rest, ""));
            // After the name: key, version stage, version id. A stage moves; only the id stays.
            let version = tail.split(':').nth(3).unwrap_or_default();
            Some(Target { name, versioned: !version.is_empty() && !version.contains("${") })
        }
        _ => None,
    }
}

impl Reference<'_> {
    /// Whether it always means the same value. Others could change what was approved.
    pub(crate) fn is_versioned(&self) -> bool {
        self.target.as_ref().is_some_and(|target| target.versioned)
    }

    /// Whether it names something of this service's own: `<service>/…` or `/<service>/…`.
    pub(crate) fn belongs_to(&self, service: &ServiceName) -> bool {
        self.target.as_ref().is_some_and(|target| {
            let name = target.name.strip_prefix('/').unwrap_or(target.name);
            name.strip_prefix(service.as_str()).is_some_and(|below| below.starts_with('/'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_reference_with_a_version_always_means_the_same() {
        for good in [
            "{{resolve:ssm:/payments/level:3}}",
            "{{resolve:ssm-secure:level:12}}",
            "{{resolve:secretsmanager:payments/db:SecretString:password::0a1b2c3d}}",
            "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments/db-a1b2c3:SecretString:password::0a1b}}",
        ] {
            assert!(references(good)[0].is_versioned(), "{good}");
        }
        for bad in [
            "{{resolve:ssm:/payments/level}}",
            "{{resolve:ssm:/payments/level:}}",
            "{{resolve:ssm:/payments/level:${Version}}}",
            "{{resolve:secretsmanager:payments/db}}",
            "{{resolve:secretsmanager:payments/db:SecretString:password}}",
            "{{resolve:secretsmanager:payments/db:SecretString:password:AWSCURRENT:}}",
            "{{resolve:vault:payments/db:3}}",
            "{{resolve:ssm:/payments/level:3",
        ] {
            assert!(!references(bad)[0].is_versioned(), "{bad}");
        }
    }

    #[test]
    fn every_reference_of_a_text_is_found() {
        let found = references("jdbc://{{resolve:ssm:a:1}}/{{resolve:ssm:b}}?{{resolve:ssm:c");
        let texts: Vec<&str> = found.iter().map(|reference| reference.text).collect();
        assert_eq!(texts, ["{{resolve:ssm:a:1}}", "{{resolve:ssm:b}}", "{{resolve:ssm:c"]);
        assert!(references("{{ no reference }}").is_empty());
    }

    #[test]
    fn a_service_may_read_only_what_is_under_its_own_name() {
        let service = "payments".parse().unwrap();
        for (text, own) in [
            ("{{resolve:ssm:/payments/level:3}}", true),
            ("{{resolve:ssm:payments/level:3}}", true),
            ("{{resolve:secretsmanager:payments/db:SecretString:p::1}}", true),
            ("{{resolve:ssm:/payments-old/level:3}}", false),
            ("{{resolve:ssm:/ledger/level:3}}", false),
            ("{{resolve:ssm:/payments/level:{{resolve:ssm:/ledger/level:3}}", false),
            ("{{resolve:ssm://payments/level:3}}", false),
            (
                "{{resolve:secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:payments/db:SecretString:p::1}}",
                false,
            ),
        ] {
            assert_eq!(references(text)[0].belongs_to(&service), own, "{text}");
        }
    }
}
