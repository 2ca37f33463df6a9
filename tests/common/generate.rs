//! Small random programs with every construct of the language. They are valid, except for conflicts and overrides
//! without effect.

pub use super::random::Random;

/// The text of a random program. `conflicts`: how often rules contradict each other, in percent.
pub fn program(seed: u64, conflicts: u64) -> String {
    let mut random = Random(seed);
    let mut generator = Generator {
        conflicts,
        flags: Vec::new(),
        choices: Vec::new(),
        systems: Vec::new(),
        conditions: Vec::new(),
        out: String::new(),
    };
    generator.declarations(&mut random);
    let mappings = random.below(3);
    for at in 0..mappings {
        generator.out.push_str(&format!("mapping m{at} {{\n"));
        let items = generator.items(&mut random, 1, at, false);
        generator.out.push_str(&items);
        generator.out.push_str("}\n");
    }
    let profiles = 1 + random.below(3);
    for at in 0..profiles {
        let when = if random.chance(40) {
            format!(" when {}", generator.condition(&mut random, 2))
        } else {
            String::new()
        };
        generator
            .out
            .push_str(&format!("profile \"P {at}\"{when} {{\n"));
        let items = generator.items(&mut random, 1, mappings, true);
        generator.out.push_str(&items);
        generator.out.push_str("}\n");
    }
    if random.chance(60) {
        for at in 0..=random.below(2) {
            let start = random.below(profiles);
            let names: Vec<String> = (0..=random.below(profiles))
                .map(|offset| format!("\"P {}\"", (start + offset) % profiles))
                .collect();
            generator
                .out
                .push_str(&format!("role R{at} uses {}\n", names.join(", ")));
        }
    }
    generator.out
}

struct System {
    name: String,
    states: Vec<String>,
    groups: Vec<String>,
    settable: usize,
}

struct Generator {
    conflicts: u64,
    flags: Vec<String>,
    choices: Vec<(String, Vec<String>)>,
    systems: Vec<System>,
    conditions: Vec<String>,
    out: String,
}

impl Generator {
    fn declarations(&mut self, random: &mut Random) {
        for at in 0..2 + random.below(2) {
            let name = ["cic", "lync", "teams"][at].to_owned();
            let count = 2 + random.below(3);
            let states: Vec<String> = (0..count)
                .map(|state| {
                    if state % 2 == 0 {
                        format!("s{state}")
                    } else {
                        format!("\"s, {state}\"")
                    }
                })
                .collect();
            let settable = if random.chance(30) { count - 1 } else { count };
            self.out
                .push_str(&format!("system {name} {{\n    attributes a, b\n"));
            for (state, text) in states.iter().enumerate() {
                let mark = if state >= settable {
                    " { read_only }"
                } else {
                    *random.pick(&["", " { a }", " { a, b }"])
                };
                let id = if random.chance(20) {
                    format!(" id \"wire{state}\"")
                } else {
                    String::new()
                };
                let reads = if state == 0 && random.chance(15) {
                    format!(" reads {}", states[count - 1])
                } else {
                    String::new()
                };
                self.out
                    .push_str(&format!("    state {text}{id}{reads}{mark}\n"));
            }
            self.out.push_str("}\n");
            let mut groups = Vec::new();
            if random.chance(40) {
                let terms = random.pick(&["all a", "s0 | \"s, 1\"", "any"]);
                self.out.push_str(&format!("group {name}.g = {terms}\n"));
                groups.push("g".to_owned());
            }
            self.systems.push(System {
                name,
                states,
                groups,
                settable,
            });
        }
        for at in 0..=random.below(4) {
            self.out.push_str(&format!("flag f{at}\n"));
            self.flags.push(format!("f{at}"));
        }
        for at in 0..random.below(3) {
            let values: Vec<String> = (0..2 + random.below(2))
                .map(|value| format!("c{at}v{value}"))
                .collect();
            let default = if random.chance(50) {
                format!(" default {}", values[0])
            } else {
                String::new()
            };
            self.out
                .push_str(&format!("choice c{at} = {}{default}\n", values.join(" | ")));
            self.choices.push((format!("c{at}"), values));
        }
        for at in 0..random.below(3) {
            let condition = self.condition(random, 2);
            self.out
                .push_str(&format!("condition n{at} = {condition}\n"));
            self.conditions.push(format!("n{at}"));
        }
    }

