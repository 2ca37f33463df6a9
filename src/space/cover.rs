//! In: a region of the situations. Out: few conditions that together hold exactly there, as source text.
//! Each is made as wide as the region allows, and none is there that the others make superfluous.

use crate::model::FactKind;
use crate::names::quote;
use crate::space::diagram::Ref;
use crate::space::situation::{Space, Variable};

/// A region of more nodes than this is not put into words.
const READABLE: usize = 300;

/// Conditions joined with `and`: each variable that is named, with the values that it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cube(pub Vec<(u32, Vec<u32>)>);

impl Space<'_> {
    /// Cubes whose union is the region; `None` if there would be more than `most`, or if the region is so intricate that
    /// nobody could read them.
    pub fn cover(&mut self, region: Ref, most: usize) -> Option<Vec<Cube>> {
        if self.diagrams.size(region) > READABLE {
            return None;
        }
        let mut cubes: Vec<(Cube, Ref)> = Vec::new();
        let mut left = region;
        let usual = self.usual().to_vec();
        while left != Ref::ZERO {
            if cubes.len() == most || self.diagrams.overflowed() {
                return None;
            }
            let path = self.diagrams.witness(left, &usual, &|leaf| leaf != 0)?;
            let literals =
                path.iter().enumerate().filter_map(|(variable, value)| Some((variable as u32, vec![(*value)?])));
            let cube = self.widen(literals.collect(), region);
            let covered = self.holds(&cube);
            left = self.diagrams.without(left, covered);
            cubes.push((Cube(cube), covered));
        }
        let mut at = 0;
        while at < cubes.len() {
            let others: Vec<Ref> =
                cubes.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, cube)| cube.1).collect();
            let others = self.diagrams.first_of(others);
            if self.diagrams.without(cubes[at].1, others) == Ref::ZERO {
                cubes.remove(at);
            } else {
                at += 1;
            }
        }
        Some(cubes.into_iter().map(|(cube, _)| cube).collect())
    }

    /// Gives each variable all values that keep the cube within the region.
    fn widen(&mut self, mut cube: Vec<(u32, Vec<u32>)>, region: Ref) -> Vec<(u32, Vec<u32>)> {
        let mut at = 0;
        while at < cube.len() {
            let (variable, values) = cube[at].clone();
            let without: Vec<(u32, Vec<u32>)> = cube.iter().filter(|(other, _)| *other != variable).cloned().collect();
            if self.within_region(&without, region) {
                cube = without;
                continue;
            }
            let size = self.diagrams.sizes()[variable as usize];
            let mut wider = values;
            for value in (0..size).filter(|_| size > 2) {
                if !wider.contains(&value) {
                    cube[at].1 = vec![value];
                    if self.within_region(&cube, region) {
                        wider.push(value);
                    }
                }
            }
            wider.sort_unstable();
            cube[at].1 = wider;
            at += 1;
        }
        cube
    }

    fn within_region(&mut self, cube: &[(u32, Vec<u32>)], region: Ref) -> bool {
        let holds = self.holds(cube);
        self.diagrams.without(holds, region) == Ref::ZERO
    }

    fn holds(&mut self, cube: &[(u32, Vec<u32>)]) -> Ref {
        let mut sorted = cube.to_vec();
        sorted.sort_unstable();
        sorted.into_iter().rev().fold(Ref::ONE, |all, (variable, values)| {
            let test = self.diagrams.test(variable, values);
            self.diagrams.mask(test, all)
        })
    }

    /// A cube as a condition of the language; empty if it always holds.
    pub fn condition_text(&self, cube: &Cube) -> String {
        let mut literals: Vec<(Variable, &Vec<u32>)> =
            cube.0.iter().map(|(variable, values)| (self.variables()[*variable as usize], values)).collect();
        literals.sort_by_key(|(variable, _)| match variable {
            Variable::Fact(fact) => (0, fact.0),
            Variable::State(system) => (1, system.0),
        });
        literals.into_iter().map(|(variable, values)| self.literal(variable, values)).collect::<Vec<_>>().join(" and ")
    }

    fn literal(&self, variable: Variable, values: &[u32]) -> String {
        match variable {
            Variable::Fact(fact) => {
                let fact = self.program.fact(fact);
                let name = quote(&fact.name);
                match &fact.kind {
                    FactKind::Flag if values == [1] => name,
                    FactKind::Flag => format!("not {name}"),
                    FactKind::Choice { values: names, .. } => {
                        among(&name, names.len(), values, &|at| quote(&names[at]))
                    }
                }
            }
            Variable::State(system) => {
                let system = self.program.system(system);
                let name = quote(&system.name);
                let known: Vec<u32> = values.iter().filter_map(|value| value.checked_sub(1)).collect();
                let state = |at: usize| quote(&system.states[at].name);
                let list = |of: Vec<usize>| of.into_iter().map(state).collect::<Vec<_>>().join(" | ");
                let others =
                    || (0..system.states.len()).filter(|at| !known.contains(&(*at as u32))).collect::<Vec<_>>();
                match (values.contains(&0), known.len()) {
                    (true, 0) => format!("{name} is not any"),
                    (true, _) => format!("{name} is not {}", list(others())),
                    (false, count) if count == system.states.len() => format!("{name} is any"),
                    (false, _) => format!("{name} is {}", list(known.iter().map(|at| *at as usize).collect())),
                }
            }
        }
    }
}

/// `x is a | b`, or `x is not c` where that is shorter.
fn among(name: &str, count: usize, values: &[u32], text: &dyn Fn(usize) -> String) -> String {
    let list = |of: Vec<usize>| of.into_iter().map(text).collect::<Vec<_>>().join(" | ");
    if values.len() * 2 > count {
        let others = (0..count).filter(|at| !values.contains(&(*at as u32))).collect();
        return format!("{name} is not {}", list(others));
    }
    format!("{name} is {}", list(values.iter().map(|at| *at as usize).collect()))
}
