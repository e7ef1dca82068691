//! The one directory: which identities are which person, and who belongs to which group.

use std::collections::{BTreeMap, BTreeSet};

use crate::approval::Identity;
use crate::ids::{GitName, GroupName, IamId, PersonName, SlackUser};
use crate::who::Who;

/// A record of the platform, as read for one decision. No identity is two people's: `config` refuses such a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directory {
    pub people: BTreeMap<PersonName, Identities>,
    pub groups: BTreeMap<GroupName, BTreeSet<PersonName>>,
}

/// What one person is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities {
    pub iam: BTreeSet<IamId>,
    pub slack: BTreeSet<SlackUser>,
    pub git: BTreeSet<GitName>,
}

impl Directory {
    pub fn person(&self, identity: &Identity) -> Option<&PersonName> {
        self.find(|known| match identity {
            Identity::Iam(id) => known.iam.contains(id),
            Identity::Slack(user) => known.slack.contains(user),
        })
    }

    /// Whom git or CodeCommit names, if it is anybody known.
    pub fn person_of_git(&self, said: &str) -> Option<&PersonName> {
        self.find(|known| known.git.iter().any(|name| name.is(said)))
    }

    pub fn knows(&self, person: &PersonName) -> bool {
        self.people.contains_key(person)
    }

    /// Whether the list names the person, itself or by a group.
    pub fn names<'a>(&self, list: impl IntoIterator<Item = &'a Who>, person: &PersonName) -> bool {
        let in_group = |name: &String| {
            let group = name.parse::<GroupName>().ok().and_then(|group| self.groups.get(&group));
            group.is_some_and(|members| members.contains(person))
        };
        list.into_iter().any(|who| match who {
            Who::User(name) => person.as_str() == name,
            Who::Group(name) => in_group(name),
        })
    }

    fn find(&self, is: impl Fn(&Identities) -> bool) -> Option<&PersonName> {
        self.people.iter().find(|(_, known)| is(known)).map(|(person, _)| person)
    }
}
