//! Load balancer path patterns and the prefixes granted to a service.

use crate::limits::{HOST_CHARS_MAX, PATH_CHARS_MAX};

/// Source: Application Load Balancer guide, "Path conditions" and "Host conditions".
pub(crate) const PATTERN_ALLOWED: &str =
    "1 to 128 of letters, digits, * ? & and _-.$/~\"'@:+, starting with /";
pub(crate) const PREFIX_ALLOWED: &str =
    "a path prefix: 1 to 128 of letters, digits, & and _-.$/~\"'@:+, starting with /";
pub(crate) const HOST_ALLOWED: &str = "a host name of 1 to 128 letters, digits and hyphens with dots between, letters alone after the last; * and ? stand \
     for any part before it";

pub(crate) fn is_pattern(text: &str) -> bool {
    text.starts_with('/')
        && text.len() <= PATH_CHARS_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"*?&_-.$/~\"'@:+".contains(&b))
}

/// A pattern without wildcards: what a grant is.
pub(crate) fn is_prefix(text: &str) -> bool {
    is_pattern(text) && wildcards(text) == 0
}

pub(crate) fn is_host(text: &str) -> bool {
    let is_part = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'*' | b'?');
        !part.is_empty() && part.bytes().all(allowed)
    };
    let is_last = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphabetic());
    let parts = text.rsplit_once('.');
    (1..=HOST_CHARS_MAX).contains(&text.len())
        && parts.is_some_and(|(before, last)| before.split('.').all(is_part) && is_last(last))
}

/// Hosts are the same in any case of letters; paths, which start with a slash, are not.
pub(crate) fn is_same(a: &str, b: &str) -> bool {
    a == b || (!a.starts_with('/') && a.eq_ignore_ascii_case(b))
}

/// Both kinds count towards the limit of a rule.
pub(crate) fn wildcards(pattern: &str) -> usize {
    pattern.bytes().filter(|b| matches!(b, b'*' | b'?')).count()
}

/// Whether every request that matches `pattern` lies under one of `grants`.
///
/// `/payments` grants `/payments` and what is below `/payments/`, but not `/payments-old`, nor `/payments*`, which
/// would match it.
pub(crate) fn is_granted(pattern: &str, grants: &[String]) -> bool {
    grants.iter().map(|grant| grant.trim_end_matches('/')).any(|grant| {
        pattern.strip_prefix(grant).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

/// Whether every host that `pattern` matches is one of `grants`. `*.example.com` grants each name below it.
pub(crate) fn is_granted_host(pattern: &str, grants: &[String]) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    grants.iter().map(|grant| grant.to_ascii_lowercase()).any(|grant| {
        grant == pattern
            || grant
                .strip_prefix('*')
                .is_some_and(|suffix| suffix.starts_with('.') && pattern.ends_with(suffix))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_granted_only_when_all_that_it_matches_is() {
        let grants = ["/payments".to_owned(), "/pay/".to_owned()];
        for pattern in ["/payments", "/payments/", "/payments/*", "/payments/v?/x", "/pay", "/pay/*"] {
            assert!(is_granted(pattern, &grants), "{pattern}");
        }
        for pattern in
            ["/", "/*", "/payment", "/payments*", "/payments?", "/payments-old", "/pa*", "/other/payments"]
        {
            assert!(!is_granted(pattern, &grants), "{pattern}");
        }
        assert!(is_granted("/anything/*", &["/".to_owned()]));
        assert!(!is_granted("/payments", &[]));
    }

    #[test]
    fn a_host_has_letters_alone_after_its_last_dot() {
        for good in
            ["a.b", "shop.example.com", "*.example.com", "sh?p-*.Example.COM", "xn--bcher-kva.example", "1.a"]
        {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "shop",
            ".",
            "..",
            "*.",
            "*.*",
            "-.-",
            "example.com.",
            ".example.com",
            "a..b",
            "10.0.0.1",
            "a.b:80",
            "a_b.c",
            "shop.example.c?m",
            &format!("{}.com", "a".repeat(125)),
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_path_pattern_has_a_load_balancers_characters() {
        for good in ["/", "/*", "/payments/*", "/a-b_c.d~e$f/\"g'@h:i+j&k?"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in [
            "",
            "payments",
            "*",
            "/a b",
            "/a,b",
            "/a%20b",
            "/ä",
            "/a#b",
            "/a\n",
            &format!("/{}", "a".repeat(128)),
        ] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }
}
