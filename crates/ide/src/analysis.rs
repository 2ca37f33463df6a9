//! An analysis of all programs below some folders, with unsaved texts. It keeps what did not change.
//! In: folders, texts, and notices that files changed. Out: the findings of each file, and a [`FileView`] for editor features.
//!
//! A file belongs to every program that uses it. Features look at it in one of them: the one whose root it is, or the first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use presync::{Diagnostic, FileId, Index, ParseCache, Program, SourceFile, Sources, tree};

use crate::edits::{FileEdits, edited};
use crate::files::{FileSystem, Overlay, Texts, is_program};
use crate::findings::{CheckedProgram, merged};
use crate::program::{ProgramFinder, RootFile};
use crate::settings::{SettingsError, SettingsPlace, check_attributes};

/// See the module.
pub struct Analysis {
    files: Box<dyn FileSystem>,
    folders: Vec<PathBuf>,
    /// The texts that an editor has, by canonical path.
    texts: Texts,
    /// All programs and parts of programs below the folders; `None` if they must be listed again.
    listed: Option<Vec<PathBuf>>,
    roots: Vec<PathBuf>,
    /// The files whose text is not the one that was checked.
    changed: BTreeSet<PathBuf>,
    /// By root file.
    programs: BTreeMap<PathBuf, Rc<CheckedProgram>>,
    /// By root file: why it cannot be read, or what is wrong with its settings.
    problems: BTreeMap<PathBuf, ProgramProblem>,
    /// What is wrong in settings, by the file.
    misplaced: BTreeMap<PathBuf, BTreeSet<SettingsPlace>>,
    findings: BTreeMap<PathBuf, Vec<FileFinding>>,
    finder: ProgramFinder,
    cache: ParseCache,
}

/// Why a program cannot be checked, or is checked without its settings.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProgramProblem {
    pub message: String,
    /// Where in its settings, if it is known.
    pub place: Option<SettingsPlace>,
}

impl From<SettingsError> for ProgramProblem {
    fn from(error: SettingsError) -> Self {
        let message = error.to_string();
        let place = error.place;
        Self { message, place }
    }
}

/// A finding in a file.
#[derive(Clone)]
pub struct FileFinding {
    pub program: Rc<CheckedProgram>,
    pub diagnostic: Rc<Diagnostic>,
}

/// A file in a program.
#[derive(Clone, Copy)]
pub struct FileView<'a> {
    pub program: &'a CheckedProgram,
    pub file: FileId,
}

impl<'a> FileView<'a> {
    pub fn sources(&self) -> &'a Sources {
        self.program.report.sources()
    }

    pub fn source(&self) -> &'a SourceFile {
        self.sources().file(self.file)
    }

    pub fn text(&self) -> &'a str {
        &self.source().text
    }

    pub fn index(&self) -> &'a Index {
        let index = self.program.report.index.as_ref();
        index.expect("the analysis asks for an index")
    }

    pub fn tree(&self) -> &'a tree::File {
        &self.index().trees[self.file.0 as usize]
    }

    /// The program, if it has no errors.
    pub fn checked(&self) -> Option<&'a Program> {
        self.program.report.program.as_ref()
    }

    /// The canonical path of a file of the program; bundled vocabularies have none.
    pub fn path_of(&self, file: FileId) -> Option<&'a Path> {
        self.program.paths.get(file.0 as usize)?.as_deref()
    }
}

impl Analysis {
    pub fn new(files: Box<dyn FileSystem>) -> Self {
        Self {
            files,
            folders: Vec::new(),
            texts: Texts::new(),
            listed: None,
            roots: Vec::new(),
            changed: BTreeSet::new(),
            programs: BTreeMap::new(),
            problems: BTreeMap::new(),
            misplaced: BTreeMap::new(),
            findings: BTreeMap::new(),
            finder: ProgramFinder::default(),
            cache: ParseCache::default(),
        }
    }

    pub fn files(&self) -> &dyn FileSystem {
        &*self.files
    }

    /// Sets the folders whose programs are checked, whether or not an editor has opened them.
    pub fn set_folders(&mut self, folders: Vec<PathBuf>) {
        self.folders = folders;
        self.listed = None;
    }

    pub fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The path by which the analysis knows a file.
    pub fn canonical(&self, path: &Path) -> PathBuf {
        self.files.canonical(path)
    }

