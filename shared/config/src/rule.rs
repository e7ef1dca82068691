//! The rule that a web service asks its environment's listener for, and what other services have been granted.

use model::ids::EnvironmentName;
use model::listener::{Clash, Wanted, WantedPriority};
use model::matching::{Matching, Meeting};

use crate::config::{Kind, Priority, ServiceConfig, Strategy};
use crate::faults::{Fault, Path};
use crate::parameters::{HOSTS, PATHS, PRIORITY, decimal, listed};
use crate::record::ServiceRecord;

impl ServiceConfig {
    /// What the service wants of the listener of `environment`; `None` when it has no rule there.
    ///
    /// A service whose traffic shifts has two target groups.
    pub fn wanted_rule(&self, environment: &EnvironmentName) -> Option<Wanted> {
        let here = self.in_environment(environment);
        if here.kind != Kind::Web {
            return None;
        }
        let written = here.effective_parameters();
        let list = |name: &str| written.get(name).map(|text| listed(text)).unwrap_or_default();
        let priority = match here.routing.as_ref().and_then(|routing| routing.priority) {
            Some(Priority::Auto) => WantedPriority::Auto,
            Some(Priority::At(number)) => WantedPriority::At(number),
            None => WantedPriority::At(decimal(written.get(PRIORITY)?)?),
        };
        let shifts = here.strategy() != Strategy::Rolling;
        Some(Wanted {
            priority,
            matching: Matching { hosts: list(HOSTS), paths: list(PATHS) },
            target_groups: if shifts { 2 } else { 1 },
        })
    }

    /// A clash on the listener, said of the place in the config that asks for it.
    pub fn clash(&self, environment: &EnvironmentName, clash: &Clash) -> String {
        let place = match clash {
            Clash::Priority { .. } | Clash::Order { .. } | Clash::NoRoom => {
                self.place_in(Some(environment), PRIORITY)
            }
            Clash::Overlap { .. } => self.place_of_patterns(environment),
            Clash::TooMany { .. } => Path::root().key("routing"),
        };
        format!("{place}: {clash}")
    }

    /// A service may take only what nobody else was granted: all that `other` may ask for, unless what this one was
    /// granted is the more specific, or takes it all and so is tried later.
    ///
    /// # Errors
    /// Both patterns, and whose the other one is.
    pub fn check_others_grant(
        &self,
        environment: &EnvironmentName,
        service: &ServiceRecord,
        other: &ServiceRecord,
    ) -> Result<(), Fault> {
        let Some(wanted) = self.wanted_rule(environment).filter(|_| other.service != service.service) else {
            return Ok(());
        };
        let Some(theirs) = other.granted() else { return Ok(()) };
        match wanted.matching.compare(&theirs) {
            Meeting::Apart | Meeting::Around => return Ok(()),
            Meeting::Within | Meeting::Clash { .. } => {}
        }
        let is_more_specific = service.granted().is_some_and(|own| own.compare(&theirs) == Meeting::Within);
        let Some((own, granted)) = wanted.matching.meets(&theirs).filter(|_| !is_more_specific) else {
            return Ok(());
        };
        let value = format!("{own}, which takes requests of {granted}");
        let allowed = format!("patterns apart from what {} was granted", other.service);
        Err(Fault::new(self.place_of_patterns(environment), value, allowed))
    }

    fn place_of_patterns(&self, environment: &EnvironmentName) -> Path {
        let here = self.in_environment(environment);
        let has_paths = here.effective_parameters().contains_key(PATHS);
        self.place_in(Some(environment), if has_paths { PATHS } else { HOSTS })
    }
}

impl ServiceRecord {
    /// The first pattern of this service's grant that the other's grant takes as well, where neither is the more specific.
    pub fn shares_a_grant(&self, other: &ServiceRecord) -> Option<String> {
        let (own, theirs) = (self.granted()?, other.granted()?);
        match own.compare(&theirs) {
            Meeting::Clash { own, .. } => Some(own),
            Meeting::Apart | Meeting::Within | Meeting::Around => None,
        }
    }

    /// `/payments` grants `/payments` and everything below `/payments/`; no grant is no matching at all.
    fn granted(&self) -> Option<Matching> {
        let paths = self.paths.iter().map(|path| path.trim_end_matches('/')).flat_map(|path| {
            let below = format!("{path}/*");
            if path.is_empty() { vec![below] } else { vec![path.to_owned(), below] }
        });
        let granted = Matching { hosts: self.hosts.clone(), paths: paths.collect() };
        (!granted.hosts.is_empty() || !granted.paths.is_empty()).then_some(granted)
    }
}
