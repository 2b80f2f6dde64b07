//! Why there is no connection.

use std::borrow::Cow;
use std::error::Error;
use std::io;

use super::EgressClass;

/// Why there is no connection.
///
/// What it displays is for whoever named the address: it tells nothing of what lies behind the guard. The cause is for the
/// operator's log.
#[derive(Debug, thiserror::Error)]
#[error("{words}")]
pub struct EgressError {
    class: EgressClass,
    words: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl EgressError {
    /// An error of this class, in words for whoever named the address.
    pub fn new(class: EgressClass, words: impl Into<Cow<'static, str>>) -> Self {
        Self { class, words: words.into(), source: None }
    }

    /// With its cause.
    pub fn with_source(self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
    }

    /// What kind of fault it was.
    pub fn class(&self) -> EgressClass {
        self.class
    }

    /// The same words for whatever address it is.
    pub(super) fn blocked_address() -> Self {
        Self::new(EgressClass::Blocked, "blocked address: it is not a public one")
    }

    pub(super) fn blocked_port(port: u16) -> Self {
        let words = format!("blocked address: port {port} is not among those that may be called");
        Self::new(EgressClass::Blocked, words)
    }

    pub(super) fn dns() -> Self {
        Self::new(EgressClass::Dns, "the name could not be resolved")
    }

    pub(super) fn timeout() -> Self {
        Self::new(EgressClass::Timeout, "no connection in time")
    }

    /// What a failed connect comes to.
    pub(super) fn connect(fault: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let (class, words) = match fault.kind() {
            Kind::TimedOut => return Self::timeout().with_source(fault),
            Kind::ConnectionRefused | Kind::HostUnreachable | Kind::NetworkUnreachable | Kind::NetworkDown => {
                (EgressClass::Refused, "nobody took the connection")
            }
            Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => {
                (EgressClass::Broken, "the connection broke")
            }
            // Out of files or ports: the fault is on this side, and the operator must learn of it.
            _ => {
                tracing::warn!(error = %fault, "a connection could not be begun");
                (EgressClass::Broken, "the connection could not be begun")
            }
        };
        Self::new(class, words).with_source(fault)
    }
}
