//! `probe`: by what `deployment.verify` asks for a path.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text;
use crate::faults::{Faults, Path};
use crate::limits::HOST_CHARS_MAX;
use crate::reader;

/// By what `deployment.verify` asks for a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Prober {
    /// Where tasks reach the load balancer's listener: `https://shop.example.com`.
    #[schemars(regex(pattern = "^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$"))]
    pub url: String,
    /// An image with curl in it, with its tag or digest, that tasks can pull.
    #[schemars(length(min = 1, max = 512))]
    pub image: String,
}

/// A listener's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address<'a> {
    /// `http` or `https`.
    pub(crate) scheme: &'a str,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
}

impl Prober {
    /// `None` for what is no address; a record that was read has one.
    pub(crate) fn address(&self) -> Option<Address<'_>> {
        address(&self.url)
    }
}

fn address(url: &str) -> Option<Address<'_>> {
    let (scheme, authority) = url.split_once("://")?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0)?),
        None => (authority, usual),
    };
    let is_host = (1..=HOST_CHARS_MAX).contains(&host.len())
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    is_host.then_some(Address { scheme, host, port })
}

pub(super) fn read(value: &Value, path: &Path, faults: &mut Faults) -> Option<Prober> {
    let probe = reader::object(value, path, &["url", "image"], faults)?;
    let allowed = "where the listener answers, without a path: https://shop.example.com";
    let url = text(&probe, "url", allowed, |url| address(url).is_some(), faults);
    let is_image =
        |image: &str| (1..=512).contains(&image.len()) && image.bytes().all(|b| b.is_ascii_graphic());
    let image =
        text(&probe, "image", "an image of up to 512 characters, with its tag or digest", is_image, faults);
    Some(Prober { url: url?, image: image? })
}
