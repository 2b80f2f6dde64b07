//! Single clicks, as far as they are kept.

use serde::Serialize;
use waypost_core::clicks::{Class, Click};
use waypost_core::ids::WorkspaceId;
use waypost_core::wire::v1::Time;

use super::out::Out;
use crate::failure::Failure;
use crate::store::Store;

/// Clicks that are read at once: a few hundred bytes each.
const PAGE: usize = 1_000;

const COLUMNS: [&str; 9] = ["id", "link_id", "at", "class", "country", "referrer", "browser", "os", "device"];

/// A click, as it is written.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    id: String,
    link_id: String,
    at: Time,
    class: &'static str,
    country: Option<&'a str>,
    referrer: Option<&'a str>,
    browser: Option<&'a str>,
    os: Option<&'a str>,
    device: Option<&'a str>,
}

/// Writes every click of a workspace, oldest first; says how many.
pub(super) async fn write(
    store: &Store,
    workspace: WorkspaceId,
    out: &mut Out,
    mut show: impl FnMut(u64),
) -> Result<u64, Failure> {
    out.header(&COLUMNS)?;
    let (mut rows, mut after) = (0, None);
    loop {
        let clicks = store.platform.ports().clicks.list(workspace, after, PAGE).await?;
        for click in &clicks {
            let shown = Shown::of(click);
            out.row(|| shown.cells(), || serde_json::to_vec(&shown))?;
            rows += 1;
        }
        show(rows);
        match clicks.last() {
            Some(last) => after = Some(last.id),
            None => return Ok(rows),
        }
    }
}

impl<'a> Shown<'a> {
    fn of(click: &'a Click) -> Self {
        let visitor = &click.visitor;
        Self {
            id: click.id.to_string(),
            link_id: click.link.to_string(),
            at: Time(click.at),
            class: match click.class {
                Class::Human => "human",
                Class::Bot => "bot",
                Class::Duplicate => "duplicate",
            },
            country: visitor.country.as_ref().map(|country| country.as_str()),
            referrer: visitor.referrer.as_deref(),
            browser: visitor.browser.as_deref(),
            os: visitor.os.as_deref(),
            device: visitor.device.as_deref(),
        }
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        [
            self.id.clone(),
            self.link_id.clone(),
            self.at.to_string(),
            self.class.to_owned(),
            text(self.country),
            text(self.referrer),
            text(self.browser),
            text(self.os),
            text(self.device),
        ]
    }
}
