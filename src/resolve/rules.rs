//! Mappings and profiles: written rules to instances, one for each profile and direction they act in.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::program::{
    self, CondId, DeclaredKind, Level, Lost, ProfileId, StateId, SystemId, Target, WhenId,
    WrittenId,
};
use crate::resolve::{Checker, Declared, Unknown, dependency_order, doc_text};
use crate::source::{FileId, Location, Span};
use crate::syntax::tree::{self, DeclarationKind, Item, ItemKind, Term};

/// What a mapping's or profile's items come to; conditions are relative to where it stands.
#[derive(Default, Clone)]
pub(super) struct Collected {
    rules: Box<[program::Rule]>,
    lost: Lost,
}

pub(super) struct Mappings {
    collected: Vec<Collected>,
}

/// What holds around an item.
#[derive(Clone)]
struct Around {
    condition: CondId,
    under: Arc<[WhenId]>,
}

impl Around {
    fn nothing() -> Self {
        Self {
            condition: Checker::ALWAYS,
            under: Arc::default(),
        }
    }

    /// The conditions around, then those further in.
    fn followed_by(&self, inner: &[WhenId]) -> Arc<[WhenId]> {
        if inner.is_empty() {
            self.under.clone()
        } else {
            self.under.iter().chain(inner).copied().collect()
        }
    }
}

/// What stands in the braces of a mapping or profile.
type Body = Box<[Item]>;

/// In the order of the declarations.
pub(super) struct Bodies {
    pub mappings: Vec<Body>,
    pub profiles: Vec<Body>,
}

/// Takes them out, so that each is gone when it has been resolved.
pub(super) fn take_bodies(files: &mut [tree::File]) -> Bodies {
    let mut bodies = Bodies {
        mappings: Vec::new(),
        profiles: Vec::new(),
    };
    for declaration in files.iter_mut().flat_map(|file| &mut file.declarations) {
        match &mut declaration.kind {
            DeclarationKind::Mapping { items, .. } => bodies.mappings.push(std::mem::take(items)),
            DeclarationKind::Profile { items, .. } => bodies.profiles.push(std::mem::take(items)),
            _ => {}
        }
    }
    bodies
}

fn with_doc(item: &Item) -> Span {
    item.before
        .doc()
        .iter()
        .fold(item.span, |whole, doc| whole.to(*doc))
}

struct Walk<'a> {
    file: FileId,
    /// The `when` without braces that is being gone through, with its documentation.
    alone: Option<Span>,
    rules: Vec<program::Rule>,
    appends: Vec<program::Append>,
    lost: Lost,
    mappings: &'a [Collected],
}

