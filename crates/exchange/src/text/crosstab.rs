//! Tables as grids in words, as `show`, pages and sheets draw them. Names stand plain, because nothing here is source.

mod ways;

pub use ways::{GridWay, GridWays, ways};

use presync::in_list;
use presync::{Crosstab, CrosstabConditions, CrosstabPart, CrosstabRow, Program, quote_text};
use presync_engine::{
    Column, Direction, FactKind, Outcome, Schema, StateId, SystemId, Table, Tables, TooComplex,
};

/// Columns of a grid, if there is room.
pub const MOST_COLUMNS: usize = 6;

/// With more states than this, the last row of a grid is "everything else".
const FEW_STATES: usize = 3;

/// A table in words, for the roles that share it.
pub struct TableGrid<'t> {
    /// Empty in a program without roles.
    pub roles: Vec<&'t str>,
    pub direction: Direction,
    /// The systems that change and follow.
    pub from: &'t str,
    pub to: &'t str,
    pub content: GridContent<'t>,
}

impl TableGrid<'_> {
    /// `Agents, Supervisors: cic → lync`; in a program without roles only the systems.
    pub fn title(&self) -> String {
        title(&self.roles, &format!("{} → {}", self.from, self.to))
    }
}

/// What is about some roles; in a program without roles they are not named.
pub fn title(roles: &[&str], about: &str) -> String {
    if roles.is_empty() {
        about.to_owned()
    } else {
        format!("{}: {about}", roles.join(", "))
    }
}

pub enum GridContent<'t> {
    /// Nothing in the other system ever changes.
    Nothing,
    Grid(GridText),
    /// It has too many exceptions for a grid.
    Rows(&'t Table),
}

/// Lists are lists, so that lines break between their items.
pub struct GridText {
    /// `only when in_queue and user_type is im (otherwise unmapped)`
    pub scope: Option<String>,
    /// What the columns are about if it is one input.
    pub about: String,
    /// The conditions of each column, of which one holds. A single column has none.
    pub columns: Vec<Vec<String>>,
    /// The conditions of the scope, and of each column.
    pub conditions: (CrosstabConditions, Vec<Vec<CrosstabConditions>>),
    pub rows: Vec<GridRow>,
    /// `+ "in queue" when in_queue`, `free when lync is Busy: unchanged`
    pub sentences: Vec<String>,
}

impl GridText {
    /// The head of each column but the first, which is about the system `from`.
    pub fn heads(&self, to: &str) -> Vec<String> {
        let heads = self.columns.iter().map(|head| match &head[..] {
            [] => to.to_owned(),
            [other] if other == OTHERWISE => format!("{to} {OTHERWISE}"),
            _ if self.about.is_empty() => format!("{to} when {}", head.join(" or ")),
            _ => format!("{to} when {} is {}", self.about, head.join(" or ")),
        });
        heads.collect()
    }
}

pub struct GridRow {
    /// Groups, with their number of states, and states.
    pub states: Vec<String>,
    /// Every state of the row.
    pub entered: Box<[StateId]>,
    pub cells: Vec<GridCell>,
}

pub struct GridCell {
    pub text: String,
    pub outcome: Outcome,
}

/// What stands above a column for all that no other column is about.
const OTHERWISE: &str = "otherwise";

/// The words for states and conditions.
struct GridWords<'t> {
    schema: &'t Schema,
    /// The groups of the program, the largest first.
    groups: Vec<(&'t str, &'t [StateId])>,
}

/// The groups that grids name, with their states: `cic away: At Lunch, Gone Home`.
pub fn groups(program: &Program) -> Vec<String> {
    let groups = program.groups.iter().filter(|group| group.states.len() > 1);
    let groups = groups.map(|group| {
        let states = group.states.iter();
        let states: Vec<String> = states
            .map(|state| in_list(&program.state(*state).name))
            .collect();
        let system = &program.system(group.system).name;
        format!("{system} {}: {}", group.name, states.join(", "))
    });
    groups.collect()
}

