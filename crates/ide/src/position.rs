//! Lines and columns of editors: counted from 0, columns in the units that the editor counts in.

use presync::{SourceFile, Span};

/// What a column counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    Utf8,
    /// What editors count in if nothing else is agreed on.
    #[default]
    Utf16,
    Utf32,
}

/// A position in a text; both count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EditorPosition {
    pub line: u32,
    pub column: u32,
}

impl Encoding {
    fn units(self, char: char) -> usize {
        match self {
            Self::Utf8 => char.len_utf8(),
            Self::Utf16 => char.len_utf16(),
            Self::Utf32 => 1,
        }
    }

    /// The position of a byte offset; the end of the text for one behind it.
    pub fn position(self, file: &SourceFile, offset: u32) -> EditorPosition {
        let offset = offset.min(file.text.len() as u32);
        let line = file.line(offset) - 1;
        let start = line_start(file, line);
        let before = file.text.get(start as usize..offset as usize);
        let before = before.unwrap_or_default();
        EditorPosition {
            line,
            column: before.chars().map(|char| self.units(char)).sum::<usize>() as u32,
        }
    }

    /// The byte offset of a position: of the end of the line for a column behind it, and of the end of the text for a line
    /// behind it. A column within a character is that of its start.
    pub fn offset(self, file: &SourceFile, position: EditorPosition) -> u32 {
        let text = &file.text;
        if position.line >= file.line_count() {
            return text.len() as u32;
        }
        let start = line_start(file, position.line) as usize;
        let line = text[start..].split('\n').next().unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let mut left = position.column as usize;
        for (at, char) in line.char_indices() {
            let units = self.units(char);
            if left < units {
                return (start + at) as u32;
            }
            left -= units;
        }
        (start + line.len()) as u32
    }

    /// The span between two positions.
    pub fn span(self, file: &SourceFile, from: EditorPosition, to: EditorPosition) -> Span {
        let (start, end) = (self.offset(file, from), self.offset(file, to));
        Span {
            start: start.min(end),
            end: start.max(end),
        }
    }
}

fn line_start(file: &SourceFile, line: u32) -> u32 {
    file.line_start(line + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_in_each_unit() {
        let file = SourceFile::new("a", "é😀b\r\nx\n".as_bytes().to_vec(), false);
        let at = |encoding: Encoding, offset| encoding.position(&file, offset);
        let position = |line, column| EditorPosition { line, column };
        assert_eq!(at(Encoding::Utf8, 6), position(0, 6));
        assert_eq!(at(Encoding::Utf16, 6), position(0, 3));
        assert_eq!(at(Encoding::Utf32, 6), position(0, 2));
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for offset in [0, 2, 6, 7, 9, 10, 11] {
                assert_eq!(
                    encoding.offset(&file, at(encoding, offset)),
                    offset,
                    "{encoding:?}"
                );
            }
            // Behind a line, and behind the text.
            assert_eq!(encoding.offset(&file, position(0, 99)), 7);
            assert_eq!(encoding.offset(&file, position(9, 0)), 11);
        }
        // Within a character.
        assert_eq!(Encoding::Utf16.offset(&file, position(0, 2)), 2);
    }
}
