//! Query strings.

use std::borrow::Cow;

use axum::extract::FromRequestParts;
use http::request::Parts;
use waypost_core::fields::Fields;
use waypost_core::page::Limit;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// The parameters of the query string, to be read field by field; the raw text too, for links to other pages.
pub(crate) struct Query {
    pub(crate) fields: Fields,
    pub(crate) raw: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let raw = parts.uri.query().map(str::to_owned);
        let fields = read_query(raw.as_deref().unwrap_or_default())?;
        Ok(Self { fields, raw })
    }
}

impl Query {
    /// How many rows are asked for: 1 to 100; more counts as 100, less is at fault.
    pub(crate) fn limit(&mut self) -> Limit {
        let limit = self.fields.text("limit", |text| {
            // A number that is too long for us to read is still a number above 100.
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let rows = if digits { text.parse().unwrap_or(u64::MAX) } else { 0 };
            Limit::new(rows).ok_or("must be a whole number from 1 to 100")
        });
        limit.value().unwrap_or_default()
    }

    /// The cursor, if there is one. An empty one is none.
    pub(crate) fn cursor(&mut self) -> Option<String> {
        let cursor = self.fields.text("cursor", |text| Ok::<_, &str>(text.to_owned()));
        cursor.value().filter(|cursor| !cursor.is_empty())
    }
}

/// Reads a query string.
pub(crate) fn read_query(raw: &str) -> Result<Fields, ApiError> {
    let malformed = || ApiError::new(ErrorCode::MalformedRequest, "The query string is not valid UTF-8 when decoded");
    let mut pairs = Vec::new();
    for (name, value) in url::form_urlencoded::parse(raw.as_bytes()) {
        // The decoder puts U+FFFD for what is no UTF-8. Nobody asks for that character in earnest.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(malformed());
        }
        pairs.push((Cow::into_owned(name), Cow::into_owned(value)));
    }
    Ok(Fields::of_query(pairs.iter().map(|(name, value)| (Cow::from(name), Cow::from(value)))))
}
