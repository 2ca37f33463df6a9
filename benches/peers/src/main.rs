//! One decision by Presync and by other engines, from ids and from names. Every decider is first checked against the
//! oracle on all inputs, then timed in this process on the same inputs in the same order.

mod others;

use std::hint::black_box;

use peers::{Input, by_names, inputs, order, tables, text, time, wrong};
use presync::Tables;

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

/// Decides from packed numbers, to the number of a decision, which has outcome and origin.
fn ids(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let dense = table.dense().expect("it is small");
    let outcome = |decision: u32| text(tables, lync, &table.decisions[decision as usize].outcome);
    let packed: Vec<u16> = inputs
        .iter()
        .map(|input| (dense.context(&input.facts, &input.states) + input.state) as u16)
        .collect();
    let by_hand: Vec<u16> = hand_made(dense.len(), &packed, |at| {
        dense.decision(u32::from(packed[at])) as u16
    });
    // In the order of the queries, so that both read their inputs in the same way.
    let asked: Vec<u16> = order.iter().map(|at| packed[usize::from(*at)]).collect();
    let all: Vec<u16> = (0..asked.len() as u16).collect();
    add(
        "ids",
        "dense table made by hand",
        wrong(inputs, |at| {
            outcome(u32::from(by_hand[usize::from(packed[at])]))
        }),
        { time(&all, |at| by_hand[usize::from(asked[at])]) },
    );
    add(
        "ids",
        "presync, packed",
        wrong(inputs, |at| outcome(dense.decision(u32::from(packed[at])))),
        { time(&all, |at| dense.decision(u32::from(asked[at]))) },
    );
    let whole = |at: usize| table.decide(&inputs[at].facts, &inputs[at].states, inputs[at].state);
    add(
        "ids and facts",
        "presync",
        wrong(inputs, |at| text(tables, lync, &whole(at).outcome)),
        time(order, whole),
    );
}

fn hand_made(cells: usize, packed: &[u16], decision: impl Fn(usize) -> u16) -> Vec<u16> {
    let mut table = vec![0; cells];
    for at in 0..packed.len() {
        table[usize::from(packed[at])] = decision(at);
    }
    table
}

/// Decides from strings: the state entered and the user type.
fn names(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let lync = tables.system("lync").expect("it is there");
    let mut decide = by_names(tables, inputs);
    let differ = wrong(inputs, |at| {
        decide(at)
            .map(|found| text(tables, lync, &found.outcome))
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
    let (cic, lync) = (
        tables.system("cic").expect("it is there"),
        tables.system("lync").expect("it is there"),
    );
    let table = tables.table(0, cic, lync);
    let dense = table.dense().expect("it is small");
    let packed: Vec<u16> = inputs
        .iter()
        .map(|input| (dense.context(&input.facts, &input.states) + input.state) as u16)
        .collect();
    let by_hand = hand_made(dense.len(), &packed, |at| {
        dense.decision(u32::from(packed[at])) as u16
    });
    let many: Vec<u16> = order(inputs.len(), 10_000_000)
        .into_iter()
        .map(|at| packed[usize::from(at)])
        .collect();
    let (mut ours, mut theirs) = (vec![0_u16; many.len()], vec![0_u16; many.len()]);
    let mut rounds = (Vec::new(), Vec::new());
    // Alternately, so that both run under the same conditions.
    for _ in 0..11 {
        let start = std::time::Instant::now();
        for (packed, into) in many.iter().zip(&mut theirs) {
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
        "loop over a table made by hand",
        differ,
        rounds.0[5],
    );
    add("batch", "presync, 10 million", differ, rounds.1[5]);
}
