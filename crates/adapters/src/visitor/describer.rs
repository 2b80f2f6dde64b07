//! The port on top of the parts, and a cache before the slow one.

use std::fmt::{self, Debug};
use std::path::Path;

use quick_cache::sync::Cache;
use waypost_core::Result;
use waypost_core::clicks::{Describe, Hit, Visitor};

use super::agent::{Agent, AgentParser};
use super::country::Countries;
use super::referrer;

/// How many user agents are remembered. A busy site sees some thousands in a day; at [`Hit::LONGEST_TEXT`] each, which
/// takes a stranger who sends nothing but new ones, they are 2.5 MiB.
const REMEMBERED: usize = 4_096;

/// Describes visitors by their user agent, referrer and address.
///
/// What a program pretends to be is not reported: it has no browser, no system, and its device is `other`. The browser
/// and system are families without versions (`Firefox`, `Windows`). The referrer is a host in lower case without
/// `www.`; a short domain of this server is a host like any other.
///
/// # Caveats
/// A user agent says what its sender wants it to say. An iPad whose browser asks for desktop pages cannot be told from
/// a Mac. Headless browsers that hide are taken for people.
///
/// # Cost
/// About 0.3 µs for a user agent that was seen lately, and some 5 µs for a new one. The file for countries is held in
/// memory as a whole: 9 MiB for GeoLite2-Country, 60 MiB for GeoLite2-City, which tells no more here.
///
/// ```
/// use waypost_adapters::visitor::VisitorDescriber;
/// use waypost_core::clicks::{Describe, Hit};
/// use waypost_core::ids::{LinkId, WorkspaceId};
///
/// let describer = VisitorDescriber::new(None)?;
/// let visitor = describer.describe(&Hit {
///     link: LinkId::from_bytes([1; 16]),
///     workspace: WorkspaceId::from_bytes([2; 16]),
///     at: "2026-11-20T12:00:00Z".parse()?,
///     address: [192, 0, 2, 7].into(),
///     user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0".into(),
///     referrer: "https://www.Example.org/posts/7".into(),
/// });
/// assert!(!visitor.is_bot);
/// assert_eq!(visitor.browser.as_deref(), Some("Firefox"));
/// assert_eq!(visitor.referrer.as_deref(), Some("example.org"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct VisitorDescriber {
    parser: AgentParser,
    agents: Cache<Box<[u8]>, Agent>,
    countries: Option<Countries>,
}

impl VisitorDescriber {
    /// A describer that reads countries from the file `geoip`, or knows none.
    ///
    /// It reads the file once; a newer one is taken up at the next start. It blocks meanwhile.
    ///
    /// # Errors
    /// [`Invalid`](waypost_core::Kind::Invalid) when the file cannot be read, is no MaxMind DB, or holds no countries.
    pub fn new(geoip: Option<&Path>) -> Result<Self> {
        let countries = geoip.map(Countries::open).transpose()?;
        Ok(Self { parser: AgentParser::default(), agents: Cache::new(REMEMBERED), countries })
    }

    fn agent(&self, user_agent: &[u8]) -> Agent {
        self.agents.get(user_agent).unwrap_or_else(|| {
            let agent = self.parser.parse(&String::from_utf8_lossy(user_agent));
            self.agents.insert(user_agent.into(), agent);
            agent
        })
    }
}

impl Describe for VisitorDescriber {
    fn describe(&self, hit: &Hit) -> Visitor {
        let agent = self.agent(&hit.user_agent);
        Visitor {
            is_bot: agent.is_bot,
            country: self.countries.as_ref().and_then(|countries| countries.of(hit.address)),
            referrer: referrer::host(&hit.referrer),
            browser: agent.browser.map(Into::into),
            os: agent.os.map(Into::into),
            device: Some(agent.device.into()),
        }
    }
}

impl Debug for VisitorDescriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitorDescriber")
            .field("agents", &self.agents.len())
            .field("countries", &self.countries)
            .finish_non_exhaustive()
    }
}
