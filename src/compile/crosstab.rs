//! In: a table's function as diagrams. Out: the same as a grid of states against the combinations of few inputs, which is
//! read at a glance, and exceptions for what does not fit into it.

use presync_engine::{Column, Outcome, Schema, StateId, SystemId, Table};

use crate::compile::rows::functions;
use crate::diagram::{Cube, Diagram, DiagramStore};

/// A table is not shown as a grid if its function has more nodes than this.
const MAX_NODES: usize = 20_000;

/// Maximum number of combinations tried as columns.
const MAX_COMBINATIONS: usize = 64;

/// Maximum number of inputs that split the columns.
const MAX_SPLIT: usize = 3;

/// Inputs that are tried together; with more, each is tried alone.
const FEW_INPUTS: usize = 14;

/// Maximum number of exceptions to a grid.
const MAX_EXCEPTIONS: usize = 40;

/// Maximum number of conditions for one column, or for one appendix.
const MAX_ALTERNATIVES: usize = 12;

/// How many rows an exception is worth: it takes longer to read.
const EXCEPTION: usize = 2;

/// Conditions joined with `and`: inputs, and the values that they have.
pub type CrosstabConditions = Vec<(Column, Box<[u32]>)>;

/// A table as a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Crosstab {
    /// Where these conditions do not hold, `otherwise` is the outcome for every state. All else is about where they hold.
    pub scope: CrosstabConditions,
    pub otherwise: Outcome,
    /// The situations of each column: where one of its conditions holds. Every situation is in one column.
    pub columns: Vec<Vec<CrosstabConditions>>,
    /// Every state is in one row.
    pub rows: Vec<CrosstabRow>,
    /// They say something else than the grid, and do not contradict each other.
    pub exceptions: Vec<CrosstabException>,
    /// The texts that join the state that is set, in display order, where one of the parts holds. A text can occur twice, but
    /// joins once.
    pub appendices: Vec<(String, Vec<CrosstabPart>)>,
}

/// States that are treated alike.
#[derive(Debug, Clone, PartialEq)]
pub struct CrosstabRow {
    /// The states entered, ascending.
    pub states: Box<[StateId]>,
    /// For each column.
    pub outcomes: Vec<Outcome>,
}

/// What a grid does not show.
#[derive(Debug, Clone, PartialEq)]
pub struct CrosstabException {
    pub part: CrosstabPart,
    pub outcome: Outcome,
}

/// A part of the situations and states entered.
#[derive(Debug, Clone, PartialEq)]
pub struct CrosstabPart {
    /// The states entered, ascending; `None`: all.
    pub states: Option<Box<[StateId]>>,
    pub when: CrosstabConditions,
}

/// The grid of a table with the fewest lines; `None` if it would have too many.
pub fn crosstab(schema: &Schema, table: &Table, most_columns: usize) -> Option<Crosstab> {
    let from = table.direction().from();
    if schema.states(from).len() == 0 {
        return None;
    }
    let (layout, texts) = functions(schema, table, table.links())?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    let of_decision = table.decisions().iter().map(|decision| {
        let known = outcomes.iter().position(|known| *known == decision.outcome);
        known.unwrap_or_else(|| {
            outcomes.push(decision.outcome);
            outcomes.len() - 1
        }) as u32
    });
    let of_decision: Vec<u32> = of_decision.collect();
    let mut diagrams = layout.diagrams;
    // Leaf 0 is free: it stands for nothing.
    let whole = diagrams.map(layout.roots[0], &mut |leaf| of_decision[leaf as usize] + 1);
    if diagrams.size(whole) > MAX_NODES {
        return None;
    }
    let mut grid = CrosstabBuilder {
        diagrams,
        inputs: layout.inputs,
        from,
        outcomes,
        function: whole,
        scope: Vec::new(),
    };
    let otherwise = grid.take_scope();
    let split = grid.best(most_columns)?;
    let columns = grid.columns(&split)?;
    let appendices = grid.appendices(texts, &layout.roots[1..])?;
    if grid.diagrams.overflowed() {
        return None;
    }
    Some(Crosstab {
        scope: grid.conditions(&Cube(grid.scope.clone())),
        otherwise,
        columns,
        rows: grid.rows(&split),
        exceptions: split.exceptions,
        appendices,
    })
}

/// Variables with the values that they have.
type CubeValues = Vec<(u32, Vec<u32>)>;

