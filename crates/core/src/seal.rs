//! Secrets that must be read again, sealed for their stay in a store.
//!
//! XChaCha20-Poly1305 with a random nonce of 24 bytes, which needs no counter to be safe. What a secret belongs to is
//! bound to it as associated data, so one row's secret is no use in another's place.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};

use crate::entropy::Entropy;
use crate::error::{Error, Result};

/// The form of what is sealed: the first byte of it. After [`NAMED`] come the first bytes of the key's hash, so that the key
/// is known; [`UNNAMED`] is how it was before there could be several.
const UNNAMED: u8 = 1;
const NAMED: u8 = 2;
const NAME: usize = 4;
const NONCE: usize = 24;

/// Seals with one key, and opens with that and those before it.
pub struct Seal(Vec<Key>);

struct Key {
    name: [u8; NAME],
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Seals with `key`, of 256 bits, and still opens what was sealed with the `older` ones.
    pub fn new(key: &[u8; 32], older: &[[u8; 32]]) -> Self {
        let keys = std::iter::once(key).chain(older);
        Self(
            keys.map(|key| {
                let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(key).into();
                Key { name: [a, b, c, d], cipher: XChaCha20Poly1305::new(key.into()) }
            })
            .collect(),
        )
    }

    /// Seals `secret`, which belongs to `owner`.
    ///
    /// # Errors
    /// None in practice: a secret above 256 GiB.
    pub fn close(&self, secret: &[u8], owner: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        entropy.fill(&mut nonce);
        let key = self.0.first().ok_or_else(|| Error::internal("there is no key to seal with"))?;
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: owner });
        let sealed = sealed.map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([&[NAMED], &key.name[..], &nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    /// [`Internal`](crate::Kind::Internal) for what was sealed for another, with a key that is not there, or was changed.
    pub fn open(&self, sealed: &[u8], owner: &[u8]) -> Result<Vec<u8>> {
        let fault = || Error::internal("a sealed secret cannot be opened: it is damaged, or its key is not there");
        let (form, rest) = sealed.split_first().ok_or_else(fault)?;
        let (name, rest) = match *form {
            UNNAMED => (None, rest),
            NAMED => rest.split_first_chunk::<NAME>().map(|(name, rest)| (Some(name), rest)).ok_or_else(fault)?,
            _ => return Err(fault()),
        };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE>().ok_or_else(fault)?;
        let mut keys = self.0.iter().filter(|key| name.is_none_or(|name| key.name == *name));
        let open = |key: &Key| key.cipher.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: owner }).ok();
        keys.find_map(open).ok_or_else(fault)
    }

    /// Whether it was sealed with the key that seals now.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        let current = self.0.first().map(|key| [&[NAMED], &key.name[..]].concat());
        current.is_some_and(|current| sealed.starts_with(&current))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_secret_opens_for_its_owner_alone_and_unchanged() {
        let (seal, entropy) = (Seal::new(&[7; 32], &[]), SeededEntropy::new(1));
        let sealed = seal.close(b"secret", b"whk_1", &entropy).unwrap();
        assert_eq!(seal.open(&sealed, b"whk_1").unwrap(), b"secret");
        assert!(seal.open(&sealed, b"whk_2").is_err());
        assert!(Seal::new(&[8; 32], &[]).open(&sealed, b"whk_1").is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open(&changed, b"whk_1").is_err(), "byte {at}");
        }
        assert!(seal.open(&[], b"whk_1").is_err());
        assert_ne!(seal.close(b"secret", b"whk_1", &entropy).unwrap(), sealed, "a nonce of its own each time");
    }

    #[test]
    fn a_new_key_seals_and_the_older_one_still_opens() {
        let entropy = SeededEntropy::new(1);
        let (old, turned) = (Seal::new(&[7; 32], &[]), Seal::new(&[8; 32], &[[7; 32]]));
        let sealed = old.close(b"secret", b"whk_1", &entropy).unwrap();
        assert_eq!(turned.open(&sealed, b"whk_1").unwrap(), b"secret");
        assert!(old.is_current(&sealed) && !turned.is_current(&sealed));
        let sealed = turned.close(b"secret", b"whk_1", &entropy).unwrap();
        assert!(turned.is_current(&sealed) && old.open(&sealed, b"whk_1").is_err());
    }

    #[test]
    fn what_was_sealed_before_keys_had_names_is_opened() {
        let (seal, nonce) = (Seal::new(&[7; 32], &[]), [3; NONCE]);
        let bare = XChaCha20Poly1305::new(&[7; 32].into());
        let bare = bare.encrypt(&XNonce::from(nonce), Payload { msg: b"secret", aad: b"whk_1" }).unwrap();
        let sealed = [&[UNNAMED], &nonce[..], &bare].concat();
        assert_eq!(seal.open(&sealed, b"whk_1").unwrap(), b"secret");
        assert!(!seal.is_current(&sealed));
    }
}
