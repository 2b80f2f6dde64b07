//! From a row to what a link shall be.

use jiff::Timestamp;
use serde_json::{Map, Value};
use waypost_core::Issue;
use waypost_core::fields::Fields;
use waypost_core::links::{Draft, Metadata, Site, Slug};
use waypost_core::wire::v1;

use super::formats::Row;

/// The draft of a row, read as the body of a request would be.
///
/// A link that has expired is taken as it is: its visitors learn that it is gone, and nobody else gets its slug.
///
/// # Errors
/// Every fault, in words.
pub(super) fn draft(row: &Row, slug: &Slug, site: &Site, now: Timestamp) -> Result<Draft, String> {
    Metadata::new(row.metadata.clone()).map_err(|fault| format!("metadata {fault}"))?;
    let fields = Fields::of_body(body(row, slug)).map_err(|fault| fault.to_string())?;
    let mut draft = Draft::read(fields, site, Timestamp::MIN).map_err(|issues| in_words(&issues))?;
    draft.created_at = row.created_at.as_deref().and_then(moment).map(|at| at.min(now));
    Ok(draft)
}

/// The request that makes the link of a row.
///
/// # Errors
/// A time that cannot be read.
pub(super) fn request(row: &Row, slug: &Slug) -> Result<v1::CreateLink, String> {
    let expires_at = match row.expires_at.as_deref() {
        Some(text) => Some(v1::Time(moment(text).ok_or_else(|| format!("expires_at `{text}` is not a time"))?)),
        None => None,
    };
    Ok(v1::CreateLink {
        destination: row.destination.clone(),
        slug: Some(slug.as_str().to_owned()),
        domain: row.domain.clone(),
        title: row.title.clone(),
        tags: (!row.tags.is_empty()).then(|| row.tags.clone()),
        redirect_status: row.redirect_status,
        referrer_policy: row.referrer_policy.clone(),
        cache_seconds: row.cache_seconds.map(u32::try_from).transpose().map_err(|_| "cache_seconds is too large")?,
        expires_at,
        disabled: row.disabled.then_some(true),
        max_clicks: row.max_clicks,
        metadata: (!row.metadata.is_empty()).then(|| row.metadata.clone()),
    })
}

/// What is wrong, as one clause.
pub(super) fn in_words(issues: &[Issue]) -> String {
    let told = issues.iter().map(|issue| format!("{} {}", issue.field, issue.issue));
    told.collect::<Vec<_>>().join("; ")
}

fn body(row: &Row, slug: &Slug) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    put("destination", Some(row.destination.as_str().into()));
    put("slug", Some(slug.as_str().into()));
    put("domain", row.domain.as_deref().map(Into::into));
    put("title", row.title.as_deref().map(Into::into));
    put("tags", (!row.tags.is_empty()).then(|| row.tags.clone().into()));
    put("redirect_status", row.redirect_status.map(Into::into));
    put("referrer_policy", row.referrer_policy.as_deref().map(Into::into));
    put("cache_seconds", row.cache_seconds.map(Into::into));
    put("expires_at", row.expires_at.as_deref().map(Into::into));
    put("max_clicks", row.max_clicks.map(Into::into));
    put("disabled", row.disabled.then(|| true.into()));
    put("metadata", (!row.metadata.is_empty()).then(|| row.metadata.clone().into()));
    Value::Object(body)
}

/// A moment, to the microsecond that stores keep.
fn moment(text: &str) -> Option<Timestamp> {
    let at: Timestamp = text.parse().ok()?;
    Timestamp::from_microsecond(at.as_microsecond()).ok()
}

#[cfg(test)]
mod tests {
    use waypost_core::links::DestinationRules;

    use super::*;

    fn site() -> Site {
        Site::new("https://go.example", &["s.example".to_owned()], DestinationRules::default()).unwrap()
    }

    fn row(destination: &str) -> Row {
        Row::new(2, Some(destination)).unwrap()
    }

    #[test]
    fn every_fault_is_told_in_one_clause() {
        let mut row = row("javascript:alert(1)");
        row.domain = Some("other.example".to_owned());
        let slug = Slug::parse("a").unwrap();
        let fault = draft(&row, &slug, &site(), Timestamp::UNIX_EPOCH).unwrap_err();
        assert!(fault.contains("destination scheme must be") && fault.contains("domain is not a domain"), "{fault}");
    }

    #[test]
    fn an_expired_link_is_taken_and_its_age_kept() {
        let mut row = row("https://example.com/");
        row.expires_at = Some("2020-01-01T00:00:00Z".to_owned());
        row.created_at = Some("2019-01-01T00:00:00.1234567Z".to_owned());
        let slug = Slug::parse("g++").unwrap();
        let now = "2026-11-20T00:00:00Z".parse().unwrap();
        let draft = draft(&row, &slug, &site(), now).unwrap();
        assert_eq!(draft.created_at.unwrap().to_string(), "2019-01-01T00:00:00.123456Z");
        assert_eq!(draft.slug.unwrap().as_str(), "g++");
    }

    #[test]
    fn metadata_beyond_its_bounds_is_refused() {
        let mut row = row("https://example.com/");
        for key in 0..60 {
            row.keep(&format!("k{key}"), 1);
        }
        let slug = Slug::parse("a").unwrap();
        assert!(draft(&row, &slug, &site(), Timestamp::UNIX_EPOCH).unwrap_err().starts_with("metadata must"));
    }
}
