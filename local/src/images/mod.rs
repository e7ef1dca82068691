//! Container images without a container engine: the build tool that stands in for `docker` and `aws` in a build, and
//! what the emulator's ECR lacks.

mod aws_cli;
mod build;
mod copy;
mod docker;
mod docker_build;
mod dockerfile;
mod environment;
mod exposed;
mod ignore;
mod layer;
mod pattern;
mod push;
mod reference;
mod registry;
mod store;
mod tree;

use std::process::ExitCode;

pub use exposed::exposed_ports;
pub use registry::{Registry, TARGET_PREFIX};

/// Acts as the program that it was called as: `docker` or `aws`, by the name of its link or as first argument.
pub async fn build_tool(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let called = arguments.next().unwrap_or_default();
    let mut name = called.rsplit('/').next().unwrap_or_default().to_owned();
    if !matches!(name.as_str(), "docker" | "aws") {
        name = arguments.next().unwrap_or_default();
    }
    let rest: Vec<String> = arguments.collect();
    match name.as_str() {
        "docker" => docker::run(rest).await,
        "aws" => aws_cli::run(rest).await,
        other => {
            eprintln!("{called} stands in for docker and aws in a local build; it is not {other:?}");
            ExitCode::from(2)
        }
    }
}
