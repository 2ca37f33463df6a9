//! Which states set which in a table, for pictures: read off its grid, with the conditions in words.

use presync::{Crosstab, CrosstabConditions, CrosstabException, CrosstabRow, Program};
use presync_engine::{Outcome, Schema, StateId, Table};

use crate::text::crosstab::{GridWords, MOST_COLUMNS, single_input};

/// Which states set which, with the conditions in words.
pub struct GridWays {
    pub ways: Vec<GridWay>,
    /// The states that set nothing, and what is true of all states: `cic → lync unchanged: meeting (3), Coaching`,
    /// `cic → lync unchanged when lync is Busy by hand`.
    pub notes: Vec<String>,
}

/// A state that sets another one.
pub struct GridWay {
    pub from: StateId,
    pub to: StateId,
    /// `None`: wherever the table decides anything.
    pub when: Option<String>,
}

/// Which states set which in a table; `None` if it has too many exceptions for a grid.
pub fn ways(schema: &Schema, program: Option<&Program>, table: &Table) -> Option<GridWays> {
    let crosstab = presync::crosstab(schema, table, MOST_COLUMNS)?;
    let words = GridWords::new(schema, program);
    let from_states = schema.states(table.direction().from());
    let decides = |at: &usize| {
        let mut outcomes = crosstab.rows.iter().map(|row| row.outcomes[*at]);
        outcomes.any(|outcome| outcome != Outcome::Unmapped)
    };
    // Where nothing is decided, no profile is active.
    let active: Vec<usize> = (0..crosstab.columns.len()).filter(decides).collect();
    let mut ways: Vec<GridWay> = Vec::new();
    let mut unchanged: Vec<(Option<String>, Vec<StateId>)> = Vec::new();
    for state in from_states {
        let row = crosstab.rows.iter().find(|row| row.states.contains(&state));
        let Some(row) = row else { continue };
        let about = |exception: &&CrosstabException| match &exception.part.states {
            Some(states) => states.contains(&state),
            None => exception.outcome.state().is_some(),
        };
        let exceptions: Vec<&CrosstabException> =
            crosstab.exceptions.iter().filter(about).collect();
        let mut outcomes: Vec<Outcome> = active.iter().map(|at| row.outcomes[*at]).collect();
        outcomes.extend(exceptions.iter().map(|exception| exception.outcome));
        let sets = outcomes.iter().any(|outcome| outcome.state().is_some());
        let mut seen: Vec<Outcome> = Vec::new();
        for outcome in outcomes {
            if seen.contains(&outcome) {
                continue;
            }
            seen.push(outcome);
            let when = words.when(&crosstab, (row, &active), &exceptions, outcome);
            match outcome {
                Outcome::Set(to) => ways.push(GridWay {
                    from: state,
                    to,
                    when,
                }),
                // Where a state sets another one, the conditions of that say it.
                Outcome::Unchanged if sets => {}
                Outcome::Unchanged => {
                    match unchanged.iter_mut().find(|(known, _)| *known == when) {
                        Some((_, states)) => states.push(state),
                        None => unchanged.push((when, vec![state])),
                    }
                }
                Outcome::Unmapped | Outcome::Previous => {}
            }
        }
    }
    let name = |system| &schema.system(system).name;
    let (from, to) = (name(table.direction().from()), name(table.direction().to()));
    let unchanged = unchanged.into_iter().map(|(when, states)| {
        let when = when.map_or_else(String::new, |when| format!(" {when}"));
        let states = words.states(&states).join(", ");
        format!("{from} → {to} unchanged{when}: {states}")
    });
    let of_all = crosstab.exceptions.iter();
    let of_all = of_all
        .filter(|exception| exception.part.states.is_none() && exception.outcome.state().is_none());
    let of_all = of_all.map(|exception| {
        let when = words.all(&exception.part.when).join(" and ");
        format!(
            "{from} → {to} {} when {when}",
            words.outcome(exception.outcome)
        )
    });
    Some(GridWays {
        ways,
        notes: unchanged.chain(of_all).collect(),
    })
}

impl GridWords<'_> {
    /// When a state has an outcome: `when in_queue unless lync is Busy by hand`; `None` if in every active column, without
    /// exception.
    fn when(
        &self,
        crosstab: &Crosstab,
        (row, active): (&CrosstabRow, &[usize]),
        exceptions: &[&CrosstabException],
        outcome: Outcome,
    ) -> Option<String> {
        let conditions = |when: &CrosstabConditions| self.all(when).join(" and ");
        let is_here = |at: &&usize| row.outcomes[**at] == outcome;
        let here: Vec<&usize> = active.iter().filter(is_here).collect();
        let about = single_input(&crosstab.columns);
        let mut parts: Vec<String> = Vec::new();
        if here.len() < active.len() {
            let columns = here.iter().flat_map(|at| &crosstab.columns[**at]);
            let alternatives: Vec<CrosstabConditions> = match about {
                Some(input) => {
                    let values = columns.flatten().flat_map(|(_, values)| values.iter());
                    let values: Box<[u32]> = values.copied().collect();
                    if values.is_empty() {
                        Vec::new()
                    } else {
                        vec![vec![(input, values)]]
                    }
                }
                None => columns.cloned().collect(),
            };
            parts.extend(alternatives.iter().map(conditions));
        }
        let also = exceptions.iter().filter(|other| other.outcome == outcome);
        parts.extend(also.map(|also| conditions(&also.part.when)));
        let others = exceptions.iter().filter(|other| other.outcome != outcome);
        let others: Vec<String> = others.map(|other| conditions(&other.part.when)).collect();
        let unless = if others.is_empty() || here.is_empty() {
            String::new()
        } else {
            format!("unless {}", others.join(" or "))
        };
        let when = if parts.is_empty() {
            String::new()
        } else {
            format!("when {}", parts.join(" or "))
        };
        let words: Vec<String> = [when, unless]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        (!words.is_empty()).then(|| words.join(" "))
    }
}
