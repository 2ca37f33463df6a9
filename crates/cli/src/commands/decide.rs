//! `presync decide`: decides one change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use crate::error::{CommandAnswer, CommandError, CommandResult};
use crate::loading;
use crate::terminal::Terminal;
use presync::nearest;
use presync::{ArgumentError, on_one_line, quote, quote_text, visible};
use presync::{Declared, DeclaredKind, ExplainedProfile, Program, Question};
use presync_engine::{DecideError, Decided, FactId, Schema, StateId, SystemId, Tables, ValueId};

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
    /// The role; required if there are several and none is the default.
    #[arg(long)]
    role: Option<String>,
    /// Facts and states, for example `in_queue,user_type=im,lync=Busy by hand,own lync=Away`.
    #[arg(long, value_name = "F[=V],…")]
    given: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Explain which rule decides and why others do not.
    #[arg(long, conflicts_with = "json")]
    explain: bool,
}

#[derive(Serialize)]
struct DecideOutput<'a> {
    role: &'a str,
    from: &'a str,
    state: &'a str,
    decisions: Vec<Decided<'a>>,
}

pub fn run(arguments: &Arguments, terminal: &Terminal) -> CommandResult {
    let (tables, program) = loading::tables(&arguments.path, terminal)?;
    let schema = tables.schema();
    let role = match &arguments.role {
        Some(name) => tables.role(name)?,
        None => tables.default_role().map_err(|several| {
            let names: Vec<&str> = several.known.iter().map(String::as_str).collect();
            CommandError::Usage(format!(
                "the program has several roles and none is the default: use `--role` with one of {}",
                quoted(&names)
            ))
        })?,
    };
    let entered = change(&tables, &arguments.change)?;
    let mut given = GivenFacts {
        schema,
        program: program.as_ref(),
        facts: BTreeMap::new(),
        states: BTreeMap::new(),
        by_hand: BTreeSet::new(),
        own: BTreeMap::new(),
    };
    for text in &arguments.given {
        given.give(text)?;
    }
    let changes = entered.system();
    if let Some(other) = given
        .states
        .get(&changes)
        .filter(|state| **state != entered)
    {
        let (system, other) = (&schema.system(changes).name, &schema.state(*other).name);
        return Err(CommandError::Usage(format!(
            "--given: `{system}` is changed by the event and cannot be `{other}`: remove `{system}=…` from `--given`"
        )));
    }
    let mut situation = tables.situation();
    given
        .facts
        .values()
        .for_each(|value| situation.set_value(*value));
    given
        .states
        .values()
        .for_each(|state| situation.set_state(*state));
    let by_hand = given.by_hand.iter();
    by_hand.for_each(|system| situation.set_by_hand(*system));
    given
        .own
        .values()
        .for_each(|state| situation.set_own(*state));
    let decided = role
        .decide(&situation, entered)
        .map_err(|error| match error {
            DecideError::Unset { fact, .. } => unset(schema, fact),
            error => CommandError::Usage(error.to_string()),
        })?;
    let decisions = DecideOutput {
        role: role.name(),
        from: &schema.system(entered.system()).name,
        state: &schema.state(entered).name,
        decisions: decided,
    };
    if arguments.json {
        let text = serde_json::to_string(&decisions).map_err(std::io::Error::from)?;
        terminal.stdout(format!("{text}\n"))?;
    } else {
        terminal.stdout(human(&decisions))?;
    }
    if arguments.explain {
        let Some(program) = &program else {
            return Err(CommandError::Usage(
                "a tables.json contains no rules to explain: name the program instead".to_owned(),
            ));
        };
        let question = Question {
            role: role.id(),
            entered,
            situation: &situation,
        };
        terminal.stdout(explained(program, &question))?;
    }
    Ok(CommandAnswer::Yes)
}

/// For each other system, the rule that decides and why others do not.
fn explained(program: &Program, question: &Question<'_>) -> String {
    let from = &program.system(question.entered.system()).name;
    let place = |location| program.sources.file_line(location);
    let mut text = String::new();
    for found in presync::explain(program, question) {
        text.push_str(&format!(
            "\n{} -> {} {}\n",
            quote(from),
            quote(&program.system(found.to).name),
            found.outcome
        ));
        for (number, profile) in (1..).zip(&found.profiles) {
            let name = quote_text(&profile.name);
            let verdict = match profile {
                ExplainedProfile {
                    decider: Some(_), ..
                } => "decides",
                ExplainedProfile { too_late: true, .. } => "is not asked",
                profile if profile.others.is_empty() => "has no rule for this change",
                _ => "passes",
            };
            text.push_str(&format!("  {number}. {name} {verdict}\n"));
            let rule = |location| {
                let rule = on_one_line(program.sources.text(location));
                format!("{rule}    ({})", place(location))
            };
            if let Some(decider) = profile.decider {
                text.push_str(&format!("     > {}\n", rule(decider)));
            }
            let asked = !profile.too_late;
            for other in profile.others.iter().filter(|_| asked) {
                let why = &other.why;
                text.push_str(&format!(
                    "       {}\n         {why}\n",
                    rule(other.location)
                ));
            }
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
                text.push_str(&format!("  with {change}: {then}\n"));
            }
            (None, true) => {
                text.push_str("  the role is too complex to search for changes that matter\n");
            }
            (None, false) => text.push_str("  no other facts or states lead to another outcome\n"),
        }
    }
    visible(&text)
}

