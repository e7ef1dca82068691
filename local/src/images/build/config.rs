//! An image's configuration.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::images::dockerfile::{Image, Shape};

#[derive(Debug, Clone, Default)]
pub(in crate::images) struct Config {
    pub(super) env: Vec<(String, String)>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) workdir: String,
    cmd: Option<Vec<String>>,
    /// Whether this stage set it: a new entry point forgets the base's command.
    own_cmd: bool,
    entrypoint: Option<Vec<String>>,
    shell: Option<Vec<String>>,
    ports: Vec<String>,
    volumes: Vec<String>,
    user: String,
    stop_signal: String,
    author: String,
}

impl Config {
    /// What a stage that begins with this image starts from.
    pub(super) fn as_base(&self) -> Self {
        Self { own_cmd: false, ..self.clone() }
    }

    /// `expand` replaces variables.
    pub(super) fn apply(&mut self, image: &Image, expand: &dyn Fn(&str) -> String) {
        match image {
            Image::Cmd(shape) => {
                self.cmd = Some(self.words(shape));
                self.own_cmd = true;
            }
            Image::Entrypoint(shape) => {
                self.entrypoint = Some(self.words(shape));
                if !self.own_cmd {
                    self.cmd = None;
                }
            }
            Image::Shell(words) => self.shell = Some(words.clone()),
            Image::Env(pairs) => {
                for (name, value) in pairs {
                    let (name, value) = (expand(name), expand(value));
                    match self.env.iter_mut().find(|(known, _)| *known == name) {
                        Some(known) => known.1 = value,
                        None => self.env.push((name, value)),
                    }
                }
            }
            Image::Label(pairs) => {
                self.labels.extend(pairs.iter().map(|(name, value)| (expand(name), expand(value))));
            }
            Image::Expose(ports) => {
                for port in ports {
                    let port = expand(port);
                    let port = if port.contains('/') { port } else { format!("{port}/tcp") };
                    self.ports.push(port);
                }
            }
            Image::Volume(paths) => self.volumes.extend(paths.iter().map(|path| expand(path))),
            Image::User(user) => self.user = expand(user),
            Image::WorkDir(path) => {
                let path = expand(path);
                let absolute = if path.starts_with('/') { path } else { format!("{}/{path}", self.workdir) };
                self.workdir = crate::images::tree::normal(&absolute);
            }
            Image::StopSignal(signal) => self.stop_signal = expand(signal),
            Image::Author(author) => self.author.clone_from(author),
            Image::Noted => {}
        }
    }

    /// The `config` part of an image's configuration.
    pub(super) fn told(&self) -> Value {
        let mut told = Map::new();
        let env: Vec<String> = self.env.iter().map(|(name, value)| format!("{name}={value}")).collect();
        told.insert("Env".into(), json!(env));
        for (name, words) in [("Cmd", &self.cmd), ("Entrypoint", &self.entrypoint), ("Shell", &self.shell)] {
            if let Some(words) = words {
                told.insert(name.into(), json!(words));
            }
        }
        for (name, keys) in [("ExposedPorts", &self.ports), ("Volumes", &self.volumes)] {
            if !keys.is_empty() {
                let set: BTreeMap<&String, Value> = keys.iter().map(|key| (key, json!({}))).collect();
                told.insert(name.into(), json!(set));
            }
        }
        if !self.labels.is_empty() {
            told.insert("Labels".into(), json!(self.labels));
        }
        let workdir = format!("/{}", self.workdir);
        for (name, text) in
            [("User", &self.user), ("StopSignal", &self.stop_signal), ("WorkingDir", &workdir)]
        {
            if !text.is_empty() {
                told.insert(name.into(), json!(text));
            }
        }
        Value::Object(told)
    }

    pub(super) fn author(&self) -> &str {
        &self.author
    }

    fn words(&self, shape: &Shape) -> Vec<String> {
        match shape {
            Shape::Exec(words) => words.clone(),
            Shape::Line(line) => {
                let default = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
                let mut words = self.shell.clone().unwrap_or_else(default);
                words.push(line.clone());
                words
            }
        }
    }
}
