//! Random programs with every construct of the language: valid, except for conflicts and overrides without effect.

use std::collections::BTreeSet;

use crate::random::Random;
use crate::spec::{Choice, Cond, Group, Item, Pick, Profile, Source, Spec, State, System, Target};

/// The size and kind of a program.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The maximum number of states per system, of flags and of choices.
    pub states: usize,
    pub flags: usize,
    pub choices: usize,
    /// How often a rule has a different target than most, in percent: more of them mean more conflicts.
    pub own: u64,
    /// How often a rule overrides, in percent.
    pub overrides: u64,
}

impl Shape {
    /// Most programs are small, so that all situations can be checked; some are as large as real ones.
    pub fn of(seed: u64) -> Self {
        if seed % 10 == 9 {
            Self {
                states: 40,
                flags: 12,
                choices: 3,
                own: 3,
                overrides: 0,
            }
        } else {
            Self {
                states: 4,
                flags: 4,
                choices: 2,
                own: 3 + seed % 40,
                overrides: 6,
            }
        }
    }
}

pub fn program(random: &mut Random, shape: Shape) -> Spec {
    let mut generator = Generator {
        random,
        shape,
        spec: Spec::default(),
        rules: 0,
    };
    generator.declarations();
    for at in 0..generator.random.below(3) {
        let items = generator.items(1, false);
        generator.spec.mappings.push((format!("m{at}"), items));
    }
    for at in 0..=generator.random.below(4) {
        let when = generator.random.chance(40).then(|| generator.condition(2));
        let items = generator.items(1, true);
        generator.spec.profiles.push(Profile {
            name: format!("P, {at}"),
            when,
            items,
        });
    }
    generator.roles();
    generator.spec
}

struct Generator<'r> {
    random: &'r mut Random,
    shape: Shape,
    spec: Spec,
    rules: usize,
}

