//! The address of a server, which may hold a password.

use std::fmt;

use url::Url;

/// Where a server is, and what it lets us in with. Whatever is shown of it lacks user, password and options.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    text: String,
    shown: String,
}

impl ServerUrl {
    /// Reads the address of a server of `product`; `example` is one that is right. The text itself never stands in a
    /// message.
    pub(super) fn parse(text: &str, product: &str, schemes: &[&str], example: &str) -> Result<Self, String> {
        let text = text.trim();
        let shown = shown(text, schemes).ok_or_else(|| refusal(product, example))?;
        Ok(Self { text: text.to_owned(), shown })
    }

    /// Reads the addresses of one or several servers, parted by commas.
    pub(super) fn parse_list(text: &str, product: &str, schemes: &[&str], example: &str) -> Result<Self, String> {
        let urls = text.split(',').map(|one| Self::parse(one, product, schemes, example));
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        let all = |part: fn(&Self) -> &str| urls.iter().map(part).collect::<Vec<_>>().join(",");
        Ok(Self { text: all(|url| &url.text), shown: all(|url| &url.shown) })
    }

    /// The whole address, password included.
    #[allow(dead_code, reason = "a build for SQLite and memory alone has nobody to show it to")]
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }
}

fn refusal(product: &str, example: &str) -> String {
    format!("is not the address of {product}; write it as {example}")
}

/// Host, port and path of a URL; `None` for what is no URL of these schemes.
fn shown(text: &str, schemes: &[&str]) -> Option<String> {
    let url = Url::parse(text).ok()?;
    if !schemes.contains(&url.scheme()) {
        return None;
    }
    let option = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let host = match url.host_str().filter(|host| !host.is_empty()) {
        Some(host) => host.to_owned(),
        // A socket of this machine, as libpq names it.
        None => option("host")?,
    };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{host}{port}{}", url.path().trim_end_matches('/')))
}

/// Without user, password and options.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({})", self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ServerUrl, String> {
        let example = "postgres://USER@HOST/DATABASE";
        match text.starts_with("nats") {
            true => ServerUrl::parse_list(text, "NATS", &["nats"], example),
            false => ServerUrl::parse(text, "a database", &["postgres"], example),
        }
    }

    #[test]
    fn nothing_that_is_shown_holds_a_secret() {
        for (text, shown) in [
            ("postgres://me:hunter2,x@db.example:5432/links?password=hunter2", "db.example:5432/links"),
            ("postgres:///links?host=/run/postgresql&user=me", "/run/postgresql/links"),
            ("nats://hunter2@a:4222,nats://hunter2@b:4222", "a:4222,b:4222"),
        ] {
            let url = parse(text).expect(text);
            assert_eq!(url.to_string(), shown);
            assert!(!format!("{url:?}").contains("hunter2") && url.expose() == text);
        }
        for text in ["hunter2", "mysql://me:hunter2@db/links", "postgres://me:hunter2@", "nats://a,hunter2"] {
            let fault = parse(text).expect_err(text);
            assert!(!fault.contains("hunter2") && fault.contains("write it as postgres://"), "{fault}");
        }
    }
}
