//! A line of JSON for every command: who, what, by which rule of which program, because of which event.

use std::io::Write;

use presync_engine::Tables;
use serde::Serialize;

use crate::record::NumberedCommand;

/// Where lines go to.
pub struct AuditLog(Box<dyn Write + Send>);

#[derive(Serialize)]
struct AuditLine<'a> {
    /// When the service decided it.
    at: jiff::Timestamp,
    #[serde(flatten)]
    command: &'a NumberedCommand,
    /// Of the meaning of the program; `None` if a role is too complex to compile.
    digest: Option<&'a str>,
}

impl AuditLog {
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(writer)
    }

    /// Keeps nothing.
    pub fn none() -> Self {
        Self(Box::new(std::io::sink()))
    }

    /// Writes down commands that are durable. A failure is logged: the commands go out all the same.
    pub fn write(&mut self, commands: &[&NumberedCommand], tables: &Tables, at: jiff::Timestamp) {
        let digest = tables.digest().ok();
        let mut lines = Vec::new();
        for command in commands {
            let line = AuditLine {
                at,
                command,
                digest,
            };
            if serde_json::to_writer(&mut lines, &line).is_ok() {
                lines.push(b'\n');
            }
        }
        if let Err(error) = self.0.write_all(&lines).and_then(|()| self.0.flush()) {
            tracing::error!(%error, "commands were not written to the audit");
        }
    }
}
