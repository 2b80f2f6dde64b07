//! Webhook endpoints.

use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use jiff::Timestamp;

use super::{CustomHeaders, EventPattern, FieldFilter, Scheme, SealedSecret, Target};
use crate::events::Event;
use crate::ids::{WebhookId, WorkspaceId};

/// Where a partner wants to be told of events, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// The workspace whose events it gets.
    pub workspace: WorkspaceId,
    /// Where to.
    pub target: Target,
    /// The types of event that it gets; 1 to 64.
    pub events: Vec<EventPattern>,
    /// What the fields of an event must be.
    pub filter: FieldFilter,
    /// What every delivery carries beside the platform's own headers.
    pub headers: CustomHeaders,
    /// What its owner says of it.
    pub description: Option<String>,
    /// What a delivery's body looks like.
    pub format: Format,
    /// The version of events' data that it was written for; pinned when it is registered.
    pub payload_version: u16,
    /// In which order it gets them.
    pub ordering: Ordering,
    /// How many deliveries a second it takes; as many as there are if none is said.
    pub rate_limit: Option<NonZeroU32>,
    /// How many deliveries may be under way at a time.
    pub concurrency: NonZeroU16,
    /// Whether it gets any, and if not, why.
    pub state: EndpointState,
    /// When its owner proved that it is theirs.
    pub verified_at: Option<Timestamp>,
    /// How deliveries are signed.
    pub scheme: Scheme,
    /// What they are signed with, newest first, sealed.
    pub secrets: Vec<SealedSecret>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Counts its changes, from 1.
    pub version: u64,
}

/// How far the clocks of two nodes may lie apart: what happened right after the registration, on another node, counts.
const SKEW: Duration = Duration::from_secs(5);

impl Endpoint {
    /// How many deliveries are under way at a time unless the owner says otherwise: at 20 ms an answer, 3,200 a second.
    pub const CONCURRENCY: NonZeroU16 = NonZeroU16::new(64).expect("64 is not zero");

    /// A new endpoint that gets `events` at `target`, signed with `secret`: enabled, in the format `waypost`, in no order, with
    /// no limit but [`CONCURRENCY`](Self::CONCURRENCY). Change the fields for more.
    pub fn new(
        id: WebhookId,
        workspace: WorkspaceId,
        target: Target,
        events: Vec<EventPattern>,
        secret: SealedSecret,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            workspace,
            target,
            events,
            filter: FieldFilter::default(),
            headers: CustomHeaders::default(),
            description: None,
            format: Format::Waypost,
            payload_version: 1,
            ordering: Ordering::None,
            rate_limit: None,
            concurrency: Self::CONCURRENCY,
            state: EndpointState::Enabled,
            verified_at: None,
            scheme: Scheme::Hmac,
            secrets: vec![secret],
            created_at: now,
            updated_at: now,
            version: 1,
        }
    }

    /// Whether this event is to be sent there: it is enabled, was there when the event happened, and asks for it.
    pub fn wants(&self, event: &Event) -> bool {
        self.state == EndpointState::Enabled && event.created_at >= self.created_at - SKEW && self.asks_for(event)
    }

    /// Whether it is one of the events that the endpoint asks for, whatever its state and its age.
    pub fn asks_for(&self, event: &Event) -> bool {
        self.events.iter().any(|pattern| pattern.matches(event.kind.as_str())) && self.filter.admits(event)
    }

    /// What the order of `event` is kept by, if the endpoint asks for an order.
    pub fn ordering_key(&self, event: &Event) -> Option<String> {
        match self.ordering {
            Ordering::None => None,
            Ordering::Subject => Some(event.ordering_key()),
        }
    }
}

/// A value that stores and clients know by its name.
macro_rules! named {
    ($(#[$doc:meta])* $kind:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $kind { $($(#[$variant_doc])* $variant,)+ }

        impl $kind {
            /// Every name.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// Reads a name.
            pub fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}
pub(super) use named;

named! {
    /// What a delivery's body looks like.
    Format {
        /// The event as every channel shows it (contract §10).
        Waypost = "waypost",
        /// CloudEvents 1.0, structured JSON.
        CloudEvents = "cloudevents",
    }
}

named! {
    /// In which order an endpoint gets its deliveries.
    Ordering {
        /// As they come: one that has to be tried again holds up no other.
        None = "none",
        /// Those of one subject one after the other: none is sent while an earlier one of its subject is owed.
        Subject = "subject",
    }
}

named! {
    /// Whether an endpoint gets deliveries, and if not, why.
    EndpointState {
        /// It does.
        Enabled = "enabled",
        /// Its owner said that it does not.
        Disabled = "disabled",
        /// It has failed for five days running.
        Failing = "failing",
        /// It answered 410: it is gone.
        Gone = "gone",
    }
}
