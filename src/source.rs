//! In: the bytes of a program's files. Out: text with stable file ids, byte spans, and lines and columns to show.
//! A file that is not UTF-8 keeps its readable part; the syntax stage reports the error.

use std::fmt;
use std::sync::{Arc, OnceLock};

/// A file of one program: an index into its [`Sources`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A half-open range of bytes in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Span {
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(start: usize, end: usize) -> Self {
        // Files are refused above 256 MiB (see `crate::syntax`), so offsets fit.
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The smallest span around both.
    pub fn to(self, other: Self) -> Self {
        Self {
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    pub fn contains(self, other: Self) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    pub fn text(self, source: &str) -> &str {
        source
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// A span in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    pub file: FileId,
    pub span: Span,
}

/// A position to show to users: both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    pub line: u32,
    pub column: u32,
}

/// One file: its path, and its text without a byte order mark.
pub struct SourceFile {
    /// Relative to the folder of the root file, with forward slashes; for a bundled vocabulary, its bare name.
    pub path: String,
    /// Lines end with LF or CR LF: a CR alone has become LF.
    pub text: String,
    /// The offset of the first byte that is not UTF-8; `text` contains replacement characters from there on.
    pub invalid_from: Option<usize>,
    pub bundled: bool,
    lines: OnceLock<Vec<u32>>,
}

impl SourceFile {
    pub fn new(path: impl Into<String>, bytes: Vec<u8>, bundled: bool) -> Self {
        let (mut text, invalid_from) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                (
                    String::from_utf8_lossy(error.as_bytes()).into_owned(),
                    Some(at),
                )
            }
        };
        let mut shift = 0;
        if text.starts_with('\u{feff}') {
            shift = '\u{feff}'.len_utf8();
            text.drain(..shift);
        }
        let text = with_line_feeds(text);
        let invalid_from = invalid_from.map(|at| at.saturating_sub(shift));
        Self {
            path: path.into(),
            text,
            invalid_from,
            bundled,
            lines: OnceLock::new(),
        }
    }

    fn lines(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let newlines = self
                .text
                .bytes()
                .enumerate()
                .filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0)
                .chain(newlines.map(|(at, _)| at as u32 + 1))
                .collect()
        })
    }

    /// The line of a byte offset, counted from 1.
    pub fn line(&self, offset: u32) -> u32 {
        self.lines().partition_point(|start| *start <= offset) as u32
    }

    /// How its lines end.
    pub fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// The byte offset at which a line starts, counted from 1; the end of the text for a line behind it.
    pub fn line_start(&self, line: u32) -> u32 {
        let at = (line as usize).saturating_sub(1);
        let end = self.text.len() as u32;
        self.lines().get(at).copied().unwrap_or(end)
    }

    /// The number of lines; one that ends with a line feed is followed by another.
    pub fn line_count(&self) -> u32 {
        self.lines().len() as u32
    }

    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.line(offset);
        let start = self.lines()[line as usize - 1] as usize;
        let before = self.text.get(start..offset as usize).unwrap_or_default();
        LineColumn {
            line,
            column: before.chars().count() as u32 + 1,
        }
    }
}

/// Replaces each CR without LF by LF, so that everybody who looks for line ends finds the same.
fn with_line_feeds(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut characters = text.chars().peekable();
    let mut replaced = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        let alone = character == '\r' && characters.peek() != Some(&'\n');
        replaced.push(if alone { '\n' } else { character });
    }
    replaced
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({:?}, {} bytes)", self.path, self.text.len())
    }
}

/// All files of a program; the first is its root.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    files: Vec<Arc<SourceFile>>,
    /// The folder of the root file as the user wrote it, with a trailing slash, or empty.
    pub base: String,
    /// What messages show before each path: `main:` for a revision of git.
    pub label: String,
    /// The uses of files that could be read.
    pub uses: Vec<UsedFile>,
}

/// A `use` of a file.
#[derive(Debug, Clone)]
pub struct UsedFile {
    /// As written, without quotes.
    pub name: String,
    pub location: Location,
    /// The whole declaration, including its documentation.
    pub whole: Location,
    pub file: FileId,
}

impl Sources {
    pub fn add(&mut self, file: SourceFile) -> FileId {
        self.files.push(Arc::new(file));
        FileId(self.files.len() as u32 - 1)
    }

    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(at, file)| (FileId(at as u32), &**file))
    }

    pub fn text(&self, location: Location) -> &str {
        location.span.text(&self.file(location.file).text)
    }

    /// The path as the user would type it in the working directory.
    pub fn shown_path(&self, id: FileId) -> String {
        let file = self.file(id);
        if file.bundled {
            file.path.clone()
        } else {
            self.shown(&file.path)
        }
    }

    /// A path relative to the root file's folder, as the user would type it.
    pub(crate) fn shown(&self, path: &str) -> String {
        let Self { base, label, .. } = self;
        if path.starts_with("../") || path.starts_with('/') {
            format!("{label}{}", relative(base, path))
        } else {
            format!("{label}{base}{path}")
        }
    }

    /// `agents.presync:14`, relative to the root file's folder: the format of origins.
    pub fn file_line(&self, location: Location) -> String {
        let file = self.file(location.file);
        format!("{}:{}", file.path, file.line(location.span.start))
    }
}

/// Resolves the path `used` relative to the file `from`, including `.` and `..`.
pub fn relative(from: &str, used: &str) -> String {
    let folder = from.rfind('/').map_or("", |at| &from[..at]);
    let joined = if used.starts_with('/') {
        used.to_owned()
    } else {
        format!("{folder}/{used}")
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let path = parts.join("/");
    if used.starts_with('/') || from.starts_with('/') {
        format!("/{path}")
    } else {
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_using_file() {
        assert_eq!(
            relative("a.presync", "states/site.presync"),
            "states/site.presync"
        );
        assert_eq!(relative("states/site.presync", "../b.presync"), "b.presync");
        assert_eq!(relative("a.presync", "../b.presync"), "../b.presync");
        assert_eq!(relative("a.presync", "/etc/b.presync"), "/etc/b.presync");
        assert_eq!(
            relative("/etc/a.presync", "states/b.presync"),
            "/etc/states/b.presync"
        );
        assert_eq!(relative("/a.presync", "b.presync"), "/b.presync");
    }

    #[test]
    fn columns_count_characters_and_the_mark_is_dropped() {
        let file = SourceFile::new("a", "\u{feff}é b\nü x".as_bytes().to_vec(), false);
        assert_eq!(file.line_column(3), LineColumn { line: 1, column: 3 });
        assert_eq!(file.line_column(8), LineColumn { line: 2, column: 3 });
    }
}
