//! Documents that no file has: bundled vocabularies, pages about codes, and what a program decides: the tables of a role, what
//! changed since the last commit, one decision.
//!
//! Their addresses are `presync:/vocabulary/cic.presync`, `presync:/code/gap.md`, `presync:/program/.../table-Agents.md`. Editors
//! write addresses anew, and not all the same way, so what a text is about is in hexadecimal digits. A client that cannot ask for
//! the content of such a document gets a file instead, which the host keeps in its cache folder.

use std::hash::{DefaultHasher, Hash, Hasher};

use lsp_types::Uri;
use percent_encoding::percent_decode_str;
use presync::VOCABULARIES;
use presync_ide::navigate::DocumentName;
use presync_ide::program_text;

use crate::documents::path_of;
use crate::server::Server;

/// The scheme of the addresses.
pub const SCHEME: &str = "presync";

/// A document that no file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VirtualDocument {
    Vocabulary(String),
    Code(&'static str),
    /// What the program of a file decides.
    Program {
        root: Uri,
        what: ProgramText,
    },
}

/// What a text about a program shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProgramText {
    /// The tables of a role; empty: the one that is not declared.
    Table { role: String },
    /// What a profile decides differently since the last commit; empty: all of them.
    Changes { profile: String },
    /// A decision, as people ask for it; an empty role: the default.
    WhatIf {
        role: String,
        change: String,
        given: String,
    },
}

impl ProgramText {
    /// Its kind, and what it is about.
    fn parts(&self) -> Vec<&str> {
        match self {
            Self::Table { role } => vec!["table", role],
            Self::Changes { profile } => vec!["changes", profile],
            Self::WhatIf {
                role,
                change,
                given,
            } => vec!["what-if", role, change, given],
        }
    }

    fn of_parts(parts: &[&str]) -> Option<Self> {
        match *parts {
            ["table", role] => Some(Self::Table {
                role: role.to_owned(),
            }),
            ["changes", profile] => Some(Self::Changes {
                profile: profile.to_owned(),
            }),
            ["what-if", role, change, given] => Some(Self::WhatIf {
                role: role.to_owned(),
                change: change.to_owned(),
                given: given.to_owned(),
            }),
            _ => None,
        }
    }
}

impl VirtualDocument {
    /// The document at an address.
    pub fn parse(uri: &Uri) -> Option<Self> {
        if uri.scheme() != SCHEME {
            return None;
        }
        let decode = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        let mut parts = uri.path().trim_start_matches('/').splitn(2, '/');
        let (kind, file) = (parts.next()?, decode(parts.next()?));
        match kind {
            "vocabulary" => {
                let name = file.strip_suffix(".presync")?.to_owned();
                let known = VOCABULARIES.iter().any(|one| one.name == name);
                known.then_some(Self::Vocabulary(name))
            }
            "program" => {
                // The name of the file is for people.
                let (about, _) = file.split_once('/')?;
                let about = from_digits(about)?;
                let (root, about) = about.split_once('\n')?;
                let parts: Vec<&str> = about.split('\n').collect();
                Some(Self::Program {
                    root: Uri::parse(root).ok()?,
                    what: ProgramText::of_parts(&parts)?,
                })
            }
            "code" => {
                let name = file.strip_suffix(".md")?;
                Some(Self::Code(presync::code(name)?.name))
            }
            _ => None,
        }
    }

    /// Its address.
    pub fn uri(&self) -> Option<Uri> {
        let text = match self {
            Self::Vocabulary(name) => format!("{SCHEME}:/vocabulary/{name}.presync"),
            Self::Program { root, what } => {
                let parts = what.parts().into_iter().map(|part| part.replace('\n', " "));
                let parts: Vec<String> = std::iter::once(root.to_string()).chain(parts).collect();
                let about = digits(&parts.join("\n"));
                format!("{SCHEME}:/program/{about}/{}", self.file_name())
            }
            Self::Code(name) => format!("{SCHEME}:/code/{name}.md"),
        };
        Uri::parse(&text).ok()
    }

    /// The name of a file that stands for it, next to those that stand for others.
    fn kept_name(&self) -> String {
        let name = self.file_name();
        match self {
            Self::Vocabulary(_) | Self::Code(_) => name,
            Self::Program { root, what } => {
                let mut hasher = DefaultHasher::new();
                (what.parts(), root.as_str()).hash(&mut hasher);
                format!("{:016x}-{name}", hasher.finish())
            }
        }
    }

    /// Its name for people.
    fn file_name(&self) -> String {
        match self {
            Self::Vocabulary(name) => format!("{name}.presync"),
            Self::Program { what, .. } => {
                let kept = |char: char| {
                    if char.is_ascii_alphanumeric() {
                        char
                    } else {
                        '-'
                    }
                };
                let (kind, about) = match what {
                    ProgramText::Table { role } => ("table", role),
                    ProgramText::Changes { profile } => ("changes", profile),
                    ProgramText::WhatIf { change, .. } => ("what-if", change),
                };
                let about: String = about.chars().map(kept).collect();
                format!("{kind}-{about}.md")
            }
            Self::Code(name) => format!("{name}.md"),
        }
    }
}

