//! Texts without what differs from run to run.

/// Digests, revisions, fingerprints, tokens and other identities become what they are; all else stays.
pub(crate) fn anonymous(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            word.push(c);
        } else {
            out.push_str(&without_identity(&word));
            word.clear();
            out.push(c);
        }
    }
    out.pop();
    out.replace("sha256:<hash>", "<digest>")
}

fn without_identity(word: &str) -> String {
    let is_hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
    if let Some((family, attempt)) = word.strip_prefix("tg-").and_then(|rest| rest.rsplit_once('-')) {
        return if is_hex(&family.replace('-', "")) { format!("<build {attempt}>") } else { word.to_owned() };
    }
    if word.starts_with("tidegate-BuildProject-") {
        return "<build project>".to_owned();
    }
    let is_uuid = word.len() == 36 && word.matches('-').count() == 4;
    match word.len() {
        _ if is_uuid && is_hex(&word.replace('-', "")) => "<uuid>".to_owned(),
        64 if is_hex(word) => "<hash>".to_owned(),
        12 if word.bytes().all(|b| b.is_ascii_digit()) => "<account>".to_owned(),
        12 if is_hex(word) => "<short>".to_owned(),
        40 if is_hex(word) => "<revision>".to_owned(),
        32 if is_hex(word) => "<token>".to_owned(),
        _ => word.to_owned(),
    }
}

#[test]
fn only_identities_are_left_out() {
    let hash = "ab01".repeat(16);
    let text = format!(
        "payments-production-1 runs sha256:{hash}, revision 0123456789ab, built as tg-0123456789ab-89abcdef-2 \
         (RequestToken: 01234567-89ab-cdef-0123-456789abcdef)"
    );
    assert_eq!(
        anonymous(&text),
        "payments-production-1 runs <digest>, revision <short>, built as <build 2> (RequestToken: <uuid>)"
    );
}
