//! How each service says that it cannot answer now: in its own protocol, with its own codes.

use axum::http::StatusCode;
use serde_json::json;

use super::Fault;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    /// What SQS adds for clients of its older protocol; they and the SDKs read the code from it.
    pub(crate) query_error: Option<String>,
    pub(crate) body: String,
}

/// The form of a service's errors.
#[derive(Debug, Clone, Copy)]
enum Form {
    Json { content_type: &'static str, namespace: &'static str },
    Query { namespace: &'static str },
    RestXml,
}

struct Manner {
    form: Form,
    /// Code and status.
    throttled: (&'static str, StatusCode),
    unavailable: &'static str,
    broken: &'static str,
}

/// Sources: each service's API reference, "Common errors"; DynamoDB developer guide, "Error handling with DynamoDB";
/// SQS API, SendMessage; S3 API, "Error responses".
fn manner(service: &str) -> Manner {
    const JSON_1_0: &str = "application/x-amz-json-1.0";
    const JSON_1_1: &str = "application/x-amz-json-1.1";
    let bad = StatusCode::BAD_REQUEST;
    let query = |namespace| Manner {
        form: Form::Query { namespace },
        throttled: ("Throttling", bad),
        unavailable: "ServiceUnavailable",
        broken: "InternalFailure",
    };
    match service {
        "dynamodb" => Manner {
            form: Form::Json { content_type: JSON_1_0, namespace: "com.amazonaws.dynamodb.v20120810#" },
            throttled: ("ProvisionedThroughputExceededException", bad),
            unavailable: "ServiceUnavailable",
            broken: "InternalServerError",
        },
        "sqs" => Manner {
            form: Form::Json { content_type: JSON_1_0, namespace: "com.amazonaws.sqs#" },
            throttled: ("RequestThrottled", bad),
            unavailable: "ServiceUnavailable",
            broken: "InternalFailure",
        },
        "cloudformation" => query("http://cloudformation.amazonaws.com/doc/2010-05-15/"),
        "sns" => query("http://sns.amazonaws.com/doc/2010-03-31/"),
        "s3" => Manner {
            form: Form::RestXml,
            throttled: ("SlowDown", StatusCode::SERVICE_UNAVAILABLE),
            unavailable: "ServiceUnavailable",
            broken: "InternalError",
        },
        // CodeBuild, CodeCommit, ECR, ECS, Secrets Manager, SSM.
        _ => Manner {
            form: Form::Json { content_type: JSON_1_1, namespace: "" },
            throttled: ("ThrottlingException", bad),
            unavailable: "ServiceUnavailableException",
            broken: "InternalFailure",
        },
    }
}

/// The service's answer to that fault; none where a fault leaves no answer.
pub(crate) fn refusal(service: &str, fault: Fault, request_id: &str) -> Option<Refusal> {
    let manner = manner(service);
    let (code, status, message) = match fault {
        Fault::Throttled => (manner.throttled.0, manner.throttled.1, "Rate exceeded"),
        Fault::Unavailable => {
            (manner.unavailable, StatusCode::SERVICE_UNAVAILABLE, "Service is unable to handle request.")
        }
        Fault::Broken => {
            (manner.broken, StatusCode::INTERNAL_SERVER_ERROR, "We encountered an internal error.")
        }
        Fault::Reset | Fault::AnswerLost | Fault::AnswerLate => return None,
    };
    Some(match manner.form {
        Form::Json { content_type, namespace } => Refusal {
            status,
            content_type,
            query_error: (service == "sqs").then(|| format!("{code};{}", side(status))),
            body: json!({ "__type": format!("{namespace}{code}"), "message": message }).to_string(),
        },
        Form::Query { namespace } => Refusal {
            status,
            content_type: "text/xml",
            query_error: None,
            body: format!(
                "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{}</Type><Code>{code}</Code><Message>{message}\
                 </Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
                side(status)
            ),
        },
        Form::RestXml => Refusal {
            status,
            content_type: "application/xml",
            query_error: None,
            body: format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
                 <RequestId>{request_id}</RequestId></Error>"
            ),
        },
    })
}

/// Whose fault it is, in the query protocol's words.
fn side(status: StatusCode) -> &'static str {
    if status.is_server_error() { "Receiver" } else { "Sender" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(service: &str, fault: Fault) -> (u16, String) {
        let refusal = refusal(service, fault, "r1").unwrap();
        (refusal.status.as_u16(), refusal.body)
    }

    #[test]
    fn each_service_throttles_in_its_own_words() {
        let json = |kind: &str| (400, format!("{{\"__type\":\"{kind}\",\"message\":\"Rate exceeded\"}}"));
        assert_eq!(
            body("dynamodb", Fault::Throttled),
            json("com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException")
        );
        assert_eq!(body("sqs", Fault::Throttled), json("com.amazonaws.sqs#RequestThrottled"));
        for service in ["codebuild", "codecommit", "ecr", "ecs", "secretsmanager", "ssm"] {
            assert_eq!(body(service, Fault::Throttled), json("ThrottlingException"), "{service}");
        }
        for service in ["cloudformation", "sns"] {
            let (status, xml) = body(service, Fault::Throttled);
            assert_eq!(status, 400);
            assert!(xml.contains(&format!("xmlns=\"http://{service}.amazonaws.com/")), "{xml}");
            assert!(xml.contains("<Type>Sender</Type><Code>Throttling</Code>"), "{xml}");
        }
        let (status, xml) = body("s3", Fault::Throttled);
        assert!(status == 503 && xml.contains("<Code>SlowDown</Code>"), "{xml}");
    }

    #[test]
    fn every_service_has_its_500_and_503() {
        for service in ["dynamodb", "sqs", "sns", "cloudformation", "s3", "ecs"] {
            assert_eq!(body(service, Fault::Unavailable).0, 503, "{service}");
            assert_eq!(body(service, Fault::Broken).0, 500, "{service}");
        }
        assert_eq!(
            refusal("sqs", Fault::Broken, "r1").unwrap().query_error.as_deref(),
            Some("InternalFailure;Receiver")
        );
    }

    #[test]
    fn a_lost_answer_is_no_answer() {
        for fault in [Fault::Reset, Fault::AnswerLost, Fault::AnswerLate] {
            assert_eq!(refusal("sqs", fault, "r1"), None);
        }
    }
}
