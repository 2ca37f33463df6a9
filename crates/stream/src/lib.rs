//! In: tables and a stream of events. Out: commands, and rejected events with reasons.
//!
//! Fast JSON Lines: a fast path for lines of the usual shape, sessions packed into one or two cache
//! lines, users divided among threads. Reads and writes what it is given, and opens no files.

#![forbid(unsafe_code)]

mod batch;
mod fast_path;
mod hash_index;
mod output;
mod parallel;
mod session_table;
mod state_file;
mod stream;
mod trace;
mod worker;

pub use output::{BlockOutput, Counts, Word};
pub use state_file::{Position, StateFile, StateFileError};
pub use stream::Stream;