struct CrosstabBuilder {
    /// Variable 0 is the state entered; the inputs follow.
    diagrams: DiagramStore,
    inputs: Vec<Column>,
    from: SystemId,
    /// Leaf `n + 1` of the function is outcome `n`.
    outcomes: Vec<Outcome>,
    /// Outside of the scope, it is as somewhere in it.
    function: Diagram,
    /// The values within the scope, of the variables that have others.
    scope: CubeValues,
}

/// A choice of inputs for the columns.
struct CrosstabSplit {
    /// For each column, the values of the inputs.
    columns: Vec<Vec<CubeValues>>,
    /// For each column and state, the outcome in the grid, as a leaf.
    usual: Vec<Vec<u32>>,
    exceptions: Vec<CrosstabException>,
}

impl CrosstabBuilder {
    fn entered_states(&self) -> u32 {
        self.diagrams.sizes()[0]
    }

    /// The situation near which conditions are chosen: no flag is set, and nothing is known.
    fn nearest(&self) -> Vec<u32> {
        vec![0; self.diagrams.sizes().len()]
    }

    /// The situations of a column.
    fn region(&mut self, column: &[CubeValues]) -> Diagram {
        let parts = column.iter().map(|cube| self.diagrams.product_of(cube));
        let parts = parts.collect();
        self.diagrams.union(parts)
    }

    /// Finds the values outside of which all states have the same outcome, which is returned, and makes the function the
    /// same there as in the scope.
    fn take_scope(&mut self) -> Outcome {
        let mut found: Option<(Outcome, CubeValues)> = None;
        let variables = 1..self.diagrams.sizes().len() as u32;
        for outcome in [Outcome::Unmapped, Outcome::Unchanged] {
            let Some(leaf) = self.outcomes.iter().position(|known| *known == outcome) else {
                continue;
            };
            let leaf = Diagram::leaf(leaf as u32 + 1);
            let mut scope = Vec::new();
            for variable in variables.clone() {
                let values = 0..self.diagrams.sizes()[variable as usize];
                let (kept, out): (Vec<u32>, Vec<u32>) = values.partition(|value| {
                    self.diagrams.restrict(self.function, variable, *value) != leaf
                });
                if !kept.is_empty() && !out.is_empty() {
                    scope.push((variable, kept));
                }
            }
            if !scope.is_empty()
                && found
                    .as_ref()
                    .is_none_or(|(_, known)| known.len() < scope.len())
            {
                found = Some((outcome, scope));
            }
        }
        let Some((outcome, scope)) = found else {
            return Outcome::Unmapped;
        };
        for (variable, values) in &scope {
            let within = self.diagrams.literal(*variable, values.iter().copied());
            let within = self.diagrams.and_then(within, self.function);
            let outside = self.diagrams.restrict(self.function, *variable, values[0]);
            self.function = self.diagrams.or_else(within, outside);
        }
        self.scope = scope;
        outcome
    }

    /// The values of a variable within the scope.
    fn values(&self, variable: u32) -> Vec<u32> {
        let scope = self.scope.iter().find(|(known, _)| *known == variable);
        scope.map_or_else(
            || (0..self.diagrams.sizes()[variable as usize]).collect(),
            |(_, values)| values.clone(),
        )
    }

    /// The split with the fewest lines.
    fn best(&mut self, most_columns: usize) -> Option<CrosstabSplit> {
        // The states of other systems are conditions of few rules: they are exceptions.
        let is_fact = |variable: &u32| {
            let input = variable.checked_sub(1).map(|at| self.inputs[at as usize]);
            matches!(input, Some(Column::Fact(_)))
        };
        let mut inputs = self.diagrams.support(&[self.function]);
        inputs.retain(is_fact);
        let most = if inputs.len() > FEW_INPUTS {
            1
        } else {
            MAX_SPLIT
        };
        let mut best: Option<(usize, CrosstabSplit)> = None;
        for chosen in subsets(&inputs, most) {
            let Some((columns, functions)) = self.split(&chosen, most_columns) else {
                continue;
            };
            let usual: Vec<Vec<u32>> = functions.iter().map(|of| self.usual(*of)).collect();
            let lines = distinct_rows(&usual) + usize::from(columns.len() > 1) + columns.len() / 2;
            let limit = best.as_ref().map_or(usize::MAX, |(lines, _)| *lines);
            if lines >= limit {
                continue;
            }
            let most = MAX_EXCEPTIONS.min((limit - lines - 1) / EXCEPTION);
            let Some(exceptions) = self.exceptions(&columns, &usual, most) else {
                continue;
            };
            let lines = lines + EXCEPTION * exceptions.len();
            let split = CrosstabSplit {
                columns,
                usual,
                exceptions,
            };
            best = Some((lines, split));
        }
        best.map(|(_, split)| split)
    }

