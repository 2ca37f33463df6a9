//! What is not written but good to know where it applies: the states of a group, and those that `otherwise` covers.

use std::collections::BTreeSet;

use presync::{DeclaredKind, Meaning, Program, Span, StateId, quote, tree};

use crate::analysis::FileView;
use crate::declaration::{rules_in, system_of_group};
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
            otherwise(view, program, node, within, &mut hints);
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
    node: &tree::Declaration,
    within: Span,
    hints: &mut Vec<Hint>,
) {
    let (tree::DeclarationKind::Profile { items, .. }
    | tree::DeclarationKind::Mapping { items, .. }) = &node.kind
    else {
        return;
    };
    let rules = rules_in(items);
    for rule in &rules {
        for (side, other) in [(&rule.left, &rule.right), (&rule.right, &rule.left)] {
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
            let mut named: BTreeSet<StateId> = BTreeSet::new();
            for rule in &rules {
                for (from, to) in [(&rule.left, &rule.right), (&rule.right, &rule.left)] {
                    let is_source = std::ptr::eq(from, &rule.left) || rule.two_way;
                    if is_source
                        && from.system.text == side.system.text
                        && to.system.text == other.system.text
                    {
                        named.extend(names(view, program, from));
                    }
                }
            }
            let rest: Vec<StateId> = program
                .states(system)
                .filter(|state| !named.contains(state))
                .collect();
            hints.push(hint(program, span.end, &rest));
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
