//! The way to issuers of tokens and to the provider that people sign in at, over HTTPS.

mod error;
mod http;
#[cfg(test)]
mod tests;

pub use http::{OidcHttp, OidcOptions};
