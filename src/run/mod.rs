//! In: tables and a stream of events. Out: commands, and rejected events with the reason.
//! Executes the tables alone, so that what is exported and what is executed cannot differ.

mod event;
mod scan;
mod session;
mod store;
mod stream;

pub use event::{Event, Rejection};
pub use session::{Command, Decided, Engine, Happened, Session, Verdict};
pub use store::{Position, StoreError, Stored};
pub use stream::{Output, Stream};
