//! The service behind `presync serve`: events of running systems in, commands out, sessions and commands in a store.
//!
//! [`Core`] applies events: an event, the session that it makes and the commands that it leads to are one transaction of a
//! [`RecordStore`](store::RecordStore). [`CoreHandle`] gives it work from other threads. `http` is what callers see.
//! Errors: an event that cannot be applied is answered with its code; if the store fails, nothing is answered as done.

#![forbid(unsafe_code)]

mod audit;
mod core;
mod handle;
pub mod http;
pub mod live;
mod metrics;
mod pause;
mod record;
pub mod store;

pub use crate::core::{AgainRequest, Core, EventAnswer};
pub use audit::AuditLog;
pub use handle::{Busy, CoreHandle, Now, WorkError, start};
pub use pause::{PauseTarget, Paused};
pub use record::{DecisionNote, NumberedCommand, UserRecord};
