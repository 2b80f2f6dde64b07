//! What the server says of itself, for those who look whether it will do.

use async_nats::jetstream::ErrorCode;
use serde_json::Value;
use waypost_core::Result;

use super::error::Fault;
use super::options::NatsOptions;

/// What the server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsServer {
    /// Its version.
    pub version: String,
}

impl NatsServer {
    /// Asks it, and JetStream for its account; makes no log.
    ///
    /// # Errors
    /// [`Unavailable`](waypost_core::Kind::Unavailable) when no server answers, or has no JetStream;
    /// [`Invalid`](waypost_core::Kind::Invalid) for an address that is not one.
    pub async fn ask(options: impl Into<NatsOptions>) -> Result<Self> {
        Ok(Self::asked(options.into()).await?)
    }

    async fn asked(options: NatsOptions) -> Result<Self, Fault> {
        let connecting = options.connection()?.connect(options.addresses()?);
        let connected = tokio::time::timeout(options.connect_timeout, connecting).await;
        let client = connected.map_err(|_| Fault::Away)??;
        let answer = client.request("$JS.API.INFO", "".into()).await?;
        let answer: Value = serde_json::from_slice(&answer.payload).map_err(|_| Fault::Form("an answer"))?;
        let version = client.server_info().version;
        // It fails only where the connection is closed already.
        let _ = client.drain().await;
        match answer.get("error") {
            None => Ok(Self { version }),
            Some(error) => {
                let code = error["err_code"].as_u64().unwrap_or_default();
                Err(Fault::Refused(ErrorCode(code), error["description"].as_str().unwrap_or_default().to_owned()))
            }
        }
    }
}
