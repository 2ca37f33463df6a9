//! In: the path of a root file and a way to read files. Out: the root and all files it uses, parsed.
//! Errors: a file that cannot be read, at its `use`. The caller reports an unreadable root file.

use std::collections::HashMap;
use std::io;

use crate::diagnostic::Diagnostic;
use crate::errors::unknown_file::{self, Unread};
use crate::source::{FileId, Location, SourceFile, Sources, Span, UsedFile, relative};
use crate::syntax::{ParseCache, tree};
use crate::{syntax, vocabulary};

/// A file was not read because it is outside the project directory.
#[derive(Debug, thiserror::Error)]
#[error("it is outside the project directory `{0}`")]
pub struct Outside(pub String);

/// A source of files. Paths are relative to the root file's folder, with forward slashes. Functions that read a path
/// implement it.
pub trait Files {
    /// The bytes of a file.
    ///
    /// # Errors
    /// The file cannot be read.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// A text that is the same for all paths to one file.
    fn identity(&self, path: &str) -> String {
        path.to_owned()
    }

    /// What messages show before the paths: `main:` for a revision of git.
    fn label(&self) -> &str {
        ""
    }
}

impl<F: Fn(&str) -> io::Result<Vec<u8>>> Files for F {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self(path)
    }
}

/// See [`Files`].
pub type Reader<'a> = dyn Files + 'a;

/// The files of one program, parsed: trees by file id, the root first, then used files depth first.
#[derive(Debug, Default)]
pub struct Parsed {
    pub sources: Sources,
    pub files: Vec<tree::File>,
    pub errors: Vec<Diagnostic>,
    /// An error for each used file that could not be read, up to a limit.
    pub missing: Vec<Diagnostic>,
}

/// Loads the program whose root file is `path`; messages show the folder `base` before it. Declarations in `cache` are not
/// parsed again.
pub fn parse(
    base: &str,
    path: &str,
    read: &Reader<'_>,
    cache: Option<&ParseCache>,
) -> io::Result<Parsed> {
    let mut loader = Loader {
        read,
        cache,
        parsed: Parsed::default(),
        known: HashMap::new(),
    };
    loader.parsed.sources.base = base.to_owned();
    loader.parsed.sources.label = read.label().to_owned();
    let bytes = read.read(path)?;
    let root = loader.key(path, false);
    let (file, mut pending) = loader.add(path, bytes, false);
    loader.known.insert(root, Some(file));
    // A stack of pending uses keeps the depth-first order without recursion.
    while let Some(wanted) = pending.pop() {
        let (file, more) = loader.follow(&wanted);
        pending.extend(more);
        let [location, whole] = [wanted.name.span, wanted.whole].map(|span| Location {
            file: wanted.from,
            span,
        });
        loader.parsed.sources.uses.extend(file.map(|file| UsedFile {
            name: wanted.name.text.to_string(),
            location,
            whole,
            file,
        }));
    }
    Ok(loader.parsed)
}

struct Loader<'a> {
    read: &'a Reader<'a>,
    cache: Option<&'a ParseCache>,
    parsed: Parsed,
    /// The files that have been read; `None` if they could not be read.
    known: HashMap<String, Option<FileId>>,
}

struct Use {
    name: tree::Name,
    from: FileId,
    /// The declaration, including its documentation.
    whole: Span,
}

impl Loader<'_> {
    /// Parses a file and returns its uses, last first.
    fn add(&mut self, path: &str, bytes: Vec<u8>, bundled: bool) -> (FileId, Vec<Use>) {
        let file = self
            .parsed
            .sources
            .add(SourceFile::new(path, bytes, bundled));
        let (tree, errors) = syntax::parse_with(file, self.parsed.sources.file(file), self.cache);
        let mut uses: Vec<Use> = tree
            .declarations
            .iter()
            .filter_map(|declaration| match &declaration.kind {
                tree::DeclarationKind::Use(name) => Some(Use {
                    name: name.clone(),
                    from: file,
                    whole: declaration.before.with_doc(declaration.span),
                }),
                _ => None,
            })
            .collect();
        self.parsed.files.push(tree);
        self.parsed.errors.extend(errors);
        uses.reverse();
        (file, uses)
    }

    fn key(&self, path: &str, bundled: bool) -> String {
        if bundled {
            format!("use {path}")
        } else {
            self.read.identity(path)
        }
    }

    /// The file that is used, and the uses of a file that was not known, last first.
    fn follow(&mut self, wanted: &Use) -> (Option<FileId>, Vec<Use>) {
        let bundled = !wanted.name.quoted();
        let path = if bundled {
            wanted.name.text.to_string()
        } else {
            relative(
                &self.parsed.sources.file(wanted.from).path,
                &wanted.name.text,
            )
        };
        let key = self.key(&path, bundled);
        if let Some(known) = self.known.get(&key) {
            return (*known, Vec::new());
        }
        let added = self.read(&path, bundled, wanted);
        self.known
            .insert(key, added.as_ref().map(|(file, _)| *file));
        added.map_or((None, Vec::new()), |(file, uses)| (Some(file), uses))
    }

    /// Adds a file; `None` if it cannot be read.
    fn read(&mut self, path: &str, bundled: bool, wanted: &Use) -> Option<(FileId, Vec<Use>)> {
        let location = Location {
            file: wanted.from,
            span: wanted.name.span,
        };
        let from_bundled = self.parsed.sources.file(wanted.from).bundled;
        if bundled {
            let Some(text) = vocabulary::text(path) else {
                let known: Vec<&str> = vocabulary::names().collect();
                self.report_missing(unknown_file::vocabulary(path, location, &known));
                return None;
            };
            return Some(self.add(path, text.as_bytes().to_vec(), true));
        }
        let bytes = if from_bundled {
            Err(io::ErrorKind::NotFound.into())
        } else {
            self.read.read(path)
        };
        match bytes {
            Ok(bytes) => Some(self.add(path, bytes, false)),
            Err(error) => {
                self.report_missing(unread(&self.parsed.sources, path, &error, location));
                None
            }
        }
    }

    fn report_missing(&mut self, error: Diagnostic) {
        if self.parsed.missing.len() <= syntax::MAX_ERRORS {
            self.parsed.missing.push(error);
        }
    }
}

fn unread(sources: &Sources, path: &str, error: &io::Error, location: Location) -> Diagnostic {
    let shown = sources.shown(path);
    let missing = error.kind() == io::ErrorKind::NotFound;
    let why = || {
        if missing {
            "file not found".to_owned()
        } else {
            error.to_string()
        }
    };
    let unread = if error.get_ref().is_some_and(|inner| inner.is::<Outside>()) {
        Unread::Outside(why())
    } else if vocabulary::text(path).is_some() {
        Unread::Vocabulary(path, why())
    } else if path.contains('\\') {
        Unread::Backslash(path.replace('\\', "/"), why())
    } else if missing && !path.ends_with(".presync") {
        Unread::Ending(path, why())
    } else {
        Unread::Other(why())
    };
    unknown_file::file(&shown, unread, location)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_uses_is_read_once() {
        let read = |path: &str| match path {
            "a" => Ok(b"use \"b\"\nuse \"c\"".to_vec()),
            "b" => Ok(b"use \"a\" use \"d\"".to_vec()),
            _ => Ok(Vec::new()),
        };
        let parsed = parse("", "a", &read, None).expect("it can be read");
        let paths: Vec<_> = parsed
            .sources
            .iter()
            .map(|(_, file)| file.path.clone())
            .collect();
        assert_eq!(paths, ["a", "b", "d", "c"]);
    }
}
