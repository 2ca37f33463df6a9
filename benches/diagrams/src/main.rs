//! Computes which of 2,000 rules decides, over 40 flags and 4 choices of 10 values, with three kinds of diagrams. Run
//! `cargo run --release` in this folder. Each result is checked against the rules on sampled situations.

use std::time::Instant;

use biodivine_lib_bdd::{Bdd, BddPartialValuation, BddVariable, BddVariableSet};
use oxidd::bdd::BDDFunction;
use oxidd::{BooleanFunction, Manager, ManagerRef};
use presync::internal::{DiagramStore, Diagram};

const FLAGS: usize = 40;
const CHOICES: usize = 4;
const RULES: usize = 2_000;

/// A rule: the value of each choice, a flag that must be true and one that must be false.
struct Rule {
    choices: [u32; CHOICES],
    holds: usize,
    fails: usize,
}

fn rules() -> Vec<Rule> {
    let digit = |rule: usize, at: usize| (rule / 10_usize.pow(at as u32) % 10) as u32;
    (0..RULES)
        .map(|rule| Rule {
            choices: std::array::from_fn(|at| digit(rule, at)),
            holds: rule % FLAGS,
            fails: (rule * 7 + 1) % FLAGS,
        })
        .collect()
}

fn main() {
    let rules = rules();
    println!("{:<22} {:>9} {:>9}  what it is", "diagram", "ms", "nodes");
    let row = |name: &str, start: Instant, nodes: usize, what: &str| {
        println!(
            "{name:<22} {:>9.1} {nodes:>9}  {what}",
            start.elapsed().as_secs_f64() * 1e3
        );
    };
    let start = Instant::now();
    let (diagrams, root) = ours(&rules);
    row(
        "ours",
        start,
        diagrams.size(root),
        "one diagram: a leaf is the rule",
    );
    check(&rules, |situation| {
        diagrams
            .evaluate(root, situation)
            .checked_sub(1)
            .map(|rule| rule as usize)
    });
    let start = Instant::now();
    let bits = biodivine(&rules);
    row(
        "biodivine-lib-bdd",
        start,
        bits.iter().map(Bdd::size).sum(),
        "eleven diagrams: the bits of the rule's number",
    );
    let start = Instant::now();
    let nodes = oxidd(&rules);
    row("oxidd (bdd)", start, nodes, "the same");
}

/// Compares with a linear search of the rules.
fn check(rules: &[Rule], decide: impl Fn(&[u32]) -> Option<usize>) {
    let mut seed = 1_u64;
    let mut next = |limit: u32| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) % u64::from(limit)) as u32
    };
    let mut found = 0;
    for _ in 0..100_000 {
        let mut situation: Vec<u32> = (0..CHOICES)
            .map(|at| next(if at == CHOICES - 1 { 2 } else { 10 }))
            .collect();
        situation.extend((0..FLAGS).map(|_| next(2)));
        let flag = |at: usize| situation[CHOICES + at];
        let wanted = rules.iter().position(|rule| {
            rule.choices[..] == situation[..CHOICES]
                && flag(rule.holds) == 1
                && flag(rule.fails) == 0
        });
        assert_eq!(decide(&situation), wanted);
        found += usize::from(wanted.is_some());
    }
    assert!(found > 1_000);
}

fn ours(rules: &[Rule]) -> (DiagramStore, Diagram) {
    let sizes = std::iter::repeat_n(10, CHOICES)
        .chain(std::iter::repeat_n(2, FLAGS))
        .collect();
    let mut diagrams = DiagramStore::new(sizes, 20_000_000);
    let cubes: Vec<Diagram> = rules
        .iter()
        .enumerate()
        .map(|(at, rule)| {
            let mut cube = Diagram::leaf(at as u32 + 1);
            let tests = [
                ((CHOICES + rule.fails) as u32, 0),
                ((CHOICES + rule.holds) as u32, 1),
            ];
            let choices = rule
                .choices
                .iter()
                .enumerate()
                .map(|(choice, value)| (choice as u32, *value));
            for (variable, value) in tests.into_iter().chain(choices) {
                let test = diagrams.literal(variable, [value]);
                cube = diagrams.and_then(test, cube);
            }
            cube
        })
        .collect();
    let root = diagrams.union(cubes);
    (diagrams, root)
}

/// The variable of one of the four bits that encode a choice.
fn bit(choice: usize, bit: usize) -> usize {
    choice * 4 + bit
}

fn literals(rule: &Rule) -> Vec<(usize, bool)> {
    let choices = rule.choices.iter().enumerate();
    let mut literals: Vec<(usize, bool)> = choices
        .flat_map(|(choice, value)| (0..4).map(move |at| (bit(choice, at), value >> at & 1 == 1)))
        .collect();
    literals.extend([
        (CHOICES * 4 + rule.holds, true),
        (CHOICES * 4 + rule.fails, false),
    ]);
    literals
}

fn biodivine(rules: &[Rule]) -> Vec<Bdd> {
    let variables = BddVariableSet::new_anonymous((CHOICES * 4 + FLAGS) as u16);
    let cubes: Vec<Bdd> = rules
        .iter()
        .map(|rule| {
            let values: Vec<(BddVariable, bool)> = literals(rule)
                .into_iter()
                .map(|(at, value)| (BddVariable::from_index(at), value))
                .collect();
            variables.mk_conjunctive_clause(&BddPartialValuation::from_values(&values))
        })
        .collect();
    (0..11)
        .map(|number| {
            let mut of_bit: Vec<Bdd> = cubes
                .iter()
                .enumerate()
                .filter(|(at, _)| (at + 1) >> number & 1 == 1)
                .map(|(_, cube)| cube.clone())
                .collect();
            while of_bit.len() > 1 {
                of_bit = of_bit
                    .chunks(2)
                    .map(|pair| {
                        if let [a, b] = pair {
                            a.or(b)
                        } else {
                            pair[0].clone()
                        }
                    })
                    .collect();
            }
            of_bit.pop().unwrap_or_else(|| variables.mk_false())
        })
        .collect()
}

fn oxidd(rules: &[Rule]) -> usize {
    let manager = oxidd::bdd::new_manager(4_000_000, 4_000_000, 1);
    let count = (CHOICES * 4 + FLAGS) as u32;
    let variables: Vec<BDDFunction> = manager.with_manager_exclusive(|manager| {
        manager.add_vars(count);
        (0..count)
            .map(|at| BDDFunction::var(manager, at).expect("there is room"))
            .collect()
    });
    let cubes: Vec<BDDFunction> = rules
        .iter()
        .map(|rule| {
            let mut parts = literals(rule).into_iter().rev().map(|(at, value)| {
                if value {
                    variables[at].clone()
                } else {
                    variables[at].not().expect("there is room")
                }
            });
            let first = parts.next().expect("a rule has literals");
            parts.fold(first, |cube, part| cube.and(&part).expect("there is room"))
        })
        .collect();
    (0..11)
        .map(|number| {
            let mut of_bit: Vec<BDDFunction> = cubes
                .iter()
                .enumerate()
                .filter(|(at, _)| (at + 1) >> number & 1 == 1)
                .map(|(_, cube)| cube.clone())
                .collect();
            while of_bit.len() > 1 {
                of_bit = of_bit
                    .chunks(2)
                    .map(|pair| {
                        if let [a, b] = pair {
                            a.or(b).expect("there is room")
                        } else {
                            pair[0].clone()
                        }
                    })
                    .collect();
            }
            of_bit
                .pop()
                .map_or(0, |of| oxidd::Function::node_count(&of))
        })
        .sum()
}
