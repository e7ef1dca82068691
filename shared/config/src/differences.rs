//! What two configs say differently of one environment, in words.

use std::collections::BTreeMap;

use model::ids::EnvironmentName;
use serde_json::Value;

use crate::canonical::canonical_json;
use crate::config::ServiceConfig;
use crate::faults::Path;
use crate::limits::EXCERPT_CHARS;

/// Differences told one by one; beyond it, how many more there are.
const DIFFERENCES_MAX: usize = 15;

impl ServiceConfig {
    /// What holds in `environment` by this config and held otherwise by `before`: one line each, by JSON path.
    ///
    /// Values of parameters are not told: people put secrets there.
    pub fn differences(&self, before: &ServiceConfig, environment: &EnvironmentName) -> Vec<String> {
        let (old, new) = (before.leaves(environment), self.leaves(environment));
        let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
        paths.sort();
        paths.dedup();
        let line = |path: &String| {
            let (old, new) = (old.get(path), new.get(path));
            let secret = path.starts_with("Parameters");
            match (old, new) {
                (Some(old), Some(new)) if old == new => None,
                (Some(_), Some(_)) if secret => Some(format!("{path} changes")),
                (None, Some(_)) if secret => Some(format!("{path} is new")),
                (Some(old), Some(new)) => Some(format!("{path} {old} → {new}")),
                (None, Some(new)) => Some(format!("{path} {new} is new")),
                (Some(_), None) => Some(format!("{path} is gone")),
                (None, None) => None,
            }
        };
        let mut lines: Vec<String> = paths.into_iter().filter_map(line).collect();
        if lines.len() > DIFFERENCES_MAX {
            let more = lines.len() - DIFFERENCES_MAX;
            lines.truncate(DIFFERENCES_MAX);
            lines.push(format!("and {more} more differences"));
        }
        lines
    }

    /// Everything that is said, by the path of what is no object.
    fn leaves(&self, environment: &EnvironmentName) -> BTreeMap<String, String> {
        let mut here = self.in_environment(environment);
        // What an environment says beside its overrides: approvals, freezes, what it comes after.
        let own = here.environments.remove(environment).unwrap_or_default();
        here.environments.clear();
        // A config is made of texts, numbers, lists and maps; it always is JSON.
        let mut leaves = BTreeMap::new();
        collect(&serde_json::to_value(&here).unwrap_or_default(), "", &mut leaves);
        let said = [
            ("branch", serde_json::to_value(&own.branch)),
            ("after", serde_json::to_value(&own.after)),
            ("approval", serde_json::to_value(&own.approval)),
            ("freeze", serde_json::to_value(&own.freeze)),
            ("requires", serde_json::to_value(&own.requires)),
        ];
        for (key, value) in said {
            collect(&value.unwrap_or_default(), key, &mut leaves);
        }
        leaves
    }
}

fn collect(value: &Value, path: &str, leaves: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                // Paths here are read, not looked up: without the root, they are shorter.
                let path = match path {
                    "" => key.clone(),
                    path => Path::of_words(path).key(key).to_string(),
                };
                collect(item, &path, leaves);
            }
        }
        Value::Null => {}
        Value::Array(items) if items.is_empty() => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            let text = canonical_json(value);
            let mut short: String = text.chars().take(EXCERPT_CHARS).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            leaves.insert(path.to_owned(), short);
        }
    }
}
