//! One change in one situation: what is decided, and why. In: words as people write them. Out: text.

use std::collections::{BTreeMap, BTreeSet};

use presync::{
    ArgumentError, DecideError, Decided, Declared, DeclaredKind, ExplainedProfile, FactId, Program,
    Question, RoleTables, Schema, Situation, StateId, SystemId, Tables, UnknownName, ValueId,
    nearest, on_one_line, quote, quote_text, visible,
};

/// A question.
pub struct WhatIf<'a> {
    pub tables: &'a Tables,
    /// For explanations.
    pub program: Option<&'a Program>,
    /// Required if there are several and none is the default.
    pub role: Option<&'a str>,
    /// A system and the state entered: `cic "At Lunch"`.
    pub change: &'a str,
    /// Facts and states: `in_queue, user_type=im, lync=Busy by hand, own lync=Away`.
    pub given: &'a [String],
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhatIfError {
    /// The names of the roles.
    #[error("the program has several roles and none is the default: name one of {0}")]
    SeveralRoles(String),
    /// What is wrong with the facts and states that are given.
    #[error("{0}")]
    Given(String),
    #[error("`{name}` has no value: give it one of {forms}")]
    Unset { name: String, forms: String },
    #[error("{0}")]
    Other(String),
}

impl From<UnknownName> for WhatIfError {
    fn from(error: UnknownName) -> Self {
        Self::Other(unknown_name(&error))
    }
}

/// A name that is not known, with those that are.
pub fn unknown_name(error: &UnknownName) -> String {
    let known: Vec<&str> = error.known().iter().map(String::as_str).collect();
    match error.near() {
        None if !known.is_empty() => format!("{error}: known names are {}", quoted(&known)),
        _ => error.to_string(),
    }
}

/// What is decided.
pub struct WhatIfAnswer<'a> {
    pub tables: &'a Tables,
    pub role: RoleTables<'a>,
    pub entered: StateId,
    pub situation: Situation,
    pub decided: Vec<Decided<'a>>,
}

/// Answers a question.
///
/// # Errors
/// It names something that the program does not have, or does not say something that it needs.
pub fn ask<'a>(question: &WhatIf<'a>) -> Result<WhatIfAnswer<'a>, WhatIfError> {
    let tables = question.tables;
    let schema = tables.schema();
    let role = match question.role {
        Some(name) => tables.role(name)?,
        None => tables.default_role().map_err(|several| {
            let names: Vec<&str> = several.known.iter().map(String::as_str).collect();
            WhatIfError::SeveralRoles(quoted(&names))
        })?,
    };
    let entered = change(tables, question.change)?;
    let mut given = GivenFacts {
        schema,
        program: question.program,
        facts: BTreeMap::new(),
        states: BTreeMap::new(),
        by_hand: BTreeSet::new(),
        own: BTreeMap::new(),
    };
    for text in question.given {
        given.give(text)?;
    }
    let changes = entered.system();
    let other = given.states.get(&changes);
    if let Some(other) = other.filter(|state| **state != entered) {
        let (system, other) = (&schema.system(changes).name, &schema.state(*other).name);
        return Err(WhatIfError::Given(format!(
            "`{system}` is changed by the event and cannot be `{other}`: remove `{system}=…`"
        )));
    }
    let mut situation = tables.situation();
    let facts = given.facts.values();
    facts.for_each(|value| situation.set_value(*value));
    let states = given.states.values();
    states.for_each(|state| situation.set_state(*state));
    let by_hand = given.by_hand.iter();
    by_hand.for_each(|system| situation.set_by_hand(*system));
    let own = given.own.values();
    own.for_each(|state| situation.set_own(*state));
    let decided = role.decide(&situation, entered);
    let decided = decided.map_err(|error| match error {
        DecideError::Unset { fact, .. } => unset(schema, fact),
        error => WhatIfError::Other(error.to_string()),
    })?;
    Ok(WhatIfAnswer {
        tables,
        role,
        entered,
        situation,
        decided,
    })
}

impl WhatIfAnswer<'_> {
    /// A line for each other system.
    pub fn lines(&self) -> String {
        let schema = self.tables.schema();
        let from = &schema.system(self.entered.system()).name;
        let state = &schema.state(self.entered).name;
        let mut text = String::new();
        for decided in &self.decided {
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
                None => format!(
                    "no profile of role {} maps it",
                    quote_text(self.role.name())
                ),
            };
            let line = format!(
                "{} {} -> {} {outcome}{append}",
                quote(from),
                quote(state),
                quote(decided.system())
            );
            text.push_str(&format!("{line}    {}\n", visible(&origin)));
        }
        text
    }

    /// For each other system, the rule that decides and why others do not.
    pub fn explanation(&self, program: &Program) -> String {
        let question = &Question {
            role: self.role.id(),
            entered: self.entered,
            situation: &self.situation,
        };
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
                (None, false) => {
                    text.push_str("  no other facts or states lead to another outcome\n");
                }
            }
        }
        visible(&text)
    }
}

