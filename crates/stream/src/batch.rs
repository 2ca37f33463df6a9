//! In: a block of whole lines. Out: its events with names resolved, grouped by shard.
//! Lines that are not events are kept as rejections, at their place in the order.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::sync::LazyLock;

use crate::fast_path::Scanner;
use presync_engine::{Event, EventMessage, Malformed, Rejection, Schema};

/// The parsed lines of a block of less than 4 GiB. Texts are offsets into the block, so both can
/// move between threads.
pub(super) struct Batch {
    /// Texts that the block does not have verbatim, such as user names with escapes, concatenated.
    decoded: String,
    /// The lines of each shard, in order.
    pub shards: Vec<Vec<BatchLine>>,
    pub lines: u64,
    pub events: u64,
}

/// A non-empty line.
pub(super) struct BatchLine {
    /// Its number within the block, from 0.
    pub number: u32,
    pub start: u32,
    pub end: u32,
    pub content: Result<AcceptedLine, Box<RejectedLine>>,
}

pub(super) struct AcceptedLine {
    /// The hash of the user's name.
    pub hash: u64,
    pub user: Text,
    /// As JSON, like `at`.
    pub id: Option<Text>,
    pub at: Option<Text>,
    pub event: Event,
}

pub(super) struct RejectedLine {
    pub rejection: Rejection,
    /// The user, if the line could be parsed that far.
    pub user: Option<String>,
}

/// A part of a block, or of [`Batch::decoded`].
#[derive(Clone, Copy)]
pub(super) struct Text {
    start: u32,
    length: u32,
    decoded: bool,
}

/// The hash that finds users, here and in the session table. Its seed differs in each run, so that
/// colliding names cannot be chosen in advance.
pub(super) fn hash(user: &str) -> u64 {
    static SEED: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);
    SEED.hash_one(user)
}

/// The shard of a user, out of `shards`.
pub(super) fn shard(hash: u64, shards: usize) -> usize {
    // Use the middle bits: the others choose the slot within the shard's index.
    (hash >> 24) as u32 as usize % shards
}

impl Batch {
    pub fn new(shards: usize) -> Self {
        Self {
            decoded: String::new(),
            shards: (0..shards).map(|_| Vec::new()).collect(),
            lines: 0,
            events: 0,
        }
    }

    /// Parses a block, replacing the previous one.
    pub fn read(&mut self, block: &[u8], schema: &Schema) {
        self.decoded.clear();
        self.shards.iter_mut().for_each(Vec::clear);
        (self.lines, self.events) = (0, 0);
        let text = std::str::from_utf8(block);
        let mut scanner = text.ok().map(Scanner::new);
        let mut event = Event::default();
        let mut start = 0;
        while start < block.len() {
            let scanned = scanner
                .as_mut()
                .and_then(|scanner| scanner.event(start, schema, &mut event));
            let end = match scanned {
                Some(scanned) => {
                    let place = |text: &str| Text::within(block, text);
                    let (user, id, at) = (
                        place(scanned.user),
                        scanned.id.map(place),
                        scanned.at.map(place),
                    );
                    let hash = hash(scanned.user);
                    let content = AcceptedLine {
                        hash,
                        user,
                        id,
                        at,
                        event: std::mem::take(&mut event),
                    };
                    self.add(
                        shard(hash, self.shards.len()),
                        start,
                        scanned.end,
                        Ok(content),
                    );
                    scanned.end
                }
                None => {
                    event = Event::default();
                    self.slow_line(block, start, schema)
                }
            };
            self.lines += 1;
            start = end + 1;
        }
    }

    fn add(
        &mut self,
        shard: usize,
        start: usize,
        end: usize,
        content: Result<AcceptedLine, Box<RejectedLine>>,
    ) {
        self.events += 1;
        self.shards[shard].push(BatchLine {
            number: self.lines as u32,
            start: start as u32,
            end: end as u32,
            content,
        });
    }

    /// Parses the line that begins at `start`, in any shape; returns its end.
    fn slow_line(&mut self, block: &[u8], start: usize, schema: &Schema) -> usize {
        let rest = &block[start..];
        let rest = &rest[..rest
            .iter()
            .position(|byte| *byte == b'\n')
            .unwrap_or(rest.len())];
        let line = rest.trim_ascii();
        if !line.is_empty() {
            let from = start + rest.len() - rest.trim_ascii_start().len();
            let content = self.slow(block, line, schema);
            let shard = match &content {
                Ok(content) => shard(content.hash, self.shards.len()),
                Err(_) => self.lines as usize % self.shards.len(),
            };
            self.add(shard, from, from + line.len(), content);
        }
        start + rest.len()
    }

    fn slow(
        &mut self,
        block: &[u8],
        line: &[u8],
        schema: &Schema,
    ) -> Result<AcceptedLine, Box<RejectedLine>> {
        let refused = |rejection: Rejection, user: Option<&str>| {
            Box::new(RejectedLine {
                rejection,
                user: user.map(str::to_owned),
            })
        };
        let text = std::str::from_utf8(line).map_err(|error| {
            let byte = error.valid_up_to() + 1;
            refused(Malformed::NotUtf8 { byte }.into(), None)
        })?;
        let raw = EventMessage::parse(text).map_err(|rejection| refused(rejection, None))?;
        let event = raw
            .resolve(schema)
            .map_err(|rejection| refused(rejection, Some(&raw.user)))?;
        let hash = hash(&raw.user);
        let user = match &raw.user {
            Cow::Borrowed(user) => Text::within(block, user),
            Cow::Owned(user) => self.decode(user),
        };
        let at = raw
            .at
            .map(|at| self.decode(&serde_json::Value::from(at).to_string()));
        Ok(AcceptedLine {
            hash,
            user,
            id: raw.id.map(|id| Text::within(block, id)),
            at,
            event,
        })
    }

    fn decode(&mut self, text: &str) -> Text {
        let start = self.decoded.len() as u32;
        self.decoded.push_str(text);
        Text {
            start,
            length: text.len() as u32,
            decoded: true,
        }
    }

    pub fn bytes<'b>(&'b self, block: &'b [u8], text: Text) -> &'b [u8] {
        let all = if text.decoded {
            self.decoded.as_bytes()
        } else {
            block
        };
        &all[text.start as usize..][..text.length as usize]
    }

    pub fn text<'b>(&'b self, block: &'b [u8], text: Text) -> &'b str {
        std::str::from_utf8(self.bytes(block, text))
            .expect("it was a string before its place was noted")
    }
}

impl Text {
    /// `part` must borrow from `block`.
    fn within(block: &[u8], part: &str) -> Self {
        let start = part.as_ptr().addr() - block.as_ptr().addr();
        Self {
            start: start as u32,
            length: part.len() as u32,
            decoded: false,
        }
    }

    /// Whether the text is in the block. A string there has no escapes.
    pub fn is_verbatim(self) -> bool {
        !self.decoded
    }
}
