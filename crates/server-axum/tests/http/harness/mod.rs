//! A server in process, requests to it, and what is looked at in its answers.

mod document;
mod guarantees;
mod reply;
mod request;
mod server;
mod steered;

pub(crate) use document::Document;
pub(crate) use reply::Reply;
pub(crate) use request::Asking;
pub(crate) use server::{PUBLIC_URL, Server, Setup};
pub(crate) use steered::Mood;
