//! `ping-pong`: a change that bounces between systems and never settles.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::diagram::Ref;
use crate::lint::{Context, Level, Lint, shown, with_situation};
use crate::program::{RoleId, StateId, SystemId, WrittenId};

pub(super) const LINT: Lint = Lint {
    code: "ping-pong",
    default: Level::Deny,
    summary: "a change bounces between systems and never settles",
    explanation: "A change in one system sets another, that change sets the first again to something else, and so on \
without end. All profiles of a role are followed together, with the facts held fixed; that a system reports our own \
commands back as echoes is disregarded, because any report that comes late or twice keeps the loop going. Break the \
loop: leave one of its rules out, or let it end in `unchanged`.",
    bad: "use cic_lync
profile \"P\" {
    cic Available -> lync Away
    lync Away -> cic \"Away from Desk\"
    cic \"Away from Desk\" -> lync Available
    lync Available -> cic Available
}
",
    good: "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Away from Desk\" <-> lync Away
}
",
    find,
};

/// More loops than this of one role say nothing new.
const MAX_LOOPS: usize = 10;

/// A change: a system that has entered a state.
type Node = (SystemId, StateId);

/// Changes that follow each other, each with the rule that makes the next.
type Loop = Vec<(Node, WrittenId)>;

/// A way on: the system and state that are set, and where.
type Edges = Rc<[(Node, Ref)]>;

fn find(context: &mut Context<'_>) {
    for role in context.program.role_ids() {
        let Some(edges) = edges(context, role) else {
            continue;
        };
        let endless = endless(context, &edges);
        report(context, role, &edges, &endless);
    }
}

/// For each change the commands that follow from it, each where it is sent and alters something.
fn edges(context: &mut Context<'_>, role: RoleId) -> Option<FxHashMap<Node, Edges>> {
    let program = context.program;
    let mut edges: FxHashMap<Node, Edges> = FxHashMap::default();
    for from in program.system_ids() {
        for state in program.system(from).states() {
            let others = program.system_ids().filter(|to| *to != from);
            let mut like: Vec<StateId> = others
                .map(|to| context.space.like(role, from, to, state))
                .collect();
            like.dedup();
            if let [like] = *like
                && like != state
            {
                edges.insert((from, state), edges[&(from, like)].clone());
                continue;
            }
            let mut out = Vec::new();
            for to in program.system_ids().filter(|to| *to != from) {
                let change = context.change(role, from, to, state)?;
                for (target, region) in change.sets.iter() {
                    let variable = context.space.of_system(to);
                    let there = context.space.diagrams.test(variable, [target.0 + 1]);
                    let alters = context.space.diagrams.without(*region, there);
                    if alters != Ref::ZERO {
                        out.push(((to, *target), alters));
                    }
                }
            }
            edges.insert((from, state), out.into());
        }
    }
    Some(edges)
}

/// For each change the situations from which it can go on for ever: those that always have a successor among them.
fn endless(context: &mut Context<'_>, edges: &FxHashMap<Node, Edges>) -> FxHashMap<Node, Ref> {
    let mut nodes: Vec<Node> = edges.keys().copied().collect();
    nodes.sort_unstable();
    let mut endless: FxHashMap<Node, Ref> = nodes.iter().map(|node| (*node, Ref::ONE)).collect();
    loop {
        let mut changed = false;
        for node in &nodes {
            if endless[node] == Ref::ZERO {
                continue;
            }
            let ways: Vec<Ref> = edges[node]
                .iter()
                .map(|(next, region)| going_on(context, *node, *next, *region, endless[next]))
                .collect();
            let all = context.space.diagrams.first_of(ways);
            changed |= all != endless[node];
            endless.insert(*node, all);
        }
        if !changed {
            return endless;
        }
    }
}

/// Where `node` leads to `next` and that is in `then`, which is a function of the situation after the step.
fn going_on(
    context: &mut Context<'_>,
    (from, state): Node,
    (to, target): Node,
    region: Ref,
    then: Ref,
) -> Ref {
    let (from, to) = (context.space.of_system(from), context.space.of_system(to));
    let before = context.space.diagrams.restrict(then, from, state.0 + 1);
    let before = context.space.diagrams.restrict(before, to, target.0 + 1);
    context.space.diagrams.mask(region, before)
}

