//! The cases of [`crate::webhooks::WebhookStore`].

mod bound;
mod keeping;

use std::sync::Arc;

use super::fixtures::{at, workspace};
use super::suite::suite;
use crate::ids::WebhookId;
use crate::webhooks::{
    CustomHeaders, Endpoint, EndpointState, EventPattern, FieldFilter, Format, Ordering, Scheme, SealedSecret, Target,
    WebhookStore,
};

suite! {
    /// Proves a [`crate::webhooks::WebhookStore`], given in an `Arc`.
    webhooks as __webhooks_suite {
        keeping:
            an_endpoint_is_kept_as_it_was_given,
            endpoints_are_listed_oldest_first,
            a_deleted_endpoint_is_gone,
            another_workspaces_endpoints_are_not_there,
            an_endpoint_that_is_there_stays_as_it_is;
        bound:
            no_more_are_kept_than_a_workspace_may_have,
            each_workspace_has_a_bound_of_its_own,
            who_asks_again_at_the_bound_is_told_it_is_there,
            of_many_who_register_at_once_no_more_are_kept_than_may_be,
            of_many_who_register_one_endpoint_all_are_told_it_is_there;
    }
}

type Store = Arc<dyn WebhookStore>;

/// More than any case keeps.
const PLENTY: u32 = 100;

fn webhook_id(n: u8) -> WebhookId {
    WebhookId::from_bytes([n; 16])
}

/// The n-th endpoint of the first workspace: nothing set that may be left out.
pub fn endpoint(n: u8) -> Endpoint {
    Endpoint {
        id: webhook_id(n),
        workspace: workspace(1),
        target: Target::stored(format!("https://hooks.example/{n}")),
        events: vec![EventPattern::parse("*").expect("a pattern")],
        filter: FieldFilter::default(),
        headers: CustomHeaders::default(),
        description: None,
        format: Format::Waypost,
        payload_version: 1,
        ordering: Ordering::None,
        rate_limit: None,
        concurrency: Endpoint::CONCURRENCY,
        state: EndpointState::Enabled,
        verified_at: None,
        scheme: Scheme::Hmac,
        secrets: vec![SealedSecret { sealed: vec![n; 32], made_at: at(i64::from(n)), ends_at: None }],
        created_at: at(i64::from(n)),
        updated_at: at(i64::from(n)),
        version: 1,
    }
}

async fn registers(store: &Store, endpoint: &Endpoint, most: u32) -> bool {
    store.insert_endpoint(endpoint, most).await.expect("an outcome")
}

async fn registered(store: &Store, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        assert!(registers(store, endpoint, PLENTY).await);
    }
}

async fn listed(store: &Store, n: u64) -> Vec<Endpoint> {
    store.endpoints(workspace(n)).await.expect("a list")
}
