//! Bodies that are held back until they are whole, as far as they are not too large for that.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

/// What became of a body that was held back.
pub(super) enum Collected {
    /// All of it.
    Whole(Bytes),
    /// More than there is room for, or trailers, which nobody keeps: to be passed on as it was.
    Passing(Body),
    /// It broke off.
    Broken(axum::Error),
}

/// Reads a body of at most `most` bytes.
pub(super) async fn collect(mut body: Body, most: usize) -> Collected {
    if body.size_hint().lower() > most as u64 {
        return Collected::Passing(body);
    }
    let (mut taken, mut size) = (VecDeque::new(), 0_usize);
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(fault) => return Collected::Broken(fault),
        };
        size = size.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        let fits = frame.is_data() && size <= most;
        taken.push_back(frame);
        if !fits {
            return Collected::Passing(Body::new(Resumed { taken, rest: body }));
        }
    }
    let mut data = taken.into_iter().filter_map(|frame| frame.into_data().ok());
    let first = data.next().unwrap_or_default();
    if size == first.len() {
        return Collected::Whole(first);
    }
    let mut whole = Vec::with_capacity(size);
    whole.extend_from_slice(&first);
    data.for_each(|data| whole.extend_from_slice(&data));
    Collected::Whole(whole.into())
}

/// A body whose beginning was taken, from its beginning.
struct Resumed {
    taken: VecDeque<Frame<Bytes>>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.taken.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.taken.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let taken = self.taken.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64);
        let (taken, rest) = (taken.sum::<u64>(), self.rest.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(taken.saturating_add(rest.lower()));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(taken)) {
            hint.set_upper(upper);
        }
        hint
    }
}
