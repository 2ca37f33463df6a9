//! In: the functions of a table. Out: the inputs that the outcome or the list of texts depends on.
//! A choice among them must have a value before anything is decided, so none must be missing, and none too many.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use presync_engine::{Column, Outcome};

use crate::compile::Group;
use crate::compile::decisions::Decisions;
use crate::compile::layout::Layout;
use crate::diagram::{Diagram, DiagramStore};
use crate::program::ProfileId;

/// Node limit for the functions of all texts.
const TEXT_NODES: usize = 1_000_000;

/// Where a text joins, and which text it is.
type Joins<'t> = (&'t str, Diagram);

/// `layers`: the number of links, which are the first functions of the layout; those of the texts follow. `groups`: the
/// profiles with their texts.
pub(super) fn columns(
    layout: &mut Layout,
    layers: usize,
    decisions: &Decisions,
    groups: &[Group<'_>],
) -> BTreeSet<Column> {
    let (links, holds) = layout.roots.split_at(layers);
    let (links, holds) = (links.to_vec(), holds.to_vec());
    if let [link] = *links {
        let outcome = of_kind(&mut layout.diagrams, link, decisions, &|outcome, _| outcome);
        let of_texts = layout.diagrams.with_budget(TEXT_NODES, |diagrams| {
            let joining = joining(diagrams, link, &holds, decisions, groups);
            texts(diagrams, &joining)
        });
        if let Some(mut roots) = of_texts {
            roots.push(outcome);
            return layout.columns_of(&roots);
        }
    }
    // Too complex to find out what the texts really depend on: all that they test, and which profile decides.
    let mut roots = holds;
    for link in links {
        let kind = |outcome, profile| (outcome, profile);
        roots.push(of_kind(&mut layout.diagrams, link, decisions, &kind));
    }
    layout.columns_of(&roots)
}

/// A link with equal leaves for decisions of the same kind.
fn of_kind<K: std::hash::Hash + Eq>(
    diagrams: &mut DiagramStore,
    link: Diagram,
    decisions: &Decisions,
    kind: &dyn Fn(Outcome, Option<ProfileId>) -> K,
) -> Diagram {
    let mut first: HashMap<K, u32> = HashMap::new();
    let kinds = decisions.list.iter().zip(&decisions.setting);
    let kinds = kinds.map(|(decision, setting)| kind(decision.outcome, *setting));
    let kinds: Vec<u32> = (0..)
        .zip(kinds)
        .map(|(at, kind)| *first.entry(kind).or_insert(at))
        .collect();
    diagrams.map(link, &mut |leaf| kinds[leaf as usize])
}

/// Where the texts of each profile really join.
fn joining<'t>(
    diagrams: &mut DiagramStore,
    link: Diagram,
    holds: &[Diagram],
    decisions: &Decisions,
    groups: &[Group<'t>],
) -> Vec<Vec<Joins<'t>>> {
    let mut holds = holds.iter();
    let of_group = groups.iter().map(|(profile, texts)| {
        let sets = |leaf: u32| decisions.setting[leaf as usize] == Some(*profile);
        let setting = diagrams.map(link, &mut |leaf| u32::from(sets(leaf)));
        let joins = texts.iter().zip(&mut holds);
        let joins = joins.map(|(text, holds)| (*text, diagrams.and_then(setting, *holds)));
        joins.filter(|(_, joins)| *joins != Diagram::ZERO).collect()
    });
    of_group.collect()
}

/// The functions that determine the list of texts: where each text joins, and for two texts that do not always join in the
/// same order, where they join in one of the orders.
fn texts(diagrams: &mut DiagramStore, groups: &[Vec<Joins<'_>>]) -> Vec<Diagram> {
    let mut of_text: BTreeMap<&str, Vec<Diagram>> = BTreeMap::new();
    for (text, joins) in groups.iter().flatten() {
        of_text.entry(text).or_default().push(*joins);
    }
    let repeated: BTreeSet<&str> = of_text
        .iter()
        .filter(|(_, joins)| joins.len() > 1)
        .map(|(text, _)| *text)
        .collect();
    let mut roots: Vec<Diagram> = of_text
        .into_values()
        .map(|joins| diagrams.union(joins))
        .collect();
    // By two texts in alphabetical order: where they join in this order, and whether they ever join in the other.
    let mut orders: BTreeMap<(&str, &str), (Vec<Diagram>, bool)> = BTreeMap::new();
    for group in groups {
        for (at, (first, joins)) in group.iter().enumerate() {
            let later = group[at + 1..].iter().filter(|(second, _)| second != first);
            for (second, later) in
                later.filter(|(second, _)| repeated.contains(first) || repeated.contains(second))
            {
                let both = diagrams.and_then(*joins, *later);
                if both == Diagram::ZERO {
                    continue;
                }
                let (one, other) = (first.min(second), first.max(second));
                let known = orders.entry((one, other)).or_default();
                if first < second {
                    known.0.push(both);
                } else {
                    known.1 = true;
                }
            }
        }
    }
    for (joined, reversed) in orders.into_values() {
        if reversed && !joined.is_empty() {
            roots.push(diagrams.union(joined));
        }
    }
    roots
}
