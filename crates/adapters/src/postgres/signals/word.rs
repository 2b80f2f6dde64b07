//! What nodes say to each other.

use std::fmt;

use waypost_core::links::{Domain, LinkName, Slug};

/// The channel of this schema in this database: no other schema's log has this number.
macro_rules! channel {
    () => {
        "'waypost_' || 'waypost_event_log'::regclass::oid"
    };
}
pub(in crate::postgres) use channel;

/// Neither a domain nor a slug holds a character below the blank.
const WITHIN: char = '\u{1f}';
const BETWEEN: char = '\u{1e}';

/// What there may be news of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Signal {
    /// Entries in the outbox.
    Outbox,
    /// Events in the log.
    Bus,
    /// Deliveries that are owed.
    Webhooks,
}

impl Signal {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 3] = [Self::Outbox, Self::Bus, Self::Webhooks];

    fn as_str(self) -> &'static str {
        match self {
            Self::Outbox => "outbox",
            Self::Bus => "bus",
            Self::Webhooks => "webhooks",
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::postgres) enum Word {
    /// There may be news, from this node.
    Happened { signal: Signal, node: u64 },
    /// These links changed.
    Changed(Vec<LinkName>),
    /// Any link may have changed.
    ChangedAll,
}

impl Word {
    /// Reads a message; `None` where it is not one of these.
    pub(super) fn parse(payload: &str) -> Option<Self> {
        let (kind, rest) = payload.split_once(' ')?;
        let happened = |signal| Some(Self::Happened { signal, node: u64::from_str_radix(rest, 16).ok()? });
        match kind {
            "links" if rest.is_empty() => Some(Self::ChangedAll),
            "links" => rest.split(BETWEEN).map(name).collect::<Option<_>>().map(Self::Changed),
            kind => happened(Signal::ALL.into_iter().find(|signal| signal.as_str() == kind)?),
        }
    }
}

fn name(text: &str) -> Option<LinkName> {
    let (domain, slug) = text.split_once(WITHIN)?;
    Some(LinkName { domain: Domain::trusted(domain), slug: Slug::trusted(slug) })
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Happened { signal, node } => write!(f, "{} {node:x}", signal.as_str()),
            Self::ChangedAll => f.write_str("links "),
            Self::Changed(names) => {
                for (place, LinkName { domain, slug }) in names.iter().enumerate() {
                    match place {
                        0 => f.write_str("links ")?,
                        _ => write!(f, "{BETWEEN}")?,
                    }
                    write!(f, "{}{WITHIN}{}", domain.as_str(), slug.as_str())?;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let name = |domain: &str, slug: &str| LinkName { domain: Domain::trusted(domain), slug: Slug::trusted(slug) };
        for word in [
            Word::Happened { signal: Signal::Outbox, node: 0 },
            Word::Happened { signal: Signal::Bus, node: u64::MAX },
            Word::Happened { signal: Signal::Webhooks, node: 7 },
            Word::ChangedAll,
            Word::Changed(vec![name("", "spring")]),
            Word::Changed(vec![name("go.example", "früh-ling"), name("", "Spring")]),
        ] {
            assert_eq!(Word::parse(&word.to_string()), Some(word));
        }
    }

    #[test]
    fn what_nobody_of_ours_writes_is_told_apart() {
        for payload in ["", "bus", "bus ", "bus zz", "links x", "news 1"] {
            assert_eq!(Word::parse(payload), None, "{payload:?}");
        }
    }
}
