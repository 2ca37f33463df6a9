//! `presync decide`: one decision.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::error::{CommandError, CommandResult};
use crate::loading;
use crate::terminal::Terminal;
use presync::analysis::explanation;
use presync::diagnostic::nearest;
use presync::program;
use presync::program::{DeclaredKind, Program};
use presync::quote::{quote, quote_always, visible};
use presync::space::{Space, Variable};
use presync::syntax;
use presync_engine::table::{Decision, FactKind, Outcome, Tables};

/// Decide one change of state.
#[derive(Args)]
pub struct Arguments {
    /// A program, a directory with one, `-`, or a tables.json.
    path: PathBuf,
    /// The change: a system and the state entered.
    #[arg(
        value_name = "CHANGE",
        help = "The change, for example 'cic \"At Lunch\"'"
    )]
    change: String,
    /// The role; needed where there is more than one.
    #[arg(long)]
    role: Option<String>,
    /// Facts and current states, for example `in_queue,user_type=im,lync=Busy`.
    #[arg(long, value_name = "F[=V],…")]
    given: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Say why, and why not otherwise.
    #[arg(long, conflicts_with = "json")]
    explain: bool,
}

#[derive(Serialize)]
struct Decisions<'a> {
    role: &'a str,
    from: &'a str,
    state: &'a str,
    decisions: Vec<Decided<'a>>,
}

