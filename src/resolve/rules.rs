//! Resolves mappings and profiles: a written rule becomes one instance per profile and direction.

use std::sync::Arc;

use crate::errors::{
    circular_definition, read_only_target, same_system, two_way_states, unknown_mapping,
    unknown_state, unused_replacement,
};
use crate::program::{
    self, CondId, ConditionSiteId, DeclaredKind, Direction, ProfileId, Rank, RuleSourceId, StateId,
    SystemId, Target,
};
use crate::resolve::draft::MissingRules;
use crate::resolve::{Owned, Replacement, Resolver, Unknown, dependency_order, doc_text};
use crate::source::{FileId, Location, Span};
use crate::syntax::tree::{self, DeclarationKind, Item, ItemKind, Term};

/// The resolved rules of a mapping. Their conditions are relative to the place where it is applied.
#[derive(Default, Clone)]
pub(super) struct Collected {
    rules: Box<[program::Rule]>,
    missing: MissingRules,
}

pub(super) struct Mappings {
    collected: Vec<Collected>,
    /// As written; empty unless they are needed again.
    trees: Vec<MappingTree>,
}

/// A mapping as written.
#[derive(Clone)]
struct MappingTree {
    file: FileId,
    items: Items,
    id: program::DeclaredId,
}

/// The conditions around an item.
#[derive(Clone)]
struct Scope {
    condition: CondId,
    enclosing: Arc<[ConditionSiteId]>,
}

impl Scope {
    fn everywhere() -> Self {
        Self {
            condition: Resolver::ALWAYS,
            enclosing: Arc::default(),
        }
    }

    /// The enclosing conditions, then the inner ones.
    fn followed_by(&self, inner: &[ConditionSiteId]) -> Arc<[ConditionSiteId]> {
        if inner.is_empty() {
            self.enclosing.clone()
        } else {
            self.enclosing.iter().chain(inner).copied().collect()
        }
    }
}

/// The items in the braces of a mapping or profile.
type Items = Box<[Item]>;

fn with_doc(item: &Item) -> Span {
    item.before.with_doc(item.span)
}

/// Builds the rules of one mapping or profile.
struct BodyBuilder<'a> {
    file: FileId,
    /// The outermost `when` without braces around the current item, with its doc comments.
    alone: Option<Span>,
    rules: Vec<program::Rule>,
    appends: Vec<program::Append>,
    missing: MissingRules,
    mappings: &'a Mappings,
}

/// One direction of a written rule.
struct RuleDirection {
    direction: Direction,
    /// Ascending.
    states: Arc<[StateId]>,
    target: Target,
    otherwise: bool,
}

impl Resolver {
    pub(super) fn resolve_mappings(&mut self, declared: Vec<Owned>) -> Mappings {
        let mut mappings = Vec::new();
        for Owned { file, node } in declared {
            let DeclarationKind::Mapping { name, .. } = &node.kind else {
                continue;
            };
            let location = Location {
                file,
                span: name.span,
            };
            if let Some((_, first)) = self.names.mappings.get(&name.text) {
                let first = self.draft.declared[first.index()].location;
                self.duplicate("mapping", &name.text, first, location);
                continue;
            }
            let declaration = super::TreeDeclaration { file, node: &node };
            let id = self.declared(DeclaredKind::Mapping, name, declaration);
            self.names
                .mappings
                .insert(name.text.clone(), (mappings.len(), id));
            let whole = Location {
                file,
                span: node.span,
            };
            let DeclarationKind::Mapping { name, items } = node.kind else {
                continue;
            };
            mappings.push((name, items, whole, id));
        }
        let needs = mappings.iter().map(|(_, items, ..)| {
            let mut needs = Vec::new();
            self.applied(items, &mut needs);
            needs
        });
        let needs: Vec<Vec<usize>> = needs.collect();
        let (order, circles) = dependency_order::dependencies_first(&needs);
        for circle in circles {
            let place = |at: &usize| {
                let (name, _, whole, _) = &mappings[*at];
                (
                    &*name.text,
                    Location {
                        file: whole.file,
                        span: name.span,
                    },
                )
            };
            let names: Vec<_> = circle.iter().map(place).collect();
            self.circle("mapping", &names);
        }
        let empty = Collected {
            missing: MissingRules::ANYTHING,
            ..Collected::default()
        };
        let mut all = Mappings {
            collected: vec![empty; mappings.len()],
            trees: Vec::new(),
        };
        if self.keeps_trees {
            let tree = |(_, items, whole, id): &(_, Items, Location, _)| MappingTree {
                file: whole.file,
                items: items.clone(),
                id: *id,
            };
            all.trees = mappings.iter().map(tree).collect();
        }
        for at in order {
            let (_, items, whole, id) = &mut mappings[at];
            let (items, whole) = (std::mem::take(items), *whole);
            self.owner = Some(*id);
            let mut builder = BodyBuilder {
                file: whole.file,
                alone: None,
                rules: self.reserve_for(&items, &all.collected),
                appends: Vec::new(),
                missing: MissingRules::default(),
                mappings: &all,
            };
            self.items(&mut builder, items, &Scope::everywhere());
            let mut missing = builder.missing;
            missing |= self.lost_to_syntax(whole);
            let rules = builder.rules.into();
            all.collected[at] = Collected { rules, missing };
        }
        all
    }

