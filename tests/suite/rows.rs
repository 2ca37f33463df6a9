//! The rows that people read decide like the table: outcome, texts and the rule that decides.

use presync::{
    Crosstab, CrosstabConditions, CrosstabPart, Outcome, Rows, Situation, StateId, Tables,
};
use presync_engine::{Cells, Column};

use crate::common::generate::{self, Random};
use crate::common::{check, random_situation, tables};
use crate::tables::first;

fn holds(cells: &Cells, columns: &[Column], situation: &Situation) -> bool {
    cells.iter().zip(columns).all(|(cell, column)| {
        let value = value(*column, situation);
        cell.as_ref().is_none_or(|values| values.contains(&value))
    })
}

fn value(column: Column, situation: &Situation) -> u32 {
    match column {
        Column::Fact(fact) => situation
            .value(fact)
            .map_or(0, |value| value.index() as u32),
        Column::State(system) => situation
            .state(system)
            .map_or(0, |state| state.index() as u32 + 1),
        Column::ByHand(system) => u32::from(situation.is_by_hand(system)),
    }
}

/// What a grid says: the outcome and the texts.
fn read_grid(grid: &Crosstab, situation: &Situation, entered: StateId) -> (Outcome, Vec<String>) {
    let all = |when: &CrosstabConditions| {
        let mut when = when.iter();
        when.all(|(column, values)| values.contains(&value(*column, situation)))
    };
    if !all(&grid.scope) {
        return (grid.otherwise, Vec::new());
    }
    let is_in = |part: &CrosstabPart| {
        let states = part.states.as_ref();
        states.is_none_or(|states| states.contains(&entered)) && all(&part.when)
    };
    let columns = grid.columns.iter().enumerate();
    let columns = columns.filter(|(_, column)| column.iter().any(all));
    let columns: Vec<usize> = columns.map(|(at, _)| at).collect();
    assert_eq!(columns.len(), 1, "a situation is in one column");
    let mut rows = grid.rows.iter().filter(|row| row.states.contains(&entered));
    let row = rows.next().expect("every state has a row");
    assert!(rows.next().is_none(), "a state is in one row");
    let exceptions = grid
        .exceptions
        .iter()
        .filter(|exception| is_in(&exception.part));
    let said: Vec<Outcome> = exceptions.map(|exception| exception.outcome).collect();
    assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
    let outcome = said.first().copied().unwrap_or(row.outcomes[columns[0]]);
    let mut texts: Vec<String> = Vec::new();
    for (text, parts) in grid.appendices.iter().filter(|_| outcome.commands()) {
        if parts.iter().any(is_in) && !texts.contains(text) {
            texts.push(text.clone());
        }
    }
    (outcome, texts)
}

/// The outcome as words, the texts, and the rule that decides.
fn read(rows: &Rows, situation: &Situation, entered: StateId) -> (String, Vec<String>, String) {
    let matches = |cells: &Cells, from: &[StateId]| {
        from.contains(&entered) && holds(cells, &rows.columns, situation)
    };
    let mut found = rows.rows.iter().filter(|row| matches(&row.when, &row.from));
    let row = found.next().expect("rows cover every situation");
    assert!(found.next().is_none(), "rows do not overlap");
    let mut texts: Vec<String> = Vec::new();
    for appended in rows.appendices.iter().filter(|_| row.outcome.commands()) {
        let joins = appended
            .rows
            .iter()
            .any(|row| matches(&row.when, &row.from));
        if joins && !texts.contains(&appended.text) {
            texts.push(appended.text.clone());
        }
    }
    let columns = [&rows.columns[..], &rows.origin_columns[..]].concat();
    let origin = row.origins.iter().find(|part| {
        let from = part
            .from
            .as_ref()
            .is_none_or(|from| from.contains(&entered));
        from && holds(&part.when, &columns, situation)
    });
    let origin = origin.map(|part| format!("{:?}", part.origin));
    (
        format!("{:?}", row.outcome),
        texts,
        origin.unwrap_or_default(),
    )
}

/// Compares the rows of every table in random situations; returns how many tables have rows.
fn compare(tables: &Tables, random: &mut Random, situations: usize, name: &str) -> usize {
    let mut with_rows = 0;
    for role in tables.roles() {
        let all = role.tables().expect("the tables are small");
        let all: Vec<_> = all.iter().collect();
        for (table, rows) in all.iter().zip(presync::rows(tables.schema(), &all)) {
            let Some(rows) = rows else { continue };
            with_rows += 1;
            let from = table.direction().from();
            let states: Vec<StateId> = tables.schema().states(from).collect();
            for _ in 0..situations {
                let situation = random_situation(random, tables, from);
                for entered in &states {
                    let decided = table.decide_with_texts(&situation, *entered);
                    let (decision, texts) = decided.expect("every fact is set");
                    let origin = decision.origin.as_ref().map(|origin| format!("{origin:?}"));
                    let wanted = (
                        format!("{:?}", decision.outcome),
                        texts.iter().map(|text| (*text).to_owned()).collect(),
                        origin.unwrap_or_default(),
                    );
                    let found = read(&rows, &situation, *entered);
                    assert_eq!(found, wanted, "{name}: {situation:?} {entered:?}");
                }
            }
        }
    }
    with_rows
}