    /// The combinations of the values of some inputs, by the function within them; `None` if there would be too many.
    fn split(
        &mut self,
        chosen: &[u32],
        most: usize,
    ) -> Option<(Vec<Vec<CubeValues>>, Vec<Diagram>)> {
        let mut combinations = vec![(Vec::new(), self.function)];
        for variable in chosen {
            let values = self.values(*variable);
            if combinations.len() * values.len() > MAX_COMBINATIONS {
                return None;
            }
            let mut next = Vec::new();
            for (combination, function) in combinations {
                for value in &values {
                    let mut longer = combination.clone();
                    longer.push((*variable, vec![*value]));
                    next.push((longer, self.diagrams.restrict(function, *variable, *value)));
                }
            }
            combinations = next;
        }
        let mut columns: Vec<Vec<_>> = Vec::new();
        let mut functions: Vec<Diagram> = Vec::new();
        for (combination, function) in combinations {
            match functions.iter().position(|known| *known == function) {
                Some(at) => columns[at].push(combination),
                None if functions.len() == most.max(1) => return None,
                None => {
                    functions.push(function);
                    columns.push(vec![combination]);
                }
            }
        }
        Some((columns, functions))
    }

    /// For each state entered, the outcome in most situations, as a leaf.
    fn usual(&mut self, function: Diagram) -> Vec<u32> {
        let nearest = self.nearest();
        let states = 0..self.entered_states();
        let usual = states.map(|state| {
            let of = self.diagrams.restrict(function, 0, state);
            let normal = self.diagrams.evaluate(of, &nearest);
            let leaves = self.diagrams.leaves(of).into_iter();
            let most = leaves.max_by_key(|leaf| {
                let count = self.diagrams.count(of, &|other| other == *leaf);
                (count, *leaf == normal)
            });
            most.unwrap_or(normal)
        });
        usual.collect()
    }

    /// What the columns do not say; `None` for more than `most`.
    fn exceptions(
        &mut self,
        columns: &[Vec<CubeValues>],
        usual: &[Vec<u32>],
        most: usize,
    ) -> Option<Vec<CrosstabException>> {
        let states = self.entered_states();
        let mut shown: Vec<Diagram> = vec![Diagram::ZERO; states as usize];
        for (column, usual) in columns.iter().zip(usual) {
            let region = self.region(column);
            for (shown, leaf) in shown.iter_mut().zip(usual) {
                let here = self.diagrams.and_then(region, Diagram::leaf(*leaf));
                *shown = self.diagrams.or_else(*shown, here);
            }
        }
        let shown = self.diagrams.node(0, &shown);
        let within = self.diagrams.product_of(&self.scope);
        let nearest = self.nearest();
        let mut exceptions = Vec::new();
        for leaf in self.diagrams.leaves(self.function) {
            let has = |diagrams: &mut DiagramStore, of| {
                diagrams.map(of, &mut |other| u32::from(other == leaf))
            };
            let allowed = has(&mut self.diagrams, self.function);
            let known = has(&mut self.diagrams, shown);
            let needed = self.diagrams.without(allowed, known);
            let needed = self.diagrams.and_then(within, needed);
            let left = most - exceptions.len();
            let cubes = self
                .diagrams
                .cover_within(needed, allowed, &nearest, left)?;
            let outcome = self.outcomes[leaf as usize - 1];
            for mut cube in cubes {
                self.keep_needed_states(&mut cube, needed);
                let part = self.part(&cube);
                exceptions.push(CrosstabException { part, outcome });
            }
        }
        exceptions.sort_by(|a, b| a.part.states.cmp(&b.part.states));
        Some(exceptions)
    }

    /// Removes the states of a cube for which nothing in it is needed.
    fn keep_needed_states(&mut self, cube: &mut Cube, needed: Diagram) {
        let within = self.diagrams.product_of(&cube.0);
        let needed = self.diagrams.and_then(within, needed);
        let states = cube.0.iter_mut().find(|(variable, _)| *variable == 0);
        if let Some((_, states)) = states {
            states.retain(|state| self.diagrams.restrict(needed, 0, *state) != Diagram::ZERO);
        }
    }

