//! An image's name: `[registry/]repository[:tag]`.

use std::{fmt, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) registry: Option<String>,
    pub(super) repository: String,
    pub(super) tag: String,
}

const TAG_MAX: usize = 128;

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || format!("invalid reference format: {text:?}");
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host.to_owned()), rest)
            }
            _ => (None, name),
        };
        let part = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_alphanumeric())
                && part
                    .bytes()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'.' | b'_' | b'-'))
        };
        let tag_is_valid = (1..=TAG_MAX).contains(&tag.len())
            && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && tag.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'));
        if !repository.split('/').all(part) || !tag_is_valid {
            return Err(refused());
        }
        Ok(Self { registry, repository: repository.to_owned(), tag: tag.to_owned() })
    }
}

impl Reference {
    /// The name without its tag.
    pub(super) fn name(&self) -> String {
        match &self.registry {
            Some(registry) => format!("{registry}/{}", self.repository),
            None => self.repository.clone(),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name(), self.tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (text, registry, repository, tag) in [
            ("payments", None, "payments", "latest"),
            ("team/payments:v1", None, "team/payments", "v1"),
            (
                "1.dkr.ecr.eu-central-1.amazonaws.com/a/b:tg-1",
                Some("1.dkr.ecr.eu-central-1.amazonaws.com"),
                "a/b",
                "tg-1",
            ),
            ("localhost:5000/a", Some("localhost:5000"), "a", "latest"),
        ] {
            let read: Reference = text.parse().unwrap();
            assert_eq!(
                (read.registry.as_deref(), read.repository.as_str(), read.tag.as_str()),
                (registry, repository, tag)
            );
        }
        for text in ["", ":tag", "Upper", "a:", "a/../b", "a b", "a:-b"] {
            assert!(text.parse::<Reference>().is_err(), "{text:?}");
        }
    }
}