fn human(decisions: &DecideOutput<'_>) -> String {
    let mut text = String::new();
    for decided in &decisions.decisions {
        let outcome = match (decided.kind(), decided.state()) {
            ("previous", Some(own)) => format!("previous, which is {}", quote(own)),
            (kind, state) => state.map_or_else(|| kind.to_owned(), quote),
        };
        let append: Vec<String> = decided
            .append()
            .iter()
            .map(|text| quote_text(text))
            .collect();
        let append = if append.is_empty() {
            String::new()
        } else {
            format!(" append {}", append.join(", "))
        };
        let origin = match &decided.decision().origin {
            Some(origin) => format!(
                "by profile {} ({})",
                quote_text(&origin.profile),
                origin.rule
            ),
            None => format!("no profile of role {} maps it", quote_text(decisions.role)),
        };
        let line = format!(
            "{} {} -> {} {outcome}{append}",
            quote(decisions.from),
            quote(decisions.state),
            quote(decided.system())
        );
        text.push_str(&format!("{line}    {}\n", visible(&origin)));
    }
    text
}

fn change(tables: &Tables, text: &str) -> Result<StateId, CommandError> {
    let (system, state) = presync::parse_change(text).map_err(|error| {
        CommandError::Usage(format!(
            "expected a system and a state, as in 'cic \"At Lunch\"': {error}"
        ))
    })?;
    let system = tables.schema().system_named(&system.text)?;
    state_named(tables.schema(), system, &state.text)
}

/// A state by name or id. In events, an unknown name is the state marked `other`; here it is most likely a slip.
fn state_named(schema: &Schema, system: SystemId, name: &str) -> Result<StateId, CommandError> {
    let id = schema.state_named(system, name)?;
    let found = schema.state(id);
    let is_it = |known: &String| known.eq_ignore_ascii_case(name);
    if is_it(&found.name) || found.id.as_ref().is_some_and(is_it) {
        return Ok(id);
    }
    let system = schema.system(system);
    let known = system.states.iter().map(|state| state.name.as_str());
    let near =
        nearest(name, known).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
    Err(CommandError::Usage(format!(
        "{} has no state `{name}`{near} (an event with this name would be read as {})",
        quote(&system.name),
        quote(&found.name)
    )))
}

/// The values and states from `--given`.
struct GivenFacts<'a> {
    schema: &'a Schema,
    program: Option<&'a Program>,
    facts: BTreeMap<FactId, ValueId>,
    states: BTreeMap<SystemId, StateId>,
    /// The systems whose state is by hand.
    by_hand: BTreeSet<SystemId>,
    own: BTreeMap<SystemId, StateId>,
}