    /// An empty list with room for the rules of the items: growing a large one takes three times its memory on the way.
    fn reserve_for(&mut self, items: &[Item], mappings: &[Collected]) -> Vec<program::Rule> {
        let (written, rules) = self.count(items, mappings);
        self.draft.rule_sources.reserve(written);
        Vec::with_capacity(rules.min(super::MAX_RULES))
    }

    /// The number of written rules, and an upper bound of their instances per direction and applied mapping.
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

    pub(super) fn resolve_profiles(&mut self, declared: Vec<Owned>, mappings: &Mappings) {
        for Owned { file, node } in declared {
            let DeclarationKind::Profile { name, .. } = &node.kind else {
                continue;
            };
            let location = Location {
                file,
                span: name.span,
            };
            if let Some((_, first)) = self.names.profiles.get(&name.text) {
                let first = self.draft.declared[first.index()].location;
                self.duplicate("profile", &name.text, first, location);
                continue;
            }
            let declaration = super::TreeDeclaration { file, node: &node };
            let declared = self.declared(DeclaredKind::Profile, name, declaration);
            self.owner = Some(declared);
            let id = ProfileId(self.draft.profiles.len() as u32);
            self.names
                .profiles
                .insert(name.text.clone(), (id, declared));
            let doc = doc_text(&self.draft.sources.file(file).text, node.before.doc());
            let whole = Location {
                file,
                span: node.span,
            };
            let DeclarationKind::Profile {
                name,
                condition,
                items,
            } = node.kind
            else {
                continue;
            };
            let everywhere = Scope::everywhere();
            let outer = match &condition {
                Some(condition) => self.within(&everywhere, std::iter::once(&**condition), file),
                None => Some(everywhere.clone()),
            };
            let missing = match outer {
                Some(_) => self.lost_to_syntax(whole),
                None => MissingRules::ANYTHING,
            };
            let mut builder = BodyBuilder {
                file,
                alone: None,
                rules: self.reserve_for(&items, &mappings.collected),
                appends: Vec::new(),
                missing,
                mappings,
            };
            self.items(&mut builder, items, outer.as_ref().unwrap_or(&everywhere));
            // Without the condition, the rules would apply where they must not.
            let rules = if outer.is_some() {
                builder.rules.into()
            } else {
                Box::default()
            };
            self.draft.missing.push(builder.missing);
            self.draft.profiles.push(program::Profile {
                name: name.text.to_string(),
                location,
                doc,
                rules,
                appends: builder.appends.into(),
            });
        }
    }

    fn lost_to_syntax(&self, location: Location) -> MissingRules {
        if self.has_syntax_error(location) {
            MissingRules::ANYTHING
        } else {
            MissingRules::default()
        }
    }

