//! The transport.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use waypost_core::clock::Clock;
use waypost_core::webhooks::{Failure, FailureClass, Target, WebhookCall, WebhookReply, WebhookTransport};
use waypost_core::{Error, Kind, Result};

use super::HttpWebhookOptions;
use super::answer::Answer;
use super::clients::Clients;
use super::connector::Connector;
use super::request::{Unsendable, request};
use super::retry_after::retry_after;
use crate::egress::class::find;
use crate::egress::{EgressClass, EgressError, Guard, GuardedConnector};

/// Calls receivers over HTTP, through a [`GuardedConnector`].
#[derive(Debug)]
pub struct HttpWebhookTransport {
    clients: Clients,
    guard: Guard,
    clock: Arc<dyn Clock>,
    options: HttpWebhookOptions,
}

impl HttpWebhookTransport {
    /// A transport that connects by `connector`, and holds certificates against what this machine trusts. `clock` says how
    /// long it is until a date that a receiver names.
    ///
    /// # Errors
    /// [`Unavailable`](Kind::Unavailable) where TLS cannot be set up: the machine has no roots.
    pub fn new(connector: GuardedConnector, clock: Arc<dyn Clock>, options: HttpWebhookOptions) -> Result<Self> {
        // With the provider named: another one in the program must not decide, nor make this panic.
        let tls = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.try_with_platform_verifier())
            .map_err(|fault| Error::new(Kind::Unavailable, "TLS cannot be set up").with_source(fault))?;
        Ok(Self::with_tls(connector, tls.with_no_client_auth(), clock, options))
    }

    pub(super) fn with_tls(
        connector: GuardedConnector,
        tls: ClientConfig,
        clock: Arc<dyn Clock>,
        options: HttpWebhookOptions,
    ) -> Self {
        let guard = connector.guard().clone();
        let connector = connector.within(options.connect_limit);
        let connector = Connector::new(connector, tls, options.connect_limit);
        Self { clients: Clients::new(connector, &options), guard, clock, options }
    }

    fn refuses_scheme(&self, uri: &Uri) -> Option<String> {
        let is_refused = !self.options.allow_http && uri.scheme() == Some(&Scheme::HTTP);
        is_refused.then(|| "the scheme must be https".to_owned())
    }

    /// Makes the call, and fills `answer` as it comes.
    async fn exchange(&self, request: Request<Full<Bytes>>, answer: &mut Answer) -> std::result::Result<(), Failure> {
        let response = self.clients.of_this_thread().request(request).await.map_err(|fault| failure(&fault))?;
        let (head, mut body) = response.into_parts();
        answer.status = Some(head.status);
        answer.retry_after = retry_after(&head.headers, self.clock.now());
        drop(head);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|fault| failure(&fault))?;
            if frame.data_ref().is_some_and(|piece| !answer.take(piece)) {
                // The connection ends with the body that nobody reads.
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl WebhookTransport for HttpWebhookTransport {
    fn refuses(&self, target: &Target) -> Option<String> {
        let Ok(uri) = target.as_str().parse() else { return Some(Unsendable::Target.to_string()) };
        let refused = self.guard.destination(&uri).err().map(|fault| fault.to_string());
        self.refuses_scheme(&uri).or(refused)
    }

    async fn call(&self, call: WebhookCall) -> WebhookReply {
        let mut answer = Answer::default();
        let request = match request(call) {
            Ok(request) => request,
            Err(fault) => {
                return answer.reply(Some(Failure { class: FailureClass::Broken, detail: fault.to_string() }));
            }
        };
        if let Some(detail) = self.refuses_scheme(request.uri()) {
            return answer.reply(Some(Failure { class: FailureClass::Blocked, detail }));
        }
        let ended = tokio::time::timeout(self.options.limit, self.exchange(request, &mut answer)).await;
        let fault = match ended {
            Ok(ended) => ended.err(),
            Err(_) => {
                let what = if answer.status.is_some() { "no whole answer" } else { "no answer" };
                let detail = format!("{what} within {:?}", self.options.limit);
                Some(Failure { class: FailureClass::Timeout, detail })
            }
        };
        answer.reply(fault)
    }
}

/// What an error of the client is, in words for the endpoint's owner.
fn failure(error: &(dyn std::error::Error + 'static)) -> Failure {
    let class = match EgressClass::of(error) {
        EgressClass::Blocked => FailureClass::Blocked,
        EgressClass::Dns => FailureClass::Dns,
        EgressClass::Refused => FailureClass::Refused,
        EgressClass::Timeout => FailureClass::Timeout,
        EgressClass::Tls => FailureClass::Tls,
        EgressClass::Broken => FailureClass::Broken,
    };
    let detail = match (find::<EgressError>(error), find::<hyper::Error>(error)) {
        (Some(error), _) => error.to_string(),
        (None, Some(error)) if error.is_parse() => {
            "what came is not HTTP, or its head is larger than 64 KiB or 100 fields".to_owned()
        }
        _ if class == FailureClass::Tls => "TLS failed on the way".to_owned(),
        _ => "the connection broke before the whole answer had come".to_owned(),
    };
    tracing::debug!(class = class.as_str(), error = ?error, "a call came to nothing");
    Failure { class, detail }
}
