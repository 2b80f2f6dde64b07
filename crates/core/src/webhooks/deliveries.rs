//! What became of deliveries, and asking for them again.

use jiff::Timestamp;

use super::{
    Attempt, DeliveryQuery, DeliveryRecord, Endpoint, EndpointState, Measures, RecoverRequest, Redrive, Webhooks, Which,
};
use crate::clicks::Interval;
use crate::credentials::{Principal, Scope};
use crate::error::{Error, Kind, Result};
use crate::ids::{DeliveryId, WebhookId, WorkspaceId};
use crate::page::{InvalidCursor, Page};

/// The most dead letters that are asked for again in one call.
const MOST_RECOVERED: usize = 10_000;
/// How many are in one write, so that none of them is long.
const BATCH: usize = 1_000;

/// What a bounded part of a larger work came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// How many deliveries are owed by it.
    pub count: usize,
    /// Whether there may be more to do: ask again.
    pub has_more: bool,
}

impl Webhooks {
    /// One page of an endpoint's deliveries, the newest events first, and the cursor of the next.
    /// `query.workspace` and `query.after` are set here.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; [`Kind::InvalidCursor`] for a cursor of another listing; those of
    /// the store.
    pub async fn deliveries(
        &self,
        who: &Principal,
        mut query: DeliveryQuery,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryRecord, String>> {
        let endpoint = self.get(who, query.endpoint).await?;
        query.workspace = endpoint.workspace;
        let binding = query.binding();
        if let Some(cursor) = cursor {
            let bytes = self.messages.cursors.open(&binding, cursor)?;
            query.after = Some(DeliveryId::from_bytes(bytes.try_into().map_err(|_| InvalidCursor)?));
        }
        let page = self.log.deliveries(&query).await?;
        let next = page.next.map(|anchor| self.messages.cursors.seal(&binding, &anchor.to_bytes()));
        Ok(Page { rows: page.rows, next })
    }

    /// A delivery with its attempts, oldest first.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; those of the store.
    pub async fn delivery(
        &self,
        who: &Principal,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let endpoint = self.get(who, endpoint).await?;
        self.find(endpoint.workspace, endpoint.id, id).await
    }

    /// Has a delivery owed again, whatever its state, with its attempts counted anew. Gives it as it is then.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; [`Kind::Conflict`] where the endpoint is not enabled; those of the
    /// stores.
    pub async fn retry(
        &self,
        who: &Principal,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let endpoint = self.sendable(who, endpoint).await?;
        self.find(endpoint.workspace, endpoint.id, id).await?;
        let again = Redrive { workspace: endpoint.workspace, endpoint: endpoint.id, which: Which::One(id) };
        self.queue.redrive(&again, 1, self.clock.now()).await?;
        self.find(endpoint.workspace, endpoint.id, id).await
    }

    /// Has dead letters owed again, the oldest first; at most 10,000 in one call.
    ///
    /// # Errors
    /// As [`retry`](Self::retry). What was asked for before a failure stays so.
    pub async fn recover(&self, who: &Principal, endpoint: WebhookId, request: RecoverRequest) -> Result<Progress> {
        let endpoint = self.sendable(who, endpoint).await?;
        let RecoverRequest { since, until, types, classes } = request;
        let which = Which::Failed { since: Some(since), until, types, classes };
        let again = Redrive { workspace: endpoint.workspace, endpoint: endpoint.id, which };
        let mut count = 0;
        while count < MOST_RECOVERED {
            let batch = self.queue.redrive(&again, BATCH, self.clock.now()).await?;
            count += batch;
            if batch < BATCH {
                return Ok(Progress { count, has_more: false });
            }
        }
        Ok(Progress { count, has_more: true })
    }

    /// What was measured of an endpoint's calls since the hour that `since` lies in; that hour is given too.
    ///
    /// # Errors
    /// [`Kind::InsufficientScope`]; [`Kind::NotFound`]; those of the store.
    pub async fn stats(&self, who: &Principal, id: WebhookId, since: Timestamp) -> Result<(Timestamp, Measures)> {
        let endpoint = self.get(who, id).await?;
        let since = Interval::Hour.floor(since);
        Ok((since, self.log.measure(endpoint.workspace, endpoint.id, since).await?))
    }

    /// The endpoint, if something can be sent to it.
    pub(super) async fn sendable(&self, who: &Principal, id: WebhookId) -> Result<Endpoint> {
        who.require(Scope::WebhooksWrite)?;
        let endpoint = self.fetch(who.workspace, id).await?;
        match endpoint.state {
            EndpointState::Enabled => Ok(endpoint),
            // What would be owed to it would be given up at once.
            _ => Err(Error::new(Kind::Conflict, "The webhook endpoint is disabled: enable it first")),
        }
    }

    async fn find(
        &self,
        workspace: WorkspaceId,
        endpoint: WebhookId,
        id: DeliveryId,
    ) -> Result<(DeliveryRecord, Vec<Attempt>)> {
        let found = self.log.delivery(workspace, endpoint, id).await?;
        found.ok_or_else(|| Error::not_found("delivery"))
    }
}

impl DeliveryQuery {
    /// What a cursor is bound to: workspace, endpoint and filters. Place and limit may change from page to page.
    pub fn binding(&self) -> Vec<u8> {
        let Self { workspace, endpoint, status, kind, created_after, created_before, .. } = self;
        let filters = (status, kind, created_after, created_before);
        format!("deliveries {workspace} {endpoint} {filters:?}").into_bytes()
    }
}
