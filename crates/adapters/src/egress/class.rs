//! What kind of fault kept a call from its answer.

use std::error::Error;
use std::io;

use super::EgressError;

/// What kind of fault it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EgressClass {
    /// The address, or its port, is none that may be called. Nothing was connected to.
    Blocked,
    /// The name could not be resolved.
    Dns,
    /// Nobody took the connection, or there is no way there.
    Refused,
    /// It took too long.
    Timeout,
    /// TLS could not be agreed upon, or the certificate is not good.
    Tls,
    /// The connection broke, or what came made no sense.
    Broken,
}

impl EgressClass {
    /// The class of an error of a client that has a [`GuardedConnector`](super::GuardedConnector) inside, by what stands in
    /// its chain of sources.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(error) = find::<EgressError>(error) {
            return error.class();
        }
        if find::<rustls::Error>(error).is_some() {
            return Self::Tls;
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Self::Timeout,
            _ => Self::Broken,
        }
    }
}

/// The first error of this type in the chain. An `io::Error` names as its source the source of what it holds, so that is
/// looked into as well.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    // Nobody nests errors deeper, and a chain that bites its own tail must end.
    const DEEPEST: usize = 32;
    let mut next = Some(error);
    for _ in 0..DEEPEST {
        let error = next?;
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = held.map(|held| held as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_tls_is_found_however_often_it_is_wrapped() {
        let tls = rustls::Error::HandshakeNotComplete;
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, tls));
        assert_eq!(EgressClass::of(&wrapped), EgressClass::Tls);
        assert_eq!(EgressClass::of(&io::Error::from(io::ErrorKind::TimedOut)), EgressClass::Timeout);
        assert_eq!(EgressClass::of(&io::Error::from(io::ErrorKind::BrokenPipe)), EgressClass::Broken);
        assert_eq!(EgressClass::of(&io::Error::other(EgressError::blocked_address())), EgressClass::Blocked);
    }
}
