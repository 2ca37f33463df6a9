//! The meaning of a program, implemented literally from the "Meaning" section of the language reference.

use crate::spec::{Cond, Group, Item, Lines, Pick, Source, Spec, Target};

/// The values of all facts, the state of each system if known, and whether it is by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub flags: Vec<bool>,
    pub values: Vec<Option<usize>>,
    pub states: Vec<Option<usize>>,
    pub by_hand: Vec<bool>,
}

/// The systems that stand for others: the new and the old one, the outermost first.
type Swap = Vec<(usize, usize)>;

fn swapped(swap: &Swap, system: usize) -> usize {
    let inside_out = swap.iter().rev();
    inside_out.fold(
        system,
        |system, (new, old)| {
            if system == *old { *new } else { system }
        },
    )
}

/// The same names in the system that stands for `system`.
fn looked_up(spec: &Spec, swap: &Swap, system: usize, picks: &[Pick]) -> Vec<Pick> {
    let (old, new) = (&spec.systems[system], &spec.systems[swapped(swap, system)]);
    let named = picks.iter().map(|pick| match pick {
        Pick::Any => Pick::Any,
        Pick::State(at) => {
            let name = &old.states[*at].name;
            let found = new.states.iter().position(|state| state.name == *name);
            Pick::State(found.expect("the generator checks the names"))
        }
        Pick::Group(at) => {
            let name = &old.groups[*at].0;
            let found = new.groups.iter().position(|(group, _)| group == name);
            Pick::Group(found.expect("the generator checks the names"))
        }
    });
    named.collect()
}

/// The same state in the system that stands for `system`.
fn state_in(spec: &Spec, swap: &Swap, system: usize, state: usize) -> usize {
    match looked_up(spec, swap, system, &[Pick::State(state)]).as_slice() {
        [Pick::State(state)] => *state,
        _ => unreachable!("a state stays a state"),
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Unmapped,
    Unchanged,
    Previous(Vec<String>),
    Set(usize, Vec<String>),
}

/// An outcome and, if a rule decides, the name of the profile and the line of the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub outcome: Outcome,
    pub origin: Option<(String, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Otherwise,
    Plain,
    Override,
}

/// A rule as part of a profile, with all conditions that enclose it there.
struct Candidate<'s> {
    id: usize,
    level: Level,
    from: usize,
    to: usize,
    source: Vec<bool>,
    target: Target,
    when: When<'s>,
}

/// Conditions, each with the systems that stand for others in it.
type When<'s> = Vec<(&'s Cond, Swap)>;

struct Appended<'s> {
    text: &'s str,
    to: usize,
    when: When<'s>,
}

#[derive(Default)]
struct Flat<'s> {
    rules: Vec<Candidate<'s>>,
    appends: Vec<Appended<'s>>,
}

pub struct Meaning<'s> {
    pub spec: &'s Spec,
    lines: Lines,
    profiles: Vec<Flat<'s>>,
    /// Names with profiles.
    pub roles: Vec<(String, Vec<usize>)>,
    /// Whether situations say of every system if its state is by hand, also where no condition asks.
    pub asks_all: bool,
}