/// Every table of some roles, the same ones once. `program`: where the tables are from, for the names of groups.
///
/// # Errors
/// A role is too complex.
pub fn grids<'t>(
    tables: &'t Tables,
    program: Option<&'t Program>,
    most_columns: usize,
    is_shown: &dyn Fn(&str, Direction) -> bool,
) -> Result<Vec<TableGrid<'t>>, TooComplex> {
    let schema: &Schema = tables.schema();
    let words = GridWords::new(schema, program);
    let mut grids: Vec<(Option<Crosstab>, TableGrid<'t>)> = Vec::new();
    for role in tables.roles() {
        for table in role.tables()? {
            let direction = table.direction();
            if !is_shown(role.name(), direction) {
                continue;
            }
            let crosstab = presync::crosstab(schema, table, most_columns);
            let known = grids.iter_mut().find(|(known, grid)| {
                grid.direction == direction && known.is_some() && *known == crosstab
            });
            if let Some((_, grid)) = known {
                grid.roles.push(role.name());
                continue;
            }
            let content = match &crosstab {
                Some(crosstab) if is_nothing(crosstab) => GridContent::Nothing,
                Some(crosstab) => GridContent::Grid(words.grid(crosstab)),
                None if schema.states(direction.from()).len() == 0 => GridContent::Nothing,
                None => GridContent::Rows(table),
            };
            let name = |system| schema.system(system).name.as_str();
            let grid = TableGrid {
                roles: (!role.is_implicit())
                    .then(|| role.name())
                    .into_iter()
                    .collect(),
                direction,
                from: name(direction.from()),
                to: name(direction.to()),
                content,
            };
            grids.push((crosstab, grid));
        }
    }
    Ok(grids.into_iter().map(|(_, grid)| grid).collect())
}

fn is_nothing(crosstab: &Crosstab) -> bool {
    let mut outcomes = crosstab.rows.iter().flat_map(|row| &row.outcomes);
    crosstab.exceptions.is_empty() && outcomes.all(|outcome| !outcome.commands())
}

impl<'t> GridWords<'t> {
    fn new(schema: &'t Schema, program: Option<&'t Program>) -> Self {
        let groups = program.into_iter().flat_map(Program::groups);
        let mut groups: Vec<_> = groups.filter(|(_, states)| states.len() > 1).collect();
        groups.sort_by_key(|(_, states)| std::cmp::Reverse(states.len()));
        Self { schema, groups }
    }

