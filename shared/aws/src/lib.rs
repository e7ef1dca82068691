//! The ports on the AWS SDK, one feature per service: the only crate that names `aws_sdk_*`.

#[cfg(feature = "adopt")]
mod adopt;
#[cfg(feature = "backup")]
mod backup;
mod callers;
pub mod client;
mod clock;
#[cfg(feature = "cloudformation")]
mod cloudformation;
#[cfg(feature = "codebuild")]
mod codebuild;
#[cfg(feature = "codecommit")]
mod codecommit;
#[cfg(feature = "codepipeline")]
mod codepipeline;
#[cfg(all(feature = "dynamodb", feature = "sqs"))]
mod door;
#[cfg(all(feature = "codebuild", feature = "invoke", feature = "rds"))]
mod drill_checks;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(feature = "ecr")]
mod ecr;
#[cfg(feature = "ecs")]
mod ecs;
#[cfg(feature = "ecs")]
mod errands;
mod failure;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "logs")]
mod logs;
#[cfg(feature = "rds")]
mod rds;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "secretsmanager")]
mod secretsmanager;
mod settings;
#[cfg(feature = "sign")]
mod sign;
#[cfg(feature = "ssm")]
mod slack;
#[cfg(feature = "sns")]
mod sns;
#[cfg(feature = "sqs")]
mod sqs;
#[cfg(feature = "ssm")]
mod ssm;

use aws_config::SdkConfig;

#[cfg(feature = "adopt")]
pub use adopt::read_service;
pub use settings::Settings;
#[cfg(feature = "sign")]
pub use sign::sign;

/// Every port whose service's feature is on.
pub struct Aws {
    settings: Settings,
    region: String,
    #[cfg(feature = "backup")]
    backup: sdk::backup::Client,
    #[cfg(feature = "cloudformation")]
    cloudformation: sdk::cloudformation::Client,
    #[cfg(feature = "codebuild")]
    codebuild: sdk::codebuild::Client,
    #[cfg(feature = "codecommit")]
    codecommit: sdk::codecommit::Client,
    #[cfg(feature = "codepipeline")]
    codepipeline: sdk::codepipeline::Client,
    #[cfg(feature = "dynamodb")]
    dynamodb: sdk::dynamodb::Client,
    #[cfg(feature = "ecr")]
    ecr: sdk::ecr::Client,
    #[cfg(feature = "ecs")]
    ecs: sdk::ecs::Client,
    #[cfg(all(feature = "codebuild", feature = "invoke", feature = "rds"))]
    lambda: sdk::lambda::Client,
    #[cfg(feature = "rds")]
    rds: sdk::rds::Client,
    #[cfg(feature = "logs")]
    logs: sdk::logs::Client,
    #[cfg(feature = "s3")]
    s3: s3::Bucket,
    #[cfg(feature = "secretsmanager")]
    secretsmanager: sdk::secretsmanager::Client,
    #[cfg(feature = "sns")]
    sns: sdk::sns::Client,
    #[cfg(feature = "sqs")]
    sqs: sdk::sqs::Client,
    #[cfg(feature = "ssm")]
    ssm: sdk::ssm::Client,
}

impl Aws {
    pub async fn from_environment() -> Self {
        Self::new(&client::load(None, None).await, Settings::from_environment())
    }

    /// Every client shares the configuration's one HTTP client.
    pub fn new(config: &SdkConfig, settings: Settings) -> Self {
        Self {
            region: config.region().map(ToString::to_string).unwrap_or_default(),
            #[cfg(feature = "backup")]
            backup: sdk::backup::Client::new(config),
            #[cfg(feature = "cloudformation")]
            cloudformation: sdk::cloudformation::Client::new(config),
            #[cfg(feature = "codebuild")]
            codebuild: sdk::codebuild::Client::new(config),
            #[cfg(feature = "codecommit")]
            codecommit: sdk::codecommit::Client::new(config),
            #[cfg(feature = "codepipeline")]
            codepipeline: sdk::codepipeline::Client::new(config),
            #[cfg(feature = "dynamodb")]
            dynamodb: sdk::dynamodb::Client::new(config),
            #[cfg(feature = "ecr")]
            ecr: sdk::ecr::Client::new(config),
            #[cfg(feature = "ecs")]
            ecs: sdk::ecs::Client::new(config),
            #[cfg(all(feature = "codebuild", feature = "invoke", feature = "rds"))]
            lambda: sdk::lambda::Client::new(config),
            #[cfg(feature = "rds")]
            rds: sdk::rds::Client::new(config),
            #[cfg(feature = "logs")]
            logs: sdk::logs::Client::new(config),
            #[cfg(feature = "s3")]
            s3: s3::Bucket::new(config, &settings),
            #[cfg(feature = "secretsmanager")]
            secretsmanager: sdk::secretsmanager::Client::new(config),
            #[cfg(feature = "sns")]
            sns: sdk::sns::Client::new(config),
            #[cfg(feature = "sqs")]
            sqs: sdk::sqs::Client::new(config),
            #[cfg(feature = "ssm")]
            ssm: sdk::ssm::Client::new(config),
            settings,
        }
    }

    /// What ends the host names of this region's partition.
    pub(crate) fn dns_suffix(&self) -> &'static str {
        model::region::dns_suffix(&self.region)
    }
}

/// The SDK's clients under short names, for the local AWS and the stories.
pub mod sdk {
    #[cfg(feature = "adopt")]
    pub use aws_sdk_applicationautoscaling as applicationautoscaling;
    #[cfg(feature = "backup")]
    pub use aws_sdk_backup as backup;
    #[cfg(feature = "cloudformation")]
    pub use aws_sdk_cloudformation as cloudformation;
    #[cfg(feature = "logs")]
    pub use aws_sdk_cloudwatchlogs as logs;
    #[cfg(feature = "codebuild")]
    pub use aws_sdk_codebuild as codebuild;
    #[cfg(feature = "codecommit")]
    pub use aws_sdk_codecommit as codecommit;
    #[cfg(feature = "codepipeline")]
    pub use aws_sdk_codepipeline as codepipeline;
    #[cfg(feature = "dynamodb")]
    pub use aws_sdk_dynamodb as dynamodb;
    #[cfg(feature = "ecr")]
    pub use aws_sdk_ecr as ecr;
    #[cfg(feature = "ecs")]
    pub use aws_sdk_ecs as ecs;
    #[cfg(feature = "adopt")]
    pub use aws_sdk_elasticloadbalancingv2 as elasticloadbalancing;
    #[cfg(feature = "invoke")]
    pub use aws_sdk_lambda as lambda;
    #[cfg(feature = "rds")]
    pub use aws_sdk_rds as rds;
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
    #[cfg(feature = "sts")]
    pub use aws_sdk_sts as sts;
}
