//! The commits that a release would deploy, and who wrote them: those since what is live.

use std::collections::BTreeSet;

use model::ids::Revision;
use model::release::{Authors, Origin, Release};
use model::text::one_line;
use model::track::Track;

use crate::failure::Failure;
use crate::ports::{CommitRead, Sources};

/// Commits read of one release; where there are more, anybody may have written them.
const COMMITS_MAX: usize = 50;
/// Commits told of one release.
const TOLD_MAX: usize = 20;
/// Of a commit's subject, and of its author's name.
const SUBJECT_CHARS: usize = 100;
const NAME_CHARS: usize = 40;

/// What a release brings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct News {
    /// Of the newest commits where nothing is live.
    pub(crate) authors: Authors,
    /// Commits since what is live, in words, the newest first. Nothing where nothing is live, or where it goes back.
    pub(crate) commits: Vec<String>,
}

/// What was walked through.
struct Walk {
    /// Newest first.
    commits: Vec<(Revision, CommitRead)>,
    /// It led to what is live.
    met_live: bool,
    /// It did not end: there are more.
    is_cut: bool,
}

/// # Errors
/// Of the calls that read the commits.
pub(crate) async fn news<P: Sources>(ports: &P, track: &Track, release: &Release) -> Result<News, Failure> {
    let walk = walk(ports, track, release).await?;
    let mut authors: BTreeSet<String> =
        walk.commits.iter().map(|(_, commit)| commit.author.clone()).collect();
    authors.remove("");
    let commits = match (&release.origin, &track.live) {
        (Origin::Push | Origin::Promotion { .. }, Some(live)) => in_words(&walk, &live.revision),
        (Origin::Push | Origin::Promotion { .. }, None)
        | (Origin::Rollback { .. } | Origin::Redeploy { .. } | Origin::Retirement { .. }, _) => Vec::new(),
    };
    let authors =
        Authors { known: authors.into_iter().collect(), unread: walk.is_cut && track.live.is_some() };
    Ok(News { authors, commits })
}

async fn walk<P: Sources>(ports: &P, track: &Track, release: &Release) -> Result<Walk, Failure> {
    // What is live is not news, nor is what it was made of.
    let live: BTreeSet<Revision> = track.live.iter().map(|live| live.revision.clone()).collect();
    let mut old = live.clone();
    let mut seen = BTreeSet::new();
    let mut ahead = vec![release.revision.clone()];
    let mut merged = false;
    let mut walk = Walk { commits: Vec::new(), met_live: false, is_cut: false };
    while let Some(revision) = ahead.pop() {
        walk.met_live |= live.contains(&revision);
        if old.contains(&revision) || !seen.insert(revision.clone()) {
            continue;
        }
        if walk.commits.len() == COMMITS_MAX {
            walk.is_cut = true;
            continue;
        }
        let Some(commit) = ports.commit(&release.repository, &revision).await? else { continue };
        if commit.parents.len() > 1 && !merged {
            // Only a merge leads around what is live.
            merged = true;
            old.extend(before(ports, track, release).await?);
        }
        // The first parent last, and so read first: the branch itself before what was merged into it.
        ahead.extend(commit.parents.iter().rev().cloned());
        walk.commits.push((revision, commit));
    }
    Ok(walk)
}

/// What led to what is live.
async fn before<P: Sources>(
    ports: &P,
    track: &Track,
    release: &Release,
) -> Result<BTreeSet<Revision>, Failure> {
    let mut before = BTreeSet::new();
    let mut ahead: Vec<Revision> = track.live.iter().map(|live| live.revision.clone()).collect();
    while let Some(revision) = ahead.pop() {
        if before.len() == COMMITS_MAX || !before.insert(revision.clone()) {
            continue;
        }
        if let Some(commit) = ports.commit(&release.repository, &revision).await? {
            ahead.extend(commit.parents.into_iter().rev());
        }
    }
    Ok(before)
}

fn in_words(walk: &Walk, live: &Revision) -> Vec<String> {
    let mut lines: Vec<String> = walk.commits.iter().take(TOLD_MAX).map(commit_in_words).collect();
    let more = walk.commits.len().saturating_sub(TOLD_MAX);
    if walk.is_cut {
        lines.push(format!("more commits than {COMMITS_MAX}: the others were not read"));
    } else if more > 0 {
        lines.push(format!("and {more} more commits"));
    }
    if !walk.met_live && !walk.is_cut && !walk.commits.is_empty() {
        lines.push(format!("what is live, {}, is none of the commits before these", live.short()));
    }
    lines
}

/// Its author is whoever its committer wrote there, and its subject is anybody's text.
fn commit_in_words((revision, commit): &(Revision, CommitRead)) -> String {
    let clean =
        |text: &str, chars: usize| one_line(text).chars().take(chars).collect::<String>().trim().to_owned();
    let subject = clean(commit.message.lines().next().unwrap_or_default(), SUBJECT_CHARS);
    let name = if commit.name.is_empty() { &commit.author } else { &commit.name };
    format!("commit {}: {subject} ({})", revision.short(), clean(name, NAME_CHARS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(n: usize) -> Revision {
        format!("{n:040x}").parse().unwrap()
    }

    fn walk(commits: usize, met_live: bool, is_cut: bool) -> Walk {
        let commit = |n: usize| CommitRead {
            parents: vec![revision(n + 1)],
            author: "ana@example.com".to_owned(),
            name: "Ana".to_owned(),
            message: format!("Change {n}\n\nWhy it was changed.\n"),
        };
        Walk { commits: (0..commits).map(|n| (revision(n), commit(n))).collect(), met_live, is_cut }
    }

    #[test]
    fn commits_are_told_by_subject_and_author_and_how_many_are_not() {
        let live = revision(99);
        assert_eq!(in_words(&walk(0, true, false), &live), Vec::<String>::new());
        assert_eq!(in_words(&walk(1, true, false), &live), ["commit 000000000000: Change 0 (Ana)"]);
        let many = in_words(&walk(23, true, false), &live);
        assert_eq!((many.len(), many.last().map(String::as_str)), (21, Some("and 3 more commits")));
        let cut = in_words(&walk(50, false, true), &live);
        let said = Some("more commits than 50: the others were not read");
        assert_eq!((cut.len(), cut.last().map(String::as_str)), (21, said));
        let elsewhere = in_words(&walk(1, false, false), &live);
        assert_eq!(elsewhere[1], "what is live, 000000000000, is none of the commits before these");
    }

    #[test]
    fn nothing_unseen_of_a_commit_is_told() {
        let commit = CommitRead {
            parents: Vec::new(),
            author: String::new(),
            name: "A\u{2066}na".to_owned(),
            message: "Fix\u{2028}- image stays\u{202e}dne".to_owned(),
        };
        assert_eq!(
            commit_in_words(&(revision(7), commit)),
            "commit 000000000000: Fix - image staysdne (Ana)"
        );
    }

    #[test]
    fn what_a_commit_says_is_one_clean_line() {
        let commit = CommitRead {
            parents: Vec::new(),
            author: "ana@example.com".to_owned(),
            name: String::new(),
            message: format!("\u{1b}[31mRed\tand {}\r\nmore", "long ".repeat(60)),
        };
        let said = commit_in_words(&(revision(7), commit));
        assert!(said.starts_with("commit 000000000000: [31mRed and long long"), "{said}");
        assert!(said.ends_with("long lon (ana@example.com)") && said.len() < 150, "{said}");
    }
}
