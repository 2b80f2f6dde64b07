//! Short URLs of other services, taken apart into domain and slug.

/// Hosts that a service lends to all its users; nobody can take a link on them along, so no domain is set for them.
const SHARED_HOSTS: [&str; 8] = ["bit.ly", "bitly.com", "j.mp", "dub.sh", "dub.link", "dub.co", "kutt.it", "kutt.to"];

/// The domain and the slug of a short URL, with or without its scheme; the slug is empty for the root of a domain.
pub(crate) fn split(url: &str) -> (Option<String>, String) {
    let url = url.trim();
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    match rest.split_once('/') {
        Some((host, path)) => (domain(host), slug(path)),
        None => (domain(rest), String::new()),
    }
}

/// The domain that a column or a URL names, in lower case; `None` for none and for a host that a service lends.
pub(crate) fn domain(text: &str) -> Option<String> {
    let host = text.trim();
    let host = host.split_once("://").map_or(host, |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let host = host.rsplit('@').next().unwrap_or_default().to_lowercase();
    (!host.is_empty() && !SHARED_HOSTS.contains(&host.as_str())).then_some(host)
}

/// The slug with outer slashes and percent-escapes taken off.
///
/// A `%` cannot stand in a slug, so an escape is always one; where it does not spell UTF-8 the text stays as it was and
/// the store refuses it. A `+` is a plus (`g++`), never a blank.
pub(crate) fn slug(text: &str) -> String {
    let text = text.trim().trim_matches('/');
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = (first == b'%').then(|| tail.get(..2)).flatten().and_then(hex);
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn hex(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scheme_query_and_port_do_not_end_up_in_the_slug() {
        assert_eq!(
            split("https://Go.Example.com:8443/a/b/?x=1#y"),
            (Some("go.example.com:8443".to_owned()), "a/b".to_owned())
        );
        assert_eq!(split("go.example.com/abc"), (Some("go.example.com".to_owned()), "abc".to_owned()));
        assert_eq!(split("https://go.example.com"), (Some("go.example.com".to_owned()), String::new()));
    }

    #[test]
    fn a_host_that_a_service_lends_is_no_domain() {
        assert_eq!(split("https://bit.ly/3Abc"), (None, "3Abc".to_owned()));
    }

    #[test]
    fn escapes_are_undone_and_a_plus_stays_a_plus() {
        assert_eq!(slug("caf%C3%A9"), "café");
        assert_eq!(slug("g%2B%2b"), "g++");
        assert_eq!(slug("g++"), "g++");
    }

    #[test]
    fn escapes_that_are_not_utf8_stay_as_they_are() {
        assert_eq!(slug("caf%E9"), "caf%E9");
        assert_eq!(slug("100%"), "100%");
        assert_eq!(slug("%zz"), "%zz");
    }
}
