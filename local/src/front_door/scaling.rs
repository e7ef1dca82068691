//! What Application Auto Scaling answers, which the emulator does not have: nothing is scaled here, so there is nothing
//! to tell of.

use crate::stand_in::{Answer, Call};

pub(crate) fn answer(call: &Call) -> Option<Answer> {
    let list = match call.action.as_str() {
        "DescribeScalableTargets" => "ScalableTargets",
        "DescribeScalingPolicies" => "ScalingPolicies",
        _ => return None,
    };
    Some(Answer {
        status: 200,
        content_type: "application/x-amz-json-1.1",
        headers: Vec::new(),
        body: format!("{{\"{list}\":[]}}").into(),
    })
}