impl<'s> Meaning<'s> {
    pub fn new(spec: &'s Spec, lines: Lines) -> Self {
        let flat = |profile: &'s crate::spec::Profile| {
            let mut flat = Flat::default();
            let when = profile.when.iter();
            let when = when.map(|when| (when, Swap::new())).collect();
            flatten(spec, &profile.items, &when, (None, &Swap::new()), &mut flat);
            flat
        };
        let roles = if spec.roles.is_empty() {
            vec![("default".to_owned(), (0..spec.profiles.len()).collect())]
        } else {
            spec.roles.clone()
        };
        Self {
            spec,
            lines,
            profiles: spec.profiles.iter().map(flat).collect(),
            roles,
            asks_all: false,
        }
    }

    /// What a role decides for `to` when `from` enters the state that it has in the situation.
    pub fn decide(&self, role: usize, situation: &Situation, from: usize, to: usize) -> Decided {
        let mut situation = situation.clone();
        situation.by_hand[from] = true;
        let situation = &situation;
        for at in &self.roles[role].1 {
            let profile = &self.profiles[*at];
            let candidates = self.candidates(profile, situation, from, to);
            let Some(level) = candidates.iter().map(|rule| rule.level).max() else {
                continue;
            };
            let first = candidates
                .iter()
                .find(|rule| rule.level == level)
                .expect("a candidate has this level");
            let outcome = match first.target {
                Target::Unchanged => Outcome::Unchanged,
                target => {
                    let mut texts: Vec<String> = Vec::new();
                    for append in &profile.appends {
                        let applies = append.to == to
                            && append
                                .when
                                .iter()
                                .all(|(when, swap)| self.holds(when, swap, situation));
                        if applies && !texts.iter().any(|text| text == append.text) {
                            texts.push(append.text.to_owned());
                        }
                    }
                    match target {
                        Target::Set(state) => Outcome::Set(state, texts),
                        _ => Outcome::Previous(texts),
                    }
                }
            };
            return Decided {
                outcome,
                origin: Some((self.spec.profiles[*at].name.clone(), self.lines[&first.id])),
            };
        }
        Decided {
            outcome: Outcome::Unmapped,
            origin: None,
        }
    }

    fn candidates<'a>(
        &self,
        profile: &'a Flat<'s>,
        situation: &Situation,
        from: usize,
        to: usize,
    ) -> Vec<&'a Candidate<'s>> {
        let Some(state) = situation.states[from] else {
            return Vec::new();
        };
        // On the system that a rule starts from, `by hand` always holds.
        let mut situation = situation.clone();
        situation.by_hand[from] = true;
        let is = |rule: &&Candidate<'s>| {
            (rule.from, rule.to) == (from, to)
                && rule.source[state]
                && rule
                    .when
                    .iter()
                    .all(|(when, swap)| self.holds(when, swap, &situation))
        };
        profile.rules.iter().filter(is).collect()
    }

    /// Whether candidates of a deciding level disagree. Adds overrides that meet a plain rule to `beaten`.
    pub fn conflicts(
        &self,
        situation: &Situation,
        beaten: &mut std::collections::BTreeSet<(usize, usize)>,
    ) -> bool {
        let mut found = false;
        let count = self.spec.systems.len();
        for profile in &self.profiles {
            for (from, to) in (0..count).flat_map(|from| (0..count).map(move |to| (from, to))) {
                let candidates = self.candidates(profile, situation, from, to);
                let Some(level) = candidates.iter().map(|rule| rule.level).max() else {
                    continue;
                };
                let mut deciding = candidates.iter().filter(|rule| rule.level == level);
                let first = deciding.next().expect("a candidate has this level");
                found |= deciding.any(|other| other.target != first.target);
                if candidates.iter().any(|rule| rule.level == Level::Plain) {
                    beaten.extend(
                        candidates
                            .iter()
                            .filter(|rule| rule.level == Level::Override)
                            .map(|rule| (rule.id, from)),
                    );
                }
            }
        }
        found
    }

    /// Every override that is part of a profile, with its source system.
    pub fn overrides(&self) -> std::collections::BTreeSet<(usize, usize)> {
        let rules = self.profiles.iter().flat_map(|profile| &profile.rules);
        rules
            .filter(|rule| rule.level == Level::Override)
            .map(|rule| (rule.id, rule.from))
            .collect()
    }

    fn holds(&self, condition: &Cond, swap: &Swap, situation: &Situation) -> bool {
        match condition {
            Cond::Flag(at) => situation.flags[*at],
            Cond::Is(at, values) => {
                situation.values[*at].is_some_and(|value| values.contains(&value))
            }
            Cond::Named(at) => self.holds(&self.spec.conditions[*at].1, swap, situation),
            Cond::Shows {
                system,
                not,
                states,
            } => {
                let states = looked_up(self.spec, swap, *system, states);
                let system = swapped(swap, *system);
                let within = situation.states[system]
                    .is_some_and(|state| contains(self.spec, system, &states, state));
                within != *not
            }
            Cond::ByHand(system) => {
                let system = swapped(swap, *system);
                situation.by_hand[system] && situation.states[system].is_some()
            }
            Cond::Not(part) => !self.holds(part, swap, situation),
            Cond::And(parts) => parts.iter().all(|part| self.holds(part, swap, situation)),
            Cond::Or(parts) => parts.iter().any(|part| self.holds(part, swap, situation)),
        }
    }

    /// Whether a role decides `previous` for some change of `from` in some situation.
    pub fn brings_back(&self, role: usize, from: usize, to: usize) -> bool {
        let mut found = false;
        self.each(usize::MAX, &mut |_| 0, &mut |situation| {
            found = found
                || situation.states[from].is_some()
                    && matches!(
                        self.decide(role, situation, from, to).outcome,
                        Outcome::Previous(_)
                    );
        });
        found
    }

    /// The number of situations.
    pub fn situations(&self) -> f64 {
        self.sizes().iter().map(|size| *size as f64).product()
    }

    fn sizes(&self) -> Vec<usize> {
        let flags = self.spec.flags.iter().map(|_| 2);
        let values = self.spec.choices.iter().map(|choice| choice.values.len());
        let states = self
            .spec
            .systems
            .iter()
            .map(|system| system.states.len() + 1);
        // A known state may be by hand.
        let by_hand = self.asked().into_iter().map(|asked| 1 + usize::from(asked));
        flags.chain(values).chain(states).chain(by_hand).collect()
    }

    /// For each system, whether any condition asks if it is by hand. With `apply ... with`, any system may be asked.
    fn asked(&self) -> Vec<bool> {
        fn asks(condition: &Cond) -> bool {
            match condition {
                Cond::ByHand(_) => true,
                Cond::Not(part) => asks(part),
                Cond::And(parts) | Cond::Or(parts) => parts.iter().any(asks),
                Cond::Flag(_) | Cond::Is(..) | Cond::Named(_) | Cond::Shows { .. } => false,
            }
        }
        let flat = self.profiles.iter();
        let when = flat.flat_map(|flat| {
            let rules = flat.rules.iter().flat_map(|rule| &rule.when);
            rules.chain(flat.appends.iter().flat_map(|append| &append.when))
        });
        let mut when = when.map(|(when, _)| *when);
        let named = self.spec.conditions.iter().map(|(_, condition)| condition);
        let any = self.asks_all || when.any(asks) || named.into_iter().any(asks);
        vec![any; self.spec.systems.len()]
    }

    fn situation(&self, numbers: &[usize]) -> Situation {
        let (flags, rest) = numbers.split_at(self.spec.flags.len());
        let (values, rest) = rest.split_at(self.spec.choices.len());
        let (states, by_hand) = rest.split_at(self.spec.systems.len());
        Situation {
            flags: flags.iter().map(|number| *number == 1).collect(),
            values: values.iter().map(|number| Some(*number)).collect(),
            states: states.iter().map(|number| number.checked_sub(1)).collect(),
            by_hand: by_hand.iter().map(|number| *number == 1).collect(),
        }
    }

    /// Visits all situations, or `most` random ones if there are more.
    pub fn each(
        &self,
        most: usize,
        random: &mut dyn FnMut(usize) -> usize,
        visit: &mut dyn FnMut(&Situation),
    ) {
        let sizes = self.sizes();
        if self.situations() > most as f64 {
            for _ in 0..most {
                let numbers: Vec<usize> = sizes.iter().map(|size| random(*size)).collect();
                visit(&self.situation(&numbers));
            }
            return;
        }
        let mut numbers = vec![0; sizes.len()];
        loop {
            visit(&self.situation(&numbers));
            let Some(at) = (0..sizes.len()).find(|at| numbers[*at] + 1 < sizes[*at]) else {
                return;
            };
            numbers[at] += 1;
            numbers[..at].fill(0);
        }
    }
}

