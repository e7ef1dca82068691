//! Whether votes carry a plan (I1).

use std::collections::BTreeSet;

use crate::approval::{Directory, Policy, Voice, Vote};
use crate::ids::{Fingerprint, PersonName};
use crate::order::Override;
use crate::release::Release;

/// What is read for one decision about approvals, and never remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// The environment record's own policy.
    pub record: Policy,
    pub directory: Directory,
}

/// Those who stand too close to a release to approve it, as the directory knows them now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Involved {
    /// Who pushed or merged it, where the directory knows them.
    pub pusher: Option<PersonName>,
    /// Nobody knows who pushed or wrote all that is new in it. Going back to what ran brings nothing new.
    pub by_a_stranger: bool,
    /// Who wrote the commits since what is live, as far as the directory knows them.
    pub authors: BTreeSet<PersonName>,
    /// Who asked for it, where it was not a push, and who said that freezes do not stop it.
    pub requesters: BTreeSet<PersonName>,
}

impl Involved {
    /// With the override that is in force, if one is.
    pub fn of(release: &Release, overridden: Option<&Override>, directory: &Directory) -> Self {
        let known = |said: &String| directory.person_of_git(said).cloned();
        let pusher = release.pushed_by.as_ref().and_then(known);
        let overridden = overridden.filter(|_| release.origin.heeds_holds());
        let orders = release.ordered.iter().chain(overridden.map(|given| &given.ordered));
        Self {
            by_a_stranger: release.origin.is_new() && (pusher.is_none() || release.authors_unread),
            pusher,
            authors: release.authors.iter().filter_map(known).collect(),
            requesters: orders.filter_map(|ordered| ordered.by.person()).cloned().collect(),
        }
    }
}

/// Why a voice does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bar {
    #[error("this environment accepts no approvals by reply")]
    Reply,
    #[error("the directory no longer knows this person")]
    Unknown,
    #[error("not among those who may approve here")]
    NotAnApprover,
    #[error("whoever pushed or merged a release does not approve it here")]
    Pusher,
    #[error("whoever wrote a part of a release does not approve it here")]
    Author,
    #[error("whoever asked for a release, or overrode the freeze for it, does not approve it here")]
    Requester,
}

/// Everything that decides whether votes carry a plan.
#[derive(Debug, Clone, Copy)]
pub struct Quorum<'a> {
    pub policy: &'a Policy,
    pub directory: &'a Directory,
    pub involved: &'a Involved,
}

impl Quorum<'_> {
    /// Distinct voices needed. Somebody unknown could be anybody who approves: that costs one voice more.
    pub fn required(&self) -> u32 {
        let one_more = self.policy.required > 0 && self.involved.by_a_stranger && !self.policy.self_approval;
        self.policy.required + u32::from(one_more)
    }

    /// # Errors
    /// Why this voice does not count.
    pub fn may_approve(&self, voice: &Voice) -> Result<(), Bar> {
        let person = match voice {
            Voice::Reply if self.policy.replies => return Ok(()),
            Voice::Reply => return Err(Bar::Reply),
            Voice::Verified { person, .. } => person,
        };
        if !self.directory.knows(person) {
            return Err(Bar::Unknown);
        }
        if !self.policy.approvers.iter().all(|list| self.directory.names(list, person)) {
            return Err(Bar::NotAnApprover);
        }
        if self.policy.self_approval {
            return Ok(());
        }
        if self.involved.pusher.as_ref() == Some(person) {
            return Err(Bar::Pusher);
        }
        if self.involved.requesters.contains(person) {
            return Err(Bar::Requester);
        }
        if self.involved.authors.contains(person) {
            return Err(Bar::Author);
        }
        Ok(())
    }

    /// Distinct voices among `votes` that count for the plan with this fingerprint. Replies are one voice in all.
    pub fn counted(&self, votes: &[Vote], fingerprint: &Fingerprint) -> u32 {
        let voices: BTreeSet<Option<&PersonName>> = votes
            .iter()
            .filter(|vote| vote.fingerprint == *fingerprint)
            .filter(|vote| self.may_approve(&vote.voice).is_ok())
            .map(|vote| vote.voice.person())
            .collect();
        u32::try_from(voices.len()).unwrap_or(u32::MAX)
    }

    /// Voices that still lack; 0: the votes carry the plan.
    pub fn missing(&self, votes: &[Vote], fingerprint: &Fingerprint) -> u32 {
        self.required().saturating_sub(self.counted(votes, fingerprint))
    }
}
