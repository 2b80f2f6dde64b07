//! Keys, and what is signed with them.
//!
//! The provider of the cryptography is named call by call, never taken from the process: an embedding program may have
//! installed another one, or two, and then the library's choice would be a panic.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::EllipticCurve;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7).
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// An Ed25519 key that signs.
pub(crate) struct SigningKey {
    key: EncodingKey,
    id: Box<str>,
    x: Box<str>,
    public: VerifyingKey,
}

impl SigningKey {
    /// The name of the algorithm in headers (RFC 8037 §3.1).
    pub(crate) const ALGORITHM: &'static str = "EdDSA";

    /// The key of a seed (RFC 8032 §5.1.5).
    pub(crate) fn of_seed(seed: &[u8; 32]) -> Result<Self> {
        let der = [&PKCS8[..], seed].concat();
        let public = (DEFAULT_PROVIDER.key_utils.ed_pub_components_from_private_key)(&der, &EllipticCurve::Ed25519)
            .map_err(Error::internal)?;
        let x = URL_SAFE_NO_PAD.encode(&public);
        // RFC 7638 §3: the required members in the order of their names, without a space (RFC 8037 §2 says which).
        let members = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{x}\"}}");
        let id = URL_SAFE_NO_PAD.encode(Sha256::digest(members));
        let public = VerifyingKey { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(&public) };
        Ok(Self { key: EncodingKey::from_ed_der(&der), id: id.into(), x: x.into(), public })
    }

    /// Its name: its thumbprint (RFC 7638).
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// What others verify with.
    pub(crate) fn public(&self) -> &VerifyingKey {
        &self.public
    }

    /// What others verify with, to be published (RFC 8037 §2).
    pub(crate) fn jwk(&self) -> Value {
        let (x, id) = (&self.x, &self.id);
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id, "use": "sig", "alg": Self::ALGORITHM})
    }

    /// Signs.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signer = (DEFAULT_PROVIDER.signer_factory)(&Algorithm::EdDSA, &self.key).map_err(Error::internal)?;
        signer.try_sign(message).map_err(|_| Error::internal("a signature could not be made"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A public key that verifies, by the one algorithm that is its own.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl VerifyingKey {
    /// The key that a JWK holds: Ed25519 or P-256 (RFC 8037 §2, RFC 7518 §6.2.1).
    ///
    /// # Errors
    /// In words for whoever sent it.
    pub(crate) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, &'static str> {
        let member = |name| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name| URL_SAFE_NO_PAD.decode(member(name)).ok().filter(|bytes| bytes.len() == 32);
        match (member("kty"), member("crv")) {
            ("OKP", "Ed25519") => {
                let x = number("x").ok_or("`x` must be 32 bytes in base64url")?;
                Ok(Self { algorithm: Algorithm::EdDSA, key: DecodingKey::from_ed_der(&x) })
            }
            ("EC", "P-256") => {
                let (x, y) = number("x").zip(number("y")).ok_or("`x` and `y` must be 32 bytes each in base64url")?;
                let point = [&[4][..], &x, &y].concat();
                Ok(Self { algorithm: Algorithm::ES256, key: DecodingKey::from_ec_der(&point) })
            }
            _ => Err("must be an Ed25519 key (kty OKP) or a P-256 key (kty EC)"),
        }
    }

    /// The name of its algorithm in headers.
    pub(crate) fn algorithm(&self) -> &'static str {
        if self.algorithm == Algorithm::ES256 { "ES256" } else { SigningKey::ALGORITHM }
    }

    /// Whether this is a signature of it over `message`.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let verifier = (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key);
        verifier.is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037 appendix A: the key, its thumbprint, and a signature of it.
    #[test]
    fn keys_thumbprints_and_signatures_are_those_of_the_standard() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let key = SigningKey::of_seed(&seed.try_into().unwrap()).unwrap();
        assert_eq!(&*key.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = key.sign(message).unwrap();
        assert_eq!(
            URL_SAFE_NO_PAD.encode(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
        assert!(key.public().has_signed(message, &signature));
        assert!(!key.public().has_signed(b"another", &signature));
        assert!(!key.public().has_signed(message, &[0; 64]));
        assert!(!key.public().has_signed(message, b""));
        let Value::Object(jwk) = key.jwk() else { panic!("an object") };
        assert!(VerifyingKey::of_jwk(&jwk).unwrap().has_signed(message, &signature));
        assert!(!format!("{key:?}").contains("nWGxne"), "nothing prints a key");
    }
}
