//! The output of a block of events.

use std::collections::BTreeMap;

use serde::Serialize;

/// Output lines and counts.
#[derive(Debug, Default)]
pub struct BlockOutput {
    pub commands: Vec<u8>,
    pub rejects: Vec<u8>,
    pub trace: Vec<u8>,
    pub events: u64,
    /// The number of commands.
    pub sent: u64,
    pub counts: Counts,
}

/// How often each word of the trace occurred.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Counts {
    words: [u64; Word::ALL.len()],
    /// The rejected events, by code.
    pub rejected: BTreeMap<&'static str, u64>,
}

/// What happened, in a word of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Sent,
    Echo,
    LateEcho,
    Same,
    Observed,
    Unchanged,
    Unmapped,
    Stale,
    Lapsed,
    Rejected,
}

impl Word {
    pub const ALL: [Self; 10] = [
        Self::Sent,
        Self::Echo,
        Self::LateEcho,
        Self::Same,
        Self::Observed,
        Self::Unchanged,
        Self::Unmapped,
        Self::Stale,
        Self::Lapsed,
        Self::Rejected,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Echo => "echo",
            Self::LateEcho => "late-echo",
            Self::Same => "same",
            Self::Observed => "observed",
            Self::Unchanged => "unchanged",
            Self::Unmapped => "unmapped",
            Self::Stale => "stale",
            Self::Lapsed => "lapsed",
            Self::Rejected => "rejected",
        }
    }
}

impl Counts {
    pub fn of(&self, word: Word) -> u64 {
        self.words[word as usize]
    }

    #[inline]
    pub(crate) fn count(&mut self, word: Word) {
        self.words[word as usize] += 1;
    }

    pub(crate) fn reject(&mut self, code: &'static str) {
        self.count(Word::Rejected);
        *self.rejected.entry(code).or_default() += 1;
    }

    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.words.iter_mut().zip(other.words) {
            *count += more;
        }
        for (code, more) in &other.rejected {
            *self.rejected.entry(code).or_default() += more;
        }
    }
}

impl BlockOutput {
    pub(crate) fn offsets(&self) -> Offsets {
        Offsets {
            commands: self.commands.len(),
            rejects: self.rejects.len(),
            trace: self.trace.len(),
        }
    }

    pub(crate) fn clear(&mut self) {
        let Self {
            commands,
            rejects,
            trace,
            events,
            sent,
            counts,
        } = self;
        [commands, rejects, trace].into_iter().for_each(Vec::clear);
        (*events, *sent) = (0, 0);
        *counts = Counts::default();
    }

    pub fn add(&mut self, other: &Self) {
        self.commands.extend_from_slice(&other.commands);
        self.rejects.extend_from_slice(&other.rejects);
        self.trace.extend_from_slice(&other.trace);
        self.events += other.events;
        self.sent += other.sent;
        self.counts.add(&other.counts);
    }
}

/// The lengths of the three outputs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Offsets {
    pub commands: usize,
    pub rejects: usize,
    pub trace: usize,
}

/// The end of the output of a line that produced some.
pub(crate) struct LineEnd {
    pub line: u32,
    pub offsets: Offsets,
}

pub(crate) fn write_json(out: &mut Vec<u8>, text: &str) {
    // Writing a string into memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

pub(crate) fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Writing JSON of plain strings into memory cannot fail.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}