impl Server {
    /// The text of a document that no file has. `None` if it is not there, or no more.
    pub fn content(&self, document: &VirtualDocument) -> Option<String> {
        match document {
            VirtualDocument::Vocabulary(name) => {
                let mut all = VOCABULARIES.iter();
                Some(all.find(|one| one.name == name)?.text.to_owned())
            }
            VirtualDocument::Program { root, what } => {
                let view = self.analysis.view(&path_of(root))?;
                match what {
                    ProgramText::Table { role } => program_text::table_text(view, role),
                    ProgramText::Changes { profile } => {
                        let committed = self.host.committed(&view.program.root.path)?;
                        program_text::changes_text(
                            view,
                            &*committed.files,
                            &committed.root,
                            profile,
                        )
                    }
                    ProgramText::WhatIf {
                        role,
                        change,
                        given,
                    } => Some(
                        match program_text::what_if_text(view, role, change, given) {
                            Ok(text) => text,
                            Err(wrong) => format!("# What if\n\n{wrong}\n"),
                        },
                    ),
                }
            }
            VirtualDocument::Code(name) => {
                let code = presync::code(name)?;
                Some(format!(
                    "# {}\n\n{}.\n\n{}\n\nNot good:\n\n```presync\n{}\n```\n\nGood:\n\n```presync\n{}\n```\n",
                    code.name,
                    code.summary,
                    code.explanation,
                    code.bad.trim_end(),
                    code.good.trim_end()
                ))
            }
        }
    }

    /// An address under which the client can open a document that no file has.
    pub fn open_address(&self, document: &VirtualDocument) -> Option<Uri> {
        if self.client.virtual_documents {
            return document.uri();
        }
        self.address_of_copy(document, self.content(document)?)
    }

    /// The same for a document with a text that is known already.
    pub fn open_address_of(&self, document: &VirtualDocument, text: String) -> Option<Uri> {
        if self.client.virtual_documents {
            return document.uri();
        }
        self.address_of_copy(document, text)
    }

    fn address_of_copy(&self, document: &VirtualDocument, text: String) -> Option<Uri> {
        let path = self.host.kept()?.join(document.kept_name());
        let mut kept = self.kept.borrow_mut();
        if kept.get(&path) != Some(&text) {
            self.host.keep(&path, &text).ok()?;
            kept.insert(path.clone(), text);
        }
        crate::documents::uri_of(&path)
    }

    /// The document without a file at an address: its own, or the one of a vocabulary that the host keeps.
    pub fn virtual_document(&self, uri: &Uri) -> Option<VirtualDocument> {
        VirtualDocument::parse(uri).or_else(|| {
            let path = path_of(uri);
            let name = path.file_name()?.to_str()?.strip_suffix(".presync")?;
            let is_kept = path.parent() == self.host.kept().as_deref();
            let is_known = VOCABULARIES.iter().any(|one| one.name == name);
            (is_kept && is_known).then(|| VirtualDocument::Vocabulary(name.to_owned()))
        })
    }

    /// An address under which the client can open a file or vocabulary.
    pub fn uri_of(&self, document: &DocumentName) -> Option<Uri> {
        match document {
            DocumentName::File(path) => self.documents.uri(&self.analysis.canonical(path)),
            DocumentName::Vocabulary(name) => {
                self.open_address(&VirtualDocument::Vocabulary(name.clone()))
            }
        }
    }
}

fn digits(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn from_digits(digits: &str) -> Option<String> {
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_it_is_about() {
        let root = Uri::parse("file:///a%20b/c.presync").expect("it is an address");
        for document in [
            VirtualDocument::Vocabulary("cic".to_owned()),
            VirtualDocument::Code("gap"),
            VirtualDocument::Program {
                root: root.clone(),
                what: ProgramText::Table {
                    role: "Nürnberg / \"A\" & B".to_owned(),
                },
            },
            VirtualDocument::Program {
                root: root.clone(),
                what: ProgramText::Changes {
                    profile: String::new(),
                },
            },
            VirtualDocument::Program {
                root,
                what: ProgramText::WhatIf {
                    role: String::new(),
                    change: "cic \"At Lunch\"".to_owned(),
                    given: "a, b=c".to_owned(),
                },
            },
        ] {
            let uri = document.uri().expect("it has an address");
            assert_eq!(VirtualDocument::parse(&uri), Some(document));
        }
        for wrong in [
            "presync:/program/zz/a.md",
            "presync:/code/none.md",
            "presync:/x",
            "file:///code/gap.md",
        ] {
            let uri = Uri::parse(wrong).expect("it is an address");
            assert_eq!(VirtualDocument::parse(&uri), None);
        }
    }
}
