//! Readiness: whether what we depend on is there.

use std::fmt::Debug;

use async_trait::async_trait;

use crate::error::Result;

/// Something that must be there for the platform to serve.
#[async_trait]
pub trait Probe: Debug + Send + Sync {
    /// What it is called in `/readyz`.
    fn name(&self) -> &str;

    /// Tries it. Callers bound it in time.
    ///
    /// # Errors
    /// [`Unavailable`](crate::Kind::Unavailable), with a message that is fit for operators.
    async fn check(&self) -> Result<()>;
}
