//! Links on the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Time;
use crate::links::{self, Site};

/// A short link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Link {
    /// Its id.
    #[cfg_attr(feature = "schema", schema(example = "lnk_01JD3X8M2V7Q5T9B4C6E8G0HJK"))]
    pub id: String,
    /// The workspace that it belongs to.
    pub workspace_id: String,
    /// The domain that it is followed under.
    pub domain: String,
    /// The part after the domain.
    pub slug: String,
    /// What to share.
    pub short_url: String,
    /// Where it leads, in the form that is sent.
    pub destination: String,
    /// The destination's host as people read it, where that differs from its ASCII form.
    pub unicode_host: Option<String>,
    /// What its owner calls it.
    pub title: Option<String>,
    /// Labels to find it by.
    pub tags: Vec<String>,
    /// Whether it can be followed now.
    pub status: LinkStatus,
    /// The status code of its redirects.
    pub redirect_status: u16,
    /// The `Referrer-Policy` that its redirects carry.
    pub referrer_policy: Option<String>,
    /// For how many seconds caches may keep its redirect.
    pub cache_seconds: Option<u32>,
    /// From when on it is gone.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Time>,
    /// Since when it has been switched off.
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub disabled_at: Option<Time>,
    /// How many follows it allows in all.
    pub max_clicks: Option<u64>,
    /// How many clicks were counted: people, programs and repeats.
    pub clicks: u64,
    /// The owner's own data.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub metadata: Map<String, Value>,
    /// When it was made.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub created_at: Time,
    /// When it was last edited.
    #[cfg_attr(feature = "schema", schema(value_type = String, format = DateTime))]
    pub updated_at: Time,
    /// Grows by one with each edit.
    pub version: u64,
}

/// Whether a link can be followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum LinkStatus {
    /// It redirects.
    Active,
    /// Its owner switched it off.
    Disabled,
    /// Its time is over.
    Expired,
    /// Its last click is spent.
    UsedUp,
}

impl Link {
    /// Shows a link as it is at `now`, on this site.
    pub fn of(link: &links::Link, site: &Site, now: Timestamp) -> Self {
        Self {
            id: link.id.to_string(),
            workspace_id: link.workspace.to_string(),
            domain: site.name(&link.domain),
            slug: link.slug.to_string(),
            short_url: site.short_url(&link.domain, &link.slug),
            destination: link.destination.to_string(),
            unicode_host: link.destination.unicode_host(),
            title: link.title.as_ref().map(|title| title.as_str().to_owned()),
            tags: link.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            status: match link.status(now) {
                links::Status::Active => LinkStatus::Active,
                links::Status::Disabled => LinkStatus::Disabled,
                links::Status::Expired => LinkStatus::Expired,
                links::Status::UsedUp => LinkStatus::UsedUp,
            },
            redirect_status: link.redirect_status.get(),
            referrer_policy: link.referrer_policy.map(|policy| policy.as_str().to_owned()),
            cache_seconds: link.cache_seconds,
            expires_at: link.expires_at.map(Time),
            disabled_at: link.disabled_at.map(Time),
            max_clicks: link.max_clicks.map(Into::into),
            clicks: link.clicks,
            metadata: link.metadata.as_map().clone(),
            created_at: Time(link.created_at),
            updated_at: Time(link.updated_at),
            version: link.version.0,
        }
    }
}

/// What a new link shall be. Fields that are absent or null take their defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateLink {
    /// Where it leads: an absolute `http` or `https` URL of at most 8,192 bytes.
    #[cfg_attr(feature = "schema", schema(example = "https://example.com/spring-sale", max_length = 8192))]
    pub destination: String,
    /// 1 to 128 letters, digits, `-._~+` and inner `/`; random if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(example = "spring", min_length = 1, max_length = 128))]
    pub slug: Option<String>,
    /// A domain of this server; its main one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// 1 to 256 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(min_length = 1, max_length = 256))]
    pub title: Option<String>,
    /// Up to 64 tags of up to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_items = 64))]
    pub tags: Option<Vec<String>>,
    /// 301, 302, 303, 307 or 308; 302 if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_status: Option<u16>,
    /// A value of the header `Referrer-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referrer_policy: Option<String>,
    /// For how many seconds caches may keep its redirect, 1 to 86,400; not at all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 86400))]
    pub cache_seconds: Option<u32>,
    /// From when on it is gone; in the future.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Time>,
    /// Whether it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// How many follows it allows in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(minimum = 1))]
    pub max_clicks: Option<u64>,
    /// Up to 50 keys, 16 KiB as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub metadata: Option<Map<String, Value>>,
}

/// What to change of a link (RFC 7396 merge patch): what is absent stays, what is null is removed.
///
/// Here `None` is absent and `Some(None)` is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct UpdateLink {
    /// Where it leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(max_length = 8192))]
    pub destination: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, min_length = 1, max_length = 256))]
    pub title: Option<Option<String>>,
    /// Its tags, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Vec<String>>, max_items = 64))]
    pub tags: Option<Option<Vec<String>>>,
    /// Its redirects' status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u16>))]
    pub redirect_status: Option<Option<u16>>,
    /// Its redirects' `Referrer-Policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>))]
    pub referrer_policy: Option<Option<String>>,
    /// For how many seconds caches may keep its redirect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u32>, minimum = 1, maximum = 86400))]
    pub cache_seconds: Option<Option<u32>>,
    /// From when on it is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<String>, format = DateTime))]
    pub expires_at: Option<Option<Time>>,
    /// Whether it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// How many follows it allows in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<u64>, minimum = 1))]
    pub max_clicks: Option<Option<u64>>,
    /// The owner's own data, merged key by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schema(value_type = Option<Object>))]
    pub metadata: Option<Option<Map<String, Value>>>,
}