    fn grid(&self, crosstab: &Crosstab) -> GridText {
        let scope = self.all(&crosstab.scope);
        let otherwise = self.outcome(crosstab.otherwise);
        let scope = (!scope.is_empty())
            .then(|| format!("only when {} (otherwise {otherwise})", scope.join(" and ")));
        let about = single_input(&crosstab.columns);
        let mut columns: Vec<(usize, Vec<String>)> = crosstab
            .columns
            .iter()
            .map(|column| self.column(column, about))
            .enumerate()
            .collect();
        match &mut columns[..] {
            [(_, only)] => only.clear(),
            // The longest condition is what is left after the others.
            several => {
                several.sort_by_key(|(_, head)| head.len() > FEW_STATES);
                if let Some((_, last)) = several
                    .last_mut()
                    .filter(|(_, head)| head.len() > FEW_STATES)
                {
                    *last = vec![OTHERWISE.to_owned()];
                }
            }
        }
        let mut rows: Vec<&CrosstabRow> = crosstab.rows.iter().collect();
        // What sets nothing comes last.
        rows.sort_by_key(|row| !row.outcomes.iter().any(|outcome| outcome.commands()));
        let last = rows.len() - 1;
        let rows = rows.iter().enumerate().map(|(at, row)| {
            let quiet = !row.outcomes.iter().any(|outcome| outcome.commands());
            let states = match row.states.len() {
                all if at == last && last == 0 => vec![format!("any ({all})")],
                many if at == last && quiet && many > FEW_STATES => {
                    vec![format!("everything else ({many})")]
                }
                _ => self.states(&row.states),
            };
            let cells = columns.iter().map(|(at, _)| GridCell {
                text: self.cell(row.outcomes[*at]),
                outcome: row.outcomes[*at],
            });
            GridRow {
                states,
                entered: row.states.clone(),
                cells: cells.collect(),
            }
        });
        let texts = crosstab.appendices.iter().map(|(text, parts)| {
            let parts = parts.iter().map(|part| self.part(part, "for "));
            let parts: Vec<String> = parts.collect();
            format!("+ {} {}", quote_text(text), parts.join(", or "))
        });
        let exceptions = crosstab.exceptions.iter().map(|exception| {
            let outcome = self.outcome(exception.outcome);
            format!("{}: {outcome}", self.part(&exception.part, ""))
        });
        GridText {
            scope,
            about: about.map_or_else(String::new, |input| {
                self.schema.column_name(input).to_owned()
            }),
            rows: rows.collect(),
            conditions: (
                crosstab.scope.clone(),
                columns
                    .iter()
                    .map(|(at, _)| crosstab.columns[*at].clone())
                    .collect(),
            ),
            columns: columns.into_iter().map(|(_, head)| head).collect(),
            sentences: texts.chain(exceptions).collect(),
        }
    }

    /// The values of the one input, or the conditions of which one holds.
    fn column(&self, column: &[CrosstabConditions], about: Option<Column>) -> Vec<String> {
        match about {
            Some(input) => {
                let values = column.iter().flatten().map(|(_, values)| values);
                let values = values.flat_map(|values| values.iter().copied());
                self.values(input, &values.collect::<Vec<_>>())
            }
            None => {
                let conditions = column.iter().map(|when| self.all(when).join(" and "));
                conditions.collect()
            }
        }
    }

    fn outcome(&self, outcome: Outcome) -> String {
        match outcome {
            Outcome::Unmapped => "unmapped".to_owned(),
            Outcome::Unchanged => "unchanged".to_owned(),
            Outcome::Previous => "previous".to_owned(),
            Outcome::Set(state) => self.schema.state(state).name.clone(),
        }
    }

    /// With a mark, so that it differs from a state of that name.
    fn cell(&self, outcome: Outcome) -> String {
        let words = self.outcome(outcome);
        match outcome {
            Outcome::Unchanged | Outcome::Previous => format!("– {words} –"),
            Outcome::Unmapped | Outcome::Set(_) => words,
        }
    }

