//! What real visitors send, and what is made of it.

mod agents;
mod countries;
mod geoip_file;
mod referrers;

use bytes::Bytes;
use waypost_core::clicks::{Describe, Hit, Visitor};
use waypost_core::ids::{LinkId, WorkspaceId};

use super::*;

fn hit(address: &str, user_agent: impl Into<Bytes>, referrer: impl Into<Bytes>) -> Hit {
    Hit {
        link: LinkId::from_bytes([1; 16]),
        workspace: WorkspaceId::from_bytes([2; 16]),
        at: "2026-11-20T12:00:00Z".parse().expect("a moment"),
        address: address.parse().expect("an address"),
        user_agent: user_agent.into(),
        referrer: referrer.into(),
    }
}

fn describer() -> VisitorDescriber {
    VisitorDescriber::new(None).expect("nothing to read")
}
