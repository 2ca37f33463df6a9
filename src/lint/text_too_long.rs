//! `text-too-long`: a state with its appendices is longer than the system allows.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Level};
use crate::diagram::Diagram;
use crate::lint::{Context, Lint, shown};
use crate::program::{
    Change, Direction, ProfileId, Program, RuleSourceId, StateId, SystemId, Target,
};
use crate::source::Location;
use crate::space::Precedence;

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "text-too-long",
        default: Some(Level::Warn),
        summary: "a state with its appendices is longer than the `text` of the system",
        explanation: "The system shows the name of the state and its appendices, joined with commas, and cuts or refuses anything \
longer than its `text`. Only appendices that can occur together in some situation count.",
        bad: "use cic_lync
profile \"P\" {
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    append \"please write an e-mail to the duty manager instead\" to lync
}
",
        good: "use cic_lync
profile \"P\" {
    cic \"Do Not Disturb\" -> lync \"Do Not Disturb\"
    append \"please write an e-mail\" to lync
}
",
    },
    of_all_programs: false,
    waits: false,
    find,
};

/// Limit of attempts to join one more text, for one rule and change. Beyond it, a longer text can be missed.
const MAX_ATTEMPTS: usize = 2_000;

/// The longest text that a written rule makes a system show.
struct Longest {
    length: usize,
    text: String,
    direction: Direction,
    target: StateId,
    appends: Vec<Location>,
}

fn find(context: &mut Context<'_>) {
    let program = context.program;
    let mut longest: BTreeMap<RuleSourceId, Longest> = BTreeMap::new();
    for role in program.role_ids() {
        for direction in program.directions() {
            let Some(limit) = program.system(direction.to()).text else {
                continue;
            };
            for state in context.space.state_classes_of_role(role, direction) {
                let change = Change::of(direction, state);
                let decided = context.space.decision(role, change);
                for part in decided.parts.iter() {
                    for leaf in context.space.leaves(*part).iter() {
                        let Some(decision) = context.space.decision_of(&decided, *leaf) else {
                            continue;
                        };
                        let rule = context.space.rule_of(decision);
                        let target = match rule.target {
                            Target::Set(target) => target,
                            Target::Previous => match longest_state(program, direction.to()) {
                                Some(target) => target,
                                None => continue,
                            },
                            Target::Unchanged => continue,
                        };
                        let known = longest.get(&rule.source).map_or(0, |known| known.length);
                        let shown = Shown {
                            profile: decision.profile,
                            change,
                            target,
                            more_than: known.max(limit as usize),
                        };
                        if let Some(found) = shown.longest(&mut context.space, *part, *leaf) {
                            longest.insert(rule.source, found);
                        }
                    }
                }
            }
        }
    }
    for (source, found) in longest {
        report(context, source, found);
    }
}

/// The state with the longest name among those that can be set: `previous` may be any of them.
fn longest_state(program: &Program, system: SystemId) -> Option<StateId> {
    let settable = program.states(system);
    let settable = settable.filter(|state| !program.state(*state).read_only);
    settable.max_by_key(|state| program.state(*state).name.chars().count())
}

/// What a system shows after a rule of a profile has decided.
struct Shown {
    profile: ProfileId,
    change: Change,
    target: StateId,
    /// Only longer texts matter.
    more_than: usize,
}

impl Shown {
    /// The longest text where a leaf of a diagram decides.
    fn longest(&self, space: &mut Precedence<'_>, part: Diagram, leaf: u32) -> Option<Longest> {
        let program = space.program;
        let appends = &program.profile(self.profile).appends;
        let appendices = space.appendices(self.profile, self.change);
        let length = |text: &str| text.chars().count();
        let texts = appendices
            .iter()
            .enumerate()
            .map(|(at, appendix)| PossibleText {
                at,
                length: length(&appends[appendix.append as usize].text) + ", ".len(),
                holds: appendix.holds,
            });
        let mut texts: Vec<PossibleText> = texts.collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.length));
        let name = &program.state(self.target).name;
        let most: usize = texts.iter().map(|text| text.length).sum();
        if length(name) + most <= self.more_than {
            return None;
        }
        let region = space
            .diagrams
            .map(part, &mut |other| u32::from(other == leaf));
        let mut search = LongestSearch {
            texts,
            best: self.more_than,
            found: None,
            chosen: Vec::new(),
            attempts: 0,
        };
        search.extend(space, region, 0, length(name));
        let mut joined = search.found?;
        joined.sort_unstable();
        let joined = joined
            .into_iter()
            .map(|at| &appends[appendices[at].append as usize]);
        let joined: Vec<_> = joined.collect();
        let texts = joined.iter().map(|append| &append.text);
        let texts: Vec<&str> = [name]
            .into_iter()
            .chain(texts)
            .map(String::as_str)
            .collect();
        Some(Longest {
            length: search.best,
            text: texts.join(", "),
            direction: self.change.direction(),
            target: self.target,
            appends: joined.iter().map(|append| append.location).collect(),
        })
    }
}

#[derive(Clone, Copy)]
struct PossibleText {
    /// Its place among the appendices.
    at: usize,
    /// With the separator before it.
    length: usize,
    holds: Diagram,
}

/// Searches for the longest texts that join in one situation.
struct LongestSearch {
    /// The longest first.
    texts: Vec<PossibleText>,
    best: usize,
    found: Option<Vec<usize>>,
    chosen: Vec<usize>,
    attempts: usize,
}

impl LongestSearch {
    /// `region`: where the chosen texts join; `next`: the first text that is not chosen or passed over yet.
    fn extend(&mut self, space: &mut Precedence<'_>, region: Diagram, next: usize, length: usize) {
        if region == Diagram::ZERO {
            return;
        }
        if length > self.best {
            self.best = length;
            self.found = Some(self.chosen.clone());
        }
        let mut rest: usize = self.texts[next..].iter().map(|text| text.length).sum();
        for at in next..self.texts.len() {
            if length + rest <= self.best || self.attempts == MAX_ATTEMPTS {
                return;
            }
            self.attempts += 1;
            let PossibleText {
                at: place,
                length: more,
                holds,
            } = self.texts[at];
            let both = space.diagrams.and_then(holds, region);
            self.chosen.push(place);
            self.extend(space, both, at + 1, length + more);
            self.chosen.pop();
            rest -= more;
        }
    }
}

fn report(context: &mut Context<'_>, source: RuleSourceId, found: Longest) {
    let program = context.program;
    let to = program.system(found.direction.to());
    let message = format!(
        "{} shows {} characters, but {} allows {}",
        shown(program, found.target),
        found.length,
        to.name,
        to.text.unwrap_or_default()
    );
    let help = if found.appends.is_empty() {
        "set a state with a shorter name"
    } else {
        "shorten the appendices, or append them in fewer situations"
    };
    let mut finding = context
        .finding_about(message, None, Some(found.direction), &[found.target])
        .about(found.text.as_str())
        .rule(context.rule_location(source), format!("`{}`", found.text));
    for append in found.appends {
        finding = finding.label(append, "appended here");
    }
    context.report(finding.help(help));
}
