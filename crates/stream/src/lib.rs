//! In: tables and a stream of events. Out: commands, and rejected events with the reason.
//! Executes the tables alone, so that what is exported and what is executed cannot differ.

#![forbid(unsafe_code)]

mod batch;
mod fast_path;
mod hash_index;
mod parallel;
mod session_table;
mod state_file;
mod stream;
mod trace;

pub use presync_engine::event::{Event, Rejection};
pub use presync_engine::session::{Command, Decided, Engine, Happened, Session, Verdict};
pub use state_file::{Position, StoreError, Stored};
pub use stream::{Output, Stream};
