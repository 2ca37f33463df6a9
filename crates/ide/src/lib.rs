//! What editors, pages and the command line share about projects: settings, roots, findings, fixes, and editor features over
//! an analysis. Plain data in and out: no protocol, no printing, no clock, and files only through [`FileSystem`].

#![forbid(unsafe_code)]

pub mod actions;
pub mod allow;
mod analysis;
pub mod completion;
pub mod declaration;
pub mod difference;
mod edits;
mod files;
mod findings;
mod fix;
pub mod format_file;
pub mod hints;
pub mod hover;
pub mod lenses;
pub mod navigate;
mod position;
mod program;
pub mod program_text;
pub mod refactor;
pub mod rename;
pub mod settings;
pub mod signature;
pub mod structure;
pub mod symbols;
pub mod tokens;
pub mod what_if;

pub use analysis::{Analysis, FileFinding, FileView, ProgramProblem};
pub use edits::{FileEdits, edited};
pub use files::{FileSystem, Overlay, Texts, cannot_read, folder_of, is_program};
pub use findings::{CheckError, CheckedProgram, Findings, FoundDiagnostic};
pub use fix::{Check, Fixed, Fixes, meaning};
pub use position::{EditorPosition, Encoding};
pub use presync_report::situation;
pub use program::{ProgramFinder, RootFile};