impl Checker {
    pub(super) fn resolve_mappings(
        &mut self,
        declared: &[Declared<'_>],
        bodies: Vec<Body>,
    ) -> Mappings {
        let mut mappings = Vec::new();
        let mut bodies = bodies.into_iter();
        for declaration in declared {
            let DeclarationKind::Mapping { name, .. } = &declaration.node.kind else {
                continue;
            };
            let items = bodies.next().unwrap_or_default();
            let location = declaration.at(name.span);
            if let Some((_, first)) = self.names.mappings.get(&name.text) {
                let first = self.program.declared[first.index()].location;
                self.duplicate("mapping", &name.text, first, location);
                continue;
            }
            let id = self.declared(DeclaredKind::Mapping, name, *declaration);
            self.names
                .mappings
                .insert(name.text.clone(), (mappings.len(), id));
            mappings.push((name, items, *declaration, id));
        }
        let needs: Vec<Vec<usize>> = mappings
            .iter()
            .map(|(_, items, ..)| {
                let mut needs = Vec::new();
                self.applied(items, &mut needs);
                needs
            })
            .collect();
        let (order, circles) = dependency_order::dependencies_first(&needs);
        for circle in circles {
            let names: Vec<_> = circle
                .iter()
                .map(|at| {
                    (
                        &*mappings[*at].0.text,
                        mappings[*at].2.at(mappings[*at].0.span),
                    )
                })
                .collect();
            self.circle("mapping", &names);
        }
        let empty = Collected {
            lost: Lost::ANYTHING,
            ..Collected::default()
        };
        let mut collected = vec![empty; mappings.len()];
        for at in order {
            let (_, items, declaration, id) = &mut mappings[at];
            let items = std::mem::take(items);
            self.owner = Some(*id);
            let mut walk = Walk {
                file: declaration.file,
                alone: None,
                rules: self.room_for(&items, &collected),
                appends: Vec::new(),
                lost: Lost::default(),
                mappings: &collected,
            };
            self.items(&mut walk, items, &Around::nothing());
            let mut lost = walk.lost;
            lost |= self.lost_to_syntax(declaration.at(declaration.node.span));
            collected[at] = Collected {
                rules: walk.rules.into(),
                lost,
            };
        }
        Mappings { collected }
    }

    /// An empty list for what the items come to. A large one that grows takes three times as much room on the way.
    fn room_for(&mut self, items: &[Item], mappings: &[Collected]) -> Vec<program::Rule> {
        let (written, rules) = self.count(items, mappings);
        self.program.written.reserve(written);
        Vec::with_capacity(rules.min(super::MAX_RULES))
    }

    /// How many rules are written there, and how many there are at most for each direction and mapping that is applied.
    fn count(&self, items: &[Item], mappings: &[Collected]) -> (usize, usize) {
        let of_item = |item: &Item| match &item.kind {
            ItemKind::When(when) => self.count(&when.body, mappings),
            ItemKind::Apply(apply) => {
                let mapping = self.names.mappings.get(&apply.mapping.text);
                (0, mapping.map_or(0, |(at, _)| mappings[*at].rules.len()))
            }
            ItemKind::Append(_) => (0, 0),
            ItemKind::Rule(rule) => (1, 1 + usize::from(rule.two_way)),
        };
        items
            .iter()
            .map(of_item)
            .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1.saturating_add(of.1)))
    }

    fn applied(&self, items: &[Item], needs: &mut Vec<usize>) {
        for item in items {
            match &item.kind {
                ItemKind::When(when) => self.applied(&when.body, needs),
                ItemKind::Apply(apply) => needs.extend(
                    self.names
                        .mappings
                        .get(&apply.mapping.text)
                        .map(|(at, _)| *at),
                ),
                _ => {}
            }
        }
    }

    pub(super) fn resolve_profiles(
        &mut self,
        declared: &[Declared<'_>],
        bodies: Vec<Body>,
        mappings: &Mappings,
    ) {
        let mut bodies = bodies.into_iter();
        for declaration in declared {
            let DeclarationKind::Profile {
                name, condition, ..
            } = &declaration.node.kind
            else {
                continue;
            };
            let items = bodies.next().unwrap_or_default();
            let location = declaration.at(name.span);
            if let Some((_, first)) = self.names.profiles.get(&name.text) {
                let first = self.program.declared[first.index()].location;
                self.duplicate("profile", &name.text, first, location);
                continue;
            }
            let declared_id = self.declared(DeclaredKind::Profile, name, *declaration);
            self.owner = Some(declared_id);
            let id = ProfileId(self.program.profiles.len() as u32);
            self.names
                .profiles
                .insert(name.text.clone(), (id, declared_id));
            let nothing = Around::nothing();
            let outer = match condition {
                Some(condition) => {
                    self.within(&nothing, std::iter::once(&**condition), declaration.file)
                }
                None => Some(nothing.clone()),
            };
            let mut walk = Walk {
                file: declaration.file,
                alone: None,
                rules: self.room_for(&items, &mappings.collected),
                appends: Vec::new(),
                lost: if outer.is_none() {
                    Lost::ANYTHING
                } else {
                    self.lost_to_syntax(declaration.at(declaration.node.span))
                },
                mappings: &mappings.collected,
            };
            self.items(&mut walk, items, outer.as_ref().unwrap_or(&nothing));
            let doc = doc_text(
                &self.program.sources.file(declaration.file).text,
                declaration.node.before.doc(),
            );
            // Without its condition the rules would act where they must not.
            let rules = if outer.is_some() {
                walk.rules.into()
            } else {
                Box::default()
            };
            self.program.profiles.push(program::Profile {
                name: name.text.to_string(),
                location,
                doc,
                rules,
                appends: walk.appends.into(),
                lost: walk.lost,
            });
        }
    }

    fn lost_to_syntax(&self, location: Location) -> Lost {
        if self.has_syntax_error(location) {
            Lost::ANYTHING
        } else {
            Lost::default()
        }
    }

    /// What holds inside conditions that stand in `outer`, outermost first; all that do not resolve are reported.
    fn within<'a>(
        &mut self,
        outer: &Around,
        conditions: impl Iterator<Item = &'a tree::Condition>,
        file: FileId,
    ) -> Option<Around> {
        let found: Vec<Option<(CondId, WhenId)>> = conditions
            .map(|condition| self.written_condition(condition, file, false))
            .collect();
        let found: Vec<(CondId, WhenId)> = found.into_iter().collect::<Option<_>>()?;
        let condition = found.iter().fold(outer.condition, |all, (condition, _)| {
            self.and(all, *condition)
        });
        let under: Vec<WhenId> = found.into_iter().map(|(_, when)| when).collect();
        Some(Around {
            condition,
            under: outer.followed_by(&under),
        })
    }

    /// Goes through the items of a block; `outer` is what holds around it.
    fn items(&mut self, walk: &mut Walk<'_>, items: Body, outer: &Around) {
        for item in items {
            let whole = with_doc(&item);
            match item.kind {
                ItemKind::When(when) => {
                    let inside = self.within(
                        outer,
                        when.heads.iter().map(|head| &head.condition),
                        walk.file,
                    );
                    let before = (walk.rules.len(), walk.appends.len());
                    let alone = walk.alone;
                    walk.alone = if when.block {
                        None
                    } else {
                        alone.or(Some(whole))
                    };
                    self.items(walk, when.body, inside.as_ref().unwrap_or(outer));
                    walk.alone = alone;
                    if inside.is_none() {
                        walk.lost |= Lost::ANYTHING;
                        walk.rules.truncate(before.0);
                        walk.appends.truncate(before.1);
                    }
                }
                ItemKind::Apply(apply) => self.apply(walk, item.span, &apply, outer),
                ItemKind::Append(append) => {
                    if let Some(to) = self.system(&append.system, walk.file) {
                        let location = Location {
                            file: walk.file,
                            span: item.span,
                        };
                        walk.appends.push(program::Append {
                            text: append.text.text.to_string(),
                            to,
                            condition: outer.condition,
                            under: outer.under.clone(),
                            location,
                        });
                    }
                }
                ItemKind::Rule(ref rule) => self.rule(walk, &item, rule, outer),
            }
        }
    }

    fn apply(
        &mut self,
        walk: &mut Walk<'_>,
        span: Span,
        tree::Apply { mapping, direction }: &tree::Apply,
        outer: &Around,
    ) {
        let location = Location {
            file: walk.file,
            span: mapping.span,
        };
        let only = match direction.as_deref() {
            Some((from, to)) => {
                let (from, to) = (self.system(from, walk.file), self.system(to, walk.file));
                if from.is_none() || to.is_none() {
                    walk.lost |= Lost::ANYTHING;
                }
                let Some(pair) = from.zip(to) else { return };
                if pair.0 == pair.1 {
                    let error = Diagnostic::error(
                        "same-system",
                        "a mapping is applied from one system to another",
                    )
                    .label(
                        Location {
                            file: walk.file,
                            span,
                        },
                        "both ends are the same",
                    )
                    .help("name two systems, or none for all directions");
                    return self.error(error);
                }
                Some(pair)
            }
            None => None,
        };
        let Some((at, id)) = self.names.mappings.get(&mapping.text).copied() else {
            walk.lost |= Lost::ANYTHING;
            self.unknown(Unknown {
                code: "unknown-mapping",
                what: "mapping",
                name: &mapping.text,
                location,
                known: &|checker| {
                    super::sorted(checker.names.mappings.keys().map(|name| name.to_string()))
                },
                help: None,
            });
            return;
        };
        self.refer(id);
        let mapping = &walk.mappings[at];
        walk.lost |= mapping.lost;
        if walk.rules.len() + mapping.rules.len() > super::MAX_RULES {
            walk.lost |= Lost::ANYTHING;
            let error = Diagnostic::error(
                "circular-definition",
                format!(
                    "mappings applied within mappings make more than {} rules",
                    super::MAX_RULES
                ),
            )
            .label(location, "too many with this one")
            .help("apply each mapping once, under conditions joined with `or`");
            return self.error(error);
        }
        let applied = Some(Location {
            file: walk.file,
            span,
        });
        for rule in &*mapping.rules {
            if only.is_none_or(|only| only == (rule.from, rule.to)) {
                let condition = self.program.conditions.and(outer.condition, rule.condition);
                let under = outer.followed_by(&rule.under);
                walk.rules.push(program::Rule {
                    condition,
                    under,
                    applied,
                    ..rule.clone()
                });
            }
        }
    }

    fn rule(&mut self, walk: &mut Walk<'_>, item: &Item, rule: &tree::Rule, outer: &Around) {
        let file = walk.file;
        let gone = Lost {
            plain: rule.overriding.is_none(),
            overriding: rule.overriding.is_some(),
        };
        let left = self.system(&rule.left.system, file);
        let right = self.system(&rule.right.system, file);
        let (Some(left), Some(right)) = (left, right) else {
            walk.lost |= gone;
            return;
        };
        if left == right {
            walk.lost |= gone;
            let error = Diagnostic::error("same-system", "a rule goes from one system to another")
                .label(
                    Location {
                        file,
                        span: rule.left.system.span,
                    },
                    "from this system",
                )
                .label(
                    Location {
                        file,
                        span: rule.right.system.span,
                    },
                    "to the same one",
                )
                .help("name the system that is to follow on the right");
            return self.error(error);
        }
        let span = rule
            .overriding
            .unwrap_or(rule.left.span())
            .to(rule.right.span());
        let written = WrittenId(self.program.written.len() as u32);
        let resolved = if rule.two_way {
            self.two_way(rule, left, right, file)
        } else {
            self.one_way(rule, left, right, file)
        };
        let doc = doc_text(&self.program.sources.file(file).text, item.before.doc());
        self.program.written.push(program::Written {
            location: Location { file, span },
            item: Location {
                file,
                span: walk.alone.unwrap_or_else(|| with_doc(item)),
            },
            doc: doc.map(String::into_boxed_str),
        });
        let Some(directions) = resolved else {
            walk.lost |= gone;
            return;
        };
        for (from, to, source, target, otherwise) in directions {
            let level = match (rule.overriding, otherwise) {
                (Some(_), _) => Level::Override,
                (None, true) => Level::Otherwise,
                (None, false) => Level::Plain,
            };
            let Around { condition, under } = outer.clone();
            walk.rules.push(program::Rule {
                written,
                from,
                to,
                level,
                condition,
                under,
                source,
                target,
                applied: None,
            });
        }
    }

    fn one_way(
        &mut self,
        rule: &tree::Rule,
        from: SystemId,
        to: SystemId,
        file: FileId,
    ) -> Option<Vec<Direction>> {
        let mut source = Vec::new();
        let mut complete = true;
        let mut otherwise = false;
        for term in &rule.left.terms {
            match term {
                Term::Name(name) => match self.states_of(from, name, file) {
                    Some(states) => source.extend(states),
                    None => complete = false,
                },
                Term::Any(_) => source.extend(self.program.system(from).states()),
                Term::Otherwise(_) => {
                    otherwise = true;
                    source.extend(self.program.system(from).states());
                }
                Term::Unchanged(_) => complete = false,
            }
        }
        source.sort_unstable();
        source.dedup();
        let target = match rule.right.terms.as_slice() {
            [Term::Unchanged(_)] => Some(Target::Unchanged),
            [Term::Name(name)] => self.target(to, name, file).map(Target::Set),
            _ => None,
        };
        Some(vec![(
            from,
            to,
            self.shared(&source),
            target.filter(|_| complete)?,
            otherwise,
        )])
    }

    fn two_way(
        &mut self,
        rule: &tree::Rule,
        left: SystemId,
        right: SystemId,
        file: FileId,
    ) -> Option<Vec<Direction>> {
        let sides = [(&rule.left, left), (&rule.right, right)];
        let mut states = Vec::with_capacity(2);
        for (side, system) in sides {
            let name = match side.terms.as_slice() {
                [Term::Name(name)] => name,
                [term] => {
                    self.not_one_state(
                        rule,
                        Location {
                            file,
                            span: term.span(),
                        },
                    );
                    continue;
                }
                _ => {
                    self.not_one_state(
                        rule,
                        Location {
                            file,
                            span: side.terms[0].span().to(side.span()),
                        },
                    );
                    continue;
                }
            };
            if self.names.groups.contains_key(&(system, name.text.clone())) {
                self.not_one_state(
                    rule,
                    Location {
                        file,
                        span: name.span,
                    },
                );
                continue;
            }
            states.extend(self.target(system, name, file));
        }
        let [left_state, right_state] = states.as_slice() else {
            return None;
        };
        Some(vec![
            (
                left,
                right,
                self.shared(&[*left_state]),
                Target::Set(*right_state),
                false,
            ),
            (
                right,
                left,
                self.shared(&[*right_state]),
                Target::Set(*left_state),
                false,
            ),
        ])
    }

    fn shared(&mut self, states: &[StateId]) -> Arc<[StateId]> {
        if let Some(known) = self.names.sources.get(states) {
            return known.clone();
        }
        let new: Arc<[StateId]> = states.into();
        self.names.sources.insert(new.clone());
        new
    }

    fn not_one_state(&mut self, rule: &tree::Rule, location: Location) {
        let arrow = Location {
            file: location.file,
            span: rule.arrow,
        };
        let found = self.text(location).to_owned();
        let error = Diagnostic::error(
            "two-way-states",
            "a two-way rule takes one state on each side",
        )
        .label(location, format!("`{found}` is not one state"))
        .label(arrow, "goes both ways")
        .help("write `->` rules for the way there, and one `<->` or `->` rule for the way back");
        self.error(error);
    }

    /// A state that is to be set.
    fn target(&mut self, system: SystemId, name: &tree::Name, file: FileId) -> Option<StateId> {
        let location = Location {
            file,
            span: name.span,
        };
        let state = match self.state_or_group(system, name, file)? {
            super::states::StateOrGroup::State(state) => state,
            super::states::StateOrGroup::Group(_) => {
                let error = Diagnostic::error(
                    "unknown-state",
                    format!("`{}` is a group, not a state to set", name.text),
                )
                .label(location, "expected one state")
                .help("name one state of the group");
                self.error(error);
                return None;
            }
        };
        let (system_name, state) = (
            &self.program.system(system).name,
            (state, self.program.system(system).state(state)),
        );
        if state.1.read_only {
            let error = Diagnostic::error(
                "read-only-target",
                format!(
                    "{system_name} does not take `{}` as a command",
                    state.1.name
                ),
            )
            .label(location, "can be observed, never set")
            .label(state.1.location, "declared `read_only` here")
            .help("set another state, or write `unchanged`");
            self.error(error);
            return None;
        }
        Some(state.0)
    }
}

/// From, to, the source states, the target, and whether it is an `otherwise`.
type Direction = (SystemId, SystemId, Arc<[StateId]>, Target, bool);
