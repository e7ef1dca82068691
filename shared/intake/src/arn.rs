//! Amazon Resource Names. Partition, region and account are not judged: samples have impossible ones.

/// What follows `arn:<partition>:<service>:<region>:<account>:`.
///
/// Source: IAM user guide, "Identify AWS resources with Amazon Resource Names".
pub(crate) fn resource<'a>(arn: &'a str, service: &str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let is_arn = parts.next() == Some("arn");
    let _partition = parts.next()?;
    let is_service = parts.next() == Some(service);
    let (_region, _account) = (parts.next()?, parts.next()?);
    parts.next().filter(|resource| is_arn && is_service && !resource.is_empty())
}