    /// Sets the text that an editor has of a file.
    pub fn set_text(&mut self, path: &Path, text: String) {
        let path = self.canonical(path);
        if self.texts.get(&path) == Some(&text) {
            return;
        }
        if !self.texts.contains_key(&path) {
            self.listed = None;
        }
        self.texts.insert(path.clone(), text);
        self.changed.insert(path);
    }

    pub fn texts(&self) -> &Texts {
        &self.texts
    }

    /// The text that an editor has of a file.
    pub fn text(&self, path: &Path) -> Option<&str> {
        self.texts.get(&self.canonical(path)).map(String::as_str)
    }

    /// The editor has closed a file: what is saved counts again.
    pub fn close(&mut self, path: &Path) {
        let path = self.canonical(path);
        if self.texts.remove(&path).is_some() {
            self.listed = None;
            self.changed.insert(path);
        }
    }

    pub fn is_open(&self, path: &Path) -> bool {
        self.texts.contains_key(&self.canonical(path))
    }

    /// Files were created, changed or deleted, or settings changed. `None`: nobody knows which.
    pub fn changed_on_disk(&mut self, paths: Option<&[PathBuf]>) {
        self.listed = None;
        match paths {
            Some(paths) if paths.iter().all(|path| is_program(path)) => {
                let paths = paths.iter().map(|path| self.files.canonical(path));
                self.changed.extend(paths);
            }
            _ => self.programs.clear(),
        }
    }

