//! Roles: which profiles they use, by priority; and the one of a program that declares none.

use crate::diagnostic::Diagnostic;
use crate::program::{self, DeclaredKind, ProfileId, RoleId};
use crate::resolve::{Checker, Declared, Unknown, doc_text};
use crate::source::{FileId, Location};
use crate::syntax::tree::{self, DeclarationKind};

impl Checker {
    pub(super) fn resolve_roles(&mut self, declared: &[Declared<'_>]) {
        let mut any = false;
        for declaration in declared {
            let DeclarationKind::Role { name, profiles } = &declaration.node.kind else {
                continue;
            };
            any = true;
            let location = declaration.at(name.span);
            if let Some((_, first)) = self.names.roles.get(&name.text) {
                let first = self.program.declared[first.index()].location;
                self.duplicate("role", &name.text, first, location);
                continue;
            }
            let declared_id = self.declared(DeclaredKind::Role, name, *declaration);
            self.owner = Some(declared_id);
            self.names.roles.insert(
                name.text.clone(),
                (RoleId(self.program.roles.len() as u32), declared_id),
            );
            let mut ids: Vec<ProfileId> = Vec::with_capacity(profiles.len());
            let mut places = Vec::with_capacity(profiles.len());
            for profile in profiles {
                let Some(id) = self.profile(profile, declaration.file) else {
                    continue;
                };
                if let Some(first) = ids.iter().position(|known| *known == id) {
                    let error = Diagnostic::error(
                        "duplicate-definition",
                        format!(
                            "`{}` stands twice in the role `{}`",
                            profile.text, name.text
                        ),
                    )
                    .label(declaration.at(profile.span), "listed again here")
                    .label(declaration.at(places[first]), "first listed here")
                    .help("delete it: the first one has already decided all that it can");
                    self.error(error);
                } else {
                    ids.push(id);
                    places.push(profile.span);
                }
            }
            let doc = doc_text(
                &self.program.sources.file(declaration.file).text,
                declaration.node.before.doc(),
            );
            self.program.roles.push(program::Role {
                name: name.text.to_string(),
                profiles: ids,
                location: Some(location),
                doc,
            });
        }
        if !any && !self.names.may_lack_roles() {
            let profiles: Vec<ProfileId> = self.program.profile_ids().collect();
            self.program.roles.push(program::Role {
                name: "default".to_owned(),
                profiles,
                location: None,
                doc: None,
            });
        }
    }

    fn profile(&mut self, name: &tree::Name, file: FileId) -> Option<ProfileId> {
        let location = Location {
            file,
            span: name.span,
        };
        if let Some((profile, declared)) = self.names.profiles.get(&name.text).copied() {
            self.refer(declared);
            return Some(profile);
        }
        self.unknown(Unknown {
            code: "unknown-profile",
            what: "profile",
            name: &name.text,
            location,
            known: &|checker| {
                checker
                    .program
                    .profiles
                    .iter()
                    .map(|profile| profile.name.clone())
                    .collect()
            },
            help: None,
        });
        None
    }

    pub(super) fn role(&mut self, name: &tree::Name, file: FileId) -> Option<RoleId> {
        let location = Location {
            file,
            span: name.span,
        };
        if let Some((role, declared)) = self.names.roles.get(&name.text).copied() {
            self.refer(declared);
            return Some(role);
        }
        if self.program.has_implicit_role() && *name.text == *"default" {
            return Some(RoleId(0));
        }
        self.unknown(Unknown {
            code: "unknown-role",
            what: "role",
            name: &name.text,
            location,
            known: &|checker| {
                checker
                    .program
                    .roles
                    .iter()
                    .map(|role| role.name.clone())
                    .collect()
            },
            help: None,
        });
        None
    }
}
