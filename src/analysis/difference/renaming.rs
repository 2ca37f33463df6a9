//! In: names of the old program, and what the new one calls them. Out: the schema of the old program with the new names.

use presync_engine::{FactId, FactKind, Schema, SchemaError, SystemId, UnknownName, nearest};

/// What the new program calls something of the old one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renaming {
    pub what: RenamedKind,
    pub from: String,
    pub to: String,
}

/// What is renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RenamedKind {
    SystemOrFact,
    /// A state of this system, or a value of this choice.
    Of(String),
    Role,
}

/// A renaming does not fit the two programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenameError {
    #[error("the old program: {0}")]
    Old(UnknownName),
    #[error("the new program: {0}")]
    New(UnknownName),
    #[error(
        "the old program has no system or fact `{name}`: {}",
        meant(name, known)
    )]
    NoSystemOrFact { name: String, known: Vec<String> },
    #[error("`{0}` is a flag: it has no values to rename")]
    Flag(String),
    #[error("`{0}` is renamed twice")]
    Twice(String),
    /// Two things of a kind would have the same name.
    #[error("after the renaming, {0} in the old program")]
    Clash(SchemaError),
}

fn meant(name: &str, known: &[String]) -> String {
    match nearest(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known names are {}", known.join(", ")),
    }
}

/// What a renaming is about, in the old program.
#[derive(PartialEq)]
enum Renamed {
    System(SystemId),
    State(SystemId, usize),
    Fact(FactId),
    Value(FactId, usize),
    Role(usize),
}

/// The old schema under the names of the new one: all at once, so that names can be exchanged. States get the ids of the
/// states whose names they take.
pub(super) fn renamed(
    old: &Schema,
    new: &Schema,
    renamings: &[Renaming],
) -> Result<Schema, RenameError> {
    let mut systems: Vec<_> = old.systems().map(|(_, system)| system.clone()).collect();
    let mut facts: Vec<_> = old.facts().map(|(_, fact)| fact.clone()).collect();
    let mut roles: Vec<_> = old.roles().map(|(_, role)| role.clone()).collect();
    let mut known: Vec<Renamed> = Vec::new();
    for renaming in renamings {
        let found = find(old, renaming)?;
        if known.contains(&found) {
            return Err(RenameError::Twice(renaming.from.clone()));
        }
        let to = renaming.to.clone();
        match found {
            Renamed::System(system) => {
                new.system_named(&to).map_err(RenameError::New)?;
                systems[system.index()].name = to;
            }
            Renamed::State(system, state) => systems[system.index()].states[state].name = to,
            Renamed::Fact(fact) => {
                new.fact_named(&to).map_err(RenameError::New)?;
                facts[fact.index()].name = to;
            }
            Renamed::Value(fact, value) => {
                if let FactKind::Choice { values, .. } = &mut facts[fact.index()].kind {
                    values[value] = to;
                }
            }
            Renamed::Role(role) => {
                new.role_named(&to).map_err(RenameError::New)?;
                roles[role].name = to;
            }
        }
        known.push(found);
    }
    // The names of states and values belong to systems and facts that may have new names themselves.
    for renamed in &known {
        match renamed {
            Renamed::State(system, state) => {
                let system = &systems[system.index()];
                let other = new.system_named(&system.name).map_err(RenameError::New)?;
                let name = &system.states[*state].name;
                new.state_named(other, name).map_err(RenameError::New)?;
            }
            Renamed::Value(fact, value) => {
                let fact = &facts[fact.index()];
                let other = new.fact_named(&fact.name).map_err(RenameError::New)?;
                if let FactKind::Choice { values, .. } = &fact.kind {
                    new.value_named(other, &values[*value])
                        .map_err(RenameError::New)?;
                }
            }
            Renamed::System(_) | Renamed::Fact(_) | Renamed::Role(_) => {}
        }
    }
    for (id, _) in old.systems() {
        let system = &mut systems[id.index()];
        let Some(other) = new.find_system(&system.name) else {
            continue;
        };
        let all = known.contains(&Renamed::System(id));
        for (at, state) in system.states.iter_mut().enumerate() {
            let mut others = new.system(other).states.iter();
            let other = others.find(|other| other.name == state.name);
            if let Some(other) = other
                && (all || known.contains(&Renamed::State(id, at)))
            {
                state.id.clone_from(&other.id);
            }
        }
    }
    let schema = Schema::new(systems, facts, roles).map_err(RenameError::Clash)?;
    Ok(schema.with_previous(old.previous().iter().copied()))
}

fn find(old: &Schema, renaming: &Renaming) -> Result<Renamed, RenameError> {
    let from = &*renaming.from;
    let (of, within) = match &renaming.what {
        RenamedKind::Role => {
            let role = old.role_named(from).map_err(RenameError::Old)?;
            return Ok(Renamed::Role(role.index()));
        }
        RenamedKind::SystemOrFact => (from, false),
        RenamedKind::Of(of) => (&**of, true),
    };
    let nothing = || {
        let systems = old.systems().map(|(_, system)| system.name.clone());
        let facts = old.facts().map(|(_, fact)| fact.name.clone());
        RenameError::NoSystemOrFact {
            name: of.to_owned(),
            known: systems.chain(facts).collect(),
        }
    };
    if let Some(system) = old.find_system(of) {
        if !within {
            return Ok(Renamed::System(system));
        }
        let state = old.state_named(system, from).map_err(RenameError::Old)?;
        return Ok(Renamed::State(system, state.index()));
    }
    let fact = old.find_fact(of).ok_or_else(nothing)?;
    if !within {
        return Ok(Renamed::Fact(fact));
    }
    if old.fact(fact).is_flag() {
        return Err(RenameError::Flag(of.to_owned()));
    }
    let value = old.value_named(fact, from).map_err(RenameError::Old)?;
    Ok(Renamed::Value(fact, value.index()))
}
