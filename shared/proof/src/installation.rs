//! Which Tidegate an order is for.

use std::str::FromStr;

/// An installation by its stack's id, which no other stack ever had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    stack_id: String,
    partition: String,
    region: String,
    account: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not the id of a stack: it must be arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<id>"
)]
pub struct NotAStackId;

impl FromStr for Installation {
    type Err = NotAStackId;

    fn from_str(stack_id: &str) -> Result<Self, NotAStackId> {
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        let parts: Vec<&str> = stack_id.split(':').collect();
        let ["arn", partition, "cloudformation", region, account, stack] = parts[..] else {
            return Err(NotAStackId);
        };
        let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        let is_stack = stack.starts_with("stack/") && stack.bytes().all(|b| b.is_ascii_graphic());
        if !is_plain(partition) || !is_plain(region) || !is_account || !is_stack {
            return Err(NotAStackId);
        }
        let [partition, region, account] = [partition, region, account].map(str::to_owned);
        Ok(Self { stack_id: stack_id.to_owned(), partition, region, account })
    }
}

impl Installation {
    pub fn stack_id(&self) -> &str {
        &self.stack_id
    }

    pub fn partition(&self) -> &str {
        &self.partition
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    /// Of its own region. Source: AWS general reference, "AWS Security Token Service endpoints and quotas".
    pub fn sts_host(&self) -> String {
        format!("sts.{}.{}", self.region, model::region::dns_suffix(&self.region))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_that_of_the_installation_s_own_partition_and_region() {
        let host =
            |stack_id: &str| stack_id.parse::<Installation>().map(|installation| installation.sts_host());
        let of = |partition: &str, region: &str| {
            host(&format!("arn:{partition}:cloudformation:{region}:123456789012:stack/tidegate/1f2e"))
        };
        assert_eq!(of("aws", "eu-west-1").as_deref(), Ok("sts.eu-west-1.amazonaws.com"));
        assert_eq!(of("aws-us-gov", "us-gov-west-1").as_deref(), Ok("sts.us-gov-west-1.amazonaws.com"));
        assert_eq!(of("aws-cn", "cn-north-1").as_deref(), Ok("sts.cn-north-1.amazonaws.com.cn"));
        for (partition, region) in [("aws", "example.com/"), ("aws", ""), ("aws", "eu-west-1@example.com")] {
            assert_eq!(of(partition, region), Err(NotAStackId), "{region}");
        }
        for other in ["", "tidegate", "arn:aws:cloudformation:eu-west-1:1:stack/tidegate/1f2e"] {
            assert_eq!(host(other), Err(NotAStackId), "{other}");
        }
    }
}
