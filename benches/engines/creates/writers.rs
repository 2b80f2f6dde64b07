//! Callers of the store, as many as it has connections.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use waypost::clock::{Clock as _, SystemClock};
use waypost::entropy::{Entropy as _, OsEntropy};
use waypost::events::{Event, EventType, Payload};
use waypost::idempotency::{
    Answer, Claim, ClaimRequest, Fingerprint, IdempotencyKey, IdempotencyStore as _, LeaseToken, ScopedKey,
};
use waypost::ids::{EventId, LinkId, WorkspaceId};
use waypost::links::{
    Atomicity, Change, Destination, Domain, Keyed, Link, LinkStore as _, LinkWrite, Metadata, Outcome as Done,
    RedirectStatus, Slug, Tags, Version, Written,
};
use waypost::postgres::{PostgresIdempotencyStore, PostgresLinkStore};

use super::{DATA, DESTINATION, Way};
use crate::Outcome;
use crate::schema::Schema;

/// How long a lease holds, and an answer is kept.
const KEEP: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

/// A node, and who calls its store.
pub(super) struct Writers {
    caller: Caller,
    callers: usize,
}

#[derive(Clone)]
struct Caller {
    links: PostgresLinkStore,
    keys: PostgresIdempotencyStore,
}

impl Writers {
    pub(super) async fn open(schema: &Schema, connections: usize) -> Outcome<Self> {
        let db = schema.node(connections).await?;
        let caller = Caller { links: PostgresLinkStore::new(&db), keys: PostgresIdempotencyStore::new(&db) };
        Ok(Self { caller, callers: connections })
    }

    /// Has all of them make links; gives links a second.
    pub(super) async fn run(&self, way: Way, time: Duration) -> Outcome<f64> {
        let begun = Instant::now();
        let mut lanes: JoinSet<Outcome<u64>> = JoinSet::new();
        for _ in 0..self.callers {
            let caller = self.caller.clone();
            lanes.spawn(async move {
                let mut made = 0;
                while begun.elapsed() < time {
                    match way {
                        Way::Plain => caller.write(None).await?,
                        Way::Keyed => caller.write_keyed().await?,
                    }
                    made += 1;
                }
                Ok(made)
            });
        }
        let mut made = 0;
        while let Some(lane) = lanes.join_next().await {
            made += lane??;
        }
        Ok(made as f64 / begun.elapsed().as_secs_f64())
    }
}

impl Caller {
    async fn write(&self, keyed: Option<Keyed<'_>>) -> Outcome<()> {
        let (link, event) = draw()?;
        let changes = vec![(Change::Insert(Box::new(link)), Some(event))];
        match self.links.write(LinkWrite { changes, atomicity: Atomicity::All, keyed }).await? {
            Written::Committed(outcomes) if outcomes == [Ok(())] => Ok(()),
            other => Err(format!("a new link was not made: {other:?}").into()),
        }
    }

    /// Claims a new key, and makes the link under it.
    async fn write_keyed(&self) -> Outcome<()> {
        let now = SystemClock.now();
        let mut token = [0; 16];
        OsEntropy.fill(&mut token);
        let key = IdempotencyKey::parse(format!("{:032x}", u128::from_be_bytes(token)).as_bytes())?;
        let claim = ClaimRequest {
            key: ScopedKey { workspace: workspace(), key },
            fingerprint: Fingerprint::of("POST", "/v1/links", "", b"{}"),
            token: LeaseToken(token),
            now,
            lease: KEEP.0,
        };
        let Claim::Granted(lease) = self.keys.claim(&claim).await? else {
            return Err("a new key was not granted".into());
        };
        let answer = |_: &[Done]| {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Some(Answer { status: 201, headers, body: DATA.into() })
        };
        self.write(Some(Keyed { lease: &lease, keep_until: now + KEEP.1, answer: &answer })).await
    }
}

/// A link and its event, as the service makes them.
fn draw() -> Outcome<(Link, Event)> {
    let now = SystemClock.now();
    let link = Link {
        id: LinkId::fresh(now, &OsEntropy),
        workspace: workspace(),
        domain: Domain::main(),
        slug: Slug::random(&OsEntropy),
        destination: Destination::trusted(DESTINATION.to_owned()),
        title: None,
        tags: Tags::default(),
        redirect_status: RedirectStatus::FOUND,
        referrer_policy: None,
        cache_seconds: None,
        expires_at: None,
        disabled_at: None,
        max_clicks: None,
        admitted: 0,
        clicks: 0,
        metadata: Metadata::default(),
        created_at: now,
        updated_at: now,
        version: Version::FIRST,
    };
    let event = Event {
        id: EventId::fresh(now, &OsEntropy),
        kind: EventType::parse("link.created")?,
        version: 1,
        created_at: now,
        workspace: workspace(),
        subject: Some(link.id.to_string()),
        traceparent: None,
        data: Payload::trusted(DATA.to_owned()),
    };
    Ok((link, event))
}

fn workspace() -> WorkspaceId {
    WorkspaceId::from_bytes([7; 16])
}
