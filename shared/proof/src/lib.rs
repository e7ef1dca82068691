//! Who gives an order, proven by a signed GetCallerIdentity. Whoever orders signs one fixed request to STS and sends its
//! signature; `approval` builds that very request again, sends it itself, and AWS says whose signature it is. Pure: no
//! clock, no network.
//!
//! Two public systems fell because they checked what they were sent and should have built it themselves:
//!
//! - CVE-2020-16250 (Vault): host, headers and body came from the caller. A chosen action answered with text of the
//!   caller's own, and a chosen `Accept` made an answer that the lenient XML reader took for another one. Here the caller
//!   sends no URL, no header and no body (`request`), and the answer is one JSON document of one shape (`answer`).
//! - CVE-2022-2385 (aws-iam-authenticator): query parameters were checked by their names in lower case, so that one given
//!   twice was checked in one spelling and used in the other. Here there is no query, and no name is the caller's.
//!
//! Both let an order for one server be used at another, or twice. The header `x-tidegate-order`, which is always signed,
//! holds the hash of everything that is ordered: see `bound`.

mod answer;
mod installation;
mod proof;
mod refusal;
mod request;

pub use answer::{ANSWER_BYTES_MAX, Answered, caller};
pub use installation::{Installation, NotAStackId};
pub use proof::{AGE_MAX, Proof};
pub use refusal::Refusal;
pub use request::{BODY, Request, Unsigned, bound};
