//! Resolves roles: the profiles they use, by priority, and the implicit role of a program that declares none.

use presync_engine::Role as RoleName;

use crate::errors::{duplicate_definition, unknown_profile, unknown_role};
use crate::program::{self, DeclaredKind, ProfileId, RoleId};
use crate::resolve::{Owned, Resolver, TreeDeclaration, Unknown, doc_text, draft};
use crate::source::{FileId, Location};
use crate::syntax::tree::{self, DeclarationKind};

impl Resolver {
    pub(super) fn resolve_roles(&mut self, roles: &[Owned]) {
        let mut first_default: Option<(String, Location)> = None;
        for role in roles {
            let declaration = role.borrowed();
            let DeclarationKind::Role {
                name,
                default,
                profiles,
            } = &declaration.node.kind
            else {
                continue;
            };
            let location = declaration.at(name.span);
            if let Some((_, first)) = self.names.roles.get(&name.text) {
                let first = self.draft.declared[first.index()].location;
                self.duplicate("role", &name.text, first, location);
                continue;
            }
            let declared = self.declared(DeclaredKind::Role, name, declaration);
            self.owner = Some(declared);
            let id = RoleId::from_index(self.draft.roles.len());
            self.names.roles.insert(name.text.clone(), (id, declared));
            let profiles = self.profiles(name, profiles, declaration);
            let text = &self.draft.sources.file(declaration.file).text;
            let doc = doc_text(text, declaration.node.before.doc());
            let named = RoleName {
                name: name.text.to_string(),
                implicit: false,
                default: default.is_some(),
            };
            if let Some(span) = default {
                let here = declaration.at(*span);
                match &first_default {
                    Some((first, at)) => {
                        let error =
                            duplicate_definition::default_role((first, *at), (&name.text, here));
                        self.error(error);
                    }
                    None => first_default = Some((name.text.to_string(), here)),
                }
            }
            let role = program::RoleProfiles {
                profiles,
                location: Some(location),
                doc,
            };
            self.draft.roles.push((named, role));
        }
        if roles.is_empty() && !self.names.may_be_missing_roles() {
            let profiles = (0..self.draft.profiles.len() as u32)
                .map(ProfileId)
                .collect();
            let named = RoleName {
                name: "default".to_owned(),
                implicit: true,
                default: false,
            };
            let role = program::RoleProfiles {
                profiles,
                location: None,
                doc: None,
            };
            self.draft.roles.push((named, role));
        }
        let places = draft::sort_by_name(&mut self.draft.roles, |(role, _)| &role.name);
        for (id, _) in self.names.roles.values_mut() {
            *id = RoleId::from_index(places[id.index()]);
        }
    }

    fn profiles(
        &mut self,
        role: &tree::Name,
        profiles: &[tree::Name],
        declaration: TreeDeclaration<'_>,
    ) -> Vec<ProfileId> {
        let mut ids: Vec<ProfileId> = Vec::with_capacity(profiles.len());
        let mut places = Vec::with_capacity(profiles.len());
        for profile in profiles {
            let Some(id) = self.profile(profile, declaration.file) else {
                let role = declaration.at(role.span);
                self.draft.roles_without_profile.push(role);
                continue;
            };
            if let Some(first) = ids.iter().position(|known| *known == id) {
                let (first, again) = (declaration.at(places[first]), declaration.at(profile.span));
                let error = duplicate_definition::profile(&profile.text, &role.text, first, again);
                self.error(error);
            } else {
                ids.push(id);
                places.push(profile.span);
            }
        }
        ids
    }

    fn profile(&mut self, name: &tree::Name, file: FileId) -> Option<ProfileId> {
        let location = Location {
            file,
            span: name.span,
        };
        if let Some((profile, declared)) = self.names.profiles.get(&name.text).copied() {
            self.refer(declared, location);
            return Some(profile);
        }
        self.unknown(Unknown {
            code: &unknown_profile::CODE,
            owner: None,
            what: "profile",
            name: &name.text,
            location,
            known: &|resolver| {
                resolver
                    .draft
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
            self.refer(declared, location);
            return Some(role);
        }
        if self.draft.has_implicit_role() && *name.text == *"default" {
            return Some(RoleId::from_index(0));
        }
        self.unknown(Unknown {
            code: &unknown_role::CODE,
            owner: None,
            what: "role",
            name: &name.text,
            location,
            known: &|resolver| {
                resolver
                    .draft
                    .roles
                    .iter()
                    .map(|(role, _)| role.name.clone())
                    .collect()
            },
            help: None,
        });
        None
    }
}
