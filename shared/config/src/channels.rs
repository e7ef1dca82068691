//! The record of channels: which channel in Slack hears of what.

use model::about::About;
use model::ids::{ChannelId, NamePattern};
use model::severity::Severity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::{Fault, Faults, Path};
use crate::limits::{GRANTS_MAX, RECORD_BYTES_MAX, ROUTES_MAX};
use crate::reader::Object;
use crate::{json, reader};

/// Parameter `/tidegate/channels`: which channels in Slack hear of what. What no route takes goes where it would without
/// this record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "Record of channels")]
pub struct ChannelsRecord {
    /// The one message of a release is in the channel of the first route that takes it; news go to all that do.
    #[schemars(length(max = 50))]
    pub routes: Vec<Route>,
}

/// What one channel hears of. A route that names services, databases or pipelines takes what it names; one that names
/// nothing takes everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Route {
    /// The channel's id; Tidegate's app must be in it.
    #[schemars(with = "String", regex(pattern = "^[CG][A-Z0-9]{1,31}$"))]
    pub channel: ChannelId,
    /// `payments`, or `shop-*` for all that begin so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 50), inner(regex(pattern = NAME)))]
    pub services: Vec<NamePattern>,
    /// Of those services, or of all where none is named, only what happens in these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 50), inner(regex(pattern = NAME)))]
    pub environments: Vec<NamePattern>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 50), inner(regex(pattern = NAME)))]
    pub databases: Vec<NamePattern>,
    /// Pipelines of CodePipeline whose manual approvals are asked for here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Vec<String>", length(min = 1, max = 50), inner(regex(pattern = NAME)))]
    pub pipelines: Vec<NamePattern>,
    /// News that matter less are not told here.
    #[serde(default)]
    #[schemars(with = "String", extend("enum" = ["info", "warning", "high", "critical"]))]
    pub severity: Severity,
}

/// Of names in the schema.
const NAME: &str = r"^(\*|[A-Za-z0-9._@:-]{1,254}\*?)$";

impl ChannelsRecord {
    /// Parses and validates a record of channels; `Err` holds every fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, Faults> {
        let root = Path::of("record of channels");
        let (value, mut faults) = json::read(bytes, RECORD_BYTES_MAX, &root)?;
        match read(&value, &root, &mut faults) {
            Some(record) => faults.or(record),
            None => Err(faults),
        }
    }

    /// Where the one message belongs that is edited in place, however much each edit matters.
    pub fn home(&self, about: &About) -> Option<&ChannelId> {
        self.routes.iter().find(|route| route.takes(about)).map(|route| &route.channel)
    }

    /// Every channel that hears of it, each once.
    pub fn channels(&self, about: &About, severity: Severity) -> Vec<&ChannelId> {
        let mut channels = Vec::new();
        for route in self.routes.iter().filter(|route| route.severity <= severity && route.takes(about)) {
            if !channels.contains(&&route.channel) {
                channels.push(&route.channel);
            }
        }
        channels
    }
}

impl Route {
    fn takes(&self, about: &About) -> bool {
        let any = |patterns: &[NamePattern], name: &str| patterns.iter().any(|pattern| pattern.fits(name));
        let names_no_kind =
            self.services.is_empty() && self.databases.is_empty() && self.pipelines.is_empty();
        let takes_all = names_no_kind && self.environments.is_empty();
        match about {
            About::Track(track) => {
                let is_here =
                    self.environments.is_empty() || any(&self.environments, track.environment.as_str());
                is_here && (names_no_kind || any(&self.services, track.service.as_str()))
            }
            About::Database(key) => takes_all || any(&self.databases, key.name()),
            About::Pipeline(name) => takes_all || any(&self.pipelines, name),
            About::Installation => takes_all,
        }
    }
}

const ROUTE_KEYS: [&str; 6] = ["channel", "services", "environments", "databases", "pipelines", "severity"];

fn read(value: &Value, root: &Path, faults: &mut Faults) -> Option<ChannelsRecord> {
    let record = reader::object(value, root, &["routes"], faults)?;
    let routes = record.optional("routes", faults, |value, path, faults| {
        reader::list(value, path, 0..=ROUTES_MAX, "routes", faults, read_route)
    });
    Some(ChannelsRecord { routes: routes?.unwrap_or_default() })
}

fn read_route(value: &Value, path: &Path, faults: &mut Faults) -> Option<Route> {
    let route = reader::object(value, path, &ROUTE_KEYS, faults)?;
    let channel = route
        .required("channel", "the id of a channel in Slack", faults)
        .and_then(|(value, path)| reader::id(value, &path, faults));
    let [services, environments, databases, pipelines] =
        ["services", "environments", "databases", "pipelines"].map(|key| read_names(&route, key, faults));
    let severity = route.optional("severity", faults, reader::id);
    let is_narrowed_in_vain = route.has("environments")
        && !route.has("services")
        && (route.has("databases") || route.has("pipelines"));
    if is_narrowed_in_vain {
        let allowed = "a route that names services too: databases and pipelines are in no environment";
        faults.push(Fault::new(path.key("environments"), "without services", allowed));
    }
    Some(Route {
        channel: channel?,
        services: services?,
        environments: environments?,
        databases: databases?,
        pipelines: pipelines?,
        severity: severity?.unwrap_or_default(),
    })
}

/// Left out it is empty. A list that is written must name something: an empty one would say the opposite of leaving it out.
fn read_names(route: &Object<'_>, key: &str, faults: &mut Faults) -> Option<Vec<NamePattern>> {
    let names = route.optional(key, faults, |value, path, faults| {
        reader::list(value, path, 1..=GRANTS_MAX, "names", faults, reader::id)
    });
    names.map(Option::unwrap_or_default)
}
