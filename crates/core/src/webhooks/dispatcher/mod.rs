//! The dispatcher: from the queues to the receivers.
//!
//! It holds queues of endpoints under leases, each as a [`Lane`](lane::Lane) of its own with its window of calls, its rate,
//! its circuit breaker and its order; so whatever one receiver does is the business of its lane alone. Calls run beside the
//! rounds. A round takes down what has ended, reads on, and sends; nothing is known to have arrived before it is on record.

mod calls;
mod engine;
mod lane;
mod options;

pub(in crate::webhooks) use calls::make;
pub use engine::Dispatcher;
pub use options::DispatcherOptions;
