//! One decision by Presync and by other engines, from ids and from names. Every decider is first checked against the
//! oracle on all inputs, then timed in this process on the same inputs in the same order.

mod others;

use std::hint::black_box;

use peers::{Input, by_names, decided, inputs, order, table, tables, text, time, wrong};
use presync::{Column, Tables, ValueId};
use presync_engine::{DecisionId, Dense, Packed, Values};

/// A decider and its time in nanoseconds per decision.
struct Row {
    kind: &'static str,
    name: &'static str,
    nanoseconds: f64,
}

fn main() {
    let tables = tables();
    let inputs = inputs(&tables);
    let order = order(inputs.len(), 4096);
    let mut rows = Vec::new();
    let mut add = |kind, name, wrong: usize, nanoseconds| {
        assert_eq!(wrong, 0, "{name} decides otherwise than the oracle");
        eprintln!(
            "{name}: {} inputs as the oracle, {nanoseconds:.2} ns",
            inputs.len()
        );
        rows.push(Row {
            kind,
            name,
            nanoseconds,
        });
    };
    ids(&tables, &inputs, &order, &mut add);
    names(&tables, &inputs, &order, &mut add);
    batch(&tables, &inputs, &mut add);
    others::all(&tables, &inputs, &order, &mut |name, wrong, nanoseconds| {
        add("names", name, wrong, nanoseconds)
    });
    print(&rows);
}

fn print(rows: &[Row]) {
    println!("| decider | in | ns/decision | times Presync |");
    println!("|---|---|---:|---:|");
    for row in rows {
        let ours = rows
            .iter()
            .find(|other| other.kind == row.kind && other.name.starts_with("presync"));
        let ratio = ours.map_or(1.0, |ours| row.nanoseconds / ours.nanoseconds);
        println!(
            "| {} | {} | {:.2} | {ratio:.2} |",
            row.name, row.kind, row.nanoseconds
        );
    }
}

type Add<'a> = dyn FnMut(&'static str, &'static str, usize, f64) + 'a;

/// The inputs, packed, and the decision of each combination of inputs as a plain table by position.
fn packed(dense: &Dense, inputs: &[Input]) -> (Vec<Packed>, Vec<u16>, Vec<u16>) {
    let all: Vec<Packed> = dense.all().collect();
    let mut packed = vec![all[0]; inputs.len()];
    for (input, into) in inputs.iter().zip(&mut packed) {
        let facts = input.situation.schema().facts();
        let values: Vec<[ValueId; 1]> = facts
            .map(|(fact, _)| [input.situation.value(fact).expect("every fact is set")])
            .collect();
        let column = |column| match column {
            Column::Fact(fact) => Values::Facts(&values[fact.index()]),
            Column::State(_) => Values::States(&[None]),
        };
        dense.pack(&[input.state], column, std::slice::from_mut(into));
    }
    let places = packed.iter().map(|packed| {
        let place = all.iter().position(|other| other == packed);
        place.expect("every combination is listed") as u16
    });
    let places = places.collect();
    let mut by_hand = vec![0; all.len()];
    dense.decisions(&all, &mut by_hand);
    (packed, places, by_hand)
}

/// Decides from packed numbers, to the number of a decision, which has outcome and origin.
fn ids(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let table = table(tables);
    let dense = table.dense().expect("the table is small");
    let (packed, places, by_hand) = packed(dense, inputs);
    let ids: Vec<DecisionId> = packed.iter().map(|packed| dense.decision(*packed)).collect();
    let outcome = |decision: u16| {
        let id = ids.iter().find(|id| id.index() == usize::from(decision));
        decided(tables, *id.expect("some input has it"))
    };
    // In the order of the queries, so that both read their inputs in the same way.
    let asked: Vec<Packed> = order.iter().map(|at| packed[usize::from(*at)]).collect();
    let asked_places: Vec<u16> = order.iter().map(|at| places[usize::from(*at)]).collect();
    let all: Vec<u16> = (0..asked.len() as u16).collect();
    add(
        "ids",
        "dense table written by hand",
        wrong(inputs, |at| outcome(by_hand[usize::from(places[at])])),
        time(&all, |at| by_hand[usize::from(asked_places[at])]),
    );
    add(
        "ids",
        "presync, packed",
        wrong(inputs, |at| decided(tables, dense.decision(packed[at]))),
        time(&all, |at| dense.decision(asked[at])),
    );
    let whole = |at: usize| table.decide(&inputs[at].situation, inputs[at].state).expect("every choice is set");
    add(
        "ids and facts",
        "presync",
        wrong(inputs, |at| {
            let Input { situation, state, .. } = &inputs[at];
            let (decision, texts) = table.decide_with_texts(situation, *state).expect("every choice is set");
            text(tables, &decision.outcome, &texts)
        }),
        time(order, |at| std::ptr::from_ref(whole(at))),
    );
}

/// Decides from strings: the state entered and the user type.
fn names(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let mut decide = by_names(tables, inputs);
    // The texts are a function of their own, which this does not ask.
    let differ = wrong(inputs, |at| {
        let texts: Vec<&str> = inputs[at].wanted.split(", ").skip(1).collect();
        decide(at)
            .map(|found| text(tables, &found.outcome, &texts))
            .unwrap_or_default()
    });
    add(
        "names",
        "presync",
        differ,
        time(order, |at| decide(at).map(std::ptr::from_ref)),
    );
    let by_hand = |at: usize| {
        let input = &inputs[at];
        others::by_hand(
            &input.entered,
            &input.user_type,
            (input.cic_logged_in, input.lync_logged_in, input.in_queue),
        )
    };
    add(
        "names",
        "match written by hand",
        wrong(inputs, |at| by_hand(at).to_owned()),
        time(order, by_hand),
    );
}

/// Decides ten million packed inputs at once.
fn batch(tables: &Tables, inputs: &[Input], add: &mut Add<'_>) {
    let dense = table(tables).dense().expect("the table is small");
    let (packed, places, by_hand) = packed(dense, inputs);
    let order = order(inputs.len(), 10_000_000);
    let many: Vec<Packed> = order.iter().map(|at| packed[usize::from(*at)]).collect();
    let many_places: Vec<u16> = order.iter().map(|at| places[usize::from(*at)]).collect();
    let (mut ours, mut theirs) = (vec![0_u16; many.len()], vec![0_u16; many.len()]);
    let mut rounds = (Vec::new(), Vec::new());
    // Alternately, so that both run under the same conditions.
    for _ in 0..11 {
        let start = std::time::Instant::now();
        for (packed, into) in many_places.iter().zip(&mut theirs) {
            *into = by_hand[usize::from(*packed)];
        }
        rounds
            .0
            .push(start.elapsed().as_secs_f64() * 1e9 / many.len() as f64);
        black_box(&mut theirs);
        let start = std::time::Instant::now();
        dense.decisions(&many, &mut ours);
        rounds
            .1
            .push(start.elapsed().as_secs_f64() * 1e9 / many.len() as f64);
        black_box(&mut ours);
    }
    let differ = ours
        .iter()
        .zip(&theirs)
        .filter(|(ours, theirs)| ours != theirs)
        .count();
    rounds.0.sort_by(f64::total_cmp);
    rounds.1.sort_by(f64::total_cmp);
    add(
        "batch",
        "loop over a table written by hand",
        differ,
        rounds.0[5],
    );
    add("batch", "presync, 10 million", differ, rounds.1[5]);
}