impl Generator<'_> {
    fn declarations(&mut self) {
        for name in ["cic", "lync", "teams"]
            .iter()
            .take(2 + self.random.below(2))
        {
            let twin = self.spec.systems.last().cloned();
            let system = match twin {
                Some(twin) if self.random.chance(40) => self.twin((*name).to_owned(), twin),
                _ => self.system((*name).to_owned()),
            };
            self.spec.systems.push(system);
        }
        self.spec.flags = (0..=self.random.below(self.shape.flags))
            .map(|at| format!("f{at}"))
            .collect();
        for at in 0..self.random.below(self.shape.choices + 1) {
            let first = self.random.below(3);
            let values: Vec<String> = (first..=first + self.random.below(3))
                .map(|value| format!("v{value}"))
                .collect();
            let default = self
                .random
                .chance(50)
                .then(|| self.random.below(values.len()));
            self.spec.choices.push(Choice {
                name: format!("c{at}"),
                values,
                default,
            });
        }
        for at in 0..self.random.below(3) {
            let condition = self.condition(2);
            self.spec.conditions.push((format!("n{at}"), condition));
        }
    }

    fn system(&mut self, name: String) -> System {
        let attributes = self.random.below(3);
        let names: [fn(usize) -> String; 4] = [
            |at| format!("s{at}"),
            |at| format!("At \"{at}\", \\ <away>"),
            |at| format!("ünïcode | {at}"),
            |at| {
                if at == 3 {
                    "unchanged".to_owned()
                } else {
                    format!("State {at}")
                }
            },
        ];
        let states: Vec<State> = (0..=self.random.below(self.shape.states))
            .map(|at| State {
                name: (self.random.pick(&names))(at),
                id: self.random.chance(20).then(|| format!("Wire{at}")),
                // The first state can be set, so that there is always a target.
                read_only: at > 0 && self.random.chance(15),
                attributes: (0..attributes).filter(|_| self.random.chance(30)).collect(),
                reads: None,
                other: false,
            })
            .collect();
        let mut system = System {
            name,
            attributes,
            states,
            groups: Vec::new(),
            echo: self
                .random
                .chance(50)
                .then(|| *self.random.pick(&[1, 30, 120])),
        };
        self.reported(&mut system);
        for at in 0..self.random.below(3) {
            let group = if attributes > 0 && self.random.chance(40) {
                Group::All(self.random.below(attributes))
            } else {
                Group::Of(self.picks(&system))
            };
            system.groups.push((format!("g{at}"), group));
        }
        system
    }

    /// Some states are reported as others, and one stands for all names that no state has.
    fn reported(&mut self, system: &mut System) {
        let last = system.states.len() - 1;
        for state in &mut system.states {
            (state.reads, state.other) = (None, false);
        }
        if last > 0 && self.random.chance(20) {
            system.states[last].other = true;
            system.states[last].read_only = true;
        }
        if last > 0 && self.random.chance(30) {
            system.states[0].reads = Some(1 + self.random.below(last));
        }
    }

    /// A system with the names of another one, in another order, so that it can stand for it.
    fn twin(&mut self, name: String, of: System) -> System {
        let mut system = System { name, ..of };
        system.states.reverse();
        let count = system.states.len();
        for state in &mut system.states {
            state.read_only = false;
        }
        self.reported(&mut system);
        for (_, group) in &mut system.groups {
            if let Group::Of(picks) = group {
                for pick in picks {
                    if let Pick::State(at) = pick {
                        *at = count - 1 - *at;
                    }
                }
            }
        }
        system
    }

    fn picks(&mut self, system: &System) -> Vec<Pick> {
        let mut picks = Vec::new();
        for _ in 0..=self.random.below(3) {
            let pick = match self.random.below(10) {
                0 => Pick::Any,
                1 | 2 if !system.groups.is_empty() => {
                    Pick::Group(self.random.below(system.groups.len()))
                }
                _ => Pick::State(self.random.below(system.states.len())),
            };
            if !picks.contains(&pick) {
                picks.push(pick);
            }
        }
        picks
    }

    fn condition(&mut self, depth: usize) -> Cond {
        if depth > 0 && self.random.chance(55) {
            if self.random.chance(30) {
                return Cond::Not(Box::new(self.condition(depth - 1)));
            }
            let parts = (0..2 + self.random.below(2))
                .map(|_| self.condition(depth - 1))
                .collect();
            return if self.random.chance(50) {
                Cond::And(parts)
            } else {
                Cond::Or(parts)
            };
        }
        match self.random.below(10) {
            0..=2 if !self.spec.choices.is_empty() => {
                let at = self.random.below(self.spec.choices.len());
                let count = self.spec.choices[at].values.len();
                let mut values: Vec<usize> = (0..=self.random.below(2))
                    .map(|_| self.random.below(count))
                    .collect();
                values.dedup();
                Cond::Is(at, values)
            }
            3 if !self.spec.conditions.is_empty() => {
                Cond::Named(self.random.below(self.spec.conditions.len()))
            }
            6 if self.random.chance(50) => Cond::ByHand(self.random.below(self.spec.systems.len())),
            4 | 5 => {
                let at = self.random.below(self.spec.systems.len());
                let system = self.spec.systems[at].clone();
                Cond::Shows {
                    system: at,
                    not: self.random.chance(30),
                    states: self.picks(&system),
                }
            }
            _ => Cond::Flag(self.random.below(self.spec.flags.len())),
        }
    }

    fn items(&mut self, depth: usize, profile: bool) -> Vec<Item> {
        (0..=self.random.below(4))
            .map(|_| self.item(depth, profile))
            .collect()
    }

    fn item(&mut self, depth: usize, profile: bool) -> Item {
        if depth < 4 && self.random.chance(25) {
            return Item::When {
                condition: self.condition(2),
                items: self.items(depth + 1, profile),
            };
        }
        let from = self.random.below(self.spec.systems.len());
        let to =
            (from + 1 + self.random.below(self.spec.systems.len() - 1)) % self.spec.systems.len();
        match self.random.below(20) {
            0..=2 if !self.spec.mappings.is_empty() => {
                let mapping = self.random.below(self.spec.mappings.len());
                let with = self.replacement(mapping);
                let direction = self.random.chance(40).then_some((from, to));
                // With a replacement, a direction in which nothing leads is an error.
                let nothing = with.is_some_and(|(new, old)| {
                    let ways = self.ways(&self.spec.mappings[mapping].1);
                    let swap = |system| if system == old { new } else { system };
                    !ways.is_empty()
                        && !ways
                            .iter()
                            .any(|way| (swap(way.0), swap(way.1)) == (from, to))
                });
                Item::Apply {
                    mapping,
                    with,
                    direction: direction.filter(|_| !nothing),
                }
            }
            3 | 4 if profile => Item::Append {
                text: format!("t{}", self.random.below(3)),
                to,
            },
            5 => {
                let (left, right) = (self.settable(from), self.settable(to));
                Item::Both {
                    id: self.id(),
                    left: (from, left),
                    right: (to, right),
                }
            }
            6 | 7 => self.rule(from, Source::Otherwise, to),
            _ => {
                let system = self.spec.systems[from].clone();
                let source = Source::States(self.picks(&system));
                self.rule(from, source, to)
            }
        }
    }

    fn rule(&mut self, from: usize, source: Source, to: usize) -> Item {
        let overrides =
            matches!(source, Source::States(_)) && self.random.chance(self.shape.overrides);
        // Most rules set the first state, so that enough programs have no conflicts.
        let target = if !self.random.chance(self.shape.own) {
            Target::Set(self.first(to))
        } else if self.random.chance(30) {
            Target::Unchanged
        } else if self.random.chance(30) {
            Target::Previous
        } else {
            Target::Set(self.settable(to))
        };
        Item::Rule {
            id: self.id(),
            overrides,
            from,
            source,
            to,
            target,
        }
    }

    fn settable(&mut self, system: usize) -> usize {
        let states = &self.spec.systems[system].states;
        let at = self.random.below(states.len());
        if states[at].read_only || !self.random.chance(self.shape.own) {
            self.first(system)
        } else {
            at
        }
    }

    /// The first state that can be set.
    fn first(&self, system: usize) -> usize {
        let mut states = self.spec.systems[system].states.iter();
        states.position(|state| !state.read_only).unwrap_or(0)
    }

    /// A system that can stand for another in a mapping.
    fn replacement(&mut self, mapping: usize) -> Option<(usize, usize)> {
        if !self.random.chance(50) {
            return None;
        }
        let count = self.spec.systems.len();
        let (new, old) = (self.random.below(count), self.random.below(count));
        let (to, from) = (&self.spec.systems[new], &self.spec.systems[old]);
        let same = |one: &System, other: &System| {
            let mut states = one.states.iter();
            let has = |state: &State| other.states.iter().any(|known| known.name == state.name);
            states.all(has) && one.groups.len() == other.groups.len()
        };
        // A target must be one in the new system, too.
        let settable = from.states.iter().all(|state| {
            let mut known = to.states.iter();
            let known = known.find(|known| known.name == state.name);
            state.read_only || known.is_some_and(|known| !known.read_only)
        });
        let fits = new != old && same(to, from) && same(from, to) && settable;
        (fits
            && self.mentions(&self.spec.mappings[mapping].1, old)
            && !self.meets(&self.spec.mappings[mapping].1, new, old))
        .then_some((new, old))
    }

    /// Whether some rule leads between the two systems, so that replacing one would make it lead to itself. Mappings that
    /// replace systems themselves count, too.
    fn meets(&self, items: &[Item], new: usize, old: usize) -> bool {
        let both = |from: usize, to: usize| [from, to].contains(&new) && [from, to].contains(&old);
        items.iter().any(|item| match item {
            Item::When { items, .. } => self.meets(items, new, old),
            Item::Apply {
                mapping,
                with,
                direction,
            } => {
                with.is_some()
                    || direction.is_some_and(|(from, to)| both(from, to))
                    || self.meets(&self.spec.mappings[*mapping].1, new, old)
            }
            Item::Append { .. } => false,
            Item::Rule { from, to, .. } => both(*from, *to),
            Item::Both { left, right, .. } => both(left.0, right.0),
        })
    }

    /// The directions in which rules lead that replace no system.
    fn ways(&self, items: &[Item]) -> BTreeSet<(usize, usize)> {
        let of = |item: &Item| match item {
            Item::When { items, .. } => self.ways(items),
            Item::Apply {
                mapping, direction, ..
            } => {
                let mut ways = self.ways(&self.spec.mappings[*mapping].1);
                ways.retain(|way| direction.is_none_or(|only| *way == only));
                ways
            }
            Item::Append { .. } => BTreeSet::new(),
            Item::Rule { from, to, .. } => BTreeSet::from([(*from, *to)]),
            Item::Both { left, right, .. } => {
                BTreeSet::from([(left.0, right.0), (right.0, left.0)])
            }
        };
        items.iter().flat_map(of).collect()
    }

    /// Whether a system occurs in rules or conditions.
    fn mentions(&self, items: &[Item], system: usize) -> bool {
        items.iter().any(|item| match item {
            Item::When { condition, items } => {
                self.asks(condition, system) || self.mentions(items, system)
            }
            Item::Apply {
                mapping, direction, ..
            } => {
                direction.is_some_and(|(from, to)| from == system || to == system)
                    || self.mentions(&self.spec.mappings[*mapping].1, system)
            }
            Item::Append { to, .. } => *to == system,
            Item::Rule { from, to, .. } => *from == system || *to == system,
            Item::Both { left, right, .. } => left.0 == system || right.0 == system,
        })
    }

    fn asks(&self, condition: &Cond, system: usize) -> bool {
        match condition {
            Cond::Shows { system: asked, .. } | Cond::ByHand(asked) => *asked == system,
            Cond::Named(at) => self.asks(&self.spec.conditions[*at].1, system),
            Cond::Not(part) => self.asks(part, system),
            Cond::And(parts) | Cond::Or(parts) => parts.iter().any(|part| self.asks(part, system)),
            Cond::Flag(_) | Cond::Is(..) => false,
        }
    }

    fn id(&mut self) -> usize {
        self.rules += 1;
        self.rules
    }

    fn roles(&mut self) {
        for at in 0..self.random.below(4) {
            let count = self.spec.profiles.len();
            let start = self.random.below(count);
            let profiles = (0..=self.random.below(count))
                .map(|offset| (start + offset) % count)
                .collect();
            self.spec.roles.push((format!("Role {at}"), profiles));
        }
        if !self.spec.roles.is_empty() && self.random.chance(30) {
            self.spec.default_role = Some(self.random.below(self.spec.roles.len()));
        }
    }
}
