//! What the environment says. Read where it is needed, so that a function needs only its own variables.

use std::collections::BTreeMap;

use engine::failure::Failure;

/// The variables that may be asked for.
#[derive(Debug, Clone, Default)]
pub struct Settings(BTreeMap<String, String>);

const PREFIXES: [&str; 2] = ["TIDEGATE_", "AWS_ENDPOINT_URL"];

impl Settings {
    pub fn from_environment() -> Self {
        let ours = |name: &String| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .filter(|(name, _)| ours(name))
                .collect(),
        )
    }

    /// One more, or another value for one: for callers that learn them elsewhere, such as from a stack's outputs.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// An empty variable is one that is not set.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn required(&self, name: &'static str) -> Result<&str, Failure> {
        self.optional(name)
            .ok_or_else(|| Failure::refused("settings", format!("environment variable {name} is not set")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let failure = Settings::default().required("TIDEGATE_TABLE").unwrap_err();
        assert_eq!(
            failure.to_string(),
            "settings was refused: environment variable TIDEGATE_TABLE is not set"
        );
    }

    #[test]
    fn an_empty_variable_is_missing() {
        let settings = Settings::default().with("TIDEGATE_TABLE", "");
        assert!(settings.required("TIDEGATE_TABLE").is_err());
        assert_eq!(settings.with("TIDEGATE_TABLE", "t").required("TIDEGATE_TABLE").unwrap(), "t");
    }
}
