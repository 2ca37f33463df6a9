//! The runtime for Presync's decision tables: tables, decisions and sessions.
//!
//! For applications that only make decisions: it has no parser, threads, files or clock.
//! Compile a program into [`Tables`] with the `presync` crate, or write them to a file with
//! `presync export --to json` and load it with [`Tables::from_json`].
//!
//! ```
//! # let text = include_str!("../../../examples/contact-centre/tables.json");
//! use presync_engine::Tables;
//!
//! let tables = Tables::from_json(text)?;
//! let ann = tables.situation().set("user_type", "im")?.set("cic_logged_in", true)?;
//! let lunch = tables.state("cic", "At Lunch")?;
//! for decision in tables.role("Agents")?.decide(&ann, lunch)? {
//!     println!("{decision}");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod dense;
mod digest;
mod engine;
mod event;
mod flat_diagram;
mod ids;
mod json;
pub mod limits;
mod name_index;
mod names;
mod partition;
mod question;
mod rejection;
mod saved;
mod schema;
mod session;
mod situation;
mod table;
mod tables;
#[doc(hidden)]
pub mod time;

pub use dense::{DENSE_CELLS, Dense, Number, Packed, Values, cell_count};
pub use engine::{Command, Engine, EngineError, MemoryStore, SessionStore};
pub use event::{Event, EventMessage, FactValue, Members, Resync, ResyncMessage};
pub use flat_diagram::{FlatDiagram, FlatNode, Next};
pub use ids::{Direction, FactId, RoleId, StateId, SystemId, ValueId};
pub use json::{
    DiagramFault, TableFault, TablesError, document, parts as document_parts,
    schema as tables_schema,
};
pub use names::{NameKind, UnknownName, nearest};
pub use question::{DecideAnswer, DecideQuestion, JsonFactValue, QuestionError};
pub use rejection::{Malformed, Rejection};
pub use saved::{LostName, SavedSession};
pub use schema::{
    Column, ECHO_SECONDS, Fact, FactKind, Input, Role, Schema, SchemaError, State, System,
};
pub use session::{
    AppendId, AppliedEvent, Delivery, Effect, Lapse, LastCommand, MAX_PENDING, PendingCommand,
    Reported, Seen, Session, SessionEngine, ShownState, StalePart, SystemDecision, SystemDecisions,
    SystemView,
};
pub use situation::{Given, Situation};
pub use table::{
    Appendices, Appendix, Cells, Decision, DecisionId, Link, Origin, Outcome, Table, TableParts,
};
pub use tables::{DecideError, Decided, RoleTables, SeveralRoles, TableSource, Tables, TooComplex};
