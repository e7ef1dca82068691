//! A person who is subscribed: hears what is announced, and answers.

use local::{Account, Inbox, Notice};

use crate::words::anonymous;

pub(crate) struct Person {
    inbox: Inbox,
    pub(crate) heard: Vec<Notice>,
}

impl Person {
    pub(crate) async fn subscribe(account: &Account) -> Self {
        let inbox = Inbox::open(account).await.unwrap_or_else(|problem| panic!("{problem}"));
        Self { inbox, heard: Vec::new() }
    }

    pub(crate) async fn listen(&mut self) {
        let news = self.inbox.read().await.unwrap_or_else(|problem| panic!("{problem}"));
        self.heard.extend(news);
    }

    /// Of the announcements about that release: the last one of that kind.
    pub(crate) fn heard_of(&self, release: &str, notice: &str) -> Option<&Notice> {
        let is_it = |heard: &&Notice| heard.json["release"] == release && heard.json["notice"] == notice;
        self.heard.iter().rev().find(is_it)
    }

    /// How often something of that kind was announced about that release.
    pub(crate) fn times_heard(&self, release: &str, notice: &str) -> usize {
        let is_it = |heard: &&Notice| heard.json["release"] == release && heard.json["notice"] == notice;
        self.heard.iter().filter(is_it).count()
    }

    pub(crate) async fn approve(&self, release: &str, token: &str) {
        self.inbox.approve(release, token).await.unwrap_or_else(|problem| panic!("{problem}"));
    }

    pub(crate) async fn reject(&self, release: &str, token: &str, reason: &str) {
        self.inbox.reject(release, token, reason).await.unwrap_or_else(|problem| panic!("{problem}"));
    }
}

/// As people read it, without what differs from run to run, and without the resources of the plan: the emulator lists
/// others than AWS.
pub(crate) fn as_read(notice: &Notice) -> String {
    let is_resource = |line: &&str| line.starts_with("  - ") && line.contains("(AWS::");
    let text: Vec<&str> = notice.text.lines().filter(|line| !is_resource(line)).collect();
    anonymous(&format!("{}\n\n{}", notice.subject, text.join("\n")))
}
