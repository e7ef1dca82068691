//! The ports on the AWS SDK, one feature per service: the only crate that names `aws_sdk_*`.

pub mod client;

/// The SDK's clients under short names, for the local AWS and the stories.
pub mod sdk {
    #[cfg(feature = "cloudformation")]
    pub use aws_sdk_cloudformation as cloudformation;
    #[cfg(feature = "codebuild")]
    pub use aws_sdk_codebuild as codebuild;
    #[cfg(feature = "codecommit")]
    pub use aws_sdk_codecommit as codecommit;
    #[cfg(feature = "dynamodb")]
    pub use aws_sdk_dynamodb as dynamodb;
    #[cfg(feature = "ecr")]
    pub use aws_sdk_ecr as ecr;
    #[cfg(feature = "ecs")]
    pub use aws_sdk_ecs as ecs;
    #[cfg(feature = "s3")]
    pub use aws_sdk_s3 as s3;
    #[cfg(feature = "secretsmanager")]
    pub use aws_sdk_secretsmanager as secretsmanager;
    #[cfg(feature = "sns")]
    pub use aws_sdk_sns as sns;
    #[cfg(feature = "sqs")]
    pub use aws_sdk_sqs as sqs;
    #[cfg(feature = "ssm")]
    pub use aws_sdk_ssm as ssm;
}
