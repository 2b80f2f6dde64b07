//! Waypost's adapters: each folder implements ports of `waypost-core` on one technology, behind one feature.
//!
//! | feature | ports |
//! |---|---|
//! | `memory` | all, in this process |
//! | `sqlite` | all, in one file |
//! | `file` | the click spool |
//! | `visitor` | who is behind a click |

#[cfg(feature = "file")]
pub mod file;
#[cfg(feature = "memory")]
pub mod memory;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(feature = "visitor")]
pub mod visitor;
