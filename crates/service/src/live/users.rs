//! The table of users: who they are in each system, their role, and facts about them.

use std::collections::{BTreeMap, HashMap};

use presync_engine::Schema;
use serde_json::Value;

/// The users of a site. Ids match ignoring case. Systems have the names of the program, so that another program with these systems
/// can use the same table.
#[derive(Debug, Default, PartialEq)]
pub struct Users {
    all: Vec<SiteUser>,
    /// By system, then by id in lower case: which of them.
    by_id: HashMap<String, HashMap<String, usize>>,
    /// By name.
    by_name: HashMap<String, usize>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteUser {
    pub name: String,
    pub role: Option<String>,
    ids: BTreeMap<String, String>,
    /// Facts with their values.
    pub facts: BTreeMap<String, Value>,
}

impl SiteUser {
    /// As a system calls the user.
    pub fn id(&self, system: &str) -> Option<&str> {
        self.ids.get(system).map(String::as_str)
    }
}

/// The table is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the users: {what}")]
pub struct UsersError {
    line: u64,
    what: String,
}

/// What a column is about.
enum UserColumn {
    User,
    Role,
    Id(String),
    Flag(String),
    Choice(String),
}

impl Users {
    /// Reads CSV with the columns `user`, `role`, one of each system with the id of the user there, and facts.
    ///
    /// # Errors
    /// It is something else, a column is unknown, or two users have the same name or id.
    pub fn parse(text: &str, schema: &Schema) -> Result<Self, UsersError> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let wrong = |error: &csv::Error| UsersError {
            line: error.position().map_or(1, csv::Position::line),
            what: error.to_string(),
        };
        let headers = reader.headers().map_err(|error| wrong(&error))?.clone();
        let columns: Result<Vec<UserColumn>, String> =
            headers.iter().map(|name| column(name, schema)).collect();
        let columns = columns.map_err(|what| UsersError { line: 1, what })?;
        if !columns.iter().any(|one| matches!(one, UserColumn::User)) {
            return Err(UsersError {
                line: 1,
                what: "the column `user` is missing".to_owned(),
            });
        }
        let mut users = Self::default();
        for record in reader.records() {
            let record = record.map_err(|error| wrong(&error))?;
            let line = record.position().map_or(1, csv::Position::line);
            let user = user(&columns, &record, schema).map_err(|what| UsersError { line, what })?;
            users.add(user).map_err(|what| UsersError { line, what })?;
        }
        Ok(users)
    }

    fn add(&mut self, user: SiteUser) -> Result<(), String> {
        let at = self.all.len();
        if self.by_name.insert(user.name.clone(), at).is_some() {
            return Err(format!("duplicate user `{}`", user.name));
        }
        for (system, id) in &user.ids {
            let ids = self.by_id.entry(system.clone()).or_default();
            let other = ids.insert(id.to_lowercase(), at);
            if let Some(other) = other {
                return Err(format!(
                    "`{}` and `{}` have the same id `{id}`",
                    self.all[other].name, user.name
                ));
            }
        }
        self.all.push(user);
        Ok(())
    }

    pub fn iter(&self) -> impl Iterator<Item = &SiteUser> {
        self.all.iter()
    }

    /// The user whom a system calls this.
    pub fn of_id(&self, system: &str, id: &str) -> Option<&SiteUser> {
        let at = self.by_id.get(system)?.get(&id.to_lowercase())?;
        self.all.get(*at)
    }

    pub fn named(&self, name: &str) -> Option<&SiteUser> {
        self.all.get(*self.by_name.get(name)?)
    }
}

fn column(name: &str, schema: &Schema) -> Result<UserColumn, String> {
    if name.eq_ignore_ascii_case("user") {
        return Ok(UserColumn::User);
    }
    if name.eq_ignore_ascii_case("role") {
        return Ok(UserColumn::Role);
    }
    let is_it = |known: &str| known.eq_ignore_ascii_case(name);
    let mut systems = schema.systems();
    if let Some((_, system)) = systems.find(|(_, system)| is_it(&system.name)) {
        return Ok(UserColumn::Id(system.name.clone()));
    }
    let mut facts = schema.facts();
    if let Some((_, fact)) = facts.find(|(_, fact)| is_it(&fact.name)) {
        let name = fact.name.clone();
        return Ok(if fact.is_flag() {
            UserColumn::Flag(name)
        } else {
            UserColumn::Choice(name)
        });
    }
    let systems: Vec<String> = schema
        .systems()
        .map(|(_, system)| format!("`{}`", system.name))
        .collect();
    Err(format!(
        "the column `{name}` is unknown: columns are `user`, `role`, systems ({}), and facts",
        systems.join(", ")
    ))
}

fn user(
    columns: &[UserColumn],
    record: &csv::StringRecord,
    schema: &Schema,
) -> Result<SiteUser, String> {
    let mut user = SiteUser {
        name: String::new(),
        role: None,
        ids: BTreeMap::new(),
        facts: BTreeMap::new(),
    };
    for (column, text) in columns.iter().zip(record) {
        if text.is_empty() {
            continue;
        }
        match column {
            UserColumn::User => text.clone_into(&mut user.name),
            UserColumn::Role => {
                schema.role_named(text).map_err(|error| error.to_string())?;
                user.role = Some(text.to_owned());
            }
            UserColumn::Id(system) => {
                user.ids.insert(system.clone(), text.to_owned());
            }
            UserColumn::Flag(flag) => {
                let value = match &*text.to_ascii_lowercase() {
                    "true" | "yes" | "1" => true,
                    "false" | "no" | "0" => false,
                    _ => {
                        return Err(format!(
                            "`{flag}` is a flag: write `true` or `false`, not `{text}`"
                        ));
                    }
                };
                user.facts.insert(flag.clone(), Value::Bool(value));
            }
            UserColumn::Choice(choice) => {
                let fact = schema
                    .fact_named(choice)
                    .map_err(|error| error.to_string())?;
                schema
                    .value_named(fact, text)
                    .map_err(|error| error.to_string())?;
                user.facts
                    .insert(choice.clone(), Value::String(text.to_owned()));
            }
        }
    }
    if user.name.is_empty() {
        return Err("`user` is empty".to_owned());
    }
    Ok(user)
}
