//! The log of events in NATS JetStream.