    fn condition(&self, random: &mut Random, depth: usize) -> String {
        if depth > 0 && random.chance(50) {
            let (left, right) = (
                self.condition(random, depth - 1),
                self.condition(random, depth - 1),
            );
            return match random.below(4) {
                0 => format!("{left} and {right}"),
                1 => format!("({left} or {right})"),
                2 => format!("not ({left})"),
                _ => format!("{left} and not {right}"),
            };
        }
        match random.below(10) {
            0..=4 => random.pick(&self.flags).clone(),
            5 | 6 if !self.choices.is_empty() => {
                let (name, values) = random.pick(&self.choices);
                if random.chance(50) {
                    random.pick(values).clone()
                } else {
                    format!("{name} is {} | {}", values[0], values[values.len() - 1])
                }
            }
            7 if !self.conditions.is_empty() => random.pick(&self.conditions).clone(),
            8 | 9 => {
                let system = random.pick(&self.systems);
                if random.chance(25) {
                    return format!("{} by hand", system.name);
                }
                let not = if random.chance(30) { "not " } else { "" };
                let states = if random.chance(15) {
                    "any".to_owned()
                } else {
                    self.states(random, system)
                };
                format!("{} is {not}{states}", system.name)
            }
            _ => random.pick(&self.flags).clone(),
        }
    }

    fn states(&self, random: &mut Random, system: &System) -> String {
        if !system.groups.is_empty() && random.chance(25) {
            return system.groups[0].clone();
        }
        let mut states: Vec<&str> = (0..=random.below(2))
            .map(|_| random.pick(&system.states).as_str())
            .collect();
        states.dedup();
        states.join(" | ")
    }

    fn items(&self, random: &mut Random, depth: usize, mappings: usize, profile: bool) -> String {
        let mut text = String::new();
        for _ in 0..=random.below(4) {
            let item = self.item(random, depth, mappings, profile);
            text.push_str(&format!("{}{item}\n", "    ".repeat(depth)));
        }
        text
    }

    fn item(&self, random: &mut Random, depth: usize, mappings: usize, profile: bool) -> String {
        if depth < 4 && random.chance(25) {
            let condition = self.condition(random, 2);
            if random.chance(50) {
                return format!(
                    "when {condition}: {}",
                    self.item(random, depth + 1, mappings, profile)
                );
            }
            let inner = self.items(random, depth + 1, mappings, profile);
            return format!("when {condition} {{\n{inner}{}}}", "    ".repeat(depth));
        }
        let from = random.below(self.systems.len());
        let to = (from + 1 + random.below(self.systems.len() - 1)) % self.systems.len();
        let (from, to) = (&self.systems[from], &self.systems[to]);
        match random.below(20) {
            0 | 1 if mappings > 0 => {
                let direction = if random.chance(40) {
                    format!(" {} -> {}", from.name, to.name)
                } else {
                    String::new()
                };
                let replacement = if random.chance(20) {
                    format!(" with {} for {}", to.name, random.pick(&self.systems).name)
                } else {
                    String::new()
                };
                format!("apply m{}{replacement}{direction}", random.below(mappings))
            }
            2 | 3 if profile => format!("append \"t{}\" to {}", random.below(3), to.name),
            4 => format!("{} otherwise -> {}", from.name, self.target(random, to)),
            5 => {
                let (left, right) = (random.below(from.settable), random.below(to.settable));
                format!(
                    "{} {} <-> {} {}",
                    from.name, from.states[left], to.name, to.states[right]
                )
            }
            6 | 7 => format!(
                "override {} {} -> {}",
                from.name,
                self.states(random, from),
                self.target(random, to)
            ),
            8 => format!("{} any -> {}", from.name, self.target(random, to)),
            _ => format!(
                "{} {} -> {}",
                from.name,
                self.states(random, from),
                self.target(random, to)
            ),
        }
    }

    fn target(&self, random: &mut Random, to: &System) -> String {
        // Most rules set the first state, so that enough programs have no conflicts.
        if random.chance(15) && random.chance(self.conflicts) {
            return format!("{} unchanged", to.name);
        }
        if random.chance(15) && random.chance(self.conflicts) {
            return format!("{} previous", to.name);
        }
        let state = if random.chance(self.conflicts) {
            random.below(to.settable)
        } else {
            0
        };
        format!("{} {}", to.name, to.states[state])
    }
}
