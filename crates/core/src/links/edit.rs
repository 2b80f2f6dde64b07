//! What a client asks a link to be: the body of a create and of a merge patch, read the same way.

use std::num::NonZeroU64;

use jiff::Timestamp;
use serde_json::Value;

use super::{Destination, Domain, Link, Metadata, RedirectStatus, ReferrerPolicy, Site, Slug, Tag, Tags, Title};
use crate::error::{Error, Issue};
use crate::fields::{Field, Fields, kind};

/// The longest time that caches may be told to keep a redirect: a day. What is cached cannot be called back.
const LONGEST_CACHE: u64 = 86_400;
const LONGEST_LIMIT: u64 = i64::MAX as u64;

/// The fields of a link that a client may set.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    destination: Field<Destination>,
    title: Field<Title>,
    tags: Field<Tags>,
    redirect_status: Field<RedirectStatus>,
    referrer_policy: Field<ReferrerPolicy>,
    cache_seconds: Field<u32>,
    expires_at: Field<Timestamp>,
    disabled: Field<bool>,
    max_clicks: Field<NonZeroU64>,
    metadata: Field<serde_json::Map<String, Value>>,
}

/// What a client asks a new link to be.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The slug that was chosen; a random one otherwise.
    pub slug: Option<Slug>,
    /// The domain that was chosen; the main one otherwise.
    pub domain: Domain,
    /// Where it leads.
    pub destination: Destination,
    /// When it was first made, for a link that comes from elsewhere; now otherwise. No client can set it.
    pub created_at: Option<Timestamp>,
    /// The rest.
    pub edit: Edit,
}

impl Draft {
    /// Reads a draft; `now` decides whether a time lies ahead.
    ///
    /// # Errors
    /// Every fault of every field.
    pub fn read(mut fields: Fields, site: &Site, now: Timestamp) -> Result<Self, Vec<Issue>> {
        let slug = fields.text("slug", Slug::parse).value();
        let domain = fields.text("domain", |name| site.domain(name)).value().unwrap_or_default();
        let edit = Edit::read_fields(&mut fields, site, now);
        let destination = edit.destination.clone().value();
        if destination.is_none() && !fields.is_at_fault("destination") {
            fields.fault("destination", "is required");
        }
        let issues = fields.into_issues();
        match destination {
            Some(destination) if issues.is_empty() => Ok(Self { slug, domain, destination, created_at: None, edit }),
            _ => Err(issues),
        }
    }
}

impl Edit {
    /// Reads a merge patch.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) with every fault of every field.
    pub fn read(mut fields: Fields, site: &Site, now: Timestamp) -> Result<Self, Error> {
        for fixed in ["slug", "domain"] {
            if fields.take(fixed) != Field::Absent {
                fields.fault(fixed, "cannot be changed, since the short link is known under it; create another link");
            }
        }
        let edit = Self::read_fields(&mut fields, site, now);
        if edit.destination == Field::Null {
            fields.fault("destination", "cannot be removed");
        }
        fields.finish().map(|()| edit)
    }

    fn read_fields(fields: &mut Fields, site: &Site, now: Timestamp) -> Self {
        let expires_at = fields.time("expires_at");
        if matches!(expires_at, Field::Value(at) if at <= now) {
            fields.fault("expires_at", "must lie in the future");
        }
        Self {
            destination: fields.text("destination", |text| Destination::parse(text, site.destination_rules())),
            title: fields.text("title", Title::parse),
            tags: read_tags(fields),
            redirect_status: fields.read("redirect_status", |value| {
                let code = value.as_u64().and_then(RedirectStatus::new);
                code.ok_or_else(|| "must be 301, 302, 303, 307 or 308".to_owned())
            }),
            referrer_policy: fields.text("referrer_policy", |name| {
                let policy = ReferrerPolicy::new(name);
                policy.ok_or_else(|| format!("must be one of {}", ReferrerPolicy::ALLOWED.join(", ")))
            }),
            cache_seconds: narrow(fields.whole("cache_seconds", 1..=LONGEST_CACHE), |n| u32::try_from(n).ok()),
            expires_at,
            disabled: fields.flag("disabled"),
            max_clicks: narrow(fields.whole("max_clicks", 1..=LONGEST_LIMIT), NonZeroU64::new),
            metadata: fields.read("metadata", |value| match value {
                Value::Object(object) => Metadata::default().merged(object.clone()).map(|_| object),
                other => Err(format!("must be an object, not {}", kind(&other))),
            }),
        }
    }

    /// Merges the edit into `link` (RFC 7396), at `now`.
    ///
    /// # Errors
    /// [`Kind::Invalid`](crate::Kind::Invalid) where the metadata outgrows its bounds by the merge.
    pub fn apply(self, link: &mut Link, now: Timestamp) -> Result<(), Error> {
        let metadata = match self.metadata {
            Field::Absent => None,
            Field::Null => Some(Metadata::default()),
            Field::Value(patch) => {
                Some(link.metadata.merged(patch).map_err(|issue| Error::invalid(vec![Issue::new("metadata", issue)]))?)
            }
        };
        if let Some(metadata) = metadata {
            link.metadata = metadata;
        }
        if let Field::Value(destination) = self.destination {
            link.destination = destination;
        }
        self.title.merge_into(&mut link.title);
        self.referrer_policy.merge_into(&mut link.referrer_policy);
        self.cache_seconds.merge_into(&mut link.cache_seconds);
        self.expires_at.merge_into(&mut link.expires_at);
        self.max_clicks.merge_into(&mut link.max_clicks);
        match self.tags {
            Field::Absent => {}
            Field::Null => link.tags = Tags::default(),
            Field::Value(tags) => link.tags = tags,
        }
        match self.redirect_status {
            Field::Absent => {}
            Field::Null => link.redirect_status = RedirectStatus::FOUND,
            Field::Value(status) => link.redirect_status = status,
        }
        match self.disabled {
            Field::Absent => {}
            Field::Null | Field::Value(false) => link.disabled_at = None,
            // A link that is disabled once more keeps the moment of the first time.
            Field::Value(true) => link.disabled_at = link.disabled_at.or(Some(now)),
        }
        Ok(())
    }
}

fn narrow<T>(field: Field<u64>, take: impl FnOnce(u64) -> Option<T>) -> Field<T> {
    match field {
        Field::Absent => Field::Absent,
        Field::Null => Field::Null,
        Field::Value(number) => take(number).map_or(Field::Absent, Field::Value),
    }
}

/// Reads the tags one by one, so that each faulty one is told under its own path.
fn read_tags(fields: &mut Fields) -> Field<Tags> {
    let items = match fields.read("tags", |value| match value {
        Value::Array(items) => Ok(items),
        other => Err(format!("must be a list of strings, not {}", kind(&other))),
    }) {
        Field::Value(items) => items,
        Field::Null => return Field::Null,
        Field::Absent => return Field::Absent,
    };
    let mut tags = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        let parsed = match &item {
            Value::String(text) => Tag::parse(text).map_err(|fault| fault.to_string()),
            other => Err(format!("must be a string, not {}", kind(other))),
        };
        match parsed {
            Ok(tag) => tags.push(tag),
            Err(issue) => fields.fault(&format!("tags[{at}]"), issue),
        }
    }
    match Tags::new(tags) {
        Some(tags) => Field::Value(tags),
        None => {
            fields.fault("tags", format!("must be at most {} tags", Tags::MOST));
            Field::Absent
        }
    }
}
