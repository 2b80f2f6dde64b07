//! What is said at the start, to people: where it is, and what to do next.

use std::fmt;
use std::net::SocketAddr;

use waypost_core::links::Site;

use super::first_key::FirstKey;
use crate::settings::{Bus, Limiter, Place, Settings};
use crate::store;

/// The text.
pub(super) struct Greeting<'a> {
    local: String,
    public: &'a str,
    kept: String,
    beside: Vec<(&'static str, String)>,
    key: &'a FirstKey,
}

impl<'a> Greeting<'a> {
    pub(super) fn new(settings: &Settings, site: &'a Site, address: SocketAddr, key: &'a FirstKey) -> Self {
        let nowhere = Settings { tls_certificate: settings.tls_certificate.clone(), ..Settings::default() };
        let kept = match settings.place() {
            Place::Memory => "nowhere: the store is in memory, and ends with this process".to_owned(),
            place => place.to_string(),
        };
        // Of what is as it is on one machine, nothing needs to be said.
        let beside = [
            settings.redis_url.as_ref().map(|url| ("changes by", format!("Redis at {url}"))),
            (settings.limiter() == Limiter::Redis).then(|| ("limits in", "Redis".to_owned())),
            match settings.bus() {
                Bus::Nats => settings.nats_url.as_ref().map(|url| ("events in", format!("NATS at {url}"))),
                Bus::Redis => Some(("events in", "Redis".to_owned())),
                Bus::Store | Bus::Auto => None,
            },
            super::webhooks::beyond_the_public(settings).map(|allowed| ("webhooks to", allowed)),
            settings.sending.proxy.as_ref().map(|proxy| ("webhooks by", format!("the proxy at {proxy}"))),
        ];
        let beside = beside.into_iter().flatten().collect();
        // Of no setting but the address itself: where this machine reaches the server.
        let local = store::public_url(&nowhere, Some(address));
        Self { local, public: site.public_url().trim_end_matches('/'), kept, beside, key }
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
        for (what, place) in &self.beside {
            writeln!(f, "  {what:<12} {place}")?;
        }
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