fn contains(spec: &Spec, system: usize, picks: &[Pick], state: usize) -> bool {
    picks.iter().any(|pick| match pick {
        Pick::Any => true,
        Pick::State(at) => *at == state,
        Pick::Group(at) => match &spec.systems[system].groups[*at].1 {
            Group::All(attribute) => spec.systems[system].states[state]
                .attributes
                .contains(attribute),
            Group::Of(picks) => contains(spec, system, picks, state),
        },
    })
}

/// Collects the rules of a profile. `only`: the direction to which an `apply` is restricted.
fn flatten<'s>(
    spec: &'s Spec,
    items: &'s [Item],
    when: &When<'s>,
    (only, swap): (Option<(usize, usize)>, &Swap),
    flat: &mut Flat<'s>,
) {
    for item in items {
        match item {
            Item::When { condition, items } => {
                let mut when = when.clone();
                when.push((condition, swap.clone()));
                flatten(spec, items, &when, (only, swap), flat);
            }
            Item::Apply {
                mapping,
                with,
                direction,
            } => {
                let direction =
                    direction.map(|(from, to)| (swapped(swap, from), swapped(swap, to)));
                // What is inside is replaced first.
                let mut swap = swap.clone();
                swap.extend(with);
                // A mapping that is restricted to one direction includes nothing of another direction.
                let way = match (only, direction) {
                    (Some(only), Some(direction)) if only != direction => continue,
                    (only, direction) => only.or(direction),
                };
                flatten(spec, &spec.mappings[*mapping].1, when, (way, &swap), flat);
            }
            Item::Append { text, to } => flat.appends.push(Appended {
                text,
                to: *to,
                when: when.clone(),
            }),
            Item::Rule {
                id,
                overrides,
                from,
                source,
                to,
                target,
            } => {
                let (new_from, new_to) = (swapped(swap, *from), swapped(swap, *to));
                let states = 0..spec.systems[new_from].states.len();
                let (level, source) = match source {
                    Source::Otherwise => (Level::Otherwise, states.map(|_| true).collect()),
                    Source::States(picks) => {
                        let level = if *overrides {
                            Level::Override
                        } else {
                            Level::Plain
                        };
                        let picks = looked_up(spec, swap, *from, picks);
                        (
                            level,
                            states
                                .map(|state| contains(spec, new_from, &picks, state))
                                .collect(),
                        )
                    }
                };
                let target = match target {
                    Target::Set(state) => Target::Set(state_in(spec, swap, *to, *state)),
                    other => *other,
                };
                let rule = Candidate {
                    id: *id,
                    level,
                    from: new_from,
                    to: new_to,
                    source,
                    target,
                    when: when.clone(),
                };
                flat.rules.extend(
                    Some(rule).filter(|rule| only.is_none_or(|only| only == (rule.from, rule.to))),
                );
            }
            Item::Both { id, left, right } => {
                let here = |(system, state): &(usize, usize)| {
                    (
                        swapped(swap, *system),
                        state_in(spec, swap, *system, *state),
                    )
                };
                let (left, right) = (here(left), here(right));
                for (from, to) in [(left, right), (right, left)] {
                    if only.is_none_or(|only| only == (from.0, to.0)) {
                        let source = (0..spec.systems[from.0].states.len())
                            .map(|state| state == from.1)
                            .collect();
                        flat.rules.push(Candidate {
                            id: *id,
                            level: Level::Plain,
                            from: from.0,
                            to: to.0,
                            source,
                            target: Target::Set(to.1),
                            when: when.clone(),
                        });
                    }
                }
            }
        }
    }
}
