//! Errors that end a command.

use std::process::ExitCode;

use presync::quote_text;
use presync_engine::{TooComplex, UnknownName};

/// Ends a command early: wrong usage or an unreadable file (2), errors in a program that are
/// already printed (1), or closed output (0).
pub enum CommandError {
    Usage(String),
    Findings,
    /// The reader of standard output has closed it.
    Closed,
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::Closed
        } else {
            Self::Usage(error.to_string())
        }
    }
}

impl From<UnknownName> for CommandError {
    fn from(error: UnknownName) -> Self {
        let known: Vec<String> = error.known().iter().map(|name| quote_text(name)).collect();
        Self::Usage(match error.near() {
            None if !known.is_empty() => format!("{error}: known names are {}", known.join(", ")),
            _ => error.to_string(),
        })
    }
}

impl From<TooComplex> for CommandError {
    fn from(error: TooComplex) -> Self {
        Self::Usage(error.to_string())
    }
}

pub type CommandResult = Result<ExitCode, CommandError>;
