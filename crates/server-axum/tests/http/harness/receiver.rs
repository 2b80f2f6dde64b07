//! Who takes what is sent to webhook endpoints: answers as a test tells it, and keeps every call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use waypost_core::webhooks::{
    AttemptResult, Failure, FailureClass, Target, WebhookCall, WebhookReply, WebhookTransport,
};

/// How a receiver answers.
#[derive(Clone, Debug, Default)]
pub(crate) enum Answering {
    /// 200, with nothing in it.
    #[default]
    Ok,
    /// This status and body.
    With(u16, String),
    /// Nobody takes the connection.
    Refuses,
    /// 200, with the challenge given back as JSON.
    Proves,
    /// 200, with the challenge given back as it is.
    Echoes,
}

/// The receiver.
#[derive(Clone, Debug, Default)]
pub(crate) struct Receiver(Arc<Mutex<(Answering, Vec<WebhookCall>)>>);

impl Receiver {
    pub(crate) fn set(&self, answering: Answering) {
        self.0.lock().unwrap().0 = answering;
    }

    /// Every call so far; forgotten from here.
    pub(crate) fn take(&self) -> Vec<WebhookCall> {
        std::mem::take(&mut self.0.lock().unwrap().1)
    }
}

/// The value of a header; empty if there is none.
pub(crate) fn header<'a>(call: &'a WebhookCall, name: &str) -> &'a str {
    call.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
}

#[async_trait]
impl WebhookTransport for Receiver {
    fn refuses(&self, target: &Target) -> Option<String> {
        target.as_str().starts_with("https://10.").then(|| "blocked address: it is not a public one".to_owned())
    }

    async fn call(&self, call: WebhookCall) -> WebhookReply {
        let body: Value = serde_json::from_slice(&call.body).unwrap();
        let answering = {
            let mut inner = self.0.lock().unwrap();
            inner.1.push(call);
            inner.0.clone()
        };
        let challenge = body["data"]["challenge"].as_str().unwrap_or_default();
        let (status, excerpt) = match answering {
            Answering::Ok => (Some(200), String::new()),
            Answering::With(status, body) => (Some(status), body),
            Answering::Refuses => (None, String::new()),
            Answering::Proves => (Some(200), format!("{{\"challenge\": \"{challenge}\"}}")),
            Answering::Echoes => (Some(200), challenge.to_owned()),
        };
        let failure = match status {
            Some(200..=299) => None,
            Some(status) => Some((FailureClass::Status, format!("the receiver answered {status}"))),
            None => Some((FailureClass::Refused, "nobody took the connection".to_owned())),
        };
        let failure = failure.map(|(class, detail)| Failure { class, detail });
        WebhookReply { result: AttemptResult { status, failure, excerpt }, retry_after: None::<Duration> }
    }
}