fn change(tables: &Tables, text: &str) -> Result<StateId, WhatIfError> {
    let (system, state) = presync::parse_change(text).map_err(|error| {
        WhatIfError::Other(format!(
            "expected a system and a state, as in 'cic \"At Lunch\"': {error}"
        ))
    })?;
    let system = tables.schema().system_named(&system.text)?;
    state_named(tables.schema(), system, &state.text)
}

/// A state by name or id. In events, an unknown name is the state marked `other`; here it is most likely a slip.
fn state_named(schema: &Schema, system: SystemId, name: &str) -> Result<StateId, WhatIfError> {
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
    Err(WhatIfError::Other(format!(
        "{} has no state `{name}`{near} (an event with this name would be read as {})",
        quote(&system.name),
        quote(&found.name)
    )))
}

/// The values and states that are given.
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
    fn give(&mut self, given: &str) -> Result<(), WhatIfError> {
        let wrong = |error: ArgumentError| {
            let forms = "write facts and states as in `in_queue, user_type=im, lync=\"Do Not Disturb\" by hand`";
            WhatIfError::Given(format!("{error}; {forms}"))
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
                    WhatIfError::Given(format!("`{name}` is a system: use {name}=STATE"))
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
                    return Err(WhatIfError::Given(format!("two {kind} for `{name}`")));
                }
                if assignment.by_hand {
                    self.by_hand.insert(system);
                }
            } else if of_system {
                let systems = self.schema.systems();
                let names: Vec<&str> = systems.map(|(_, system)| system.name.as_str()).collect();
                return Err(WhatIfError::Given(format!(
                    "`{name}` is not a system: `own` and `by hand` need one of {}",
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
    ) -> Result<(), WhatIfError> {
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
        Err(WhatIfError::Given(wrong))
    }

    fn set(&mut self, value: ValueId) -> Result<(), WhatIfError> {
        if self
            .facts
            .insert(value.fact(), value)
            .is_some_and(|before| before != value)
        {
            let name = &self.schema.fact(value.fact()).name;
            return Err(WhatIfError::Given(format!("two values for `{name}`")));
        }
        Ok(())
    }

    fn fact_value(&self, fact: FactId, value: Option<&str>) -> Result<ValueId, WhatIfError> {
        let is_flag = self.schema.fact(fact).is_flag();
        match value {
            None if is_flag => Ok(self.schema.value_named(fact, "true")?),
            None => Err(unset(self.schema, fact)),
            Some(other) if is_flag && !["true", "false"].contains(&other) => {
                Err(WhatIfError::Given(format!(
                    "`{}` is a flag: use true or false, not `{other}`",
                    self.schema.fact(fact).name
                )))
            }
            Some(value) => Ok(self.schema.value_named(fact, value)?),
        }
    }

    /// A value without a fact's name, if only one choice has it.
    fn bare_value(&self, name: &str, value: Option<&str>) -> Result<ValueId, WhatIfError> {
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
                    return Err(WhatIfError::Given(format!(
                        "`{name}` is a condition: list the facts that make it true"
                    )));
                }
                let facts = schema.facts().map(|(_, fact)| fact.name.as_str());
                let systems = schema.systems().map(|(_, system)| system.name.as_str());
                let names: Vec<&str> = facts.chain(systems).collect();
                let hint = match nearest(name, names.iter().copied()) {
                    Some(near) => format!(": did you mean `{near}`?"),
                    None => format!(": known names are {}", quoted(&names)),
                };
                Err(WhatIfError::Given(format!(
                    "unknown fact or system `{name}`{hint}"
                )))
            }
            (several, None) => {
                let forms: Vec<String> = several
                    .iter()
                    .map(|value| format!("{}={name}", schema.fact(value.fact()).name))
                    .collect();
                Err(WhatIfError::Given(format!(
                    "more than one choice has the value `{name}`: use {}",
                    forms.join(" or ")
                )))
            }
            (_, Some(_)) => Err(WhatIfError::Given(format!(
                "`{name}` is a value and cannot be assigned one"
            ))),
        }
    }
}

fn unset(schema: &Schema, fact: FactId) -> WhatIfError {
    let name = &schema.fact(fact).name;
    let forms = schema
        .values(fact)
        .map(|value| format!("{}={}", quote(name), quote(schema.value_name(value))));
    WhatIfError::Unset {
        name: name.clone(),
        forms: forms.collect::<Vec<_>>().join(", "),
    }
}

fn quoted(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| quote_text(name))
        .collect::<Vec<_>>()
        .join(", ")
}
