//! A certificate with its key, and what rustls makes of the two.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

/// A certificate and its key, which can be replaced while connections are open. Clones share them.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

/// Why a certificate and a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTls {
    /// The text of the certificate holds none.
    #[error("no certificate is in it; it must hold `-----BEGIN CERTIFICATE-----`, the server's own first")]
    NoCertificate,
    /// The text of the certificate is damaged.
    #[error("the certificate cannot be read: {0}")]
    Certificate(String),
    /// The text of the key holds none, or more than PEM can say.
    #[error("no private key is in it; it must hold `-----BEGIN PRIVATE KEY-----`, without a passphrase")]
    NoKey,
    /// The key is of a kind that is not supported.
    #[error("the key cannot be used: {0}; use ECDSA P-256, Ed25519 or RSA of 2048 bits or more")]
    Key(String),
    /// The two do not belong together.
    #[error("the key does not belong to the certificate; name the two that were issued together")]
    Mismatch,
}

impl InvalidTls {
    /// Whether it is the key that is at fault, and not the certificate.
    pub fn is_of_key(&self) -> bool {
        matches!(self, Self::NoKey | Self::Key(_) | Self::Mismatch)
    }
}

impl Tls {
    /// Reads PEM: a chain whose first certificate is the server's own, and its key.
    ///
    /// # Errors
    /// [`InvalidTls`] says which of the two cannot be used, and why.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self, InvalidTls> {
        Ok(Self(Arc::new(RwLock::new(config(certificate, key)?))))
    }

    /// Uses another certificate from the next handshake on. What cannot be used changes nothing.
    ///
    /// # Errors
    /// [`InvalidTls`], as in [`Tls::new`].
    pub fn replace(&self, certificate: &[u8], key: &[u8]) -> Result<(), InvalidTls> {
        let next = config(certificate, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// What the next handshake uses.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(..)")
    }
}

fn config(certificate: &[u8], key: &[u8]) -> Result<Arc<ServerConfig>, InvalidTls> {
    let chain = chain(certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|fault| match fault {
        pem::Error::NoItemsFound => InvalidTls::NoKey,
        fault => InvalidTls::Key(fault.to_string()),
    })?;
    // The provider is named here: the process may have another default, or none.
    let versions = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|fault| InvalidTls::Key(fault.to_string()))?;
    let mut config = versions.with_no_client_auth().with_single_cert(chain, key).map_err(|fault| match fault {
        Error::InconsistentKeys(_) => InvalidTls::Mismatch,
        Error::InvalidCertificate(_) => InvalidTls::Certificate(fault.to_string()),
        fault => InvalidTls::Key(fault.to_string()),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn chain(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, InvalidTls> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(InvalidTls::NoCertificate),
        Ok(chain) => Ok(chain),
        Err(fault) => Err(InvalidTls::Certificate(fault.to_string())),
    }
}
