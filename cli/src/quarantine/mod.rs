//! `tidegate quarantine`: what waits for a person at the last stops, and what becomes of it.

mod act;
mod installed;
mod post;
mod words;

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::fail;
use crate::installation::Installation;
use crate::orderer::Orderer;
use act::{Redriven, Sender, drop_letter, redrive_letters};
use installed::Installed;
use post::{Letter, Post};

/// Something was not done that was asked for.
const UNDONE: u8 = 1;
/// Drops shown by `list --dropped`.
const DROPPED_SHOWN_MAX: u32 = 100;

#[derive(clap::Subcommand)]
pub(crate) enum Verb {
    /// Every failed and quarantined message, a line each, the newest of each queue first.
    List {
        /// What was dropped, by whom and why, instead.
        #[arg(long)]
        dropped: bool,
        #[command(flatten)]
        common: Common,
    },
    /// One message: what it is, why it failed, what to do, and the whole of it.
    Show {
        /// Its id, or the beginning of it.
        id: String,
        #[command(flatten)]
        common: Common,
    },
    /// Sends a message again, as it came first, and removes it here. Answers of people are never sent again.
    Redrive {
        /// Its id, or the beginning of it.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// Every message that can be sent again, the oldest first.
        #[arg(long)]
        all: bool,
        /// Kept with your identity.
        #[arg(long, default_value = "")]
        reason: String,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        by: Orderer,
    },
    /// Removes a message for good, and remembers who did it and why.
    Drop {
        /// Its id, or the beginning of it.
        id: String,
        /// Kept with your identity.
        #[arg(long, value_parser = reason)]
        reason: String,
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        by: Orderer,
    },
}

#[derive(clap::Args)]
pub(crate) struct Common {
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    installation: Installation,
}

pub(crate) async fn quarantine(verb: Verb) -> ExitCode {
    let done = match &verb {
        Verb::List { dropped: false, common } => list(common).await,
        Verb::List { dropped: true, common } => list_dropped(common).await,
        Verb::Show { id, common } => show(id, common).await,
        Verb::Redrive { id, all: _, reason, json, by } => redrive(id.as_deref(), reason, *json, by).await,
        Verb::Drop { id, reason, json, by } => drop_one(id, reason, *json, by).await,
    };
    done.unwrap_or_else(|why| fail(UNDONE, why))
}

async fn list(common: &Common) -> Result<ExitCode, String> {
    let (_, post) = open(&common.installation).await?;
    let taken = post.take_all().await?;
    // Given back before anything is shown: others look too.
    post.give_back(taken.letters.iter()).await;
    if common.json {
        say_json(&taken.letters.iter().map(words::line_json).collect());
        eprint!("{}", words::unseen(&taken));
    } else {
        print!("{}", words::list(&taken));
    }
    Ok(ExitCode::SUCCESS)
}

async fn list_dropped(common: &Common) -> Result<ExitCode, String> {
    let aws = common.installation.aws().await?;
    let dropped = aws.dropped(DROPPED_SHOWN_MAX).await.map_err(|failure| failure.to_string())?;
    if common.json {
        say_json(&serde_json::to_value(&dropped).map_err(|error| error.to_string())?);
    } else {
        print!("{}", words::dropped(&dropped));
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(id: &str, common: &Common) -> Result<ExitCode, String> {
    let (_, post) = open(&common.installation).await?;
    let letter = post.take_one(id).await?;
    post.give_back(std::iter::once(&letter)).await;
    if common.json {
        say_json(&words::whole_json(&letter));
    } else {
        print!("{}", words::whole(&letter, &common.installation.flag()));
    }
    Ok(ExitCode::SUCCESS)
}

/// One message, or without an id every one that can be sent again.
async fn redrive(id: Option<&str>, reason: &str, json: bool, by: &Orderer) -> Result<ExitCode, String> {
    let (installed, post) = open(&by.installation).await?;
    let letters = match id {
        Some(id) => vec![post.take_one(id).await?],
        None => {
            let mut taken = post.take_all().await?;
            eprint!("{}", words::unseen(&taken));
            taken.letters.sort_by_key(Letter::came);
            taken.letters
        }
    };
    let results = redrive_letters(&Sender::new(&installed, &post, by, reason), &post, &letters).await;
    if json {
        say_json(&results.iter().map(Redriven::to_json).collect());
    } else if results.is_empty() {
        println!("{}", words::NOTHING);
    } else {
        results.iter().for_each(|result| println!("{}", result.to_text()));
    }
    let all_sent = results.iter().all(Redriven::is_sent);
    Ok(if all_sent { ExitCode::SUCCESS } else { ExitCode::from(UNDONE) })
}

async fn drop_one(id: &str, reason: &str, json: bool, by: &Orderer) -> Result<ExitCode, String> {
    let (_, post) = open(&by.installation).await?;
    let letter = post.take_one(id).await?;
    let done = drop_letter(&post, by, &letter, reason).await;
    if done.is_err() {
        post.give_back(std::iter::once(&letter)).await;
    }
    let (id, said) = (letter.id(), done?);
    if json {
        say_json(&json!({ "id": id, "queue": letter.stop.name, "said": said }));
    } else {
        println!("{id}: {said}; `tidegate quarantine list --dropped` remembers it");
    }
    Ok(ExitCode::SUCCESS)
}

async fn open(installation: &Installation) -> Result<(Installed, Post), String> {
    let config = installation.sdk_config().await?;
    let installed = Installed::read(config, installation.stack_name()).await?;
    let post = Post::new(&installed);
    Ok((installed, post))
}

fn say_json(value: &Value) {
    println!("{value}");
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("say why, for whoever looks for it later".to_owned())
    } else {
        Ok(text.to_owned())
    }
}
