//! How a command ends.

use std::process::ExitCode;

/// What ends a command early: wrong usage or a file that cannot be read (2), or errors in a program that have been
/// printed already (1).
pub enum CommandError {
    Usage(String),
    Findings,
    /// The reader of our output has gone.
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

pub type CommandResult = Result<ExitCode, CommandError>;
