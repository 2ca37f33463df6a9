//! From a name to where it is declared and used, in every program that knows it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use presync::{FileId, Location, Meaning, Occurrence};

use crate::analysis::{Analysis, FileView};

/// A file, or a bundled vocabulary by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentName {
    File(PathBuf),
    Vocabulary(String),
}

/// A place in a program.
#[derive(Clone, Copy)]
pub struct FoundPlace<'a> {
    pub view: FileView<'a>,
    pub location: Location,
}

impl<'a> FileView<'a> {
    /// The file or vocabulary with this id.
    pub fn document(&self, file: FileId) -> DocumentName {
        match self.path_of(file) {
            Some(path) => DocumentName::File(path.to_path_buf()),
            None => DocumentName::Vocabulary(self.sources().file(file).path.clone()),
        }
    }

    /// The same program at another file.
    pub fn at(&self, file: FileId) -> FileView<'a> {
        FileView {
            program: self.program,
            file,
        }
    }

    /// The name at an offset.
    pub fn name_at(&self, offset: u32) -> Option<Occurrence> {
        self.index().at(self.file, offset)
    }
}

impl<'a> FoundPlace<'a> {
    pub fn document(&self) -> DocumentName {
        self.view.document(self.location.file)
    }

    /// The place in its own file.
    pub fn file_view(&self) -> FileView<'a> {
        self.view.at(self.location.file)
    }
}

/// Where the name at an offset is declared; for a `use`, the start of the file that it names.
pub fn definition(view: FileView<'_>, offset: u32) -> Option<FoundPlace<'_>> {
    let location = match view.name_at(offset) {
        Some(name) => view.index().definition(name.meaning)?,
        None => {
            let mut uses = view.sources().uses.iter();
            let used = uses.find(|used| {
                let span = used.location.span;
                used.location.file == view.file && span.start <= offset && offset <= span.end
            })?;
            Location {
                file: used.file,
                span: presync::Span::default(),
            }
        }
    };
    Some(FoundPlace { view, location })
}

/// The places of the same thing as the name at an offset, in every program, each once. The declaration is one of them.
pub fn references<'a>(
    analysis: &'a Analysis,
    view: FileView<'a>,
    offset: u32,
) -> Vec<FoundPlace<'a>> {
    let Some(name) = view.name_at(offset) else {
        return Vec::new();
    };
    let Some(declared) = view.index().definition(name.meaning) else {
        return places(view, name.meaning);
    };
    let document = view.document(declared.file);
    let mut all: Vec<FoundPlace<'a>> = Vec::new();
    let mut known: BTreeSet<(DocumentName, presync::Span)> = BTreeSet::new();
    for other in in_programs(analysis, &document) {
        // Declared at the same place: the same thing.
        let Some(same) = other.name_at(declared.span.start) else {
            continue;
        };
        let found = places(other, same.meaning).into_iter();
        all.extend(found.filter(|place| known.insert((place.document(), place.location.span))));
    }
    all.sort_by_key(|place| (place.document(), place.location.span));
    all
}

/// A document in every program that has it.
fn in_programs<'a>(analysis: &'a Analysis, document: &DocumentName) -> Vec<FileView<'a>> {
    match document {
        DocumentName::File(path) => analysis.views(path).collect(),
        DocumentName::Vocabulary(name) => analysis.views_of_vocabulary(name).collect(),
    }
}

fn places(view: FileView<'_>, meaning: Meaning) -> Vec<FoundPlace<'_>> {
    let locations = view.index().places(meaning);
    locations
        .map(|location| FoundPlace { view, location })
        .collect()
}

/// The other places of the name at an offset in the same file, and that one.
pub fn highlights(view: FileView<'_>, offset: u32) -> Vec<Location> {
    let Some(name) = view.name_at(offset) else {
        return Vec::new();
    };
    let all = view.index().places(name.meaning);
    all.filter(|location| location.file == view.file).collect()
}

/// Whether a place is where the name is declared.
pub fn is_declaration(view: FileView<'_>, place: Location) -> bool {
    let name = view.index().at(place.file, place.span.start);
    name.is_some_and(|name| view.index().definition(name.meaning) == Some(place))
}

/// Where the profile at an offset is used by a role, and where the mapping at an offset is applied: what puts it to use.
pub fn implementations<'a>(
    analysis: &'a Analysis,
    view: FileView<'a>,
    offset: u32,
) -> Vec<FoundPlace<'a>> {
    let all = references(analysis, view, offset);
    let used = |place: &FoundPlace<'_>| !is_declaration(place.view, place.location);
    all.into_iter().filter(used).collect()
}
