//! Webhooks over HTTP.
