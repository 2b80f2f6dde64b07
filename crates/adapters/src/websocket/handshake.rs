//! The key of the opening handshake.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tungstenite::handshake::derive_accept_key;

/// What `Sec-WebSocket-Accept` answers to a `Sec-WebSocket-Key` (RFC 6455 §4.2.2, 5.4); `None` for a key that is not 16
/// bytes in base64 (§4.2.1, 5).
///
/// ```
/// use waypost_adapters::websocket::accept_key;
///
/// // The example of RFC 6455 §1.3.
/// assert_eq!(accept_key(b"dGhlIHNhbXBsZSBub25jZQ==").as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
/// assert_eq!(accept_key(b"short"), None);
/// ```
pub fn accept_key(key: &[u8]) -> Option<String> {
    let nonce = STANDARD.decode(key).ok()?;
    (nonce.len() == 16).then(|| derive_accept_key(key))
}
