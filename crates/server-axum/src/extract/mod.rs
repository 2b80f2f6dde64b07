//! What handlers take from a request; each says clearly what is wrong with one that has it not.

mod body;
mod caller;
mod keyed;
mod newcomer;
mod path;
mod precondition;
mod query;
mod session;

pub(crate) use body::{JsonBody, read_body};
pub(crate) use caller::Caller;
pub(crate) use keyed::{Begun, RequestKey};
pub(crate) use newcomer::Newcomer;
pub(crate) use path::{DeliveryPath, Id};
pub(crate) use precondition::{IfMatch, lists_tag};
pub(crate) use query::{Query, read_query};
pub(crate) use session::CurrentSession;

use http::request::Parts;
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;
use crate::gateway::context::RequestContext;

/// What the gateway knows of the request.
pub(crate) fn context(parts: &Parts) -> Result<RequestContext, ApiError> {
    let context = parts.extensions.get::<RequestContext>().cloned();
    context.ok_or_else(|| ApiError::new(ErrorCode::Internal, "A request without a context"))
}
