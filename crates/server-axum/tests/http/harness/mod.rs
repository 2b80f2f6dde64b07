//! A server in process, requests to it, and what is looked at in its answers.

mod browser;
mod document;
mod guarantees;
pub(crate) mod provider;
mod receiver;
mod reply;
mod request;
mod server;
mod steered;

pub(crate) use browser::Browser;
pub(crate) use document::Document;
pub(crate) use provider::{Fault, Provider};
pub(crate) use receiver::{Answering, header};
pub(crate) use reply::Reply;
pub(crate) use request::Asking;
pub(crate) use server::{PUBLIC_URL, Server, Setup};
pub(crate) use steered::Mood;
