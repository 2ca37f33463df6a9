//! In: the rows of a table. Out: a diagram that decides where a row matches, and passes elsewhere.
//! Errors: rows that overlap, which occur only in files from elsewhere.

use std::collections::HashMap;

use crate::flat_diagram::{FlatDiagram, FlatNode, Next};
use crate::ids::SystemId;
use crate::schema::{Column, Schema};
use crate::table::Cells;

/// A part of the input space with one decision.
#[derive(Debug, Clone)]
pub(crate) struct RowCube {
    /// In the order of the inputs.
    pub when: Cells,
    /// The indices of the states entered, ascending; `None`: all.
    pub from: Option<Box<[u32]>>,
    pub decision: u32,
}

/// Two rows match the same situation.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overlap;

/// Builds a diagram that tests the state entered, then the inputs in order. Where cubes with the same decision overlap,
/// `unique` says whether that is an error.
pub(crate) fn partition(
    schema: &Schema,
    from: SystemId,
    inputs: &[Column],
    cubes: &[RowCube],
    unique: bool,
) -> Result<FlatDiagram, Overlap> {
    let sizes: Vec<u32> = inputs
        .iter()
        .map(|column| schema.column_size(*column))
        .collect();
    let states = schema.system(from).states.len() as u32;
    over(inputs, &sizes, states, cubes, unique)
}

fn over(
    inputs: &[Column],
    sizes: &[u32],
    states: u32,
    cubes: &[RowCube],
    unique: bool,
) -> Result<FlatDiagram, Overlap> {
    let mut partition = Partition {
        inputs,
        sizes,
        states,
        cubes,
        unique,
        nodes: Vec::new(),
        known: HashMap::new(),
    };
    let all: Vec<u32> = (0..cubes.len() as u32).collect();
    let root = partition.split(None, all)?;
    // Children were created first. Reversed, each node precedes the nodes that it leads to.
    let last = (partition.nodes.len() as u32).wrapping_sub(1);
    let turn = |next: Next| match next {
        Next::Node(at) => Next::Node(last - at),
        other => other,
    };
    let mut nodes = partition.nodes;
    nodes.reverse();
    for node in &mut nodes {
        node.next.iter_mut().for_each(|next| *next = turn(*next));
    }
    Ok(FlatDiagram {
        root: turn(root),
        nodes,
    })
}

struct Partition<'a> {
    inputs: &'a [Column],
    sizes: &'a [u32],
    states: u32,
    cubes: &'a [RowCube],
    unique: bool,
    nodes: Vec<FlatNode>,
    known: HashMap<(usize, Vec<u32>), Next>,
}

impl Partition<'_> {
    /// `input`: the input to test, `None` for the state entered.
    fn split(&mut self, input: Option<usize>, cubes: Vec<u32>) -> Result<Next, Overlap> {
        let depth = input.map_or(0, |input| input + 1);
        if cubes.is_empty() {
            return Ok(Next::Pass);
        }
        if depth > self.inputs.len() {
            let decisions = cubes.iter().map(|cube| self.cubes[*cube as usize].decision);
            let decision = decisions.clone().next().unwrap_or_default();
            let agree = decisions.clone().all(|other| other == decision);
            return if cubes.len() == 1 || (agree && !self.unique) {
                Ok(Next::Decision(decision))
            } else {
                Err(Overlap)
            };
        }
        let key = (depth, cubes);
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let cubes = &key.1;
        let all = self.cubes;
        let values = |cube: u32| match input {
            None => all[cube as usize].from.as_deref(),
            Some(input) => all[cube as usize].when[input].as_deref(),
        };
        let following = Some(depth);
        let next = if cubes.iter().all(|cube| values(*cube).is_none()) {
            self.split(following, cubes.clone())?
        } else {
            let size = input.map_or(self.states, |input| self.sizes[input]);
            let mut parts: Vec<Vec<u32>> = vec![Vec::new(); size as usize];
            for cube in cubes {
                match values(*cube) {
                    None => parts.iter_mut().for_each(|part| part.push(*cube)),
                    Some(values) => values
                        .iter()
                        .for_each(|value| parts[*value as usize].push(*cube)),
                }
            }
            let children: Box<[Next]> = parts
                .into_iter()
                .map(|part| self.split(following, part))
                .collect::<Result<_, _>>()?;
            if children.iter().all(|child| *child == children[0]) {
                children[0]
            } else {
                self.nodes.push(FlatNode {
                    ask: input.map(|input| self.inputs[input]),
                    next: children,
                });
                Next::Node(self.nodes.len() as u32 - 1)
            }
        };
        self.known.insert(key, next);
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::FactId;
    use crate::situation::SessionInputs;

    fn fact(at: usize) -> Column {
        Column::Fact(FactId::from_index(at))
    }

    fn cube(flags: usize, first: Option<u32>, from: Option<u32>, decision: u32) -> RowCube {
        let mut when: Cells = vec![None; flags];
        when[0] = first.map(|value| [value].into());
        RowCube {
            when,
            from: from.map(|state| [state].into()),
            decision,
        }
    }

    #[test]
    fn a_gap_passes() {
        let inputs = [fact(0), fact(1)];
        let found = over(&inputs, &[2, 2], 2, &[cube(2, Some(1), Some(0), 7)], true)
            .expect("one cube does not overlap");
        let decide = |flag: u32, entered| {
            let inputs = SessionInputs {
                facts: &[flag, 0],
                states: &[],
                by_hand: &[],
            };
            found.find(&inputs, entered)
        };
        assert_eq!(
            [decide(1, 0), decide(0, 0), decide(1, 1)],
            [Some(7), None, None]
        );
    }

    #[test]
    fn an_overlap_is_an_error_unless_the_cubes_are_alternatives() {
        let inputs = [fact(0)];
        let of = |cubes: &[RowCube], unique| over(&inputs, &[2], 2, cubes, unique).err();
        let same = [cube(1, None, None, 0), cube(1, Some(1), None, 0)];
        assert_eq!(of(&same, true), Some(Overlap));
        assert_eq!(of(&same, false), None);
        let different = [cube(1, None, Some(1), 0), cube(1, Some(1), None, 1)];
        assert_eq!(of(&different, false), Some(Overlap));
        assert_eq!(
            of(
                &[cube(1, Some(0), None, 0), cube(1, Some(1), None, 1)],
                true
            ),
            None
        );
    }
}
