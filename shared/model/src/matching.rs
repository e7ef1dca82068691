//! Which requests a rule takes, and how two such rules stand to each other.

use serde::{Deserialize, Serialize};

use crate::pattern::{covers, overlap};

/// Which requests a rule takes: those for one of `hosts` and one of `paths`; an empty list takes all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Matching {
    pub hosts: Vec<String>,
    pub paths: Vec<String>,
}

/// How two rules stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meeting {
    Apart,
    /// All that this one shares with the other, and more, is the other's: this is the more specific one.
    Within,
    Around,
    Clash {
        own: String,
        theirs: String,
    },
}

/// One host pattern and one path pattern.
type Pair = (String, String);

impl Matching {
    pub fn compare(&self, other: &Matching) -> Meeting {
        let shared = self.shared(other);
        let over = |a: &Pair, b: &Pair| covers(&a.0, &b.0) && covers(&a.1, &b.1);
        let Some((first, second)) = shared.first() else { return Meeting::Apart };
        let within = shared.iter().all(|(a, b)| over(b, a));
        let around = shared.iter().all(|(a, b)| over(a, b));
        match (within, around) {
            (true, false) => Meeting::Within,
            (false, true) => Meeting::Around,
            (true, true) | (false, false) => Meeting::Clash { own: spelled(first), theirs: spelled(second) },
        }
    }

    /// The first patterns, one of each, that take some of the same requests.
    pub fn meets(&self, other: &Matching) -> Option<(String, String)> {
        self.shared(other).first().map(|(own, theirs)| (spelled(own), spelled(theirs)))
    }

    fn shared(&self, other: &Matching) -> Vec<(Pair, Pair)> {
        let (own, theirs) = (self.pairs(), other.pairs());
        let both = own.iter().flat_map(|a| theirs.iter().map(move |b| (a, b)));
        both.filter(|(a, b)| overlap(&a.0, &b.0) && overlap(&a.1, &b.1))
            .map(|(a, b)| (a.clone(), b.clone()))
            .collect()
    }

    fn pairs(&self) -> Vec<Pair> {
        let all = || vec!["*".to_owned()];
        let hosts = if self.hosts.is_empty() { all() } else { self.hosts.clone() };
        let paths = if self.paths.is_empty() { all() } else { self.paths.clone() };
        hosts
            .iter()
            // Hosts are compared without regard to case.
            .flat_map(|host| paths.iter().map(move |path| (host.to_ascii_lowercase(), path.clone())))
            .collect()
    }

    /// Where such a rule belongs: the more it says, the further to the front. Numbers below a thousand are left to those
    /// who pick one themselves.
    pub(crate) fn place(&self) -> u32 {
        const FIRST: u32 = 1_000;
        const LAST: u32 = 50_000;
        const STEP: u32 = 150;
        let said = |patterns: &[String]| {
            let literal = |pattern: &String| pattern.chars().filter(|c| !matches!(c, '*' | '?')).count();
            patterns.iter().map(literal).min().unwrap_or_default()
        };
        let said = u32::try_from(said(&self.hosts) + said(&self.paths)).unwrap_or(LAST);
        LAST.saturating_sub(said.saturating_mul(STEP)).clamp(FIRST, LAST)
    }
}

/// `/payments/*`, or `shop.example.com/payments/*`.
fn spelled((host, path): &Pair) -> String {
    if host == "*" { path.clone() } else { format!("{host}{path}") }
}
