//! `ping-pong`: a change that bounces between systems and never settles.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint, shown};
use crate::program::{Change, RoleId, RuleSourceId, StateId, SystemId};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "ping-pong",
        default: Some(Level::Error),
        summary: "an infinite loop between systems",
        explanation: "A change in one system sets another system, that change sets the first one to something else, and so on \
forever. All profiles of a role are followed together, and facts do not change meanwhile. An echo stops the loop for \
a while; a `resync`, or a report that is not recognized as an echo, starts it again. Remove one of its rules, or let \
it end in `unchanged`.",
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
    of_all_programs: false,
    waits: false,
    find,
};

/// Maximum number of loops reported per role; more add nothing new.
const MAX_LOOPS: usize = 10;

/// Changes that follow each other, each with the rule that causes the next.
type Loop = Vec<(StateId, RuleSourceId)>;

/// The commands in response to a change: for each system, the states that are set, each with the situations in which it is
/// not shown yet.
type Commands = Rc<[(SystemId, Vec<(StateId, Diagram)>)]>;

fn find(context: &mut Context<'_>) {
    for role in context.program.role_ids() {
        let Some(commands) = commands(context, role) else {
            continue;
        };
        let endless = endless(context, &commands);
        report(context, role, &commands, &endless);
    }
}

/// For each change, the commands that follow.
fn commands(context: &mut Context<'_>, role: RoleId) -> Option<FxHashMap<StateId, Commands>> {
    let program = context.program;
    let mut commands: FxHashMap<StateId, Commands> = FxHashMap::default();
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
            commands.insert(state, commands[&like].clone());
            continue;
        }
        let mut out = Vec::new();
        for change in changes {
            let regions = context.change(role, change)?;
            let mut sent = Vec::new();
            for (target, region) in context.all_sets(&regions, change.to()) {
                let there = context.space.showing(target);
                let alters = context.space.diagrams.without(region, there);
                if alters != Diagram::ZERO {
                    sent.push((target, alters));
                }
            }
            if !sent.is_empty() {
                out.push((change.to(), sent));
            }
        }
        commands.insert(state, out.into());
    }
    Some(commands)
}

/// For each change, the situations from which it can continue forever: those that always have a successor among them.
fn endless(
    context: &mut Context<'_>,
    commands: &FxHashMap<StateId, Commands>,
) -> FxHashMap<StateId, Diagram> {
    let mut nodes: Vec<StateId> = commands.keys().copied().collect();
    nodes.sort_unstable();
    let mut endless: FxHashMap<StateId, Diagram> =
        nodes.iter().map(|node| (*node, Diagram::ONE)).collect();
    loop {
        let mut changed = false;
        for node in &nodes {
            if endless[node] == Diagram::ZERO {
                continue;
            }
            let mut ways = Vec::new();
            for (to, sent) in commands[node].iter() {
                for (target, region) in sent {
                    let then = endless[&context.program.schema.reads(*target)];
                    let step = LoopStep {
                        node: *node,
                        to: *to,
                        target: *target,
                    };
                    let before = step.before(context, &commands[node], then);
                    ways.push(context.space.diagrams.and_then(*region, before));
                }
            }
            let all = context.space.diagrams.union(ways);
            changed |= all != endless[node];
            endless.insert(*node, all);
        }
        if !changed {
            return endless;
        }
    }
}

/// A change that a command of another one causes, after all commands of that one are carried out.
struct LoopStep {
    node: StateId,
    to: SystemId,
    target: StateId,
}

impl LoopStep {
    /// The situations, before the commands, after which the situation is in `then`.
    fn before(&self, context: &mut Context<'_>, commands: &Commands, then: Diagram) -> Diagram {
        let then = context.space.after_entering_all(then, self.node);
        let reads = context.program.schema.reads(self.target);
        let then = context.space.after_entering_all(then, reads);
        let others = commands.iter().filter(|(system, _)| *system != self.to);
        Self::before_others(context, &others.collect::<Vec<_>>(), then)
    }

    /// What systems that are commanded, too, show then: the states, by us.
    fn before_others(
        context: &mut Context<'_>,
        others: &[&(SystemId, Vec<(StateId, Diagram)>)],
        then: Diagram,
    ) -> Diagram {
        let Some(((_, sent), rest)) = others.split_first() else {
            return then;
        };
        let mut sent_any = Diagram::ZERO;
        let mut ways = Vec::new();
        let matters = sent.iter().any(|(target, _)| {
            let state = context.program.schema.reads(*target);
            context.space.after_command(then, state) != then
        });
        if !matters {
            return Self::before_others(context, rest, then);
        }
        for (target, region) in sent {
            let state = context.program.schema.reads(*target);
            let shown = context.space.after_command(then, state);
            let before = Self::before_others(context, rest, shown);
            ways.push(context.space.diagrams.and_then(*region, before));
            sent_any = context.space.diagrams.or_else(sent_any, *region);
        }
        let untouched = Self::before_others(context, rest, then);
        ways.push(context.space.diagrams.without(untouched, sent_any));
        context.space.diagrams.union(ways)
    }
}

fn report(
    context: &mut Context<'_>,
    role: RoleId,
    commands: &FxHashMap<StateId, Commands>,
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
        let Some((path, situation)) = follow(context, role, start, commands, endless) else {
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
    commands: &FxHashMap<StateId, Commands>,
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
        show(context, &mut situation, node, true);
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
                .flat_map(|(node, ..)| commands[node].iter())
                .flat_map(|(_, sent)| sent.iter().map(|(_, region)| *region))
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
        // The situation after all commands, which is the same for each system that reports its own.
        let mut after = situation.clone();
        let mut sent = Vec::new();
        for (_, targets) in commands[&node].iter() {
            let holds = |region: Diagram| context.space.diagrams.evaluate(region, &situation) == 1;
            let target = targets.iter().find(|(_, region)| holds(*region));
            sent.extend(target.map(|(target, _)| *target));
        }
        for target in &sent {
            let state = context.program.schema.reads(*target);
            show(context, &mut after, state, false);
        }
        let next = sent.iter().find(|target| {
            let state = context.program.schema.reads(**target);
            let mut entering = after.clone();
            show(context, &mut entering, state, true);
            context.space.diagrams.evaluate(endless[&state], &entering) == 1
        });
        let next = *next?;
        let change = context.change(role, Change::new(node, next.system())?)?;
        let leaf = context.space.diagrams.evaluate(change.decision, &situation);
        let written = context.rule_behind(&change.by, leaf)?;
        path.push((node, situation.clone(), written));
        node = context.program.schema.reads(next);
        situation = after;
    }
}

/// Makes a system show a state.
fn show(context: &Context<'_>, situation: &mut [u32], state: StateId, by_hand: bool) {
    situation[context.space.of_system(state.system()) as usize] = state.value();
    if let Some(variable) = context.space.of_hand(state.system()) {
        situation[variable as usize] = u32::from(by_hand);
    }
}