    /// The scope inside `conditions` (outermost first) within `outer`. Reports all that do not resolve.
    fn within<'a>(
        &mut self,
        outer: &Scope,
        conditions: impl Iterator<Item = &'a tree::Condition>,
        file: FileId,
    ) -> Option<Scope> {
        let found: Vec<Option<(CondId, ConditionSiteId)>> = conditions
            .map(|condition| self.condition_site(condition, file, false))
            .collect();
        let found: Vec<(CondId, ConditionSiteId)> = found.into_iter().collect::<Option<_>>()?;
        let condition = found.iter().fold(outer.condition, |all, (condition, _)| {
            self.and(all, *condition)
        });
        let inner: Vec<ConditionSiteId> = found.into_iter().map(|(_, when)| when).collect();
        Some(Scope {
            condition,
            enclosing: outer.followed_by(&inner),
        })
    }

    /// Resolves the items of a block in the scope `outer`.
    fn items(&mut self, builder: &mut BodyBuilder<'_>, items: Items, outer: &Scope) {
        for item in items {
            let whole = with_doc(&item);
            match item.kind {
                ItemKind::When(when) => {
                    let inside = self.within(
                        outer,
                        when.heads.iter().map(|head| &head.condition),
                        builder.file,
                    );
                    let before = (builder.rules.len(), builder.appends.len());
                    let alone = builder.alone;
                    builder.alone = if when.block {
                        None
                    } else {
                        alone.or(Some(whole))
                    };
                    self.items(builder, when.body, inside.as_ref().unwrap_or(outer));
                    builder.alone = alone;
                    if inside.is_none() {
                        builder.missing |= MissingRules::ANYTHING;
                        builder.rules.truncate(before.0);
                        builder.appends.truncate(before.1);
                    }
                }
                ItemKind::Apply(apply) => self.apply(builder, item.span, &apply, outer),
                ItemKind::Append(append) => {
                    if let Some(to) = self.system(&append.system, builder.file) {
                        let location = Location {
                            file: builder.file,
                            span: item.span,
                        };
                        builder.appends.push(program::Append {
                            text: append.text.text.to_string(),
                            to,
                            condition: outer.condition,
                            enclosing: outer.enclosing.clone(),
                            location,
                            item: Location {
                                file: builder.file,
                                span: builder.alone.unwrap_or(whole),
                            },
                        });
                    }
                }
                ItemKind::Rule(ref rule) => self.rule(builder, &item, rule, outer),
            }
        }
    }

    fn apply(
        &mut self,
        builder: &mut BodyBuilder<'_>,
        span: Span,
        tree::Apply {
            mapping,
            replacement,
            direction,
        }: &tree::Apply,
        outer: &Scope,
    ) {
        let location = Location {
            file: builder.file,
            span: mapping.span,
        };
        let only = match direction.as_deref() {
            Some((from, to)) => {
                let (from, to) = (
                    self.system(from, builder.file),
                    self.system(to, builder.file),
                );
                if from.is_none() || to.is_none() {
                    builder.missing |= MissingRules::ANYTHING;
                }
                let Some((from, to)) = from.zip(to) else {
                    return;
                };
                let Some(direction) = Direction::new(from, to) else {
                    let at = Location {
                        file: builder.file,
                        span,
                    };
                    let system = self.draft.system(from).name.clone();
                    return self.error(same_system::apply(&system, at));
                };
                Some(direction)
            }
            None => None,
        };
        let Some((at, id)) = self.names.mappings.get(&mapping.text).copied() else {
            builder.missing |= MissingRules::ANYTHING;
            self.unknown(Unknown {
                code: &unknown_mapping::CODE,
                owner: None,
                what: "mapping",
                name: &mapping.text,
                location,
                known: &|resolver| {
                    super::sorted(resolver.names.mappings.keys().map(|name| name.to_string()))
                },
                help: None,
            });
            return;
        };
        self.refer(id, location);
        let name = &mapping.text;
        let replaced;
        let mapping = match replacement.as_deref() {
            None if self.replacements.is_empty() => &builder.mappings.collected[at],
            None => {
                let Some(with_others) = self.collect_again(builder.mappings, at) else {
                    builder.missing |= MissingRules::ANYTHING;
                    return;
                };
                replaced = with_others;
                &replaced
            }
            Some((new, old)) => {
                let Some(with_another) = self.replace(builder, at, new, old) else {
                    builder.missing |= MissingRules::ANYTHING;
                    return;
                };
                replaced = with_another;
                &replaced
            }
        };
        if let (Some(_), Some(only)) = (&replacement, only)
            && !mapping.rules.is_empty()
            && mapping.rules.iter().all(|rule| rule.direction != only)
        {
            let [from, to] = [only.from(), only.to()].map(|at| self.draft.system(at).name.clone());
            self.error(unused_replacement::no_rule(name, &from, &to, location));
        }
        builder.missing |= mapping.missing;
        if builder.rules.len() + mapping.rules.len() > super::MAX_RULES {
            builder.missing |= MissingRules::ANYTHING;
            let error = circular_definition::too_many_rules(name, super::MAX_RULES, location);
            return self.error(error);
        }
        let applied = Some(Location {
            file: builder.file,
            span,
        });
        for rule in &*mapping.rules {
            if only.is_none_or(|only| only == rule.direction) {
                let condition = self.draft.conditions.and(outer.condition, rule.condition);
                let enclosing = outer.followed_by(&rule.enclosing);
                builder.rules.push(program::Rule {
                    condition,
                    enclosing,
                    applied,
                    ..rule.clone()
                });
            }
        }
    }

    /// The rules of a mapping in which the system `new` stands for `old`.
    fn replace(
        &mut self,
        builder: &BodyBuilder<'_>,
        mapping: usize,
        new: &tree::Name,
        old: &tree::Name,
    ) -> Option<Collected> {
        let file = builder.file;
        let whole = Location {
            file,
            span: new.span.to(old.span),
        };
        // Within a mapping that is applied with another system itself, names mean what they mean there.
        let outer = std::mem::take(&mut self.replacements);
        let systems = self.system(new, file).zip(self.system(old, file));
        self.replacements = outer;
        let (new_id, old_id) = systems?;
        // The mapping has errors of its own, which would be reported again.
        if builder.mappings.collected[mapping].missing != MissingRules::default() {
            return None;
        }
        self.replacements.push(Replacement {
            new: new_id,
            old: old_id,
            used: false,
        });
        let before = self.errors.len();
        let collected = self.collect_again(builder.mappings, mapping);
        for error in &mut self.errors[before..] {
            unused_replacement::happens_at(error, &new.text, &old.text, whole);
        }
        let used = self
            .replacements
            .pop()
            .is_some_and(|replaced| replaced.used);
        if !used || new_id == old_id {
            self.error(unused_replacement::unused(&new.text, &old.text, whole));
            return None;
        }
        collected
    }

    /// The rules of a mapping with the current replacements.
    fn collect_again(&mut self, mappings: &Mappings, mapping: usize) -> Option<Collected> {
        let MappingTree { file, items, id } = mappings.trees.get(mapping)?.clone();
        let owner = self.owner.replace(id);
        let mut builder = BodyBuilder {
            file,
            alone: None,
            rules: Vec::new(),
            appends: Vec::new(),
            missing: MissingRules::default(),
            mappings,
        };
        self.items(&mut builder, items, &Scope::everywhere());
        self.owner = owner;
        Some(Collected {
            rules: builder.rules.into(),
            missing: builder.missing,
        })
    }

    fn rule(
        &mut self,
        builder: &mut BodyBuilder<'_>,
        item: &Item,
        rule: &tree::Rule,
        outer: &Scope,
    ) {
        let file = builder.file;
        let gone = MissingRules {
            plain: rule.overriding.is_none(),
            overriding: rule.overriding.is_some(),
        };
        let left = self.system(&rule.left.system, file);
        let right = self.system(&rule.right.system, file);
        let (Some(left), Some(right)) = (left, right) else {
            builder.missing |= gone;
            return;
        };
        let Some(direction) = Direction::new(left, right) else {
            builder.missing |= gone;
            let at = |span| Location { file, span };
            let (left_at, right_at) = (at(rule.left.system.span), at(rule.right.system.span));
            let system = self.draft.system(left).name.clone();
            return self.error(same_system::rule(&system, left_at, right_at));
        };
        let span = rule
            .overriding
            .unwrap_or(rule.left.span())
            .to(rule.right.span());
        let resolved = if rule.two_way {
            self.two_way(rule, direction, file)
        } else {
            self.one_way(rule, direction, file)
        };
        let source = self.rule_source(builder, item, Location { file, span });
        let Some(directions) = resolved else {
            builder.missing |= gone;
            return;
        };
        self.add_rules(builder, rule, source, outer, directions);
    }

    /// The written rule: a new one, unless its mapping is resolved again.
    fn rule_source(
        &mut self,
        builder: &BodyBuilder<'_>,
        item: &Item,
        location: Location,
    ) -> RuleSourceId {
        let known = self.names.rule_sources.get(&location);
        if let Some(known) = known.filter(|_| !self.replacements.is_empty()) {
            return *known;
        }
        let source = RuleSourceId(self.draft.rule_sources.len() as u32);
        if self.keeps_trees {
            self.names.rule_sources.insert(location, source);
        }
        let file = location.file;
        let doc = doc_text(&self.draft.sources.file(file).text, item.before.doc());
        self.draft.rule_sources.push(program::RuleSource {
            location,
            item: Location {
                file,
                span: builder.alone.unwrap_or_else(|| with_doc(item)),
            },
            doc: doc.map(String::into_boxed_str),
        });
        source
    }

    fn add_rules(
        &mut self,
        builder: &mut BodyBuilder<'_>,
        rule: &tree::Rule,
        source: RuleSourceId,
        outer: &Scope,
        directions: Vec<RuleDirection>,
    ) {
        for RuleDirection {
            direction,
            states,
            target,
            otherwise,
        } in directions
        {
            let rank = match (rule.overriding, otherwise) {
                (Some(_), _) => Rank::Override,
                (None, true) => Rank::Otherwise,
                (None, false) => Rank::Plain,
            };
            let Scope {
                condition,
                enclosing,
            } = outer.clone();
            builder.rules.push(program::Rule {
                source,
                direction,
                rank,
                condition,
                enclosing,
                states,
                target,
                applied: None,
                replaced: !self.replacements.is_empty(),
            });
        }
    }

    fn one_way(
        &mut self,
        rule: &tree::Rule,
        direction: Direction,
        file: FileId,
    ) -> Option<Vec<RuleDirection>> {
        let from = direction.from();
        let mut states = Vec::new();
        let mut complete = true;
        let mut otherwise = false;
        for term in &rule.left.terms {
            match term {
                Term::Name(name) => match self.states_of(from, name, file) {
                    Some(more) => states.extend(more),
                    None => complete = false,
                },
                Term::Any(_) => states.extend(self.draft.states(from)),
                Term::Otherwise(_) => {
                    otherwise = true;
                    states.extend(self.draft.states(from));
                }
                Term::Unchanged(_) | Term::Previous(_) => complete = false,
            }
        }
        states.sort_unstable();
        states.dedup();
        let target = match rule.right.terms.as_slice() {
            [Term::Unchanged(_)] => Some(Target::Unchanged),
            [Term::Previous(_)] => Some(Target::Previous),
            [Term::Name(name)] => self.target(direction.to(), name, file).map(Target::Set),
            _ => None,
        };
        let target = target.filter(|_| complete)?;
        let states = self.shared(&states);
        Some(vec![RuleDirection {
            direction,
            states,
            target,
            otherwise,
        }])
    }

    fn two_way(
        &mut self,
        rule: &tree::Rule,
        direction: Direction,
        file: FileId,
    ) -> Option<Vec<RuleDirection>> {
        let sides = [
            (&rule.left, direction.from()),
            (&rule.right, direction.to()),
        ];
        let mut found = Vec::with_capacity(2);
        for (side, system) in sides {
            let name = match side.terms.as_slice() {
                [Term::Name(name)] => name,
                [term @ (Term::Unchanged(_) | Term::Previous(_))] => {
                    let word = match term {
                        Term::Previous(_) => "previous",
                        _ => "unchanged",
                    };
                    let span = term.span();
                    self.error(two_way_states::no_state(Location { file, span }, word));
                    continue;
                }
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
                    let span = side.terms[0].span().to(side.span());
                    self.not_one_state(rule, Location { file, span });
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
            found.extend(self.target(system, name, file));
        }
        let [left, right] = *found.as_slice() else {
            return None;
        };
        let mut way = |direction, from, to| RuleDirection {
            direction,
            states: self.shared(&[from]),
            target: Target::Set(to),
            otherwise: false,
        };
        Some(vec![
            way(direction, left, right),
            way(direction.reversed(), right, left),
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
        self.error(two_way_states::side(location, arrow));
    }

    /// The state that a rule sets; reports groups and read-only states.
    fn target(&mut self, system: SystemId, name: &tree::Name, file: FileId) -> Option<StateId> {
        let location = Location {
            file,
            span: name.span,
        };
        let state = match self.state_or_group(system, name, file)? {
            super::states::StateOrGroup::State(state) => state,
            super::states::StateOrGroup::Group(_) => {
                let system = self.draft.system(system).name.clone();
                self.error(unknown_state::group_as_target(
                    &system, &name.text, location,
                ));
                return None;
            }
        };
        if self.draft.state(state).read_only {
            let error = read_only_target::target(
                &self.draft.system(system).name,
                &self.draft.state(state).name,
                location,
                self.draft.state_source(state).location,
            );
            self.error(error);
            return None;
        }
        Some(state)
    }
}
