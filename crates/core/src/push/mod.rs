//! Live delivery: who watches a topic.

pub mod presence;
