//! The language server: the only place that knows the protocol.
//!
//! [`Server`] takes messages and gives messages; it has no input and output of its own, so that an editor runs it over
//! standard input and a page over function calls. Each request has its file in `requests`.
//! Errors: a request that fails, or that panics, is answered with an error; the server goes on.

#![forbid(unsafe_code)]

mod client;
mod convert;
mod diagnostics;
mod documents;
mod notifications;
mod requests;
mod serve;
mod server;
mod virtual_document;

pub use lsp_server::{Connection, Message};
pub use serve::serve;
pub use server::{CommittedFiles, Host, Server};