#[derive(Serialize)]
struct Decided<'a> {
    to: &'a str,
    outcome: &'static str,
    state: Option<&'a str>,
    append: &'a [String],
    profile: Option<&'a str>,
    rule: Option<&'a str>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    let role = role(&tables, arguments.role.as_deref())?;
    let (from, state) = change(&tables, &arguments.change)?;
    let mut situation = Situation::new(&tables);
    for given in &arguments.given {
        situation.give(given, &tables, program.as_ref())?;
    }
    situation.states[from] = state + 1;
    let tables_from: Vec<_> = tables.roles[role]
        .tables
        .iter()
        .filter(|table| table.from == from)
        .collect();
    if let Some(fact) = tables_from
        .iter()
        .find_map(|table| table.unset(&situation.facts).next())
    {
        return Err(unset(&tables, fact));
    }
    let decided = tables_from.iter().map(|table| {
        decided(
            &tables,
            table.to,
            table.decide(&situation.facts, &situation.states, state),
        )
    });
    let decisions = Decisions {
        role: &tables.roles[role].name,
        from: &tables.systems[from].name,
        state: &tables.systems[from].states[state as usize].name,
        decisions: decided.collect(),
    };
    if arguments.json {
        let text = serde_json::to_string(&decisions).map_err(std::io::Error::from)?;
        terminal.data(&format!("{text}\n"))?;
    } else {
        terminal.data(&human(&decisions))?;
    }
    if arguments.explain {
        let Some(program) = &program else {
            return Err(CommandError::Usage(
                "a tables.json has no rules to explain: name the program".to_owned(),
            ));
        };
        terminal.data(&explained(
            program,
            &tables,
            role,
            (from, state),
            &situation,
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Why, and why not otherwise, for each other system.
fn explained(
    program: &Program,
    tables: &Tables,
    role: usize,
    (from, state): (usize, u32),
    situation: &Situation,
) -> String {
    let mut space = Space::new(program);
    let system_named = |name: &str| {
        program
            .system_ids()
            .find(|id| program.system(*id).name == name)
    };
    let values: Vec<u32> = space
        .variables()
        .iter()
        .enumerate()
        .map(|(at, variable)| {
            let found = match variable {
                Variable::Fact(fact) => {
                    let fact = program.fact(*fact);
                    let given = tables.fact(&fact.name).map(|at| (at, situation.facts[at]));
                    given.and_then(|(at, value)| match (&tables.facts[at].kind, &fact.kind) {
                        (
                            FactKind::Choice { values, .. },
                            program::FactKind::Choice { values: known, .. },
                        ) => {
                            let name = values.get(value as usize)?;
                            known
                                .iter()
                                .position(|known| known == name)
                                .map(|at| at as u32)
                        }
                        _ => Some(value),
                    })
                }
                Variable::State(system) => {
                    let system = program.system(*system);
                    let given = tables
                        .system(&system.name)
                        .and_then(|at| Some((at, situation.states[at].checked_sub(1)?)));
                    given.and_then(|(at, state)| {
                        let name = &tables.systems[at].states[state as usize].name;
                        system
                            .states
                            .iter()
                            .position(|state| state.name == *name)
                            .map(|at| at as u32 + 1)
                    })
                }
            };
            found.unwrap_or(space.usual()[at])
        })
        .collect();
    let names = (
        &tables.roles[role].name,
        &tables.systems[from].name,
        &tables.systems[from].states[state as usize].name,
    );
    let role = program
        .role_ids()
        .find(|id| program.role(*id).name == *names.0);
    let system = system_named(names.1);
    let entered = system.and_then(|system| {
        program
            .system(system)
            .states()
            .find(|id| program.system(system).state(*id).name == *names.2)
    });
    let (Some(role), Some(from), Some(state)) = (role, system, entered) else {
        return String::new();
    };
    let question = explanation::Question {
        role,
        from,
        state,
        values: &values,
    };
    let place = |location| program.sources.file_line(location);
    let mut text = String::new();
    for found in explanation::explain(&mut space, &question) {
        text.push_str(&format!(
            "\n{} -> {} {}\n",
            quote(names.1),
            quote(&program.system(found.to).name),
            found.outcome
        ));
        match &found.decider {
            Some((profile, location)) => {
                text.push_str(&format!(
                    "  decided by {} ({}): {}\n",
                    quote_always(profile),
                    place(*location),
                    program.sources.text(*location)
                ));
            }
            None => text.push_str("  no rule decides\n"),
        }
        for other in &found.others {
            let rule = program.sources.text(other.location);
            text.push_str(&format!(
                "  not {} ({}): {rule}\n      {}\n",
                quote_always(&other.profile),
                place(other.location),
                other.why
            ));
        }
        if found.elsewhere > 0 {
            let rules = if found.elsewhere == 1 {
                "1 more rule is".to_owned()
            } else {
                format!("{} more rules are", found.elsewhere)
            };
            text.push_str(&format!("  {rules} for other states\n"));
        }
        match (&found.nearest, found.entangled) {
            (Some((change, then)), _) => {
                text.push_str(&format!("  with {change} it would be {then}\n"))
            }
            (None, true) => {
                text.push_str("  the role is too entangled to look for what would change it\n")
            }
            (None, false) => text.push_str("  nothing else would change it\n"),
        }
    }
    visible(&text)
}

fn human(decisions: &Decisions<'_>) -> String {
    let mut text = String::new();
    for decision in &decisions.decisions {
        let outcome = match decision.state {
            Some(state) => quote(state),
            None => decision.outcome.to_owned(),
        };
        let append: Vec<String> = decision
            .append
            .iter()
            .map(|text| quote_always(text))
            .collect();
        let append = if append.is_empty() {
            String::new()
        } else {
            format!(" append {}", append.join(", "))
        };
        let origin = match (decision.profile, decision.rule) {
            (Some(profile), Some(rule)) => format!("by profile {} ({rule})", quote_always(profile)),
            _ => format!(
                "no profile of role {} maps it",
                quote_always(decisions.role)
            ),
        };
        let line = format!(
            "{} {} -> {} {outcome}{append}",
            quote(decisions.from),
            quote(decisions.state),
            quote(decision.to)
        );
        text.push_str(&format!("{line}    {}\n", visible(&origin)));
    }
    text
}

fn decided<'a>(tables: &'a Tables, to: usize, decision: &'a Decision) -> Decided<'a> {
    let (outcome, state, append): (_, _, &[String]) = match &decision.outcome {
        Outcome::Unmapped => ("unmapped", None, &[]),
        Outcome::Unchanged => ("unchanged", None, &[]),
        Outcome::Set { state, append } => (
            "set",
            Some(tables.systems[to].states[*state as usize].name.as_str()),
            append,
        ),
    };
    Decided {
        to: &tables.systems[to].name,
        outcome,
        state,
        append,
        profile: decision.profile.as_deref(),
        rule: decision.rule.as_deref(),
    }
}

fn role(tables: &Tables, name: Option<&str>) -> Result<usize, CommandError> {
    let names: Vec<&str> = tables.roles.iter().map(|role| role.name.as_str()).collect();
    match (name, names.as_slice()) {
        (Some(name), _) => tables
            .role(name)
            .ok_or_else(|| unknown("role", name, &names)),
        (None, [_]) => Ok(0),
        (None, _) => Err(CommandError::Usage(format!(
            "say which role: --role with one of {}",
            quoted(&names)
        ))),
    }
}

fn change(tables: &Tables, text: &str) -> Result<(usize, u32), CommandError> {
    let (system, state) = syntax::parse_change(text).map_err(|error| {
        CommandError::Usage(format!(
            "a change is a system and a state, like 'cic \"At Lunch\"': {error}"
        ))
    })?;
    let systems: Vec<&str> = tables
        .systems
        .iter()
        .map(|system| system.name.as_str())
        .collect();
    let from = tables
        .system(&system.text)
        .ok_or_else(|| unknown("system", &system.text, &systems))?;
    Ok((from, self::state(tables, from, &state.text)?))
}

fn state(tables: &Tables, system: usize, name: &str) -> Result<u32, CommandError> {
    let of = &tables.systems[system];
    let names: Vec<&str> = of.states.iter().map(|state| state.name.as_str()).collect();
    tables
        .state(system, name)
        .ok_or_else(|| unknown(&format!("state of {}", of.name), name, &names))
}

struct Situation {
    given: std::collections::BTreeSet<usize>,
    facts: Vec<u32>,
    states: Vec<u32>,
}

impl Situation {
    fn new(tables: &Tables) -> Self {
        Self {
            given: std::collections::BTreeSet::new(),
            facts: tables
                .facts
                .iter()
                .map(presync_engine::table::Fact::initial)
                .collect(),
            states: vec![0; tables.systems.len()],
        }
    }

    fn set(&mut self, fact: usize, value: u32, name: &str) -> Result<(), CommandError> {
        if !self.given.insert(fact) && self.facts[fact] != value {
            return Err(CommandError::Usage(format!(
                "--given: `{name}` is given two values"
            )));
        }
        self.facts[fact] = value;
        Ok(())
    }

    fn give(
        &mut self,
        given: &str,
        tables: &Tables,
        program: Option<&Program>,
    ) -> Result<(), CommandError> {
        let wrong = |error: String| {
            let forms =
                "what is given is like `in_queue, busy=false, user_type=im, lync=\"At Lunch\"`";
            CommandError::Usage(format!("--given: {forms}: {error}"))
        };
        for assignment in syntax::parse_given(given).map_err(wrong)? {
            let name = &*assignment.name.text;
            let value = assignment.value.as_ref().map(|value| &*value.text);
            if let Some(fact) = tables.fact(name) {
                let value = fact_value(tables, fact, value)?;
                self.set(fact, value, &tables.facts[fact].name)?;
            } else if let Some(system) = tables.system(name) {
                let value = value.ok_or_else(|| {
                    CommandError::Usage(format!(
                        "--given: `{name}` is a system: write {name}=STATE"
                    ))
                })?;
                let value = state(tables, system, value)? + 1;
                if self.states[system] != 0 && self.states[system] != value {
                    return Err(CommandError::Usage(format!(
                        "--given: `{name}` is given two states"
                    )));
                }
                self.states[system] = value;
            } else {
                let (fact, value) = bare_value(tables, name, value, program)?;
                self.set(fact, value, &tables.facts[fact].name)?;
            }
        }
        Ok(())
    }
}

fn fact_value(tables: &Tables, fact: usize, value: Option<&str>) -> Result<u32, CommandError> {
    let name = &tables.facts[fact].name;
    match (&tables.facts[fact].kind, value) {
        (FactKind::Flag, None | Some("true")) => Ok(1),
        (FactKind::Flag, Some("false")) => Ok(0),
        (FactKind::Flag, Some(other)) => Err(CommandError::Usage(format!(
            "--given: `{name}` is a flag: true or false, not `{other}`"
        ))),
        (FactKind::Choice { values, .. }, Some(value)) => {
            let names: Vec<&str> = values.iter().map(String::as_str).collect();
            tables
                .value(fact, value)
                .ok_or_else(|| unknown(&format!("value of `{name}`"), value, &names))
        }
        (FactKind::Choice { .. }, None) => Err(unset(tables, fact)),
    }
}

/// A value by itself, where only one choice has it.
fn bare_value(
    tables: &Tables,
    name: &str,
    value: Option<&str>,
    program: Option<&Program>,
) -> Result<(usize, u32), CommandError> {
    let choices: Vec<(usize, u32)> = (0..tables.facts.len())
        .filter_map(|fact| tables.value(fact, name).map(|value| (fact, value)))
        .collect();
    match (choices.as_slice(), value) {
        ([one], None) => Ok(*one),
        ([], _) => {
            let conditions = program.iter().flat_map(|program| &program.declared);
            if conditions
                .clone()
                .any(|declared| declared.kind == DeclaredKind::Condition && declared.name == name)
            {
                return Err(CommandError::Usage(format!(
                    "--given: `{name}` is a condition: give the facts that make it hold"
                )));
            }
            let mut names: Vec<&str> = tables.facts.iter().map(|fact| fact.name.as_str()).collect();
            names.extend(tables.systems.iter().map(|system| system.name.as_str()));
            Err(unknown("fact or system", name, &names))
        }
        (several, None) => {
            let forms: Vec<String> = several
                .iter()
                .map(|(fact, _)| format!("{}={name}", tables.facts[*fact].name))
                .collect();
            Err(CommandError::Usage(format!(
                "--given: more than one choice has the value `{name}`: write {}",
                forms.join(" or ")
            )))
        }
        (_, Some(_)) => Err(CommandError::Usage(format!(
            "--given: `{name}` is a value: it takes none itself"
        ))),
    }
}

fn unset(tables: &Tables, fact: usize) -> CommandError {
    let fact = &tables.facts[fact];
    let FactKind::Choice { values, .. } = &fact.kind else {
        return CommandError::Usage(format!("`{}` has no value", fact.name));
    };
    let forms: Vec<String> = values
        .iter()
        .map(|value| format!("{}={}", quote(&fact.name), quote(value)))
        .collect();
    CommandError::Usage(format!(
        "`{}` has no value: add --given with one of {}",
        fact.name,
        forms.join(", ")
    ))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> CommandError {
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!(": did you mean `{near}`?"),
        None => format!(": known are {}", quoted(known)),
    };
    CommandError::Usage(format!("unknown {what} `{name}`{hint}"))
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| quote_always(name))
        .collect::<Vec<_>>()
        .join(", ")
}
