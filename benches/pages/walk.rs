//! From the first page to the last while rows come and go.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::http::Api;
use crate::support::server::Server;

/// Every how manieth link of the source may be deleted while the walk goes on.
const DOOMED: usize = 37;

/// Walks the list in this order, beside a client that makes and deletes links all along.
///
/// # Errors
///
/// When a row is listed twice, or one is missed that was there from beginning to end.
pub(super) fn walk(server: &Server, slugs: &[String], sort: &str) -> io::Result<Value> {
    let api = server.api();
    // Deletes by an earlier walk are no business of this one.
    let before = list(&api, sort)?.0;
    let doomed: Vec<&String> = slugs.iter().step_by(DOOMED).filter(|slug| before.contains_key(*slug)).collect();
    let is_over = AtomicBool::new(false);
    let (walked, changed) = thread::scope(|scope| {
        let changing = scope.spawn(|| change(&api, sort, &doomed, &before, &is_over));
        let walked = list(&api, sort);
        is_over.store(true, Ordering::Relaxed);
        (walked, changing.join())
    });
    let (walked, pages, seconds) = walked?;
    let (made, deleted) = changed.map_err(|_| io::Error::other("the other client panicked"))??;
    let missed = before.keys().filter(|slug| !deleted.contains(*slug) && !walked.contains_key(*slug)).count();
    println!(
        "walk by {sort}: {} rows on {pages} pages in {seconds:.1} s, while {made} links were made and {} deleted; \
         {missed} missed, 0 twice",
        walked.len(),
        deleted.len()
    );
    if missed > 0 {
        return Err(io::Error::other(format!("{missed} rows missed by {sort}")));
    }
    Ok(json!({
        "sort": sort, "rows": walked.len(), "pages": pages, "seconds": seconds, "made": made,
        "deleted": deleted.len(), "missed": 0, "twice": 0,
    }))
}

/// Every row as slug and id, the number of pages, and the seconds it took.
///
/// # Errors
///
/// When a row comes twice: a slug may come back with another link, an id may not.
fn list(api: &Api, sort: &str) -> io::Result<(HashMap<String, String>, u64, f64)> {
    let begun = Instant::now();
    let (mut rows, mut ids) = (HashMap::new(), HashSet::new());
    let (mut pages, mut next) = (0, String::new());
    loop {
        let page = api.get(&format!("/v1/links?limit=100&sort={sort}{next}"))?.expect(200)?.json();
        pages += 1;
        for link in page["data"].as_array().into_iter().flatten() {
            let text = |field: &str| link[field].as_str().unwrap_or_default().to_owned();
            if !ids.insert(text("id")) {
                return Err(io::Error::other(format!("listed twice by {sort}: {link}")));
            }
            rows.insert(text("slug"), text("id"));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return Ok((rows, pages, begun.elapsed().as_secs_f64())),
        }
    }
}

/// Makes links and deletes old and new ones until the walk is over; gives how many were made, and which of the old
/// ones were deleted.
fn change(
    api: &Api,
    sort: &str,
    doomed: &[&String],
    ids: &HashMap<String, String>,
    is_over: &AtomicBool,
) -> io::Result<(u64, HashSet<String>)> {
    let (mut made, mut deleted) = (0, HashSet::new());
    // From both ends in turn, so that in every order some go before the walk comes to them.
    let mut doomed: VecDeque<_> = doomed.iter().collect();
    while !is_over.load(Ordering::Relaxed) {
        // Slugs all over the alphabet, so that in every order some fall before the walk and some behind it.
        let slug = format!("{:x}-{made}{sort}", made * 7 % 16);
        let link = api.create_link("https://example.com/made", Some(&slug), None)?.expect(201)?.json();
        made += 1;
        let new = link["id"].as_str().unwrap_or_default();
        if made % 2 == 0 {
            delete(api, new)?;
        }
        let next = if made % 2 == 0 { doomed.pop_front() } else { doomed.pop_back() };
        if let Some(slug) = next {
            deleted.insert((*slug).clone());
            delete(api, &ids[*slug])?;
        }
    }
    Ok((made, deleted))
}

fn delete(api: &Api, id: &str) -> io::Result<()> {
    api.send("DELETE", &format!("/v1/links/{id}"), &[], None)?.expect(204).map(drop)
}
