//! What a command answers, and errors that end it.

use std::process::ExitCode;

use presync_engine::{TooComplex, UnknownName};
use presync_ide::settings::SettingsError;

/// What a command answers. Several inputs have the worst of their answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandAnswer {
    /// Clean, the same, passed, written.
    Yes,
    /// Findings at level `error`, a difference, a failing test, rejected events.
    No,
}

impl CommandAnswer {
    pub fn no_if(no: bool) -> Self {
        if no { Self::No } else { Self::Yes }
    }
}

impl From<CommandAnswer> for ExitCode {
    fn from(answer: CommandAnswer) -> Self {
        match answer {
            CommandAnswer::Yes => Self::SUCCESS,
            CommandAnswer::No => Self::from(1),
        }
    }
}

/// The exit code of a command that has no answer: wrong usage, an unreadable input, or a program with errors where the
/// command is not `check`.
pub const NO_ANSWER: u8 = 2;

/// Ends a command, or the work on one of its inputs, without an answer.
#[derive(Debug)]
pub enum CommandError {
    /// To be printed.
    Usage(String),
    /// Errors in a program, already printed.
    Printed,
}

impl From<std::io::Error> for CommandError {
    fn from(error: std::io::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<UnknownName> for CommandError {
    fn from(error: UnknownName) -> Self {
        Self::Usage(presync_ide::what_if::unknown_name(&error))
    }
}

impl From<SettingsError> for CommandError {
    fn from(error: SettingsError) -> Self {
        Self::Usage(error.to_string())
    }
}

impl From<TooComplex> for CommandError {
    fn from(error: TooComplex) -> Self {
        Self::Usage(error.to_string())
    }
}

pub type CommandResult = Result<CommandAnswer, CommandError>;
