//! A program as data, and its text. Shares nothing with the tool: its meaning is in `meaning.rs`.

use std::collections::BTreeMap;
use std::fmt::Write;

#[derive(Debug, Clone, Default)]
pub struct Spec {
    pub systems: Vec<System>,
    pub flags: Vec<String>,
    pub choices: Vec<Choice>,
    pub conditions: Vec<(String, Cond)>,
    pub mappings: Vec<(String, Vec<Item>)>,
    pub profiles: Vec<Profile>,
    /// Names with the indices of profiles. Without roles, everyone has an implicit role with all profiles.
    pub roles: Vec<(String, Vec<usize>)>,
    /// The role that is marked as default, if any.
    pub default_role: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct System {
    pub name: String,
    /// The number of attributes: `a0`, `a1`, ...
    pub attributes: usize,
    pub states: Vec<State>,
    pub groups: Vec<(String, Group)>,
    /// How long a command may take to be reported back, in seconds; otherwise 60.
    pub echo: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct State {
    pub name: String,
    pub id: Option<String>,
    pub read_only: bool,
    pub attributes: Vec<usize>,
    pub reads: Option<usize>,
    pub other: bool,
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Set(usize),
    Unchanged,
    Previous,
}

#[derive(Debug, Clone)]
pub enum Group {
    Of(Vec<Pick>),
    All(usize),
}

/// A state, a group of its system, or all of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pick {
    State(usize),
    Group(usize),
    Any,
}

#[derive(Debug, Clone)]
pub struct Choice {
    pub name: String,
    pub values: Vec<String>,
    pub default: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Profile {
    pub name: String,
    pub when: Option<Cond>,
    pub items: Vec<Item>,
}

#[derive(Debug, Clone)]
pub enum Cond {
    Flag(usize),
    Is(usize, Vec<usize>),
    Named(usize),
    Shows {
        system: usize,
        not: bool,
        states: Vec<Pick>,
    },
    ByHand(usize),
    Not(Box<Cond>),
    And(Vec<Cond>),
    Or(Vec<Cond>),
}

#[derive(Debug, Clone)]
pub enum Item {
    When {
        condition: Cond,
        items: Vec<Item>,
    },
    Apply {
        mapping: usize,
        /// The new and the old system.
        with: Option<(usize, usize)>,
        direction: Option<(usize, usize)>,
    },
    Append {
        text: String,
        to: usize,
    },
    /// `id` is unique: `Lines` has the line of the rule by it.
    Rule {
        id: usize,
        overrides: bool,
        from: usize,
        source: Source,
        to: usize,
        target: Target,
    },
    Both {
        id: usize,
        left: (usize, usize),
        right: (usize, usize),
    },
}

#[derive(Debug, Clone)]
pub enum Source {
    States(Vec<Pick>),
    Otherwise,
}

/// The line of each rule, by id.
pub type Lines = BTreeMap<usize, usize>;

impl Spec {
    /// The text of the program, and the lines of its rules.
    pub fn text(&self) -> (String, Lines) {
        let mut printer = Printer {
            spec: self,
            out: String::new(),
            lines: Lines::new(),
        };
        printer.all().expect("writing to a string succeeds");
        (printer.out, printer.lines)
    }