impl GivenFacts<'_> {
    fn give(&mut self, given: &str) -> Result<(), CommandError> {
        let wrong = |error: ArgumentError| {
            let forms = "write facts and states as in `in_queue, user_type=im, lync=\"Do Not Disturb\" by hand`";
            CommandError::Usage(format!("--given: {error}; {forms}"))
        };
        for assignment in presync::parse_given(given).map_err(wrong)? {
            let name = &*assignment.name.text;
            let value = assignment.value.as_ref().map(|value| &*value.text);
            let of_system = assignment.own || assignment.by_hand;
            if let Some(fact) = self.schema.find_fact(name).filter(|_| !of_system) {
                let value = self.fact_value(fact, value)?;
                self.set(value)?;
            } else if let Some(system) = self.schema.find_system(name) {
                let state = value.ok_or_else(|| {
                    CommandError::Usage(format!("--given: `{name}` is a system: use {name}=STATE"))
                })?;
                let state = state_named(self.schema, system, state)?;
                if assignment.own {
                    self.check_own(system, state, assignment.by_hand)?;
                }
                let (states, kind) = if assignment.own {
                    (&mut self.own, "own states")
                } else {
                    (&mut self.states, "states")
                };
                if states
                    .insert(system, state)
                    .is_some_and(|before| before != state)
                {
                    return Err(CommandError::Usage(format!(
                        "--given: two {kind} for `{name}`"
                    )));
                }
                if assignment.by_hand {
                    self.by_hand.insert(system);
                }
            } else if of_system {
                let systems = self.schema.systems();
                let names: Vec<&str> = systems.map(|(_, system)| system.name.as_str()).collect();
                return Err(CommandError::Usage(format!(
                    "--given: `{name}` is not a system: `own` and `by hand` need one of {}",
                    quoted(&names)
                )));
            } else {
                let value = self.bare_value(name, value)?;
                self.set(value)?;
            }
        }
        Ok(())
    }

    /// Rejects states that cannot be an own state.
    fn check_own(
        &self,
        system: SystemId,
        state: StateId,
        by_hand: bool,
    ) -> Result<(), CommandError> {
        let name = &self.schema.system(system).name;
        let wrong = if by_hand {
            format!("`by hand` belongs to the state of `{name}`, not to its own state")
        } else if !self.schema.has_previous(system) {
            format!("no rule sets `{name} previous`: it has no own state")
        } else if self.schema.state(state).read_only {
            let state = &self.schema.state(state).name;
            format!("`{state}` of `{name}` cannot be set, so it cannot be the own state")
        } else {
            return Ok(());
        };
        Err(CommandError::Usage(format!("--given: {wrong}")))
    }

    fn set(&mut self, value: ValueId) -> Result<(), CommandError> {
        if self
            .facts
            .insert(value.fact(), value)
            .is_some_and(|before| before != value)
        {
            let name = &self.schema.fact(value.fact()).name;
            return Err(CommandError::Usage(format!(
                "--given: two values for `{name}`"
            )));
        }
        Ok(())
    }

    fn fact_value(&self, fact: FactId, value: Option<&str>) -> Result<ValueId, CommandError> {
        let is_flag = self.schema.fact(fact).is_flag();
        match value {
            None if is_flag => Ok(self.schema.value_named(fact, "true")?),
            None => Err(unset(self.schema, fact)),
            Some(other) if is_flag && !["true", "false"].contains(&other) => {
                Err(CommandError::Usage(format!(
                    "--given: `{}` is a flag: use true or false, not `{other}`",
                    self.schema.fact(fact).name
                )))
            }
            Some(value) => Ok(self.schema.value_named(fact, value)?),
        }
    }

    /// A value without a fact's name, if only one choice has it.
    fn bare_value(&self, name: &str, value: Option<&str>) -> Result<ValueId, CommandError> {
        let schema = self.schema;
        let choices: Vec<ValueId> = schema
            .facts()
            .filter_map(|(fact, _)| schema.find_value(fact, name))
            .collect();
        match (choices.as_slice(), value) {
            ([one], None) => Ok(*one),
            ([], _) => {
                let conditions = self.program.iter().flat_map(|program| &program.declared);
                let is_condition = |declared: &Declared| {
                    declared.kind == DeclaredKind::Condition && declared.name == name
                };
                if conditions.into_iter().any(is_condition) {
                    return Err(CommandError::Usage(format!(
                        "--given: `{name}` is a condition: list the facts that make it true"
                    )));
                }
                let facts = schema.facts().map(|(_, fact)| fact.name.as_str());
                let systems = schema.systems().map(|(_, system)| system.name.as_str());
                let names: Vec<&str> = facts.chain(systems).collect();
                let hint = match nearest(name, names.iter().copied()) {
                    Some(near) => format!(": did you mean `{near}`?"),
                    None => format!(": known names are {}", quoted(&names)),
                };
                Err(CommandError::Usage(format!(
                    "unknown fact or system `{name}`{hint}"
                )))
            }
            (several, None) => {
                let forms: Vec<String> = several
                    .iter()
                    .map(|value| format!("{}={name}", schema.fact(value.fact()).name))
                    .collect();
                Err(CommandError::Usage(format!(
                    "--given: more than one choice has the value `{name}`: use {}",
                    forms.join(" or ")
                )))
            }
            (_, Some(_)) => Err(CommandError::Usage(format!(
                "--given: `{name}` is a value and cannot be assigned one"
            ))),
        }
    }
}

fn unset(schema: &Schema, fact: FactId) -> CommandError {
    let name = &schema.fact(fact).name;
    let forms: Vec<String> = schema
        .values(fact)
        .map(|value| format!("{}={}", quote(name), quote(schema.value_name(value))))
        .collect();
    CommandError::Usage(format!(
        "`{name}` has no value: add `--given` with one of {}",
        forms.join(", ")
    ))
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| quote_text(name))
        .collect::<Vec<_>>()
        .join(", ")
}
