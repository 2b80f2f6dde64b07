//! Version 1 of the wire.
//!
//! Readers ignore fields that they do not know; the server refuses fields that *it* does not know, by name.

mod api_key;
mod bulk;
mod deprecation;
mod error;
mod event;
mod link;
mod live;
mod member;
mod oauth;
mod page;
mod session;
mod stats;
mod ticket;
mod time;
mod webhook;
mod webhook_delivery;
mod webhook_event;

pub use api_key::{ApiKey, CreateApiKey, RotateApiKey};
pub use bulk::{BulkCreate, BulkResult, BulkResults};
pub use deprecation::{Deprecation, DeprecationCaller};
pub use error::{ErrorBody, ErrorCode, ErrorDetail, FieldIssue, Retry};
pub use event::{Clicked, ClickedLink, CloudEvent, Deleted, Event, LinkData};
pub use link::{CreateLink, Link, LinkStatus, UpdateLink};
pub use live::{ClientFrame, ServerFrame, SubscribeFrame, Watcher};
pub use member::{AddMember, Member, UpdateMember};
pub use oauth::{
    CreateOAuthClient, Introspection, IssuedOAuthClient, OAuthClient, OAuthClientSecret, OAuthError, RotateSecret,
    TokenReference, TokenRequest, TokenResponse,
};
pub use page::Page;
pub use session::{CurrentSession, Session, SwitchWorkspace};
pub use stats::{Stats, StatsBucket, StatsCounts, StatsGroup};
pub use ticket::Ticket;
pub use time::Time;
pub use webhook::{Once, RegisterWebhook, UpdateWebhook, Webhook};
pub use webhook_delivery::{
    RecoverWebhook, RecoveredWebhook, ReplayWebhook, ReplayedWebhook, TestedWebhook, VerifiedWebhook, WebhookAttempt,
    WebhookDelivery, WebhookLatency, WebhookStats,
};
pub use webhook_event::{WebhookChallenge, WebhookFailing, WebhookState, WebhookTest};
