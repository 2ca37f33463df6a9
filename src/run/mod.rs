//! In: tables and a stream of events. Out: commands, and rejected events with the reason.
//! Executes the tables alone, so that what is exported and what is executed cannot differ.

mod batch;
mod event;
mod index;
mod parallel;
mod scan;
mod session;
mod store;
mod stream;
mod trace;
mod users;

pub use event::{Event, Rejection};
pub use session::{Command, Decided, Engine, Happened, Session, Verdict};
pub use store::{Position, StoreError, Stored};
pub use stream::{Output, Stream};
