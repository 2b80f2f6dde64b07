//! What is said at the start, to people: where it is, and what to do next.

use std::fmt;
use std::net::SocketAddr;

use waypost_core::links::Site;

use super::first_key::FirstKey;
use crate::settings::Settings;
use crate::store;

/// The text.
pub(super) struct Greeting<'a> {
    local: String,
    public: &'a str,
    kept: String,
    key: &'a FirstKey,
}

impl<'a> Greeting<'a> {
    pub(super) fn new(settings: &Settings, site: &'a Site, address: SocketAddr, key: &'a FirstKey) -> Self {
        let nowhere = Settings::default();
        let kept = match settings.database_file() {
            Some(file) => file.display().to_string(),
            None => "nowhere: the store is in memory, and ends with this process".to_owned(),
        };
        // Of no setting but the address itself: where this machine reaches the server.
        let local = store::public_url(&nowhere, Some(address));
        Self { local, public: site.public_url().trim_end_matches('/'), kept, key }
    }
}

impl fmt::Display for Greeting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = &self.local;
        writeln!(f, "Waypost {} listens on {local}", env!("CARGO_PKG_VERSION"))?;
        if self.public != local {
            writeln!(f, "  short links  {}/…", self.public)?;
        }
        writeln!(f, "  kept in      {}", self.kept)?;
        writeln!(f, "  docs         {local}/docs")?;
        let shown = match self.key {
            FirstKey::Made(text) => {
                writeln!(f, "  admin key    {}", text.expose())?;
                writeln!(f, "               (shown this once: keep it)")?;
                text.expose()
            }
            FirstKey::Given => {
                writeln!(f, "  admin key    the one in the settings")?;
                "$WAYPOST_ADMIN_KEY"
            }
            FirstKey::Known => {
                writeln!(f, "  admin key    made at an earlier start; `waypost keys create` makes another")?;
                "$WAYPOST_ADMIN_KEY"
            }
        };
        writeln!(f, "\nMake a link:\n")?;
        writeln!(f, "  curl {local}/v1/links -H \"Authorization: Bearer {shown}\" \\")?;
        writeln!(f, "    -H 'Content-Type: application/json' \\")?;
        writeln!(f, "    -d '{{\"destination\": \"https://www.rust-lang.org/\", \"slug\": \"rust\"}}'")?;
        writeln!(f, "\nFollow it:\n\n  curl -i {local}/rust\n")
    }
}
