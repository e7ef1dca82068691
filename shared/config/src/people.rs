//! The record of people: which identities are which person, and who belongs to which group.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use model::approval::{Directory, Identities};
use model::ids::{GitName, GroupName, IamId, Malformed, PersonName, SlackUser};
use model::who::Who;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::faults::{Fault, Faults, Path, quote};
use crate::limits::{IDENTITIES_MAX, PEOPLE_MAX, RECORD_BYTES_MAX, WHO_MAX};
use crate::{json, reader};

/// Parameter `/tidegate/people`: who may speak, and by which identities they are known. Quorum counts persons, so
/// no identity is two people's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "Record of people")]
pub struct PeopleRecord {
    /// By the name that they are shown by.
    #[schemars(with = "BTreeMap<String, Person>", extend("propertyNames" = {"pattern": "^[A-Za-z0-9._@-]{1,64}$"}))]
    pub people: BTreeMap<PersonName, Person>,
    /// The people of each group.
    #[schemars(
        with = "BTreeMap<String, Vec<String>>",
        extend("propertyNames" = {"pattern": "^[A-Za-z0-9._@-]{1,64}$"})
    )]
    pub groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
    /// Roles whose trust policy lets nobody choose another's name for a session, by unique id, with their ARN. Only
    /// sessions of these are anybody.
    #[schemars(extend("propertyNames" = {"pattern": "^AROA[A-Z0-9]{12,124}$"}))]
    pub session_names_enforced: BTreeMap<String, String>,
    /// Who may send messages that failed again, or drop them, as `user:…` or `group:…`. Empty: nobody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        with = "Vec<String>",
        length(max = 50),
        inner(regex(pattern = "^(user|group):[A-Za-z0-9._@-]{1,64}$"))
    )]
    pub quarantine: Vec<Who>,
}

/// What one person is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Person {
    /// The unique id of an IAM user (`AIDA…`), or of a role and the name of its session (`AROA…:ana`).
    #[schemars(with = "Vec<String>")]
    pub iam: BTreeSet<IamId>,
    /// Slack team and user id: `T0123ABCD/U0123ABCD`.
    #[schemars(with = "Vec<String>")]
    pub slack: BTreeSet<SlackUser>,
    /// E-mail addresses in commits, and ARNs that push. They only ever keep somebody from approving.
    #[schemars(with = "Vec<String>")]
    pub git: BTreeSet<GitName>,
}

impl PeopleRecord {
    /// Parses and validates a record of people; `Err` holds every fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, Faults> {
        let root = Path::of("record of people");
        let (value, mut faults) = json::read(bytes, RECORD_BYTES_MAX, &root)?;
        match read(&value, &root, &mut faults) {
            Some(record) => {
                record.check(&root, &mut faults);
                faults.or(record)
            }
            None => Err(faults),
        }
    }

    pub fn directory(self) -> Directory {
        let known = |person: Person| Identities { iam: person.iam, slack: person.slack, git: person.git };
        Directory {
            people: self.people.into_iter().map(|(name, person)| (name, known(person))).collect(),
            groups: self.groups,
        }
    }

    /// What no part of the record can tell alone.
    fn check(&self, root: &Path, faults: &mut Faults) {
        let mut owners: BTreeMap<String, &PersonName> = BTreeMap::new();
        for (name, person) in &self.people {
            let at = root.key("people").key(name.as_str());
            for id in &person.iam {
                if id.role().is_some_and(|role| !self.session_names_enforced.contains_key(role)) {
                    let allowed = "a session of a role in sessionNamesEnforced: anybody could take this name";
                    faults.push(Fault::new(at.key("iam"), quote(id.as_str()), allowed));
                }
            }
            for git in &person.git {
                if !self.may_push_as(git.as_str()) {
                    let allowed = "an e-mail address, the ARN of an IAM user, or of a session of a role in \
                                   sessionNamesEnforced";
                    faults.push(Fault::new(at.key("git"), quote(git.as_str()), allowed));
                }
            }
            let iam = person.iam.iter().map(|id| ("iam", id.to_string()));
            let slack = person.slack.iter().map(|id| ("slack", id.to_string()));
            let git = person.git.iter().map(|id| ("git", git_key(id)));
            for (key, identity) in iam.chain(slack).chain(git) {
                let shown = quote(&identity);
                if let Some(other) = owners.insert(format!("{key} {identity}"), name) {
                    let allowed = format!("an identity of one person; {other} has it too");
                    faults.push(Fault::new(at.key(key), shown, allowed));
                }
            }
        }
        for (group, members) in &self.groups {
            for member in members.iter().filter(|member| !self.people.contains_key(member)) {
                let at = root.key("groups").key(group.as_str());
                faults.push(Fault::new(at, quote(member.as_str()), "names of people in this record"));
            }
        }
    }

    /// Source: IAM user guide, "IAM identifiers": the ARN of a session has the role's name, without its path.
    fn may_push_as(&self, git: &str) -> bool {
        let parts: Vec<&str> = git.split(':').collect();
        match parts[..] {
            ["arn", _, "iam", _, account, resource] => !account.is_empty() && resource.starts_with("user/"),
            ["arn", _, "sts", _, account, resource] => {
                let role = resource.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next());
                role.is_some_and(|role| {
                    self.session_names_enforced.values().any(|arn| is_role(arn, account, role))
                })
            }
            _ => !git.starts_with("arn:"),
        }
    }
}

