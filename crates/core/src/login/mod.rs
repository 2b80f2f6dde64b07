//! People's login, through an OpenID provider: authorization code with PKCE (OpenID Connect Core §3.1; RFC 9700 §2.1).
//!
//! [`Login::begin`] sends a browser to the provider and gives it an [`Attempt`] to keep; [`Login::finish`] takes both back
//! together, and ends in a session. Nothing is kept here in between: what an attempt needs (state, nonce, verifier) is
//! made from one random id and a secret of the platform, and the id travels sealed in the browser's own cookie. So a code
//! that was obtained in one browser is of no use in another.

mod attempt;
mod id_token;
mod options;
mod return_path;
mod service;

pub use attempt::Attempt;
pub use options::LoginOptions;
pub use return_path::ReturnPath;
pub use service::{Begun, Callback, Finished, Login, Refusal};
pub(crate) use service::{Parts, redirect_uri};
