//! Eight that append, a hundred events at a time.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use waypost::clock::{Clock as _, SystemClock};
use waypost::entropy::OsEntropy;
use waypost::events::{Event, EventType, Payload};
use waypost::ids::{EventId, LinkId, WorkspaceId};
use waypost::outbox::Outbox as _;
use waypost::postgres::PostgresOutbox;

use crate::Outcome;

/// Who append, each on a connection of its own.
pub(super) const WRITERS: usize = 8;
/// Events of a transaction, each of another link.
pub(super) const EVENTS: u64 = 100;

/// About as large as what the service tells of a click or of an edited link.
const DATA: &str = r#"{"link":{"id":"lnk_06dkvxyz8sf4d9mq7v0r2h6w1c","slug":"aB3dE6g","short_url":"https://go.example.com/aB3dE6g","destination":"https://example.com/landing/autumn","tags":["autumn"],"redirect_status":302,"clicks":0,"status":"active","created_at":"2026-11-21T12:00:00.123456Z","version":1}}"#;

/// When the transactions of each writer were committed, in order.
pub(super) type Commits = Vec<Vec<Instant>>;

/// How many events these transactions had.
pub(super) fn events(commits: &Commits) -> u64 {
    commits.iter().map(|lane| lane.len() as u64 * EVENTS).sum()
}

/// Has all append for so long: as fast as they can, or so many events a second together.
pub(super) async fn append(outbox: &PostgresOutbox, rate: Option<f64>, time: Duration) -> Outcome<Commits> {
    let begun = Instant::now();
    let interval = rate.map(|rate| Duration::from_secs_f64((WRITERS as u64 * EVENTS) as f64 / rate));
    let mut lanes: JoinSet<Outcome<(usize, Vec<Instant>)>> = JoinSet::new();
    for lane in 0..WRITERS {
        let outbox = outbox.clone();
        lanes.spawn(async move {
            let mut commits = Vec::new();
            while begun.elapsed() < time {
                if let Some(interval) = interval {
                    // One after the other, not all at once.
                    let place = commits.len() as f64 + lane as f64 / WRITERS as f64;
                    tokio::time::sleep_until((begun + interval.mul_f64(place)).into()).await;
                }
                outbox.append(&transaction(lane, commits.len())?).await?;
                commits.push(Instant::now());
            }
            Ok((lane, commits))
        });
    }
    let mut commits = vec![Vec::new(); WRITERS];
    while let Some(done) = lanes.join_next().await {
        let (lane, committed) = done??;
        commits[lane] = committed;
    }
    Ok(commits)
}

/// The writer of an event, and which of its transactions it was in: told by the last bytes of the event's id, so that
/// nobody has to look into its data.
pub(super) fn origin(id: EventId) -> (usize, usize) {
    let bytes = id.to_bytes();
    (usize::from(bytes[9]), u32::from_be_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]) as usize)
}

fn transaction(lane: usize, turn: usize) -> Outcome<Vec<Event>> {
    let now = SystemClock.now();
    let (lane, turn, kind) = (u8::try_from(lane)?, u32::try_from(turn)?, EventType::parse("link.updated")?);
    let event = |n: u8| {
        let mut id = EventId::fresh(now, &OsEntropy).to_bytes();
        id[9] = lane;
        id[10..14].copy_from_slice(&turn.to_be_bytes());
        id[14] = n;
        let link = LinkId::from_bytes(u128::from(u16::from_be_bytes([lane, n])).to_be_bytes());
        Event {
            id: EventId::from_bytes(id),
            kind: kind.clone(),
            version: 1,
            created_at: now,
            workspace: WorkspaceId::from_bytes([7; 16]),
            subject: Some(link.to_string()),
            traceparent: None,
            data: Payload::trusted(DATA.to_owned()),
        }
    };
    Ok((0..u8::try_from(EVENTS)?).map(event).collect())
}
