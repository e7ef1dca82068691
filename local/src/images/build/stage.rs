//! One stage while its steps are taken.

use std::{collections::BTreeMap, io};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Request, config::Config};
use crate::images::{
    copy::{self, Missing},
    dockerfile::{Copy, Image, Instruction, Stage, Step, expand},
    layer,
    store::{Blob, Store, digest_text},
    tree::{Content, Node, Tree},
};

/// Every image is of this time, so that the same input gives the same image.
const CREATED: &str = "1970-01-01T00:00:00Z";

#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) config: Config,
    pub(super) layers: Vec<Blob>,
    diff_ids: Vec<String>,
    history: Vec<Value>,
    /// All layers above one another.
    files: Tree,
    arguments: BTreeMap<String, String>,
    /// Digest of everything that was done so far.
    content: String,
    /// Whether there may be files that only a real build would have: a base that was not pulled, or a `RUN`.
    may_have_more: bool,
}

pub(super) enum Failure {
    Refused(String),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Made {
    pub(super) fn begin(
        store: &Store,
        stage: &Stage,
        base: &str,
        before: Option<&Self>,
        platform: &str,
    ) -> io::Result<Self> {
        if let Some(before) = before {
            let config = before.config.as_base();
            return Ok(Self { config, arguments: BTreeMap::new(), ..before.clone() });
        }
        let mut made = Self {
            config: Config::default(),
            layers: Vec::new(),
            diff_ids: Vec::new(),
            history: Vec::new(),
            files: Tree::new(),
            arguments: BTreeMap::new(),
            content: String::new(),
            may_have_more: base != "scratch",
        };
        let platform = stage.platform.as_deref().unwrap_or(platform);
        if base != "scratch" {
            // Stands where the base's layers would be.
            let note = format!("{base} for {platform}, not pulled locally\n");
            let node = Node::File { mode: 0o644, content: Content::Bytes(note.into_bytes()) };
            made.add(store, Tree::from([(".base-image".to_owned(), node)]), &format!("FROM {base}"))?;
        }
        Ok(made)
    }

    pub(super) fn step<'a>(
        &mut self,
        store: &Store,
        step: &Step,
        context: &Tree,
        others: &dyn Fn(&str) -> Option<&'a Self>,
        request: &Request,
        globals: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        match &step.instruction {
            Instruction::Run => {
                self.may_have_more = true;
                self.note(&step.text);
            }
            Instruction::Arg(arguments) => {
                for (name, default) in arguments {
                    let default = default.as_ref().map(|text| self.expand(text));
                    let stated = request.arguments.get(name).cloned();
                    if let Some(value) = stated.or(default).or_else(|| globals.get(name).cloned()) {
                        self.arguments.insert(name.clone(), value);
                    }
                }
                self.note(&self.expand(&step.text));
            }
            Instruction::Image(image) => {
                let values = (self.config.env.clone(), self.arguments.clone());
                let expand = |text: &str| expand(text, &|name| value(&values.0, &values.1, name));
                self.config.apply(image, &expand);
                let folder = &self.config.workdir;
                if matches!(image, Image::WorkDir(_)) && !self.files.contains_key(folder) {
                    let made = Tree::from([(folder.clone(), Node::Folder)]);
                    self.add(store, made, &step.text)?;
                } else {
                    self.note(&step.text);
                }
            }
            Instruction::Copy(copy) => self.copy(store, copy, &step.text, context, others)?,
        }
        Ok(())
    }

    fn copy<'a>(
        &mut self,
        store: &Store,
        copy: &Copy,
        text: &str,
        context: &Tree,
        others: &dyn Fn(&str) -> Option<&'a Self>,
    ) -> Result<(), Failure> {
        let copy = Copy {
            sources: copy.sources.iter().map(|source| self.expand(source)).collect(),
            target: self.expand(&copy.target),
            from: copy.from.as_ref().map(|from| self.expand(from)),
            ..copy.clone()
        };
        let workdir = self.config.workdir.clone();
        let Some(from) = copy.from.as_deref() else {
            let added = copy::copied(&copy, context, &workdir, &self.files).map_err(refused)?;
            return Ok(self.add(store, added, text)?);
        };
        let (tree, more, content) = match others(from) {
            Some(stage) => (stage.files.clone(), stage.may_have_more, stage.content.clone()),
            None => (Tree::new(), true, from.to_owned()),
        };
        let mut added = Tree::new();
        for source in &copy.sources {
            let one = Copy { sources: vec![source.clone()], ..copy.clone() };
            let found = match copy::copied(&one, &tree, &workdir, &self.files) {
                Err(Missing::Source(_)) if more => {
                    let note = format!("{source} of {from} ({content}) is made by a real build\n");
                    copy::placeholder(&one, source, note, &workdir, &self.files)
                }
                other => other,
            };
            added.extend(found.map_err(refused)?);
        }
        // Its content stands in the history: what a `RUN` there would have changed in copied folders changes the image.
        self.add(store, added, &format!("{text} # {from} is {content}"))?;
        Ok(())
    }

    /// Adds a layer and what it is made by.
    fn add(&mut self, store: &Store, files: Tree, text: &str) -> io::Result<()> {
        let packed = layer::pack(store, &files)?;
        self.proceed(text, &packed.diff_id);
        self.history.push(json!({ "created": CREATED, "created_by": text }));
        self.diff_ids.push(packed.diff_id);
        self.layers.push(packed.blob);
        self.files.extend(files);
        Ok(())
    }

    /// A step without a layer.
    fn note(&mut self, text: &str) {
        self.proceed(text, "");
        self.history.push(json!({ "created": CREATED, "created_by": text, "empty_layer": true }));
    }

    fn proceed(&mut self, text: &str, diff_id: &str) {
        let all = format!("{}\n{text}\n{diff_id}", self.content);
        self.content = digest_text(&Sha256::digest(all));
    }

    fn expand(&self, text: &str) -> String {
        expand(text, &|name| value(&self.config.env, &self.arguments, name))
    }

    /// The image's configuration.
    pub(super) fn config(&self, platform: &str) -> Value {
        let mut parts = platform.split('/');
        let (os, architecture) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut told = json!({
            "created": CREATED,
            "os": os,
            "architecture": architecture,
            "config": self.config.told(),
            "rootfs": { "type": "layers", "diff_ids": self.diff_ids },
            "history": self.history,
        });
        if let Some(variant) = parts.next() {
            told["variant"] = variant.into();
        }
        if !self.config.author().is_empty() {
            told["author"] = self.config.author().into();
        }
        told
    }
}

/// `ENV` goes before `ARG`.
fn value(env: &[(String, String)], arguments: &BTreeMap<String, String>, name: &str) -> Option<String> {
    let of_env = env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    of_env.or_else(|| arguments.get(name).cloned())
}

fn refused(missing: Missing) -> Failure {
    Failure::Refused(match missing {
        Missing::Source(source) => {
            let path = crate::images::tree::normal(&source);
            format!(
                "failed to compute cache key: failed to calculate checksum of ref local: \"/{path}\": not found"
            )
        }
        Missing::Folder => {
            "When using COPY with more than one source file, the destination must be a directory \
                            and end with a /"
                .to_owned()
        }
    })
}