    /// `free and At Lunch when in_queue`, `when in_queue`, `always`.
    fn part(&self, part: &CrosstabPart, before: &str) -> String {
        let states = part.states.as_ref();
        let states = states.map(|states| format!("{before}{}", self.all_but(states)));
        let when = self.all(&part.when);
        let when = (!when.is_empty()).then(|| format!("when {}", when.join(" and ")));
        match (states, when) {
            (Some(states), Some(when)) => format!("{states} {when}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "always".to_owned(),
        }
    }

    /// States in a sentence: the others, if they are far fewer.
    fn all_but(&self, states: &[StateId]) -> String {
        let system = states.first().map(|state| state.system());
        let others: Vec<StateId> = system
            .map(|system| self.schema.states(system))
            .into_iter()
            .flatten()
            .filter(|state| !states.contains(state))
            .collect();
        if !others.is_empty() && others.len() * 2 < states.len() {
            format!("all but {}", self.states(&others).join(", "))
        } else {
            self.states(states).join(", ")
        }
    }

    /// Groups with their number of states, and the states that are in none of them.
    fn states(&self, states: &[StateId]) -> Vec<String> {
        self.lists(states, true)
    }

    fn lists(&self, states: &[StateId], counted: bool) -> Vec<String> {
        let mut left: Vec<StateId> = states.to_vec();
        let mut items: Vec<(StateId, String)> = Vec::new();
        for (name, members) in &self.groups {
            if members.iter().all(|member| left.contains(member)) {
                left.retain(|state| !members.contains(state));
                let name = if counted {
                    format!("{} ({})", in_list(name), members.len())
                } else {
                    in_list(name)
                };
                items.push((members[0], name));
            }
        }
        items.extend(
            left.iter()
                .map(|state| (*state, in_list(&self.schema.state(*state).name))),
        );
        items.sort_by_key(|(first, _)| *first);
        items.into_iter().map(|(_, item)| item).collect()
    }

    /// One phrase for each condition: `in_queue`, `user_type is im or dnis`, `lync is Busy by hand`.
    fn all(&self, when: &CrosstabConditions) -> Vec<String> {
        let mut phrases = Vec::new();
        let by_hand = |system: SystemId| {
            let mut found = when.iter();
            found
                .find(|(column, _)| *column == Column::ByHand(system))
                .map(|(_, values)| values.contains(&1))
        };
        for (column, values) in when {
            let name = self.schema.column_name(*column);
            let phrase = match column {
                Column::Fact(fact) if self.schema.fact(*fact).is_flag() => {
                    if values.contains(&1) {
                        name.to_owned()
                    } else {
                        format!("not {name}")
                    }
                }
                Column::Fact(_) => self.is(name, *column, values),
                Column::State(system) => {
                    let phrase = self.is(name, *column, values);
                    match by_hand(*system) {
                        Some(true) => format!("{phrase} by hand"),
                        Some(false) => format!("{phrase} not by hand"),
                        None => phrase,
                    }
                }
                Column::ByHand(system) => {
                    let is_said = when
                        .iter()
                        .any(|(other, _)| *other == Column::State(*system));
                    match values.contains(&1) {
                        _ if is_said => continue,
                        true => format!("{name} is by hand"),
                        false => format!("{name} is not by hand"),
                    }
                }
            };
            phrases.push(phrase);
        }
        phrases
    }

    /// `lync is Busy or Away`, `lync is not Busy`.
    fn is(&self, name: &str, column: Column, values: &[u32]) -> String {
        let size = self.schema.column_size(column);
        let others: Vec<u32> = (0..size).filter(|value| !values.contains(value)).collect();
        if others.len() < values.len() {
            format!(
                "{name} is not {}",
                self.values(column, &others).join(" or ")
            )
        } else {
            format!("{name} is {}", self.values(column, values).join(" or "))
        }
    }

    fn values(&self, column: Column, values: &[u32]) -> Vec<String> {
        let is_true = |value: &u32| if *value == 1 { "yes" } else { "no" }.to_owned();
        match column {
            Column::ByHand(_) => values.iter().map(is_true).collect(),
            Column::Fact(fact) => match &self.schema.fact(fact).kind {
                FactKind::Flag => values.iter().map(is_true).collect(),
                FactKind::Choice { values: names, .. } => values
                    .iter()
                    .map(|value| in_list(&names[*value as usize]))
                    .collect(),
            },
            Column::State(system) => {
                let state = |value: &u32| {
                    let number = value.checked_sub(1)? as usize;
                    Some(StateId::from_index(system, number))
                };
                let states: Vec<StateId> = values.iter().filter_map(state).collect();
                let unknown = values.contains(&0).then(|| "unknown".to_owned());
                let known = self.lists(&states, false).into_iter();
                known.chain(unknown).collect()
            }
        }
    }
}

/// The input that all columns are about, if it is one.
fn single_input(columns: &[Vec<CrosstabConditions>]) -> Option<Column> {
    let mut conditions = columns.iter().flatten();
    let first = conditions.next()?.first()?.0;
    let same = |when: &CrosstabConditions| matches!(&when[..], [(column, _)] if *column == first);
    columns.iter().flatten().all(same).then_some(first)
}
