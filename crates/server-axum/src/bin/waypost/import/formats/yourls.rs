//! YOURLS: a dump of its table `…url`, the answer of `action=stats` (or of a listing plugin) as JSON, and CSV.

use std::collections::VecDeque;
use std::io::Read;

use serde_json::{Map, Value};

use super::item::{Item, Mapped};
use super::row::{Outcome, Refused, Row, Scope};
use super::short_url;
use super::sql::Tuples;

/// The columns of the table, for dumps that do not name them.
const COLUMNS: [&str; 6] = ["keyword", "url", "title", "timestamp", "ip", "clicks"];

const USED: [&str; 7] = ["keyword", "shorturl", "url", "title", "timestamp", "ip", "clicks"];

/// The link that one item or one row of the table becomes.
pub(super) fn map(item: &Item) -> Mapped {
    let mut row = Row::new(item.line, item.text("url"))?;
    match (item.text("keyword"), item.text("shorturl")) {
        (Some(keyword), _) => row.slug = Some(short_url::slug(keyword)),
        (None, Some(url)) => {
            // A keyword holds no slash, so whatever stands before the last one is the folder that YOURLS lives in.
            let (domain, path) = short_url::split(url);
            row.slug = path.rsplit('/').next().filter(|keyword| !keyword.is_empty()).map(str::to_owned);
            row.domain = domain;
            row.keep("imported_from", url);
        }
        (None, None) => {}
    }
    if row.slug.is_none() {
        return Err("no keyword".to_owned());
    }
    row.title = item.text("title").map(str::to_owned);
    row.created(item.time("timestamp")?.as_deref());
    row.clicks(item.count("clicks"), None);
    if item.is_set("ip") {
        row.leave_out("address of whoever made the link");
    }
    item.note_unknown(&mut row, &USED, &[]);
    Ok(vec![row])
}

/// Links from a dump.
pub(super) struct Dump<R: Read> {
    tuples: Tuples<R>,
    ready: VecDeque<Outcome>,
    ended: bool,
}

impl<R: Read> Dump<R> {
    /// Reads from the start of `reader`.
    pub(super) fn new(reader: R) -> Self {
        // The prefix before `url` is the site's own choice; the other tables end in `options` and `log`.
        let wanted = |table: &str| table.ends_with("_url") || table == "url";
        Dump { tuples: Tuples::new(reader, wanted, &COLUMNS), ready: VecDeque::new(), ended: false }
    }
}

impl<R: Read> Iterator for Dump<R> {
    type Item = Outcome;

    fn next(&mut self) -> Option<Outcome> {
        while !self.ended && self.ready.is_empty() {
            match self.tuples.next() {
                Ok(Some(tuple)) => match tuple.values {
                    Ok(values) => {
                        let fields: Map<String, Value> = values
                            .into_iter()
                            .map(|(key, value)| (key, value.map_or(Value::Null, Value::from)))
                            .collect();
                        self.ready = Item::new(tuple.line, fields).outcomes(map);
                    }
                    Err(reason) => {
                        let refused =
                            Refused { line: tuple.line, reason: reason.to_owned(), raw: tuple.raw, scope: Scope::Row };
                        self.ready.push_back(Err(refused));
                    }
                },
                Ok(None) => self.ended = true,
                Err(broken) => {
                    self.ended = true;
                    let refused = Refused {
                        line: self.tuples.line(),
                        reason: broken.to_string(),
                        raw: String::new(),
                        scope: Scope::Rest,
                    };
                    self.ready.push_back(Err(refused));
                }
            }
        }
        self.ready.pop_front()
    }
}
