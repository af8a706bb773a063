//! What the server and the drivers of the measurements share.
#![expect(missing_docs, clippy::missing_errors_doc, reason = "programs, not a library")]

pub mod answer;
pub mod drive;
pub mod in_memory;
pub mod measure;
pub mod minimal;
pub mod ours;
pub mod payload;
pub mod peer;
pub mod plan;
pub mod pool;
pub mod raw;
pub mod request;
pub mod tasks;
