//! Secrets that must be read again, sealed for their stay in a store.
//!
//! XChaCha20-Poly1305 with a random nonce of 24 bytes, which needs no counter to be safe. What a secret belongs to is
//! bound to it as associated data, so one row's secret is no use in another's place.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::entropy::Entropy;
use crate::error::{Error, Result};

/// The form of what is sealed: the first byte of it.
const FORM: u8 = 1;
const NONCE: usize = 24;

/// Seals and opens.
pub struct Seal(XChaCha20Poly1305);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Seals with a key of 256 bits.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals `secret`, which belongs to `owner`.
    ///
    /// # Errors
    /// None in practice: a secret above 256 GiB.
    pub fn close(&self, secret: &[u8], owner: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let sealed = self.0.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: owner });
        let sealed = sealed.map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([&[FORM], &nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    /// [`Internal`](crate::Kind::Internal) for what was sealed for another, with another key, or was changed.
    pub fn open(&self, sealed: &[u8], owner: &[u8]) -> Result<Vec<u8>> {
        let fault = || Error::internal("a sealed secret cannot be opened");
        let (form, rest) = sealed.split_first().ok_or_else(fault)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(fault)?;
        if *form != FORM {
            return Err(fault());
        }
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: owner }).map_err(|_| fault())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_secret_opens_for_its_owner_alone_and_unchanged() {
        let (seal, entropy) = (Seal::new(&[7; 32]), SeededEntropy::new(1));
        let sealed = seal.close(b"secret", b"whk_1", &entropy).unwrap();
        assert_eq!(seal.open(&sealed, b"whk_1").unwrap(), b"secret");
        assert!(seal.open(&sealed, b"whk_2").is_err());
        assert!(Seal::new(&[8; 32]).open(&sealed, b"whk_1").is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(&changed, b"whk_1").is_err(), "byte {at}");
        }
        assert!(seal.open(&[], b"whk_1").is_err());
        assert_ne!(seal.close(b"secret", b"whk_1", &entropy).unwrap(), sealed, "a nonce of its own each time");
    }
}
