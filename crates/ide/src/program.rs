//! In: files. Out: which of them are programs, and each program parsed.
//! A file that no other file uses is the root of a program. A program may only read below the folder of its
//! `presync.toml`, or below its own folder if it has none, because one from elsewhere must not read arbitrary files.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use presync::{
    FileId, Files, Outside, ParseCache, Parsed, SourceFile, Sources, Token, TokenKind, relative,
    tree,
};

use crate::files::{FileSystem, folder_of};
use crate::settings;

/// The root file of a program, and how messages show its files.
#[derive(Debug, Clone)]
pub struct RootFile {
    pub path: PathBuf,
    /// Its name in the program: that of the file.
    pub name: String,
    /// The folder to which the paths in the program are relative.
    pub folder: PathBuf,
    /// What messages show before a path: the folder as the user typed it, with a slash, or nothing.
    pub shown_folder: String,
    /// What messages show before everything: `main:` for a revision of git.
    pub label: String,
    /// It may use files from anywhere.
    pub anywhere: bool,
}

impl RootFile {
    /// The root at a path, which messages show as it is.
    pub fn new(path: &Path) -> Self {
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let shown_folder = if folder.as_os_str().is_empty() {
            String::new()
        } else {
            format!("{}/", folder.display())
        };
        Self {
            path: path.to_path_buf(),
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            folder,
            shown_folder,
            label: String::new(),
            anywhere: false,
        }
    }

    /// The path of a file of the program.
    pub fn path_of(&self, sources: &Sources, file: FileId) -> PathBuf {
        if file.0 == 0 {
            self.path.clone()
        } else {
            PathBuf::from(sources.shown_path(file))
        }
    }

    /// Reads and parses the program. Declarations in the cache are not parsed again.
    ///
    /// # Errors
    /// The root file cannot be read. Other files that cannot be read are errors of the program.
    pub fn parse(&self, files: &dyn FileSystem, cache: Option<&ParseCache>) -> io::Result<Parsed> {
        let here = folder_of(&self.folder.join(&self.name)).to_path_buf();
        let within = if self.anywhere {
            None
        } else {
            Some(files.canonical(&settings::folder(files, &here).unwrap_or(here)))
        };
        let of_program = FilesOfProgram {
            root: self,
            files,
            within,
        };
        let (base, name) = (&self.shown_folder, &self.name);
        match cache {
            Some(cache) => presync::parse_cached(base, name, &of_program, cache),
            None => presync::parse(base, name, &of_program),
        }
    }
}

/// The files relative to a root file.
struct FilesOfProgram<'a> {
    root: &'a RootFile,
    files: &'a dyn FileSystem,
    /// Canonical: used files must be below it, after following links.
    within: Option<PathBuf>,
}

impl FilesOfProgram<'_> {
    fn place(&self, path: &str) -> PathBuf {
        if path == self.root.name {
            self.root.path.clone()
        } else {
            self.root.folder.join(path)
        }
    }
}

impl Files for FilesOfProgram<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let place = self.place(path);
        if let Some(within) = self.within.as_ref().filter(|_| path != self.root.name)
            && !self.files.real(&place)?.starts_with(within)
        {
            return Err(io::Error::other(Outside(within.display().to_string())));
        }
        self.files.read(&place)
    }

    fn identity(&self, path: &str) -> String {
        self.files.real(&self.place(path)).map_or_else(
            |_| path.to_owned(),
            |path| path.to_string_lossy().into_owned(),
        )
    }

    fn label(&self) -> &str {
        &self.root.label
    }
}

/// A path with forward slashes, without `.` and `..`.
fn slashes(path: &Path) -> String {
    relative("", &path.to_string_lossy().replace('\\', "/"))
}

/// Finds out which files are programs, and remembers what each file uses as long as its text is the same.
#[derive(Default)]
pub struct ProgramFinder {
    /// By path, with a hash of the text.
    known: BTreeMap<PathBuf, (u64, Vec<String>)>,
}

impl ProgramFinder {
    /// The files that no other file uses, sorted; for a cycle that nothing else uses, its first file.
    ///
    /// # Errors
    /// A file cannot be read: its path, and why.
    pub fn roots(
        &mut self,
        files: &dyn FileSystem,
        paths: Vec<PathBuf>,
    ) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
        let mut uses: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
        for file in &paths {
            let bytes = files.read(file).map_err(|error| (file.clone(), error))?;
            let own = slashes(file);
            let path = files.canonical(file);
            let used = self.used(file, bytes).iter();
            let used = used.map(|name| files.canonical(Path::new(&relative(&own, name))));
            let used = used.filter(|used| *used != path).collect();
            uses.insert(path, used);
        }
        let all: BTreeSet<&PathBuf> = paths.iter().collect();
        self.known.retain(|file, _| all.contains(file));
        Ok(unused(files, &paths, &uses))
    }

    /// Whether a file uses the same paths as when the roots were found.
    pub(crate) fn uses_the_same(&mut self, files: &dyn FileSystem, file: &Path) -> bool {
        let Some((_, before)) = self.known.get(file).cloned() else {
            return false;
        };
        files
            .read(file)
            .is_ok_and(|bytes| self.used(file, bytes) == before)
    }

    /// The paths that a file uses, as written.
    fn used(&mut self, file: &Path, bytes: Vec<u8>) -> &[String] {
        let mut hasher = DefaultHasher::new();
        bytes.hash(&mut hasher);
        let hash = hasher.finish();
        let used = || used_paths(&SourceFile::new("", bytes, false));
        match self.known.entry(file.to_path_buf()) {
            Entry::Occupied(entry) => {
                let known = entry.into_mut();
                if known.0 != hash {
                    *known = (hash, used());
                }
                &known.1
            }
            Entry::Vacant(entry) => &entry.insert((hash, used())).1,
        }
    }
}

/// The paths after `use` in a file with or without errors.
fn used_paths(source: &SourceFile) -> Vec<String> {
    let (tokens, _) = presync::tokens(&source.text);
    let text = |token: &Token| token.span.text(&source.text);
    let pairs = tokens.windows(2).filter(|pair| {
        pair[0].kind == TokenKind::Word
            && text(&pair[0]) == "use"
            && pair[1].kind == TokenKind::Text
    });
    // Only they are parsed.
    let uses: String = pairs
        .map(|pair| format!("use {}\n", text(&pair[1])))
        .collect();
    let (tree, _) = presync::parse_file(FileId(0), &SourceFile::new("", uses.into_bytes(), false));
    let names = tree
        .declarations
        .iter()
        .filter_map(|node| match &node.kind {
            tree::DeclarationKind::Use(name) => Some(name.text.to_string()),
            _ => None,
        });
    names.collect()
}

/// The files that no other file uses, sorted; for a cycle that nothing else uses, its first file.
fn unused(
    files: &dyn FileSystem,
    paths: &[PathBuf],
    uses: &BTreeMap<PathBuf, Vec<PathBuf>>,
) -> Vec<PathBuf> {
    let used: BTreeSet<&PathBuf> = uses.values().flatten().collect();
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut roots = Vec::new();
    let unused = paths
        .iter()
        .filter(|file| !used.contains(&files.canonical(file)));
    for file in unused.chain(paths) {
        let path = files.canonical(file);
        if reached.contains(&path) {
            continue;
        }
        roots.push(file.clone());
        let mut stack = vec![path];
        while let Some(next) = stack.pop() {
            if reached.insert(next.clone()) {
                stack.extend(uses.get(&next).into_iter().flatten().cloned());
            }
        }
    }
    roots.sort();
    roots
}
