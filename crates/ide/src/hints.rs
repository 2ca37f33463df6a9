//! What is not written but good to know where it applies: the states of a group, those that `otherwise` covers, and that a rule
//! has no way back although others have one.

use std::collections::{BTreeMap, BTreeSet};

use presync::{DeclaredKind, Meaning, Program, Span, StateId, quote, tree};

use crate::analysis::FileView;
use crate::declaration::{applies_mapping, rules_in, system_of_group};
use crate::hover::counted;
use crate::navigate::is_declaration;

/// A text behind an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub offset: u32,
    pub label: String,
    /// All of it, if the label is cut.
    pub tooltip: Option<String>,
}

/// The names of states are shown up to this number of characters; else they are counted.
const MOST: usize = 30;

/// The hints in a part of a file, in order.
pub fn hints(view: FileView<'_>, within: Span) -> Vec<Hint> {
    let Some(program) = view.program.report.partial_program() else {
        return Vec::new();
    };
    let mut hints = Vec::new();
    let index = view.index();
    for one in &index.occurrences {
        let at = one.location;
        if at.file != view.file || !within.contains(at.span) || is_declaration(view, at) {
            continue;
        }
        if let Meaning::Declared(id) = one.meaning
            && index.declared[id.index()].kind == DeclaredKind::Group
            && let Some(states) = states_of_group(view, program, id)
        {
            hints.push(hint(program, at.span.end, &states));
        }
    }
    for node in &view.tree().declarations {
        if node.span.start <= within.end && within.start <= node.span.end {
            let (tree::DeclarationKind::Profile { items, .. }
            | tree::DeclarationKind::Mapping { items, .. }) = &node.kind
            else {
                continue;
            };
            // A mapping has rules, too, which may be in another file.
            if applies_mapping(items) {
                continue;
            }
            let rules = rules_in(items);
            otherwise(view, program, &rules, within, &mut hints);
            ways_back(view, program, &rules, within, &mut hints);
        }
    }
    hints.sort_by_key(|hint| hint.offset);
    hints
}

fn states_of_group(
    view: FileView<'_>,
    program: &Program,
    id: presync::DeclaredId,
) -> Option<Vec<StateId>> {
    let declared = view.index().declared.get(id.index())?;
    let of = view.at(declared.location.file);
    let system = system_of_group(of, declared.location.span)?;
    let mut groups = program.groups.iter();
    let group = groups.find(|group| {
        group.name == declared.name && program.system(group.system).name == *system.text
    })?;
    Some(group.states.to_vec())
}

fn hint(program: &Program, offset: u32, states: &[StateId]) -> Hint {
    let names: Vec<String> = states
        .iter()
        .map(|state| quote(&program.state(*state).name))
        .collect();
    let all = names.join(" | ");
    if all.chars().count() > MOST {
        return Hint {
            offset,
            label: format!("= {}", counted(names.len(), "state")),
            tooltip: Some(all),
        };
    }
    Hint {
        offset,
        label: if names.is_empty() {
            "= no state".to_owned()
        } else {
            format!("= {all}")
        },
        tooltip: None,
    }
}

/// Each `otherwise` of a profile or mapping: the states of its system that no other rule of it names.
fn otherwise(
    view: FileView<'_>,
    program: &Program,
    rules: &[&tree::Rule],
    within: Span,
    hints: &mut Vec<Hint>,
) {
    for rule in rules {
        for (side, other) in ways(rule) {
            let span = side.terms.iter().find_map(|term| match term {
                tree::Term::Otherwise(span) => Some(*span),
                _ => None,
            });
            let Some(span) = span.filter(|span| within.contains(*span)) else {
                continue;
            };
            let Some(system) = program.schema.find_system(&side.system.text) else {
                continue;
            };
            let place = (&side.system.text, &other.system.text);
            let like = rules.iter().flat_map(|rule| ways(rule));
            let like = like.filter(|(from, to)| (&from.system.text, &to.system.text) == place);
            let named = like.flat_map(|(from, _)| names(view, program, from));
            let named: BTreeSet<StateId> = named.collect();
            let rest: Vec<StateId> = program
                .states(system)
                .filter(|state| !named.contains(state))
                .collect();
            hints.push(hint(program, span.end, &rest));
        }
    }
}

/// Each way that a rule leads: its two sides, and for `<->` also in the other order.
fn ways(rule: &tree::Rule) -> impl Iterator<Item = (&tree::Side, &tree::Side)> {
    let back = rule.two_way.then_some((&rule.right, &rule.left));
    std::iter::once((&rule.left, &rule.right)).chain(back)
}

/// The states from which the rules of a profile or mapping lead from a system to another one, by those systems; `None` for
/// all: `otherwise` is among them.
type StatesNamed<'a> = BTreeMap<(&'a str, &'a str), Option<BTreeSet<StateId>>>;

fn states_named<'a>(
    view: FileView<'_>,
    program: &Program,
    rules: &[&'a tree::Rule],
) -> StatesNamed<'a> {
    let mut named = StatesNamed::new();
    for (from, to) in rules.iter().flat_map(|rule| ways(rule)) {
        let place = (&*from.system.text, &*to.system.text);
        let states = named.entry(place).or_insert_with(|| Some(BTreeSet::new()));
        if from
            .terms
            .iter()
            .any(|term| matches!(term, tree::Term::Otherwise(_)))
        {
            *states = None;
        } else if let Some(states) = states {
            states.extend(names(view, program, from));
        }
    }
    named
}

/// Each rule whose target leads back nowhere, in a profile or mapping of which other rules lead back.
fn ways_back(
    view: FileView<'_>,
    program: &Program,
    rules: &[&tree::Rule],
    within: Span,
    hints: &mut Vec<Hint>,
) {
    let named = states_named(view, program, rules);
    for rule in rules {
        let (from, to) = (&*rule.left.system.text, &*rule.right.system.text);
        let Some(Some(back)) = named.get(&(to, from)) else {
            continue;
        };
        let [target] = names(view, program, &rule.right)[..] else {
            continue;
        };
        if within.contains(rule.right.span()) && !back.contains(&target) {
            let target = quote(&program.state(target).name);
            hints.push(Hint {
                offset: rule.right.span().end,
                label: "no way back".to_owned(),
                tooltip: Some(format!("No rule here leads from {to} {target} to {from}.")),
            });
        }
    }
}

/// The states that a side names.
fn names(view: FileView<'_>, program: &Program, side: &tree::Side) -> Vec<StateId> {
    let mut states = Vec::new();
    for term in &side.terms {
        match term {
            tree::Term::Name(name) => match view.name_at(name.span.start).map(|one| one.meaning) {
                Some(Meaning::State(state)) => states.push(state),
                Some(Meaning::Declared(id)) => {
                    states.extend(states_of_group(view, program, id).unwrap_or_default());
                }
                Some(Meaning::Value(_) | Meaning::Attribute(_)) | None => {}
            },
            tree::Term::Any(_) => {
                let system = program.schema.find_system(&side.system.text);
                states.extend(system.into_iter().flat_map(|system| program.states(system)));
            }
            tree::Term::Otherwise(_) | tree::Term::Unchanged(_) | tree::Term::Previous(_) => {}
        }
    }
    states
}
