//! What a run met, by kind and name, and how often.

use std::collections::BTreeMap;

use model::kinds::{PhaseKind, SignalKind};
use serde_json::{Value, json};

/// A signal decided in a phase, and what came of it: "advances", or why it was ignored.
pub(crate) type Cell = (PhaseKind, SignalKind);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    things: BTreeMap<&'static str, BTreeMap<String, u64>>,
    pub(crate) cells: BTreeMap<Cell, BTreeMap<String, u64>>,
}

impl Coverage {
    pub(crate) fn hit(&mut self, kind: &'static str, name: &str) {
        add(self.things.entry(kind).or_default(), name, 1);
    }

    pub(crate) fn decided(&mut self, cell: Cell, outcome: &str) {
        add(self.cells.entry(cell).or_default(), outcome, 1);
    }

    pub fn merge(&mut self, other: &Coverage) {
        for (kind, names) in &other.things {
            let known = self.things.entry(kind).or_default();
            names.iter().for_each(|(name, times)| add(known, name, *times));
        }
        for (cell, outcomes) in &other.cells {
            let known = self.cells.entry(*cell).or_default();
            outcomes.iter().for_each(|(outcome, times)| add(known, outcome, *times));
        }
    }

    /// How often something of this kind was met under this name.
    pub fn times(&self, kind: &str, name: &str) -> u64 {
        self.things.get(kind).and_then(|names| names.get(name)).copied().unwrap_or(0)
    }

    pub(crate) fn names(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.things.get(kind).into_iter().flat_map(|names| names.keys().map(String::as_str))
    }

    /// Everything of a kind that was met, by name, and how often.
    pub(crate) fn of_kind(&self, kind: &str) -> BTreeMap<String, u64> {
        self.things.get(kind).cloned().unwrap_or_default()
    }

    pub fn to_json(&self) -> Value {
        let cells: BTreeMap<String, _> =
            self.cells.iter().map(|(cell, outcomes)| (cell_name(*cell), outcomes)).collect();
        json!({ "decided": cells, "met": self.things })
    }
}

/// `Building × BuildFailed`.
pub(crate) fn cell_name((phase, signal): Cell) -> String {
    format!("{} × {}", phase.name(), signal.name())
}

/// Allocates only for a name that is new.
fn add(names: &mut BTreeMap<String, u64>, name: &str, times: u64) {
    match names.get_mut(name) {
        Some(known) => *known += times,
        None => {
            names.insert(name.to_owned(), times);
        }
    }
}

impl std::fmt::Display for Coverage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (cell, outcomes) in &self.cells {
            let outcomes: Vec<String> =
                outcomes.iter().map(|(outcome, times)| format!("{outcome} {times}")).collect();
            writeln!(f, "{:<13} {:<40} {}", "decided", cell_name(*cell), outcomes.join(", "))?;
        }
        for (kind, names) in &self.things {
            for (name, times) in names {
                writeln!(f, "{kind:<13} {name:<40} {times}")?;
            }
        }
        Ok(())
    }
}