    /// The conditions of each column.
    fn columns(&mut self, split: &CrosstabSplit) -> Option<Vec<Vec<CrosstabConditions>>> {
        let nearest = self.nearest();
        let mut columns = Vec::new();
        for column in &split.columns {
            let region = self.region(column);
            let within = self.diagrams.product_of(&self.scope);
            let outside = self.diagrams.not(within);
            let allowed = self.diagrams.or_else(region, outside);
            let region = self.diagrams.and_then(within, region);
            let cubes = self
                .diagrams
                .cover_within(region, allowed, &nearest, MAX_ALTERNATIVES)?;
            columns.push(cubes.iter().map(|cube| self.conditions(cube)).collect());
        }
        Some(columns)
    }

    fn rows(&self, split: &CrosstabSplit) -> Vec<CrosstabRow> {
        let mut rows: Vec<(Vec<u32>, Vec<StateId>)> = Vec::new();
        for number in 0..self.entered_states() as usize {
            let state = StateId::from_index(self.from, number);
            let leaves: Vec<u32> = split.usual.iter().map(|usual| usual[number]).collect();
            match rows.iter_mut().find(|(known, _)| *known == leaves) {
                Some((_, states)) => states.push(state),
                None => rows.push((leaves, vec![state])),
            }
        }
        let outcome = |leaf: &u32| self.outcomes[*leaf as usize - 1];
        let rows = rows.into_iter().map(|(leaves, states)| CrosstabRow {
            states: states.into(),
            outcomes: leaves.iter().map(outcome).collect(),
        });
        rows.collect()
    }

    /// Where each text joins.
    fn appendices(
        &mut self,
        texts: Vec<String>,
        joins: &[Diagram],
    ) -> Option<Vec<(String, Vec<CrosstabPart>)>> {
        let outcomes = &self.outcomes;
        let sets = self.diagrams.map(self.function, &mut |leaf| {
            u32::from(outcomes[leaf as usize - 1].commands())
        });
        let within = self.diagrams.product_of(&self.scope);
        let sets = self.diagrams.and_then(within, sets);
        let elsewhere = self.diagrams.not(sets);
        let nearest = self.nearest();
        let mut appendices = Vec::new();
        for (text, joins) in texts.into_iter().zip(joins) {
            let allowed = self.diagrams.or_else(*joins, elsewhere);
            let cubes = self
                .diagrams
                .cover_within(*joins, allowed, &nearest, MAX_ALTERNATIVES)?;
            let parts = cubes.iter().map(|cube| self.part(cube)).collect();
            appendices.push((text, parts));
        }
        Some(appendices)
    }

    fn part(&self, cube: &Cube) -> CrosstabPart {
        let states = cube.0.iter().find(|(variable, _)| *variable == 0);
        let state = |number: &u32| StateId::from_index(self.from, *number as usize);
        CrosstabPart {
            states: states.map(|(_, numbers)| numbers.iter().map(state).collect()),
            when: self.conditions(cube),
        }
    }

    /// Without the state entered.
    fn conditions(&self, cube: &Cube) -> CrosstabConditions {
        let inputs = cube.0.iter().filter(|(variable, _)| *variable != 0);
        let condition = |(variable, values): &(u32, Vec<u32>)| {
            let column = self.inputs[*variable as usize - 1];
            (column, values.clone().into_boxed_slice())
        };
        let mut conditions: CrosstabConditions = inputs.map(condition).collect();
        conditions.sort();
        conditions
    }
}

/// The number of states with different outcomes.
fn distinct_rows(usual: &[Vec<u32>]) -> usize {
    let states = usual.first().map_or(0, Vec::len);
    let mut rows: Vec<Vec<u32>> = (0..states)
        .map(|state| usual.iter().map(|column| column[state]).collect())
        .collect();
    rows.sort_unstable();
    rows.dedup();
    rows.len()
}

/// All subsets of at most `most`, the smaller ones first.
fn subsets(of: &[u32], most: usize) -> Vec<Vec<u32>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for at in from..to {
            let last = all[at].last().copied();
            let more = of
                .iter()
                .filter(|next| last.is_none_or(|last| last < **next));
            let longer: Vec<Vec<u32>> =
                more.map(|next| [&all[at][..], &[*next]].concat()).collect();
            all.extend(longer);
        }
        from = to;
    }
    all
}
