//! Ends of CodeBuild's builds.
//!
//! Source: CodeBuild user guide, "Build notifications input format reference".

use model::drill::DrillId;
use model::ids::BuildId;

use crate::unreadable::{At, Unreadable};
use crate::{Meaning, Subject, Why, arn};

/// A build of ours has its id in this environment variable.
const BUILD_VARIABLE: &str = "TIDEGATE_BUILD";
/// A drill's check has the drill's here.
const DRILL_VARIABLE: &str = "TIDEGATE_DRILL";

/// CodeBuild has no limit of its own; a start request of ours sets three.
const VARIABLES_MAX: usize = 1_000;

/// `CodeBuild Build State Change`.
pub(crate) fn build_changed(detail: &At<'_>) -> Result<Meaning, Unreadable> {
    detail.object()?;
    let about = match variable(detail)? {
        Variable::Build(id) => About::Build(Some(id)),
        Variable::Drill(drill) => About::Drill(drill),
        Variable::Unlisted => About::Build(None),
        Variable::NotOurs => return Ok(Meaning::Ignored(Why::OtherBuild)),
    };
    let status = detail.field("build-status");
    let allowed = "IN_PROGRESS, SUCCEEDED, FAILED, FAULT, STOPPED or TIMED_OUT";
    match status.text(allowed)? {
        "IN_PROGRESS" => Ok(Meaning::Ignored(Why::BuildInProgress)),
        "SUCCEEDED" | "FAILED" | "FAULT" | "STOPPED" | "TIMED_OUT" => {
            let build = detail.field("build-id");
            let allowed = "the ARN of a build";
            let arn = build.text(allowed)?;
            match arn::resource(arn, "codebuild").and_then(|resource| resource.strip_prefix("build/")) {
                Some(name) if !name.is_empty() => Ok(Meaning::Signal(match about {
                    About::Build(id) => Subject::Build { id, arn: arn.to_owned() },
                    About::Drill(drill) => Subject::DrillChecked { drill },
                })),
                Some(_) | None => Err(build.unreadable(allowed)),
            }
        }
        _ => Err(status.unreadable(allowed)),
    }
}

enum About {
    Build(Option<BuildId>),
    Drill(DrillId),
}

enum Variable {
    Build(BuildId),
    Drill(DrillId),
    /// The event lists the build's variables, and ours is not among them.
    NotOurs,
    /// The event does not list variables.
    Unlisted,
}

fn variable(detail: &At<'_>) -> Result<Variable, Unreadable> {
    let variables =
        detail.field("additional-information").field("environment").field("environment-variables");
    if variables.value.is_null() {
        return Ok(Variable::Unlisted);
    }
    for variable in variables.list(VARIABLES_MAX)? {
        if variable.field("name").value.as_str() == Some(BUILD_VARIABLE) {
            return Ok(Variable::Build(variable.field("value").id("the id of a build")?));
        }
        if variable.field("name").value.as_str() == Some(DRILL_VARIABLE) {
            return Ok(Variable::Drill(variable.field("value").id("the id of a drill")?));
        }
    }
    Ok(Variable::NotOurs)
}
