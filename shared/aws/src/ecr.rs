//! What the registry holds.

use aws_sdk_ecr::operation::describe_images::DescribeImagesError;
use aws_sdk_ecr::types::ImageIdentifier;
use engine::failure::Failure;
use engine::ports::Images;
use model::ids::{BuildId, ImageDigest};

use crate::Aws;
use crate::failure::Call;

const DESCRIBE_IMAGES: Call = Call::reads("ecr DescribeImages");

impl Images for Aws {
    async fn image_digest(&self, repository: &str, tag: &BuildId) -> Result<Option<ImageDigest>, Failure> {
        let sent = self
            .ecr
            .describe_images()
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_tag(tag.as_str()).build())
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) if error.as_service_error().is_some_and(no_such_image) => return Ok(None),
            Err(error) => return Err(DESCRIBE_IMAGES.failed(error)),
        };
        let tagged = |image: &&aws_sdk_ecr::types::ImageDetail| {
            image.image_tags().iter().any(|other| other == tag.as_str())
        };
        let Some(image) = answer.image_details().iter().find(tagged) else { return Ok(None) };
        let digest: Result<ImageDigest, _> = image.image_digest().unwrap_or_default().parse();
        digest.map(Some).map_err(|error| DESCRIBE_IMAGES.refused(format!("{repository}:{tag}: {error}")))
    }
}

fn no_such_image(error: &DescribeImagesError) -> bool {
    error.is_image_not_found_exception() || error.is_repository_not_found_exception()
}