fn report(
    context: &mut Context<'_>,
    role: RoleId,
    edges: &FxHashMap<Node, Edges>,
    endless: &FxHashMap<Node, Ref>,
) {
    let mut starts: Vec<Node> = endless
        .iter()
        .filter(|(_, region)| **region != Ref::ZERO)
        .map(|(node, _)| *node)
        .collect();
    starts.sort_unstable();
    let mut known: Vec<Vec<Node>> = Vec::new();
    for start in starts {
        if known.len() == MAX_LOOPS {
            break;
        }
        if known.iter().any(|known| known.contains(&start)) {
            continue;
        }
        let Some((path, situation)) = follow(context, role, start, edges, endless) else {
            continue;
        };
        let mut sorted: Vec<Node> = path.iter().map(|(node, _)| *node).collect();
        sorted.sort_unstable();
        if known.contains(&sorted) {
            continue;
        }
        known.push(sorted);
        let program = context.program;
        let mut drawn: Vec<String> = path
            .iter()
            .map(|((system, state), _)| shown(program, *system, *state))
            .collect();
        drawn.extend(drawn.first().cloned());
        let mut finding = context.finding(format!(
            "changes{} bounce for ever: {}",
            context.of_role(role),
            drawn.join(" → ")
        ));
        for (at, (_, written)) in path.iter().enumerate() {
            finding = finding.label(
                context.rule_location(*written),
                format!("step {}: {} → {}", at + 1, drawn[at], drawn[at + 1]),
            );
        }
        let finding = finding.help("leave one of these rules out, or let it end in `unchanged`");
        context.report(with_situation(finding, situation));
    }
}

/// Walks on from a change until a situation comes again; returns the loop with the rule of each step.
fn follow(
    context: &mut Context<'_>,
    role: RoleId,
    start: Node,
    edges: &FxHashMap<Node, Edges>,
    endless: &FxHashMap<Node, Ref>,
) -> Option<(Loop, Option<crate::diagnostic::Situation>)> {
    let usual = context.space.usual().to_vec();
    let chosen = context
        .space
        .diagrams
        .witness(endless[&start], &usual, &|leaf| leaf == 1)?;
    let mut situation: Vec<u32> = chosen
        .iter()
        .zip(&usual)
        .map(|(value, usual)| value.unwrap_or(*usual))
        .collect();
    let mut node = start;
    let mut path: Vec<(Node, Vec<u32>, WrittenId)> = Vec::new();
    loop {
        situation[context.space.of_system(node.0) as usize] = node.1.0 + 1;
        if let Some(first) = path
            .iter()
            .position(|(known, before, _)| *known == node && *before == situation)
        {
            let on_loop = path.split_off(first);
            let facts: Vec<Option<u32>> = on_loop
                .first()?
                .1
                .iter()
                .map(|value| Some(*value))
                .collect();
            let regions: Vec<Ref> = on_loop
                .iter()
                .flat_map(|(node, ..)| edges[node].iter().map(|(_, region)| *region))
                .collect();
            let relevant = context.space.diagrams.support(&regions);
            let shown = context
                .space
                .situation(&facts, Some(on_loop.first()?.0), &relevant);
            return Some((
                on_loop
                    .into_iter()
                    .map(|(node, _, written)| (node, written))
                    .collect(),
                Some(shown),
            ));
        }
        let next = edges[&node].iter().find(|(next, region)| {
            let mut after = situation.clone();
            after[context.space.of_system(next.0) as usize] = next.1.0 + 1;
            context.space.diagrams.evaluate(*region, &situation) == 1
                && context.space.diagrams.evaluate(endless[next], &after) == 1
        });
        let (next, _) = next?;
        let change = context.change(role, node.0, next.0, node.1)?;
        let leaf = context.space.diagrams.evaluate(change.decision, &situation);
        let written = context.written(&change.by, leaf)?;
        path.push((node, situation.clone(), written));
        node = *next;
    }
}
