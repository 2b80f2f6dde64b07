//! One link as a source tells it, and one piece of a source that is not a link.

use serde_json::{Map, Value};

/// One link, read from a source and not yet judged by the store.
///
/// Slug, destination and domain are what the source says, trimmed and unescaped; whether they are allowed is for the
/// store to tell. Times are RFC 3339 in UTC.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Where the link stands: the 1-based line of a text, the 1-based item of a JSON file.
    pub(crate) line: u64,
    /// The slug; `None` asks for a random one, which only plain CSV may do.
    pub(crate) slug: Option<String>,
    /// Where the link leads.
    pub(crate) destination: String,
    /// The host of the short link; `None` for the default one, and for hosts that belong to a service.
    pub(crate) domain: Option<String>,
    /// The title that people see in lists.
    pub(crate) title: Option<String>,
    /// The tags, in the source's order, each once.
    pub(crate) tags: Vec<String>,
    /// When the source made the link.
    pub(crate) created_at: Option<String>,
    /// When the link ends.
    pub(crate) expires_at: Option<String>,
    /// How many more redirects the link may answer, the source's own ones already taken off.
    pub(crate) max_clicks: Option<u64>,
    /// The redirect's status, one of 301, 302, 303, 307 and 308.
    pub(crate) redirect_status: Option<u16>,
    /// The `Referrer-Policy` of its redirects.
    pub(crate) referrer_policy: Option<String>,
    /// For how many seconds caches may keep its redirect.
    pub(crate) cache_seconds: Option<u64>,
    /// Whether the link answers 410 instead of redirecting.
    pub(crate) disabled: bool,
    /// What else is worth keeping, `imported_clicks` and `imported_from` among it.
    pub(crate) metadata: Map<String, Value>,
    /// What the source says and a link here cannot carry, to be counted and told to whoever imports.
    pub(crate) left_out: Vec<&'static str>,
}

/// A part of the source that did not become a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Where it stands, counted as in [`Row::line`].
    pub(crate) line: u64,
    /// What is wrong with it, in one clause for people.
    pub(crate) reason: String,
    /// The source's own text, passwords blanked, and shortened where it was too large to hold.
    pub(crate) raw: String,
    /// How much of the source is lost by it.
    pub(crate) scope: Scope,
}

/// How far a refusal reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This one alone; the next ones are read.
    Row,
    /// Everything from here on: the source broke off or could not be read, so the import is not complete.
    Rest,
}

/// What a format yields: a link, or a refusal with its reason.
pub(crate) type Outcome = Result<Row, Refused>;

/// The status codes that a link may redirect with.
const REDIRECTS: [u64; 5] = [301, 302, 303, 307, 308];

impl Row {
    /// A link that leads to `destination` and says nothing else.
    ///
    /// # Errors
    ///
    /// A reason, when the source names no destination.
    pub(crate) fn new(line: u64, destination: Option<&str>) -> Result<Row, String> {
        let destination = destination.map(str::trim).filter(|text| !text.is_empty()).ok_or("no destination")?;
        Ok(Row {
            line,
            slug: None,
            destination: destination.to_owned(),
            domain: None,
            title: None,
            tags: Vec::new(),
            created_at: None,
            expires_at: None,
            max_clicks: None,
            redirect_status: None,
            referrer_policy: None,
            cache_seconds: None,
            disabled: false,
            metadata: Map::new(),
            left_out: Vec::new(),
        })
    }

    /// Notes something that the link loses on the way, once.
    pub(crate) fn leave_out(&mut self, what: &'static str) {
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
    }

    /// Adds a tag, unless it is empty or there already.
    pub(crate) fn tag(&mut self, name: &str) {
        let name = name.trim();
        if !name.is_empty() && !self.tags.iter().any(|tag| tag == name) {
            self.tags.push(name.to_owned());
        }
    }

    /// Keeps one more fact in the metadata.
    pub(crate) fn keep(&mut self, key: &str, value: impl Into<Value>) {
        self.metadata.insert(key.to_owned(), value.into());
    }

    /// Takes over the source's click count and, net of it, the source's limit.
    ///
    /// A limit counts every click since the link was made. Clicks are not imported as clicks, so the limit would start
    /// anew unless the used part came off; a link that was used up stays shut.
    pub(crate) fn clicks(&mut self, count: Option<u64>, limit: Option<u64>) {
        if let Some(count) = count {
            self.keep("imported_clicks", count);
        }
        if let Some(limit) = limit {
            let left = limit.saturating_sub(count.unwrap_or(0));
            if left == 0 {
                self.disabled = true;
                self.keep("imported_max_clicks", limit);
            } else {
                self.max_clicks = Some(left);
            }
        }
    }

    /// Sets when the source made the link; a time that nobody can read is noted and dropped.
    pub(crate) fn created(&mut self, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.created_at = super::time::normalise(text);
            if self.created_at.is_none() {
                self.leave_out("a creation time that is not a time");
            }
        }
    }

    /// Sets when the link ends.
    ///
    /// # Errors
    ///
    /// A reason, when the text is not a time: a link that should end must not live for ever.
    pub(crate) fn expires(&mut self, text: Option<&str>) -> Result<(), String> {
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty() && !super::time::is_unset(text)) {
            let time = super::time::normalise(text).ok_or_else(|| {
                format!("the expiry `{}` is not a time; write it as 2030-12-31T23:59:59Z", brief(text))
            })?;
            self.expires_at = Some(time);
        }
        Ok(())
    }

    /// Sets the redirect's status.
    ///
    /// # Errors
    ///
    /// A reason, when it is not one of the statuses that redirect.
    pub(crate) fn redirect(&mut self, text: Option<&str>) -> Result<(), String> {
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
            let status = text.parse::<u64>().ok().filter(|status| REDIRECTS.contains(status));
            let status = status.and_then(|status| u16::try_from(status).ok());
            let wrong = || format!("the redirect status `{}` is not 301, 302, 303, 307 or 308", brief(text));
            self.redirect_status = Some(status.ok_or_else(wrong)?);
        }
        Ok(())
    }
}

/// The reason that keeps every link with a password out, whatever the format.
pub(crate) const PASSWORD: &str =
    "protected by a password, which a link here cannot ask for; importing it would open it to all";

/// The first 60 characters, enough for a message to be recognised by.
pub(crate) fn brief(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