/// The grid of every table says what the table decides, in random situations.
#[test]
fn crosstabs_decide_like_their_table() {
    let mut random = Random(7);
    let (mut grids, mut columns, mut exceptions) = (0, 0, 0);
    let mut compare = |tables: &Tables, name: &str| {
        for role in tables.roles() {
            for table in role.tables().expect("the tables are small") {
                let Some(grid) = presync::crosstab(tables.schema(), table, 5) else {
                    continue;
                };
                grids += 1;
                columns += grid.columns.len();
                exceptions += grid.exceptions.len();
                let from = table.direction().from();
                for _ in 0..40 {
                    let situation = random_situation(&mut random, tables, from);
                    for entered in tables.schema().states(from) {
                        let decided = table.decide_with_texts(&situation, entered);
                        let (decision, texts) = decided.expect("every fact is set");
                        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
                        let found = read_grid(&grid, &situation, entered);
                        let wanted = (decision.outcome, texts);
                        assert_eq!(found, wanted, "{name}: {situation:?} {entered:?} {grid:?}");
                    }
                }
            }
        }
    };
    for seed in 0..400 {
        if let Ok(program) = check(&generate::program(seed, 0)) {
            let tables = program.compile().expect("the program is small");
            compare(&tables, &format!("program {seed}"));
        }
    }
    compare(
        &tables(include_str!("../fixtures/programs/previous-text.presync")),
        "previous",
    );
    for name in [
        "contact-centre/contact-centre",
        "teams/teams",
        "large-site/large-site",
    ] {
        let path = format!("examples/{name}.presync");
        let program = crate::common::program_at(&crate::common::root().join(&path));
        compare(&program.compile().expect("it is small"), &path);
    }
    assert!(
        grids > 1_000 && columns > grids && exceptions > 100,
        "{grids} {columns} {exceptions}"
    );
}

#[test]
fn rows_decide_like_their_table() {
    let mut random = Random(11);
    let mut with_rows = 0;
    for seed in 0..400 {
        let source = generate::program(seed, 0);
        if let Ok(program) = check(&source) {
            let tables = program.compile().expect("the program is small");
            with_rows += compare(&tables, &mut random, 40, &format!("program {seed}"));
        }
    }
    assert!(with_rows > 1_000, "{with_rows}");
    // Texts that do not always join what was before.
    let source = include_str!("../fixtures/programs/previous-text.presync");
    assert_eq!(compare(&tables(source), &mut random, 40, "previous"), 2);
}

/// Profiles that all decide the same, so that a single row has all origins: few, many, and too many for rows.
#[test]
fn the_origin_is_the_first_deciding_profile() {
    let mut random = Random(5);
    for (flags, literals, profiles, form) in [
        (9, 4, 80, 1..=200),
        (10, 7, 500, 201..=1_000),
        (12, 6, 300, 0..=0),
    ] {
        let mut source =
            String::from("system a { state x  state y }\nsystem b { state p  state q }\n");
        (0..flags).for_each(|flag| source += &format!("flag f{flag:02}\n"));
        let mut rules: Vec<Vec<(usize, u32)>> = (0..profiles)
            .map(|_| {
                let mut rule: Vec<(usize, u32)> = Vec::new();
                while rule.len() < literals {
                    let flag = random.below(flags);
                    if rule.iter().all(|(known, _)| *known != flag) {
                        rule.push((flag, u32::from(random.chance(50))));
                    }
                }
                rule
            })
            .collect();
        // The last profile always applies.
        rules.push(Vec::new());
        for (at, rule) in rules.iter().enumerate() {
            let literal = |(flag, value): &(usize, u32)| {
                format!("{}f{flag:02}", if *value == 1 { "" } else { "not " })
            };
            let literals: Vec<String> = rule.iter().map(literal).collect();
            let when = if rule.is_empty() {
                String::new()
            } else {
                format!("when {}: ", literals.join(" and "))
            };
            source += &format!("profile \"P{at}\" {{ {when}a x -> b p }}\n");
        }
        let tables = tables(&source);
        compare(&tables, &mut random, 300, "agreeing");
        let rows = presync::rows(tables.schema(), &[first(&tables)]).remove(0);
        let origins = rows.map(|rows| rows.rows.iter().map(|row| row.origins.len()).max());
        let origins = origins.flatten().unwrap_or(0);
        assert!(
            form.contains(&origins),
            "{origins} origins, {form:?} wanted"
        );
        let read = Tables::from_json(&tables.to_json().expect("the tables are small"))
            .expect("exported tables can be read");
        for bits in 0..1_u32 << flags {
            let facts: Vec<u32> = (0..flags).map(|flag| bits >> flag & 1).collect();
            let given = |tables: &Tables| {
                facts
                    .iter()
                    .enumerate()
                    .fold(tables.situation(), |given, (flag, value)| {
                        given
                            .set(&format!("f{flag:02}"), *value == 1)
                            .expect("it exists")
                    })
            };
            let holds =
                |rule: &Vec<(usize, u32)>| rule.iter().all(|(flag, value)| facts[*flag] == *value);
            let wanted = rules.iter().position(holds).map(|at| format!("P{at}"));
            for tables in [&tables, &read] {
                let x = tables.state("a", "x").expect("it exists");
                let decided = first(tables)
                    .decide(&given(tables), x)
                    .expect("the state belongs to a");
                let profile = decided.origin.as_ref().map(|origin| origin.profile.clone());
                assert_eq!(profile, wanted, "{facts:?}");
            }
        }
    }
}
