//! What a local build finds as `docker` and as `aws`.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    local::images::build_tool(std::env::args().collect()).await
}