fn is_role(arn: &str, account: &str, name: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    matches!(parts[..], ["arn", _, "iam", "", its_account, role]
        if its_account == account && role.starts_with("role/") && role.rsplit('/').next() == Some(name))
}

/// E-mail addresses that differ only in case are one.
fn git_key(name: &GitName) -> String {
    if name.as_str().starts_with("arn:") { name.to_string() } else { name.as_str().to_ascii_lowercase() }
}

fn read(value: &Value, root: &Path, faults: &mut Faults) -> Option<PeopleRecord> {
    let record =
        reader::object(value, root, &["people", "groups", "sessionNamesEnforced", "quarantine"], faults)?;
    let people = record.optional("people", faults, |value, path, faults| {
        reader::map(value, path, PEOPLE_MAX, faults, |name, value, path, faults| {
            let name = named(name, path, faults);
            let person = read_person(value, path, faults);
            Some((name?, person?))
        })
    });
    let groups = record.optional("groups", faults, |value, path, faults| {
        reader::map(value, path, PEOPLE_MAX, faults, |name, value, path, faults| {
            let name = named(name, path, faults);
            let members = set(value, path, PEOPLE_MAX, "names of people", faults);
            Some((name?, members?))
        })
    });
    let enforced = record.optional("sessionNamesEnforced", faults, |value, path, faults| {
        reader::map(value, path, IDENTITIES_MAX, faults, read_enforced)
    });
    let quarantine = record.optional("quarantine", faults, |value, path, faults| {
        reader::list(value, path, 0..=WHO_MAX, "people and groups", faults, reader::id)
    });
    Some(PeopleRecord {
        people: people?.unwrap_or_default(),
        groups: groups?.unwrap_or_default(),
        session_names_enforced: enforced?.unwrap_or_default(),
        quarantine: quarantine?.unwrap_or_default(),
    })
}

fn read_enforced(id: &str, value: &Value, path: &Path, faults: &mut Faults) -> Option<(String, String)> {
    let is_role_id = format!("{id}:session").parse::<IamId>().is_ok_and(|id| id.role().is_some());
    if !is_role_id {
        faults.push(Fault::new(path, quote(id), "the unique id of a role: AROA…"));
    }
    let is_arn = |text: &str| {
        text.starts_with("arn:") && text.contains(":role/") && !text.contains(":role/aws-service-role/")
    };
    let arn = reader::text(
        value,
        path,
        "the ARN of the role with this id, which is none of AWS's services",
        is_arn,
        faults,
    );
    Some((is_role_id.then(|| id.to_owned())?, arn?.to_owned()))
}

fn read_person(value: &Value, path: &Path, faults: &mut Faults) -> Option<Person> {
    let person = reader::object(value, path, &["iam", "slack", "git"], faults)?;
    let iam = person.optional("iam", faults, |value, path, faults| {
        set(value, path, IDENTITIES_MAX, "unique ids of IAM", faults)
    });
    let slack = person.optional("slack", faults, |value, path, faults| {
        set(value, path, IDENTITIES_MAX, "Slack users", faults)
    });
    let git = person.optional("git", faults, |value, path, faults| {
        set(value, path, IDENTITIES_MAX, "git identities", faults)
    });
    Some(Person {
        iam: iam?.unwrap_or_default(),
        slack: slack?.unwrap_or_default(),
        git: git?.unwrap_or_default(),
    })
}

fn named<T: FromStr<Err = Malformed>>(name: &str, path: &Path, faults: &mut Faults) -> Option<T> {
    reader::id(&Value::from(name), path, faults)
}

fn set<T: FromStr<Err = Malformed> + Ord>(
    value: &Value,
    path: &Path,
    count_max: usize,
    what: &str,
    faults: &mut Faults,
) -> Option<BTreeSet<T>> {
    let read = |value: &Value, path: &Path, faults: &mut Faults| reader::id(value, path, faults);
    reader::list(value, path, 0..=count_max, what, faults, read).map(|items| items.into_iter().collect())
}
