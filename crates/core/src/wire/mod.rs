//! What travels: the types that server, client and listeners share.
//!
//! A version is a module. Within one, change only adds: a new optional field, a new error code, a new event type.

pub mod v1;
