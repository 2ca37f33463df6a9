//! In: the output of blocks. Out: commands on standard output, rejected events and the trace in files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use indicatif::ProgressBar;
use presync_stream::BlockOutput;

use super::Arguments;
use crate::error::CommandError;
use crate::terminal::Terminal;

/// The outputs for commands, rejected events and the trace.
pub struct Sinks<'t> {
    pub terminal: &'t Terminal,
    rejects: Option<(PathBuf, BufWriter<File>)>,
    trace: Option<(PathBuf, BufWriter<File>)>,
}

impl<'t> Sinks<'t> {
    pub fn open(arguments: &Arguments, terminal: &'t Terminal) -> Result<Self, CommandError> {
        let create = |file: &Option<PathBuf>| match file {
            None => Ok(None),
            Some(file) => match File::create(file) {
                Ok(open) => Ok(Some((file.clone(), BufWriter::new(open)))),
                Err(error) => Err(cannot(file, &error)),
            },
        };
        Ok(Self {
            terminal,
            rejects: create(&arguments.rejects)?,
            trace: create(&arguments.trace)?,
        })
    }

    /// Writes commands.
    pub fn commands(&self, lines: &[u8]) -> Result<(), CommandError> {
        self.terminal
            .stdout(lines)
            .map_err(|error| CommandError::Usage(format!("cannot write commands: {error}")))
    }

    /// Writes rejected events and the trace.
    pub fn others(&mut self, output: &BlockOutput, bar: &ProgressBar) -> Result<(), CommandError> {
        match &mut self.rejects {
            Some((path, file)) => file
                .write_all(&output.rejects)
                .map_err(|error| cannot(path, &error))?,
            None if output.rejects.is_empty() => {}
            // Ignore errors: stderr may be closed.
            None => bar.suspend(|| {
                std::io::stderr()
                    .lock()
                    .write_all(&output.rejects)
                    .unwrap_or_default();
            }),
        }
        if let Some((path, file)) = &mut self.trace {
            file.write_all(&output.trace)
                .map_err(|error| cannot(path, &error))?;
        }
        Ok(())
    }

    /// Writes what is buffered.
    pub fn flush(&mut self) -> Result<(), CommandError> {
        for (path, file) in [&mut self.rejects, &mut self.trace].into_iter().flatten() {
            file.flush().map_err(|error| cannot(path, &error))?;
        }
        Ok(())
    }
}

fn cannot(path: &std::path::Path, error: &std::io::Error) -> CommandError {
    CommandError::Usage(format!("cannot write `{}`: {error}", path.display()))
}
