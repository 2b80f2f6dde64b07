//! The schema that a run has for itself, and what is in it.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use waypost::clicks::{Class, Click, ClickId, ClickStore as _, Country, Owed, TellerOptions, Telling, Visitor};
use waypost::clock::{Clock as _, SystemClock};
use waypost::entropy::{Entropy as _, OsEntropy};
use waypost::events::{Event, EventType, Payload};
use waypost::ids::{EventId, LinkId, WorkspaceId};
use waypost::postgres::{Postgres, PostgresClickStore, PostgresOptions};

use crate::Outcome;

/// Links, of which the first has a fifth of the clicks.
pub(super) const LINKS: u64 = 1_000;
/// The days that are filled.
pub(super) const DAYS: u64 = 90;
/// The first of them, 2026-08-03.
const FIRST_DAY: i64 = 1_785_715_200;

/// A schema of a run's own.
#[derive(Clone)]
pub(super) struct Scene {
    url: String,
    schema: String,
    /// How many clicks it is filled with, as many each day.
    pub(super) clicks: u64,
    /// When the segment was opened that all of its clicks say they come from.
    opened: Timestamp,
}

impl Scene {
    /// Makes the schema and its tables.
    pub(super) async fn open(url: &str, clicks: u64) -> Outcome<Self> {
        let mut drawn = [0; 8];
        OsEntropy.fill(&mut drawn);
        let schema = format!("bench_{:016x}", u64::from_be_bytes(drawn));
        let clicks = clicks.div_ceil(DAYS) * DAYS;
        let scene = Self { url: url.to_owned(), schema, clicks, opened: Timestamp::from_second(FIRST_DAY)? };
        scene.store().await?;
        Ok(scene)
    }

    /// A node on it.
    pub(super) async fn store(&self) -> Outcome<PostgresClickStore> {
        let options = PostgresOptions { schema: Some(self.schema.clone()), ..PostgresOptions::new(&self.url) };
        Ok(PostgresClickStore::new(&Postgres::open(options).await?))
    }

    /// A connection that looks into it.
    pub(super) async fn connection(&self) -> Outcome<PgConnection> {
        let options = PgConnectOptions::from_str(&self.url)?.options([("search_path", &self.schema)]);
        Ok(PgConnection::connect_with(&options).await?)
    }

    /// Leaves nothing behind.
    pub(super) async fn drop_all(&self) -> Outcome<()> {
        let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
        self.connection().await?.execute(AssertSqlSafe(sql)).await?;
        Ok(())
    }

    /// How many clicks a day has.
    pub(super) fn daily(&self) -> u64 {
        self.clicks / DAYS
    }

    /// The id of the n-th click.
    pub(super) fn click_id(&self, n: u64) -> ClickId {
        ClickId::new(self.opened, 0, n)
    }
}

/// The workspace.
pub(super) fn workspace() -> WorkspaceId {
    WorkspaceId::from_bytes([7; 16])
}

/// The n-th link, of which the first has the most.
pub(super) fn link(n: u64) -> LinkId {
    LinkId::from_bytes(u128::from(n).to_be_bytes())
}

/// When the n-th day begins.
pub(super) fn day(n: u64) -> Timestamp {
    Timestamp::from_second(FIRST_DAY).unwrap_or_default() + Duration::from_secs(n * 86_400)
}

/// A click as a drain has it.
pub(super) fn click(id: ClickId, link: LinkId, at: Timestamp) -> Click {
    let turn = usize::from(id.to_bytes()[15]);
    let text = |choices: &[&str]| Some(choices[turn % choices.len()].into());
    let visitor = Visitor {
        is_bot: false,
        country: Country::new(["DE", "US", "JP", "BR", "FR"][turn % 5]),
        referrer: Some(format!("site-{turn}.example").into()),
        browser: text(&["Firefox", "Safari", "Chrome"]),
        os: text(&["Linux", "iOS", "Windows", "Android"]),
        device: text(&["desktop", "mobile"]),
    };
    Click { id, link, workspace: workspace(), at, class: Class::Human, visitor }
}

/// Appends as a drain does; gives how many were counted.
pub(super) async fn append(store: &PostgresClickStore, clicks: &[Click]) -> Outcome<u64> {
    Ok(store.append(clicks).await?.counted as u64)
}

/// Tells of what is owed as a teller does; gives of how many links.
pub(super) async fn tell(store: &PostgresClickStore) -> Outcome<u64> {
    let TellerOptions { every, batch: limit } = TellerOptions::default();
    let now = SystemClock.now();
    let told = store.tell(Telling { now, every, limit, events: &|owed| events(now, owed) }).await?;
    Ok(told.links as u64)
}

fn events(now: Timestamp, owed: &[Owed]) -> Vec<Event> {
    let event = |owed: &Owed| {
        let link = owed.link.to_string();
        let data = serde_json::json!({ "link": { "id": link }, "clicks": { "human": owed.clicks.human } });
        Some(Event {
            id: EventId::fresh(now, &OsEntropy),
            kind: EventType::parse("link.clicked").ok()?,
            version: 1,
            created_at: now,
            workspace: owed.workspace,
            subject: Some(link),
            traceparent: None,
            data: Payload::of(&data).ok()?,
        })
    };
    owed.iter().filter_map(event).collect()
}
