//! Adding clicks up.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use jiff::Timestamp;

use super::{Class, Click, Facet, Interval};
use crate::ids::{LinkId, WorkspaceId};

/// How many clicks of each class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People.
    pub human: u64,
    /// Programs.
    pub bot: u64,
    /// The same visitors again.
    pub duplicate: u64,
}

impl Counts {
    /// All of them.
    pub fn counted(self) -> u64 {
        self.human + self.bot + self.duplicate
    }

    /// Counts one more.
    pub fn add(&mut self, class: Class) {
        match class {
            Class::Human => self.human += 1,
            Class::Bot => self.bot += 1,
            Class::Duplicate => self.duplicate += 1,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.human += other.human;
        self.bot += other.bot;
        self.duplicate += other.duplicate;
    }
}

/// What a batch of clicks adds to the roll-ups. The same sum for every adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tallies {
    /// By link: the total.
    pub links: BTreeMap<(WorkspaceId, LinkId), Counts>,
    /// By link and hour.
    pub hours: BTreeMap<(LinkId, Timestamp), Counts>,
    /// By link, facet, day and value (empty where it is not known).
    pub facets: BTreeMap<(LinkId, Facet, Timestamp, Box<str>), Counts>,
}

impl Tallies {
    /// Adds `clicks` up.
    pub fn of<'a>(clicks: impl IntoIterator<Item = &'a Click>) -> Self {
        let mut tallies = Self::default();
        for click in clicks {
            tallies.links.entry((click.workspace, click.link)).or_default().add(click.class);
            tallies.hours.entry((click.link, Interval::Hour.floor(click.at))).or_default().add(click.class);
            let day = Interval::Day.floor(click.at);
            let visitor = &click.visitor;
            let country = visitor.country.as_ref().map(|country| country.as_str());
            for (facet, value) in [
                (Facet::Country, country),
                (Facet::Referrer, visitor.referrer.as_deref()),
                (Facet::Browser, visitor.browser.as_deref()),
                (Facet::Os, visitor.os.as_deref()),
                (Facet::Device, visitor.device.as_deref()),
            ] {
                let key = (click.link, facet, day, value.unwrap_or_default().into());
                tallies.facets.entry(key).or_default().add(click.class);
            }
        }
        tallies
    }
}
