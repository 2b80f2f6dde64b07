//! Names of links as messages.

use waypost_core::links::{Domain, Heard, LinkName, Slug};

/// Names in one message: what a listener is slow by is counted in messages, so one must stay small.
pub(super) const AT_ONCE: usize = 100;

/// The message that names no link, and so means any.
pub(super) const EVERYTHING: &str = "";

/// Neither a domain nor a slug holds a character below the blank.
const WITHIN: char = '\u{1f}';
const BETWEEN: char = '\u{1e}';

/// Writes names as one message.
pub(super) fn write(names: &[LinkName]) -> String {
    let mut message = String::new();
    for name in names {
        if !message.is_empty() {
            message.push(BETWEEN);
        }
        message.push_str(name.domain.as_str());
        message.push(WITHIN);
        message.push_str(name.slug.as_str());
    }
    message
}

/// Reads a message. One that cannot be read, say of a newer version, may mean any link.
pub(super) fn read(message: &[u8]) -> Heard {
    let name = |text: &str| {
        let (domain, slug) = text.split_once(WITHIN)?;
        Some(LinkName { domain: Domain::trusted(domain), slug: Slug::trusted(slug) })
    };
    let names = std::str::from_utf8(message).ok().and_then(|text| text.split(BETWEEN).map(name).collect());
    names.map_or(Heard::Everything, Heard::Names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_what_is_no_name_means_everything() {
        let name = |domain, slug| LinkName { domain: Domain::trusted(domain), slug: Slug::trusted(slug) };
        let names = vec![name("", "spring"), name("go.example", "stra\u{df}e/\u{65e5}\u{672c}")];
        assert_eq!(read(write(&names).as_bytes()), Heard::Names(names));
        for message in [EVERYTHING, "spring", "\u{1e}"] {
            assert_eq!(read(message.as_bytes()), Heard::Everything, "{message:?}");
        }
        assert_eq!(read(&[0xff]), Heard::Everything);
    }
}
