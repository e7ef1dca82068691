//! What a region's name tells.

/// What ends the host names of its partition.
///
/// Source: CloudFormation user guide, pseudo parameter `AWS::URLSuffix`.
pub fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_has_a_suffix_of_its_own() {
        assert_eq!(dns_suffix("cn-north-1"), "amazonaws.com.cn");
        for region in ["eu-west-1", "us-gov-west-1", "ca-central-1"] {
            assert_eq!(dns_suffix(region), "amazonaws.com", "{region}");
        }
    }
}
