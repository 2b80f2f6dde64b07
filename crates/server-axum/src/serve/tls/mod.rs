//! TLS by rustls, for those without a proxy: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1 by ALPN, no client certificates.
//!
//! - [`Tls`] is a certificate with its key. It can be [replaced](Tls::replace) while connections are open: those that are
//!   there go on, newcomers get the new one.
//! - [`TlsListener`] shakes hands beside the accept loop, so that a slow peer keeps nobody else waiting.

mod certificate;
mod listener;

#[cfg(test)]
mod tests;

pub use certificate::{InvalidTls, Tls};
pub use listener::{HandshakeLimits, TlsListener};
