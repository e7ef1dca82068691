//! People of the local AWS: IAM users, told apart by their access keys. An account's number alone is the key of its user
//! `local`; the number and a name are the key of the user of that name. Everybody's secret key is the same, and still signs.

use sha2::{Digest, Sha256};

/// Who works with an account's number alone.
pub const LOCAL_USER: &str = "local";
pub(crate) const SECRET_KEY: &str = "local";
const ACCOUNT_DIGITS: usize = 12;
const NAME_CHARS_MAX: usize = 64;

/// The access key of that user.
pub fn access_key(account: &str, name: &str) -> String {
    if name == LOCAL_USER { account.to_owned() } else { format!("{account}{name}") }
}

/// The unique id of that user, as IAM makes them.
pub fn unique_id(account: &str, name: &str) -> String {
    let hash: String =
        Sha256::digest(format!("{account}/{name}")).iter().map(|byte| format!("{byte:02X}")).collect();
    format!("AIDA{}", &hash[..17])
}

/// Account and user of an access key; none for a key that is nobody's here.
pub(crate) fn user_of(access_key: &str) -> Option<(&str, &str)> {
    let (account, name) = access_key.split_at_checked(ACCOUNT_DIGITS)?;
    let is_account = account.bytes().all(|b| b.is_ascii_digit());
    let is_name = name.len() <= NAME_CHARS_MAX && name.bytes().all(|b| b.is_ascii_alphanumeric());
    (is_account && is_name).then_some((account, if name.is_empty() { LOCAL_USER } else { name }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_names_its_account_and_its_user() {
        assert_eq!(user_of("000000000001"), Some(("000000000001", "local")));
        assert_eq!(user_of("000000000001ana"), Some(("000000000001", "ana")));
        for name in ["local", "ana"] {
            assert_eq!(user_of(&access_key("000000000001", name)), Some(("000000000001", name)));
        }
        for nobodys in ["AKIAEXAMPLE", "00000000000a", "000000000001/ana", ""] {
            assert_eq!(user_of(nobodys), None, "{nobodys}");
        }
        assert_ne!(unique_id("000000000001", "ana"), unique_id("000000000002", "ana"));
    }
}
