//! What callers are told where the gateway itself answers.

use waypost_core::wire::v1::ErrorCode;

use super::path::Ambiguous;
use crate::error::ApiError;
use crate::proxy::upstream::TargetError;

pub(super) fn ambiguous(fault: Ambiguous) -> ApiError {
    ApiError::new(ErrorCode::MalformedRequest, format!("The path {fault}"))
        .with_detail("path", fault.to_string())
        .with_reason("a path that servers read in different ways")
}

pub(super) fn too_slow() -> ApiError {
    ApiError::of(ErrorCode::RequestTimeout).with_reason("the body came too slowly")
}

pub(super) fn failed(name: &str, fault: &TargetError) -> ApiError {
    ApiError::of(ErrorCode::UpstreamFailed).with_reason(format!("{name}: {}", causes(fault)))
}

pub(super) fn causes(fault: &TargetError) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
