//! In: the events file or standard input. Out: blocks of whole lines, and how far the file was read.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use presync_stream::Position;
use sha2::{Digest, Sha256};

use crate::error::CommandError;
use crate::files;

/// Bytes to read at a time; data that a pipe has ready is processed at once.
const BLOCK: usize = 1 << 18;

/// A longer line is rejected without being kept.
const MAX_LINE: usize = 16 << 20;

/// The source of events, read in whole lines.
pub struct Source {
    input: Box<dyn BufRead + Send>,
    path: PathBuf,
    /// A pipe has no position, even if it has a path.
    pub is_file: bool,
    rest: Vec<u8>,
    ended: bool,
    /// Leave an incomplete last line (no newline, not valid JSON yet) for the next run.
    pub keeps_torn_line: bool,
    bytes: u64,
    hasher: Sha256,
}

impl Source {
    pub fn open(file: Option<&Path>) -> Result<Self, CommandError> {
        let input: Box<dyn BufRead + Send> = match file {
            Some(file) => {
                if file.is_dir() {
                    return Err(CommandError::Usage(format!(
                        "cannot read `{}`: it is a directory",
                        file.display()
                    )));
                }
                Box::new(BufReader::with_capacity(
                    BLOCK,
                    File::open(file).map_err(|error| files::cannot_read(file, &error))?,
                ))
            }
            None => Box::new(BufReader::with_capacity(BLOCK, std::io::stdin())),
        };
        Ok(Self {
            input,
            path: file.map_or_else(|| PathBuf::from("standard input"), Path::to_path_buf),
            is_file: file.is_some_and(Path::is_file),
            rest: Vec::new(),
            ended: false,
            keeps_torn_line: false,
            bytes: 0,
            hasher: Sha256::new(),
        })
    }

    /// Skips a prefix if the file still begins with it; otherwise returns to the beginning.
    pub fn skip(&mut self, position: &Position) -> Result<bool, CommandError> {
        let mut hasher = Sha256::new();
        let mut left = position.bytes;
        let mut buffer = vec![0; BLOCK];
        while left > 0 {
            let most = buffer
                .len()
                .min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = self
                .input
                .read(&mut buffer[..most])
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            left -= read as u64;
        }
        if left == 0 && hex(hasher.clone()) == position.sha256 {
            self.hasher = hasher;
            self.bytes = position.bytes;
            return Ok(true);
        }
        *self = Self {
            keeps_torn_line: self.keeps_torn_line,
            ..Self::open(Some(&self.path.clone()))?
        };
        Ok(false)
    }

    /// Reads until there is at least one whole line; `false` at the end.
    pub fn next_block(&mut self, block: &mut Vec<u8>) -> Result<bool, CommandError> {
        if self.ended {
            return Ok(false);
        }
        block.clear();
        block.append(&mut self.rest);
        loop {
            let read = self
                .input
                .fill_buf()
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read.is_empty() {
                self.ended = true;
                let torn = serde_json::from_slice::<serde::de::IgnoredAny>(block).is_err();
                if self.keeps_torn_line && self.is_file && torn {
                    block.clear();
                }
                break;
            }
            let length = read.len();
            let newline = read.iter().rposition(|byte| *byte == b'\n');
            block.extend_from_slice(read);
            self.input.consume(length);
            if let Some(at) = newline {
                let behind = length - at - 1;
                let whole = block.len() - behind;
                self.rest.extend_from_slice(&block[whole..]);
                block.truncate(whole);
                break;
            }
            if block.len() > MAX_LINE {
                self.cut_long_line(block)?;
                return Ok(true);
            }
        }
        self.taken(block);
        Ok(!block.is_empty())
    }

    /// Records consumed input; the hash is only needed to save a state.
    fn taken(&mut self, bytes: &[u8]) {
        if self.is_file && self.keeps_torn_line {
            self.hasher.update(bytes);
        }
        self.bytes += bytes.len() as u64;
    }

    /// Discards the rest of an overlong line; its beginning is rejected as invalid JSON.
    fn cut_long_line(&mut self, block: &mut Vec<u8>) -> Result<(), CommandError> {
        self.taken(block);
        block.truncate(1 << 16);
        block.push(b'\n');
        loop {
            let read = self
                .input
                .fill_buf()
                .map_err(|error| files::cannot_read(&self.path, &error))?;
            if read.is_empty() {
                self.ended = true;
                return Ok(());
            }
            let newline = read.iter().position(|byte| *byte == b'\n');
            let length = newline.map_or(read.len(), |at| at + 1);
            let passed = read[..length].to_vec();
            self.input.consume(length);
            self.taken(&passed);
            if newline.is_some() {
                return Ok(());
            }
        }
    }

    /// The position in a file; standard input has none.
    pub fn position(&self, lines: u64) -> Option<Position> {
        self.is_file.then(|| Position {
            bytes: self.bytes,
            lines,
            sha256: hex(self.hasher.clone()),
        })
    }
}

fn hex(hasher: Sha256) -> String {
    hasher
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
