//! Who is asking: one question, whatever they show and whatever protocol they show it by.

use crate::Platform;
use crate::credentials::Principal;
use crate::error::Result;

impl Platform {
    /// Who shows this text: the holder of an API key, whom this server's own token names, or whom a trusted issuer vouches
    /// for.
    ///
    /// What is shown still holds, or did a second ago: its standing is asked for each time.
    ///
    /// # Errors
    /// [`Unauthenticated`](crate::Kind::Unauthenticated) for what is not known, revoked, or no token that is taken here;
    /// [`Expired`](crate::Kind::Expired) for what was good; those of the stores.
    pub async fn recognise(&self, text: &str) -> Result<Principal> {
        if !is_token(text) {
            return self.credentials.authenticate(text).await;
        }
        // One that claims to be nobody's goes to our own verifier, which says why it is refused.
        if self.issuers.any() && !self.tokens.is_own(text) {
            return self.issuers.verify(text).await.map(|vouched| vouched.principal());
        }
        self.tokens.verify(text).await.map(|verified| verified.principal)
    }
}

/// Whether a text is a token rather than a key. `eyJ` is how an object of JSON begins in base64url, and two dots part a
/// token (RFC 7515 §7.1); a key that somebody chose by hand hardly has both.
fn is_token(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}
