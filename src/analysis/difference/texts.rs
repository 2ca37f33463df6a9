//! Where the texts of two sides differ, and where the order of two texts does.

use std::collections::{BTreeSet, HashMap};

use crate::analysis::difference::{ChangeEffect, ComparedFunction, Comparison};
use crate::diagram::Diagram;

impl Comparison<'_> {
    /// Adds where the texts differ, whatever the states are: by text, then by the order of two texts.
    pub(super) fn text_changes(
        &mut self,
        (old, new): (&ComparedFunction<'_>, &ComparedFunction<'_>),
        regions: &mut Vec<(ChangeEffect, Diagram)>,
    ) {
        let texts: BTreeSet<&str> = old.joins.keys().chain(new.joins.keys()).copied().collect();
        let joins = |side: &ComparedFunction<'_>, text: &str| {
            side.joins.get(text).copied().unwrap_or(Diagram::ZERO)
        };
        for text in &texts {
            let (before, after) = (joins(old, text), joins(new, text));
            let lost = self.diagrams.without(before, after);
            if lost != Diagram::ZERO {
                regions.push((ChangeEffect::Removed((*text).to_owned()), lost));
            }
            let added = self.diagrams.without(after, before);
            if added != Diagram::ZERO {
                regions.push((ChangeEffect::Added((*text).to_owned()), added));
            }
        }
        let (old_places, new_places) = (old.places(), new.places());
        for first in &texts {
            for second in &texts {
                let reversed = first != second
                    && may_order(&old_places, first, second)
                    && may_order(&new_places, second, first);
                if !reversed {
                    continue;
                }
                let before = self.ordered(old, first, second);
                let after = self.ordered(new, second, first);
                let both = self.diagrams.and_then(before, after);
                if both != Diagram::ZERO {
                    let effect = ChangeEffect::Reordered((*first).to_owned(), (*second).to_owned());
                    regions.push((effect, both));
                }
            }
        }
    }

    /// Where two texts join in this order.
    fn ordered(&mut self, side: &ComparedFunction<'_>, first: &str, second: &str) -> Diagram {
        let mut found = Diagram::ZERO;
        for group in &side.groups {
            for (at, (text, joins)) in group.iter().enumerate() {
                for (other, later) in &group[at + 1..] {
                    if (*text, *other) == (first, second) {
                        let both = self.diagrams.and_then(*joins, *later);
                        found = self.diagrams.or_else(found, both);
                    }
                }
            }
        }
        found
    }
}

impl<'a> ComparedFunction<'a> {
    /// For each group, the first and the last place of each text.
    fn places(&self) -> Vec<TextPlaces<'a>> {
        let of_group = |group: &Vec<(&'a str, Diagram)>| {
            let mut places = TextPlaces::new();
            for (at, (text, _)) in group.iter().enumerate() {
                places.entry(text).or_insert((at, at)).1 = at;
            }
            places
        };
        self.groups.iter().map(of_group).collect()
    }
}

type TextPlaces<'a> = HashMap<&'a str, (usize, usize)>;

/// Whether a text comes before another in some group.
fn may_order(places: &[TextPlaces<'_>], first: &str, second: &str) -> bool {
    places
        .iter()
        .any(|places| match (places.get(first), places.get(second)) {
            (Some((first, _)), Some((_, second))) => first < second,
            _ => false,
        })
}
