//! The meaning of a program, implemented literally from the "Meaning" section of the language reference.

use crate::spec::{Cond, Group, Item, Lines, Pick, Source, Spec};

/// The values of all facts, and the state of each system if known.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub flags: Vec<bool>,
    pub values: Vec<Option<usize>>,
    pub states: Vec<Option<usize>>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Unmapped,
    Unchanged,
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
    target: Option<usize>,
    when: Vec<&'s Cond>,
}

struct Appended<'s> {
    text: &'s str,
    to: usize,
    when: Vec<&'s Cond>,
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
}

impl<'s> Meaning<'s> {
    pub fn new(spec: &'s Spec, lines: Lines) -> Self {
        let flat = |profile: &'s crate::spec::Profile| {
            let mut flat = Flat::default();
            let when = profile.when.iter().collect();
            flatten(spec, &profile.items, &when, None, &mut flat);
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
        }
    }

    /// What a role decides for `to` when `from` enters the state that it has in the situation.
    pub fn decide(&self, role: usize, situation: &Situation, from: usize, to: usize) -> Decided {
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
                None => Outcome::Unchanged,
                Some(state) => {
                    let mut texts: Vec<String> = Vec::new();
                    for append in &profile.appends {
                        let applies = append.to == to
                            && append.when.iter().all(|when| self.holds(when, situation));
                        if applies && !texts.iter().any(|text| text == append.text) {
                            texts.push(append.text.to_owned());
                        }
                    }
                    Outcome::Set(state, texts)
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
        let is = |rule: &&Candidate<'s>| {
            (rule.from, rule.to) == (from, to)
                && rule.source[state]
                && rule.when.iter().all(|when| self.holds(when, situation))
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

    fn holds(&self, condition: &Cond, situation: &Situation) -> bool {
        match condition {
            Cond::Flag(at) => situation.flags[*at],
            Cond::Is(at, values) => {
                situation.values[*at].is_some_and(|value| values.contains(&value))
            }
            Cond::Named(at) => self.holds(&self.spec.conditions[*at].1, situation),
            Cond::Shows {
                system,
                not,
                states,
            } => {
                let within = situation.states[*system]
                    .is_some_and(|state| contains(self.spec, *system, states, state));
                within != *not
            }
            Cond::Not(part) => !self.holds(part, situation),
            Cond::And(parts) => parts.iter().all(|part| self.holds(part, situation)),
            Cond::Or(parts) => parts.iter().any(|part| self.holds(part, situation)),
        }
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
        flags.chain(values).chain(states).collect()
    }

    fn situation(&self, numbers: &[usize]) -> Situation {
        let (flags, rest) = numbers.split_at(self.spec.flags.len());
        let (values, states) = rest.split_at(self.spec.choices.len());
        Situation {
            flags: flags.iter().map(|number| *number == 1).collect(),
            values: values.iter().map(|number| Some(*number)).collect(),
            states: states.iter().map(|number| number.checked_sub(1)).collect(),
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
    when: &Vec<&'s Cond>,
    only: Option<(usize, usize)>,
    flat: &mut Flat<'s>,
) {
    for item in items {
        match item {
            Item::When { condition, items } => {
                let mut when = when.clone();
                when.push(condition);
                flatten(spec, items, &when, only, flat);
            }
            Item::Apply { mapping, direction } => {
                // A mapping that is restricted to one direction includes nothing of another direction.
                let way = match (only, *direction) {
                    (Some(only), Some(direction)) if only != direction => continue,
                    (only, direction) => only.or(direction),
                };
                flatten(spec, &spec.mappings[*mapping].1, when, way, flat);
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
                let states = 0..spec.systems[*from].states.len();
                let (level, source) = match source {
                    Source::Otherwise => (Level::Otherwise, states.map(|_| true).collect()),
                    Source::States(picks) => {
                        let level = if *overrides {
                            Level::Override
                        } else {
                            Level::Plain
                        };
                        (
                            level,
                            states
                                .map(|state| contains(spec, *from, picks, state))
                                .collect(),
                        )
                    }
                };
                let rule = Candidate {
                    id: *id,
                    level,
                    from: *from,
                    to: *to,
                    source,
                    target: *target,
                    when: when.clone(),
                };
                flat.rules.extend(
                    Some(rule).filter(|rule| only.is_none_or(|only| only == (rule.from, rule.to))),
                );
            }
            Item::Both { id, left, right } => {
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
                            target: Some(to.1),
                            when: when.clone(),
                        });
                    }
                }
            }
        }
    }
}