    fn overlay(&self) -> Overlay<'_> {
        Overlay {
            files: &*self.files,
            texts: &self.texts,
        }
    }

    /// Checks the programs that something changed in. Returns the files whose findings are different.
    pub fn update(&mut self) -> BTreeSet<PathBuf> {
        if self.listed.is_some() && self.changed.is_empty() {
            return BTreeSet::new();
        }
        let mut finder = std::mem::take(&mut self.finder);
        let files = self.overlay();
        let mut same = |path: &PathBuf| finder.uses_the_same(&files, path);
        let (listed, roots) = match &self.listed {
            // Most edits change no `use`, so that the programs are the same.
            Some(listed) if self.changed.iter().all(&mut same) => {
                (listed.clone(), self.roots.clone())
            }
            listed => {
                let mut listed = listed.clone().unwrap_or_else(|| self.list());
                listed.retain(|path| files.read(path).is_ok());
                let roots = finder.roots(&files, listed.clone());
                (listed, roots.unwrap_or_default())
            }
        };
        let mut programs = BTreeMap::new();
        let mut problems = BTreeMap::new();
        for root in roots.clone() {
            if let Some(known) = self.programs.get(&root)
                && !self.is_stale(known)
            {
                if let Some(problem) = self.problems.get(&root) {
                    problems.insert(root.clone(), problem.clone());
                }
                programs.insert(root, known.clone());
                continue;
            }
            match CheckedProgram::check_with_index(&files, &RootFile::new(&root), &self.cache) {
                Ok((checked, wrong)) => {
                    problems.extend(wrong.map(|wrong| (root.clone(), wrong.into())));
                    programs.insert(root, Rc::new(checked));
                }
                Err(wrong) => {
                    let message = wrong.to_string();
                    let place = None;
                    problems.insert(root, ProgramProblem { message, place });
                }
            }
        }
        self.finder = finder;
        self.programs = programs;
        self.problems = problems;
        self.listed = Some(listed);
        self.roots = roots;
        self.changed.clear();
        let mut news = self.sort_findings();
        news.extend(self.sort_problems());
        news
    }

    /// Sorts what is wrong in settings by file; returns the files with something else than before.
    fn sort_problems(&mut self) -> BTreeSet<PathBuf> {
        let mut misplaced: BTreeMap<PathBuf, BTreeSet<SettingsPlace>> = BTreeMap::new();
        for place in self.problems().into_iter().filter_map(|one| one.place) {
            let file = self.canonical(&place.file);
            misplaced.entry(file).or_default().insert(place);
        }
        let before = std::mem::replace(&mut self.misplaced, misplaced);
        let all = before.keys().chain(self.misplaced.keys());
        let news = all.filter(|file| before.get(*file) != self.misplaced.get(*file));
        news.cloned().collect()
    }

    /// What is wrong in settings, by the file.
    pub fn misplaced(&self) -> &BTreeMap<PathBuf, BTreeSet<SettingsPlace>> {
        &self.misplaced
    }

    /// The files below the folders, and those that an editor has opened.
    fn list(&self) -> Vec<PathBuf> {
        let mut all: BTreeSet<PathBuf> = self.texts.keys().cloned().collect();
        for folder in &self.folders {
            let below = self.files.programs(folder);
            all.extend(below.iter().map(|path| self.files.canonical(path)));
        }
        all.into_iter().collect()
    }

    /// Whether a program uses a file that changed, or misses one.
    fn is_stale(&self, program: &CheckedProgram) -> bool {
        let mut paths = program.paths.iter().flatten();
        program.misses_files || paths.any(|path| self.changed.contains(path))
    }

    /// Sorts the findings by file; returns the files with other findings than before.
    fn sort_findings(&mut self) -> BTreeSet<PathBuf> {
        let programs: Vec<Rc<CheckedProgram>> = self.programs.values().cloned().collect();
        let mut findings: BTreeMap<PathBuf, Vec<FileFinding>> = BTreeMap::new();
        // A file without findings is there, too.
        for program in &programs {
            for path in program.paths.iter().flatten() {
                findings.entry(path.clone()).or_default();
            }
        }
        for (at, diagnostic) in merged(&programs) {
            let program = &programs[at];
            let Some(location) = diagnostic.location() else {
                continue;
            };
            let Some(path) = program.paths[location.file.0 as usize].clone() else {
                continue;
            };
            let finding = FileFinding {
                program: program.clone(),
                diagnostic: Rc::new(diagnostic),
            };
            findings.entry(path).or_default().push(finding);
        }
        let before = std::mem::replace(&mut self.findings, findings);
        let all: BTreeSet<&PathBuf> = before.keys().chain(self.findings.keys()).collect();
        let is_new = |path: &&PathBuf| {
            let [old, new] = [before.get(*path), self.findings.get(*path)];
            let [old, new] = [old, new].map(|of| {
                let of = of.map_or(&[][..], Vec::as_slice);
                of.iter().map(|one| &*one.diagnostic).collect::<Vec<_>>()
            });
            old != new
        };
        all.into_iter().filter(is_new).cloned().collect()
    }

    /// Every file of a program, with its findings.
    pub fn findings(&self) -> &BTreeMap<PathBuf, Vec<FileFinding>> {
        &self.findings
    }

    /// Root files that cannot be read, and settings that are wrong.
    pub fn problems(&self) -> BTreeSet<ProgramProblem> {
        let programs: Vec<Rc<CheckedProgram>> = self.programs.values().cloned().collect();
        let attributes = check_attributes(&programs).err();
        let attributes = attributes.map(|wrong| wrong.located(&*self.files).into());
        self.problems.values().cloned().chain(attributes).collect()
    }

    /// All programs.
    pub fn programs(&self) -> impl Iterator<Item = &CheckedProgram> {
        self.programs.values().map(|program| &**program)
    }

    /// A file in a program that has it.
    pub fn view(&self, path: &Path) -> Option<FileView<'_>> {
        let path = self.canonical(path);
        if let Some(program) = self.programs.get(&path) {
            let file = FileId(0);
            return Some(FileView { program, file });
        }
        self.views(&path).next()
    }

    /// A file in every program that has it.
    pub fn views(&self, path: &Path) -> impl Iterator<Item = FileView<'_>> {
        let path = self.canonical(path);
        self.programs.values().filter_map(move |program| {
            let file = program.file(&path)?;
            Some(FileView { program, file })
        })
    }

    /// A bundled vocabulary in every program that uses it.
    pub fn views_of_vocabulary(&self, name: &str) -> impl Iterator<Item = FileView<'_>> {
        self.programs.values().filter_map(move |program| {
            let mut files = program.report.sources().iter();
            let (file, _) = files.find(|(_, file)| file.bundled && file.path == name)?;
            Some(FileView { program, file })
        })
    }

    /// The texts of the editor, with some edited.
    pub fn with(&self, edits: &FileEdits) -> Texts {
        let mut texts = self.texts.clone();
        for (path, edits) in edits {
            let Some(view) = self.view(path) else {
                continue;
            };
            texts.insert(self.canonical(path), edited(view.text(), edits));
        }
        texts
    }
}
