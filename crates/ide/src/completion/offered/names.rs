//! The names, keywords and files that are offered.

use presync::{
    DeclaredId, DeclaredKind, LINTS, Lint, Meaning, VOCABULARIES, quote, quote_attribute, unquote,
};

use super::Offered;
use crate::completion::{Completion, CompletionKind};
use crate::declaration::system_of_group;
use crate::files::folder_of;

impl Offered<'_> {
    pub(super) fn has(&self, name: &str, kind: DeclaredKind) -> bool {
        let declared = &self.view.index().declared;
        declared
            .iter()
            .any(|one| one.kind == kind && one.name == name)
    }

    pub(super) fn keywords(&mut self, words: &[&str]) {
        for word in words {
            self.text(word, CompletionKind::Keyword, "");
        }
    }

    pub(super) fn text(&mut self, text: &str, kind: CompletionKind, detail: &str) {
        self.items.push(Completion {
            label: text.to_owned(),
            kind,
            detail: detail.to_owned(),
            insert: text.to_owned(),
            is_snippet: false,
            meaning: None,
        });
    }

    pub(super) fn meaning(&mut self, meaning: Meaning, kind: CompletionKind, detail: String) {
        let Some(name) = self.view.index().name(meaning) else {
            return;
        };
        let insert = match kind {
            CompletionKind::Attribute => quote_attribute(name),
            // As everybody writes them.
            CompletionKind::Profile | CompletionKind::Role => presync::quote_text(name),
            _ => quote(name),
        };
        self.items.push(Completion {
            label: presync::visible(name),
            kind,
            detail,
            insert,
            is_snippet: false,
            meaning: Some(meaning),
        });
    }

    /// Everything of a kind, each name once.
    pub(super) fn declared(&mut self, kind: DeclaredKind) {
        let shown = match kind {
            DeclaredKind::System => CompletionKind::System,
            DeclaredKind::Group => CompletionKind::Group,
            DeclaredKind::Flag | DeclaredKind::Choice => CompletionKind::Fact,
            DeclaredKind::Condition => CompletionKind::Condition,
            DeclaredKind::Mapping => CompletionKind::Mapping,
            DeclaredKind::Profile => CompletionKind::Profile,
            DeclaredKind::Role => CompletionKind::Role,
        };
        let declared = &self.view.index().declared;
        for (id, one) in (0..).map(DeclaredId).zip(declared) {
            if one.kind == kind {
                self.meaning(Meaning::Declared(id), shown, kind.as_str().to_owned());
            }
        }
    }

    /// The states of a system, or the values of a choice.
    pub(super) fn members(&mut self, owner: &str) {
        for meaning in self.view.index().members(owner) {
            let kind = match meaning {
                Meaning::State(_) => CompletionKind::State,
                Meaning::Value(_) | Meaning::Declared(_) | Meaning::Attribute(_) => {
                    CompletionKind::Value
                }
            };
            self.meaning(meaning, kind, owner.to_owned());
        }
    }

    fn read_only(&self, system: &str, state: &str) -> bool {
        let program = self.view.program.report.partial_program();
        program.is_some_and(|program| {
            let system = program.schema.find_system(system);
            let state = system.and_then(|id| program.schema.find_declared_state(id, state));
            state.is_some_and(|state| program.schema.state(state).read_only)
        })
    }

    /// The states of a system that a command can set.
    pub(super) fn settable(&mut self, system: &str) {
        let before = self.items.len();
        self.members(system);
        let found = self.items.split_off(before);
        let index = self.view.index();
        let is_settable = |item: &Completion| {
            let name = item.meaning.and_then(|meaning| index.name(meaning));
            name.is_none_or(|name| !self.read_only(system, name))
        };
        let found: Vec<Completion> = found.into_iter().filter(is_settable).collect();
        self.items.extend(found);
    }

    /// Removes what is just being declared.
    pub(super) fn without(&mut self, declared: Option<&&str>) {
        let name = unquote(declared.copied().unwrap_or_default());
        self.items.retain(|item| *item.label != *name);
    }

    pub(super) fn groups(&mut self, system: &str) {
        let view = self.view;
        let declared = &view.index().declared;
        for (id, one) in (0..).map(DeclaredId).zip(declared) {
            let of = one.kind == DeclaredKind::Group
                && system_of_group(view.at(one.location.file), one.location.span)
                    .is_some_and(|of| *of.text == *system);
            if of {
                let detail = format!("group of {system}");
                self.meaning(Meaning::Declared(id), CompletionKind::Group, detail);
            }
        }
    }

    pub(super) fn attributes(&mut self, system: &str) {
        for meaning in self.view.index().attributes(system) {
            self.meaning(meaning, CompletionKind::Attribute, "attribute".to_owned());
        }
    }

    pub(in crate::completion) fn codes(&mut self) {
        for Lint { code, .. } in LINTS {
            self.text(code.name, CompletionKind::Code, code.summary);
        }
    }

    /// Vocabularies, and files relative to this one.
    pub(super) fn files(&mut self) {
        for vocabulary in &VOCABULARIES {
            self.text(vocabulary.name, CompletionKind::File, "bundled vocabulary");
        }
        let Some(path) = self.view.path_of(self.view.file) else {
            return;
        };
        let folder = self.analysis.canonical(folder_of(path));
        let near: Vec<String> = self
            .analysis
            .findings()
            .keys()
            .filter(|file| file.as_path() != path)
            .filter_map(|file| file.strip_prefix(&folder).ok())
            .map(|below| presync::quote_text(&below.to_string_lossy().replace('\\', "/")))
            .collect();
        for file in near {
            self.text(&file, CompletionKind::File, "file of this project");
        }
    }
}
