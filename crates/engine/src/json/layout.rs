//! The text of a tables.json: indented, with one line for each row, state and node.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use crate::json::document::Document;

/// Objects in a list of an object in a list are written on a line of their own, and what is in them without lines.
const LINES: usize = 6;

pub(super) fn text(document: &Document) -> String {
    let mut bytes = Vec::new();
    let formatter = LineFormatter {
        depth: 0,
        lines: false,
        element: false,
    };
    let mut serializer = Serializer::with_formatter(&mut bytes, formatter);
    document
        .serialize(&mut serializer)
        .expect("a document is always JSON");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is text")
}

struct LineFormatter {
    /// How many objects and lists are open.
    depth: usize,
    /// Whether the last list has lines.
    lines: bool,
    /// Whether an element of a list follows.
    element: bool,
}

impl LineFormatter {
    fn line<W: ?Sized + Write>(&self, writer: &mut W, depth: usize) -> io::Result<()> {
        writer.write_all(b"\n")?;
        for _ in 0..depth {
            writer.write_all(b" ")?;
        }
        Ok(())
    }
}

impl Formatter for LineFormatter {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.lines = false;
        self.element = false;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if std::mem::take(&mut self.lines) {
            self.line(writer, self.depth)?;
        }
        CompactFormatter.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.element = true;
        CompactFormatter.begin_array_value(writer, first)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.element) && self.depth <= LINES {
            self.line(writer, self.depth)?;
        }
        self.depth += 1;
        CompactFormatter.begin_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        CompactFormatter.begin_object_key(writer, first)?;
        if self.depth < LINES {
            self.line(writer, self.depth)?;
        } else if !first {
            writer.write_all(b" ")?;
        }
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.element = false;
        writer.write_all(b": ")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.depth < LINES - 1 {
            self.line(writer, self.depth)?;
        }
        // Only objects that are elements of a list begin on a line.
        self.lines = self.depth <= LINES;
        CompactFormatter.end_object(writer)
    }
}
