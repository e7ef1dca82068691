//! What the platform keeps: records, templates, secrets.

use model::ids::{EnvironmentName, RepositoryName};

use super::Answer;

/// A record as it is stored now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub body: String,
    /// Grows with every change.
    pub version: i64,
}

/// The platform's records; never cached.
pub trait Records {
    async fn service_record(&self, repository: &RepositoryName) -> Answer<Option<Stored>>;
    async fn environment_record(&self, environment: &EnvironmentName) -> Answer<Option<Stored>>;
    /// Which identities are which person.
    async fn people_record(&self) -> Answer<Option<Stored>>;
    /// Every environment record by its name, as stored.
    async fn environment_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>>;
}

/// The registered repositories, ten a page: for the patrol, and for what others were granted.
pub trait Registry {
    async fn service_records(&self, page: Option<&str>) -> Answer<Page<(String, Stored)>>;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Names the next page; `None` after the last.
    pub next: Option<String>,
}

/// The services' secrets. What is in them is never read.
pub trait Secrets {
    /// Whether a task could be given it: there is one of that name, and it is not being deleted.
    async fn secret_exists(&self, name: &str) -> Answer<bool>;
}

/// The artifact bucket.
pub trait Templates {
    async fn base_template(&self, key: &str) -> Answer<Option<String>>;
    /// Stores under `templates/<sha256>.json` and gives the URL for CloudFormation. Storing it again changes nothing.
    async fn store_template(&self, sha256: &str, body: &str) -> Answer<String>;
}

/// The record `/tidegate/databases`.
pub trait Policy {
    async fn database_policies(&self) -> Answer<Option<Stored>>;
}