    /// Whether several choices have a value of this name.
    fn shared(&self, value: &str) -> bool {
        self.choices
            .iter()
            .filter(|choice| choice.values.iter().any(|other| other == value))
            .count()
            > 1
    }
}

struct Printer<'a> {
    spec: &'a Spec,
    out: String,
    lines: Lines,
}

/// Quotes a name if necessary.
pub fn quoted(name: &str) -> String {
    let bare = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && ![
            "unchanged",
            "any",
            "otherwise",
            "is",
            "when",
            "default",
            "previous",
        ]
        .contains(&name);
    if bare {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl Printer<'_> {
    fn state(&mut self, system: &System, state: &State) -> std::fmt::Result {
        let id = state
            .id
            .as_ref()
            .map_or(String::new(), |id| format!(" id \"{id}\""));
        let reads = state.reads.map_or(String::new(), |at| {
            format!(" reads {}", quoted(&system.states[at].name))
        });
        let mut marks: Vec<String> = state.attributes.iter().map(|at| format!("a{at}")).collect();
        marks.extend((state.read_only && !state.other).then(|| "read_only".to_owned()));
        marks.extend(state.other.then(|| "other".to_owned()));
        let marks = if marks.is_empty() {
            String::new()
        } else {
            format!(" {{ {} }}", marks.join(", "))
        };
        writeln!(
            self.out,
            "    state {}{id}{reads}{marks}",
            quoted(&state.name)
        )
    }

    fn all(&mut self) -> std::fmt::Result {
        let spec = self.spec;
        for system in &spec.systems {
            // In some systems, the last state is added by an extension that comes before the system.
            let added = usize::from(system.states.len() % 3 == 2);
            let (own, added) = system.states.split_at(system.states.len() - added);
            if !added.is_empty() {
                writeln!(self.out, "extend system {} {{", system.name)?;
                for state in added {
                    self.state(system, state)?;
                }
                writeln!(self.out, "}}")?;
            }
            writeln!(self.out, "system {} {{", system.name)?;
            if system.attributes > 0 {
                let names: Vec<String> =
                    (0..system.attributes).map(|at| format!("a{at}")).collect();
                writeln!(self.out, "    attributes {}", names.join(", "))?;
            }
            if let Some(seconds) = system.echo {
                let echo = match seconds {
                    seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
                    seconds => format!("{seconds}s"),
                };
                writeln!(self.out, "    echo {echo}")?;
            }
            for state in own {
                self.state(system, state)?;
            }
            writeln!(self.out, "}}")?;
            for (name, group) in &system.groups {
                let of = match group {
                    Group::All(attribute) => format!("all a{attribute}"),
                    Group::Of(picks) => picked(system, picks),
                };
                writeln!(self.out, "group {}.{name} = {of}", system.name)?;
            }
        }
        for flag in &spec.flags {
            writeln!(self.out, "flag {flag}")?;
        }
        for choice in &spec.choices {
            let default = choice.default.map_or(String::new(), |at| {
                format!(" default {}", choice.values[at])
            });
            writeln!(
                self.out,
                "choice {} = {}{default}",
                choice.name,
                choice.values.join(" | ")
            )?;
        }
        for (name, condition) in &spec.conditions {
            writeln!(self.out, "condition {name} = {}", self.condition(condition))?;
        }
        for (name, items) in &spec.mappings {
            writeln!(self.out, "mapping {name} {{")?;
            self.items(items, 1)?;
            writeln!(self.out, "}}")?;
        }
        for profile in &spec.profiles {
            let when = profile.when.as_ref().map_or(String::new(), |when| {
                format!(" when {}", self.condition(when))
            });
            writeln!(self.out, "profile {}{when} {{", quoted(&profile.name))?;
            self.items(&profile.items, 1)?;
            writeln!(self.out, "}}")?;
        }
        for (at, (name, profiles)) in spec.roles.iter().enumerate() {
            let names: Vec<String> = profiles
                .iter()
                .map(|at| quoted(&spec.profiles[*at].name))
                .collect();
            let default = if spec.default_role == Some(at) {
                "default "
            } else {
                ""
            };
            writeln!(
                self.out,
                "{default}role {} uses {}",
                quoted(name),
                names.join(", ")
            )?;
        }
        Ok(())
    }

    fn items(&mut self, items: &[Item], depth: usize) -> std::fmt::Result {
        for item in items {
            write!(self.out, "{}", "    ".repeat(depth))?;
            self.item(item, depth)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item, depth: usize) -> std::fmt::Result {
        let spec = self.spec;
        let line = self.out.matches('\n').count() + 1;
        match item {
            // A single item needs no block; both forms are equivalent.
            Item::When { condition, items } if items.len() == 1 => {
                write!(self.out, "when {}: ", self.condition(condition))?;
                self.item(&items[0], depth)
            }
            Item::When { condition, items } => {
                writeln!(self.out, "when {} {{", self.condition(condition))?;
                self.items(items, depth + 1)?;
                writeln!(self.out, "{}}}", "    ".repeat(depth))
            }
            Item::Apply {
                mapping,
                with,
                direction,
            } => {
                let with = with.map_or(String::new(), |(new, old)| {
                    format!(
                        " with {} for {}",
                        spec.systems[new].name, spec.systems[old].name
                    )
                });
                let way = direction.map_or(String::new(), |(from, to)| {
                    format!(" {} -> {}", spec.systems[from].name, spec.systems[to].name)
                });
                writeln!(self.out, "apply {}{with}{way}", spec.mappings[*mapping].0)
            }
            Item::Append { text, to } => {
                writeln!(self.out, "append {:?} to {}", text, spec.systems[*to].name)
            }
            Item::Rule {
                id,
                overrides,
                from,
                source,
                to,
                target,
            } => {
                self.lines.insert(*id, line);
                let (from, to) = (&spec.systems[*from], &spec.systems[*to]);
                let source = match source {
                    Source::Otherwise => "otherwise".to_owned(),
                    Source::States(picks) => picked(from, picks),
                };
                let target = match target {
                    Target::Set(at) => quoted(&to.states[*at].name),
                    Target::Unchanged => "unchanged".to_owned(),
                    Target::Previous => "previous".to_owned(),
                };
                let overrides = if *overrides { "override " } else { "" };
                writeln!(
                    self.out,
                    "{overrides}{} {source} -> {} {target}",
                    from.name, to.name
                )
            }
            Item::Both { id, left, right } => {
                self.lines.insert(*id, line);
                let side = |(system, state): (usize, usize)| {
                    let system = &spec.systems[system];
                    format!("{} {}", system.name, quoted(&system.states[state].name))
                };
                writeln!(self.out, "{} <-> {}", side(*left), side(*right))
            }
        }
    }

    fn condition(&self, condition: &Cond) -> String {
        let spec = self.spec;
        let joined = |parts: &[Cond], word: &str| {
            let parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
            format!("({})", parts.join(word))
        };
        match condition {
            Cond::Flag(at) => spec.flags[*at].clone(),
            Cond::Is(at, values) => {
                let choice = &spec.choices[*at];
                let names: Vec<&str> = values
                    .iter()
                    .map(|value| choice.values[*value].as_str())
                    .collect();
                match names.as_slice() {
                    [one] if !spec.shared(one) => (*one).to_owned(),
                    several => format!("{} is {}", choice.name, several.join(" | ")),
                }
            }
            Cond::Named(at) => spec.conditions[*at].0.clone(),
            Cond::Shows {
                system,
                not,
                states,
            } => {
                let system = &spec.systems[*system];
                format!(
                    "{} is {}{}",
                    system.name,
                    if *not { "not " } else { "" },
                    picked(system, states)
                )
            }
            Cond::ByHand(system) => format!("{} by hand", spec.systems[*system].name),
            Cond::Not(part) => format!("not ({})", self.condition(part)),
            Cond::And(parts) => joined(parts, " and "),
            Cond::Or(parts) => joined(parts, " or "),
        }
    }
}

fn picked(system: &System, picks: &[Pick]) -> String {
    let names: Vec<String> = picks
        .iter()
        .map(|pick| match pick {
            Pick::State(at) => quoted(&system.states[*at].name),
            Pick::Group(at) => system.groups[*at].0.clone(),
            Pick::Any => "any".to_owned(),
        })
        .collect();
    names.join(" | ")
}
