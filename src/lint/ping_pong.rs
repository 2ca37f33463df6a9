//! `ping-pong`: a change that bounces between systems and never settles.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint, shown};
use crate::program::{Change, RoleId, RuleSourceId, StateId};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "ping-pong",
        default: Some(Level::Error),
        summary: "an infinite loop between systems",
        explanation: "A change in one system sets another system, that change sets the first one to something else, and so on \
forever. All profiles of a role are followed together, and facts do not change meanwhile. Echoes of our own \
commands do not stop the loop, because a late or repeated report keeps it going. Remove one of its rules, or \
let it end in `unchanged`.",
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
    },
    find,
};

/// Maximum number of loops reported per role; more add nothing new.
const MAX_LOOPS: usize = 10;

/// Changes that follow each other, each with the rule that causes the next.
type Loop = Vec<(StateId, RuleSourceId)>;

/// The states that are set in response to a change, each with its situations.
type Edges = Rc<[(StateId, Diagram)]>;

fn find(context: &mut Context<'_>) {
    for role in context.program.role_ids() {
        let Some(edges) = edges(context, role) else {
            continue;
        };
        let endless = endless(context, &edges);
        report(context, role, &edges, &endless);
    }
}

/// For each change, the commands that follow, each with the situations in which it is sent and alters something.
fn edges(context: &mut Context<'_>, role: RoleId) -> Option<FxHashMap<StateId, Edges>> {
    let program = context.program;
    let mut edges: FxHashMap<StateId, Edges> = FxHashMap::default();
    for state in program
        .system_ids()
        .flat_map(|system| program.states(system))
    {
        let changes = program.system_ids().filter_map(|to| Change::new(state, to));
        let changes: Vec<Change> = changes.collect();
        let like = changes
            .iter()
            .map(|change| context.space.representative(role, *change));
        let mut like: Vec<StateId> = like.map(Change::entered).collect();
        like.dedup();
        if let [like] = *like
            && like != state
        {
            edges.insert(state, edges[&like].clone());
            continue;
        }
        let mut out = Vec::new();
        for change in changes {
            for (target, region) in context.change(role, change)?.sets.iter() {
                let there = context.space.showing(*target);
                let alters = context.space.diagrams.without(*region, there);
                if alters != Diagram::ZERO {
                    out.push((*target, alters));
                }
            }
        }
        edges.insert(state, out.into());
    }
    Some(edges)
}

/// For each change, the situations from which it can continue forever: those that always have a successor among them.
fn endless(
    context: &mut Context<'_>,
    edges: &FxHashMap<StateId, Edges>,
) -> FxHashMap<StateId, Diagram> {
    let mut nodes: Vec<StateId> = edges.keys().copied().collect();
    nodes.sort_unstable();
    let mut endless: FxHashMap<StateId, Diagram> =
        nodes.iter().map(|node| (*node, Diagram::ONE)).collect();
    loop {
        let mut changed = false;
        for node in &nodes {
            if endless[node] == Diagram::ZERO {
                continue;
            }
            let ways: Vec<Diagram> = edges[node]
                .iter()
                .map(|(next, region)| going_on(context, *node, *next, *region, endless[next]))
                .collect();
            let all = context.space.diagrams.union(ways);
            changed |= all != endless[node];
            endless.insert(*node, all);
        }
        if !changed {
            return endless;
        }
    }
}

/// Where `node` leads to `next` and the situation after this step is in `then`.
fn going_on(
    context: &mut Context<'_>,
    node: StateId,
    next: StateId,
    region: Diagram,
    then: Diagram,
) -> Diagram {
    let (from, to) = (
        context.space.of_system(node.system()),
        context.space.of_system(next.system()),
    );
    let before = context.space.diagrams.restrict(then, from, node.value());
    let before = context.space.diagrams.restrict(before, to, next.value());
    context.space.diagrams.and_then(region, before)
}

fn report(
    context: &mut Context<'_>,
    role: RoleId,
    edges: &FxHashMap<StateId, Edges>,
    endless: &FxHashMap<StateId, Diagram>,
) {
    let mut starts: Vec<StateId> = endless
        .iter()
        .filter(|(_, region)| **region != Diagram::ZERO)
        .map(|(node, _)| *node)
        .collect();
    starts.sort_unstable();
    let mut known: Vec<Vec<StateId>> = Vec::new();
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
        let mut sorted: Vec<StateId> = path.iter().map(|(node, _)| *node).collect();
        sorted.sort_unstable();
        if known.contains(&sorted) {
            continue;
        }
        known.push(sorted);
        let program = context.program;
        let mut drawn: Vec<String> = path
            .iter()
            .map(|(state, _)| shown(program, *state))
            .collect();
        drawn.extend(drawn.first().cloned());
        let message = format!(
            "infinite loop{}: {}",
            context.of_role(role),
            drawn.join(" → ")
        );
        let states: Vec<StateId> = path.iter().map(|(state, _)| *state).collect();
        let mut finding = context.finding_about(message, Some(role), None, &states);
        for (at, (_, written)) in path.iter().enumerate() {
            finding = finding.rule(
                context.rule_location(*written),
                format!("step {}: {} → {}", at + 1, drawn[at], drawn[at + 1]),
            );
        }
        let finding =
            finding.help("remove one of these rules, or replace its target with `unchanged`");
        context.report(finding.situation(situation));
    }
}

/// Follows changes from `start` until a situation repeats; returns the loop with the rule of each step.
fn follow(
    context: &mut Context<'_>,
    role: RoleId,
    start: StateId,
    edges: &FxHashMap<StateId, Edges>,
    endless: &FxHashMap<StateId, Diagram>,
) -> Option<(Loop, Option<crate::diagnostic::Witness>)> {
    let usual = context.space.defaults().to_vec();
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
    let mut path: Vec<(StateId, Vec<u32>, RuleSourceId)> = Vec::new();
    loop {
        situation[context.space.of_system(node.system()) as usize] = node.value();
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
            let regions: Vec<Diagram> = on_loop
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
            after[context.space.of_system(next.system()) as usize] = next.value();
            context.space.diagrams.evaluate(*region, &situation) == 1
                && context.space.diagrams.evaluate(endless[next], &after) == 1
        });
        let (next, _) = next?;
        let change = context.change(role, Change::new(node, next.system())?)?;
        let leaf = context.space.diagrams.evaluate(change.decision, &situation);
        let written = context.rule_behind(&change.by, leaf)?;
        path.push((node, situation.clone(), written));
        node = *next;
    }
}
