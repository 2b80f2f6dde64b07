//! Webhooks over HTTP: the calls of receivers, behind the egress guard.
//!
//! [`HttpWebhookTransport`] calls over HTTP/1.1, on connections that are kept and used again, each by one call at a time: on
//! HTTP/2 the hanging calls of one tenant would hold up another's to the same host. Each connection is made by a [`GuardedConnector`](crate::egress::GuardedConnector), so none leads where the
//! guard lets none; redirects are answers like others. Whatever a receiver does, a call is over in time, and of its answer
//! no more is held than a head and 16 KiB.

mod answer;
mod clients;
mod connection;
mod connector;
mod options;
mod request;
mod retry_after;
#[cfg(test)]
mod tests;
mod transport;

pub use options::HttpWebhookOptions;
pub use transport::HttpWebhookTransport;
