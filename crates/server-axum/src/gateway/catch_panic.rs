//! A panic in a handler is a 500 like any other, and the connection lives on.
//!
//! Within `rate_headers` and `cors`, so that a browser can read the error; around everything that may panic. A panic
//! *after* the head, while a body is streamed, cannot become a status any more: it ends that connection.
//!
//! Alone, on any tower stack: `.layer(catch_panic::layer())`, with [`envelope`](super::envelope) around it.

use std::any::Any;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};
use waypost_core::wire::v1::ErrorCode;

use crate::error::ApiError;

/// Turns what was panicked with into a 500; its text goes to the log alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caught;

impl ResponseForPanic for Caught {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, panic: Box<dyn Any + Send + 'static>) -> Response {
        let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no text".into());
        ApiError::of(ErrorCode::Internal).with_reason(format!("panicked: {text}")).into_response()
    }
}

/// The layer.
pub fn layer() -> CatchPanicLayer<Caught> {
    CatchPanicLayer::custom(Caught)
}
