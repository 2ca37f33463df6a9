//! The tables of a program, for execution and export.

use std::fmt;
use std::sync::{Arc, OnceLock};

use serde::Serialize;
use serde::ser::SerializeStruct;

use crate::ids::{Direction, FactId, RoleId, StateId, SystemId};
use crate::json::document::Document;
use crate::names::UnknownName;
use crate::schema::{FactKind, Schema};
use crate::situation::Situation;
use crate::table::{Decision, Outcome, Table};

/// The tables of all roles. Cheap to clone. Each role is compiled on first use.
#[derive(Clone)]
pub struct Tables(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    schema: Arc<Schema>,
    roles: Vec<OnceLock<Result<TablesOfRole, TooComplex>>>,
    source: Box<dyn TableSource>,
    pub digest: OnceLock<Result<String, TooComplex>>,
}

// A panic while filling a cell leaves the cell empty.
impl std::panic::UnwindSafe for Inner {}
impl std::panic::RefUnwindSafe for Inner {}

/// Makes tables when they are first used.
pub trait TableSource: Send + Sync {
    /// Compiles the tables of a role, one for each direction, in the order of [`Schema::directions`]. Roles that decide
    /// alike can share them.
    ///
    /// # Errors
    /// The role is too complex.
    fn role(&self, role: RoleId) -> Result<Arc<[Table]>, TooComplex>;

    /// Makes the published shape of all tables.
    ///
    /// # Errors
    /// A role is too complex.
    fn document(&self, tables: &Tables) -> Result<Document, TooComplex>;
}

/// The tables of one role, one for each direction.
pub(crate) type TablesOfRole = Arc<[Table]>;

/// The conditions of a role are too complex to compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the conditions of role `{role}` are too complex to compile")]
pub struct TooComplex {
    pub role: String,
}

/// Why a change could not be decided.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecideError {
    #[error("`{name}` has no value: set one of {}", values.join(", "))]
    Unset {
        fact: FactId,
        name: String,
        values: Vec<String>,
    },
    #[error("the state belongs to other tables")]
    ForeignState,
    #[error(transparent)]
    TooComplex(#[from] TooComplex),
}

/// The program does not have exactly one role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the program has {} roles ({}): name one", known.len(), known.join(", "))]
pub struct SeveralRoles {
    pub known: Vec<String>,
}

impl Tables {
    /// `source` compiles the tables of a role, at most once per role.
    pub fn new(schema: Arc<Schema>, source: impl TableSource + 'static) -> Self {
        let roles = schema.roles().map(|_| OnceLock::new()).collect();
        Self(Arc::new(Inner {
            schema,
            roles,
            source: Box::new(source),
            digest: OnceLock::new(),
        }))
    }

    pub fn schema(&self) -> &Arc<Schema> {
        &self.0.schema
    }

    /// Looks up a state of a system, by names as in events.
    ///
    /// # Errors
    /// The system or its state is unknown.
    pub fn state(&self, system: &str, state: &str) -> Result<StateId, UnknownName> {
        self.0
            .schema
            .state_named(self.0.schema.system_named(system)?, state)
    }

    /// The initial situation: no fact has been set, and all states are unknown.
    pub fn situation(&self) -> Situation {
        Situation::new(self.0.schema.clone())
    }

    pub fn roles(&self) -> impl ExactSizeIterator<Item = RoleTables<'_>> {
        self.0
            .schema
            .role_ids()
            .map(|id| RoleTables { tables: self, id })
    }

    /// Looks up a role by name.
    ///
    /// # Errors
    /// The name is unknown. The error suggests a similar known name, if any.
    pub fn role(&self, name: &str) -> Result<RoleTables<'_>, UnknownName> {
        Ok(RoleTables {
            tables: self,
            id: self.0.schema.role_named(name)?,
        })
    }

    /// Returns a role by id; `None` for an id from another schema.
    pub fn role_of(&self, id: RoleId) -> Option<RoleTables<'_>> {
        self.0
            .schema
            .has_role(id)
            .then_some(RoleTables { tables: self, id })
    }

    /// Returns the role of every user to whom no event has given one.
    ///
    /// # Errors
    /// The program has no roles, or several and none of them is the default.
    pub fn default_role(&self) -> Result<RoleTables<'_>, SeveralRoles> {
        let default = self.0.schema.default_role();
        let role = default.and_then(|role| self.role_of(role));
        role.ok_or_else(|| {
            let roles = self.0.schema.roles();
            SeveralRoles {
                known: roles.map(|(_, role)| role.name.clone()).collect(),
            }
        })
    }

    /// Returns the tables of a role, compiled on first use.
    pub(crate) fn of_role(&self, role: RoleId) -> Result<&TablesOfRole, TooComplex> {
        let fill = || self.0.source.role(role);
        match self.0.roles.get(role.index()) {
            Some(cell) => cell.get_or_init(fill).as_ref().map_err(Clone::clone),
            None => Err(TooComplex {
                role: String::new(),
            }),
        }
    }
}

impl Tables {
    /// Sets the digest, if it is not known yet.
    pub(crate) fn with_digest(self, digest: String) -> Self {
        self.0.digest.get_or_init(|| Ok(digest));
        self
    }

    /// The published shape of the tables. Compiles every role.
    ///
    /// # Errors
    /// A role is too complex to compile.
    pub fn document(&self) -> Result<Document, TooComplex> {
        self.0.source.document(self)
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.schema.roles().map(|(_, role)| role.name.as_str());
        f.debug_list().entries(names).finish()
    }
}

/// A role and its tables.
#[derive(Debug, Clone, Copy)]
pub struct RoleTables<'t> {
    tables: &'t Tables,
    id: RoleId,
}

impl<'t> RoleTables<'t> {
    pub fn id(self) -> RoleId {
        self.id
    }

    pub fn name(self) -> &'t str {
        &self.tables.0.schema.role(self.id).name
    }

    pub fn schema(self) -> &'t Schema {
        &self.tables.0.schema
    }

    /// Whether this is the role of a program that declares none.
    pub fn is_implicit(self) -> bool {
        self.tables.0.schema.role(self.id).implicit
    }

    /// All tables of the role, in the order of [`Schema::directions`].
    ///
    /// # Errors
    /// The role is too complex to compile.
    pub fn tables(self) -> Result<&'t [Table], TooComplex> {
        Ok(self.tables.of_role(self.id)?)
    }

    /// The table of one direction; `None` for a direction from another schema.
    ///
    /// # Errors
    /// The role is too complex to compile.
    pub fn table(self, direction: Direction) -> Result<Option<&'t Table>, TooComplex> {
        Ok(self
            .tables()?
            .iter()
            .find(|table| table.direction() == direction))
    }

    /// The tables for changes in one system.
    ///
    /// # Errors
    /// The role is too complex to compile.
    pub fn tables_from(self, system: SystemId) -> Result<&'t [Table], TooComplex> {
        Ok(from(
            self.tables()?,
            system,
            self.tables.0.schema.systems().len(),
        ))
    }

    /// Decides a change for every other system.
    ///
    /// # Errors
    /// An outcome depends on a choice without a value, the state belongs to other tables, or the
    /// role is too complex to compile.
    pub fn decide(
        self,
        situation: &Situation,
        entered: StateId,
    ) -> Result<Vec<Decided<'t>>, DecideError> {
        if !self.tables.0.schema.has_state(entered) {
            return Err(DecideError::ForeignState);
        }
        // Conditions on the system that changes see the state just entered.
        let mut situation = situation.clone();
        situation.set_state(entered);
        situation.set_by_hand(entered.system());
        let tables = self.tables_from(entered.system())?;
        if let Some(fact) = tables.iter().find_map(|table| table.unset(&situation)) {
            return Err(self.unset(fact));
        }
        let decided = tables.iter().map(|table| {
            let (decision, texts) = table
                .decide_with_texts(&situation, entered)
                .ok_or(DecideError::ForeignState)?;
            Ok(Decided {
                schema: &self.tables.0.schema,
                to: table.direction().to(),
                decision,
                texts,
                own: situation.own(table.direction().to()),
            })
        });
        decided.collect()
    }

    fn unset(self, fact: FactId) -> DecideError {
        let of = self.tables.0.schema.fact(fact);
        let values = match &of.kind {
            FactKind::Flag => Vec::new(),
            FactKind::Choice { values, .. } => values.clone(),
        };
        DecideError::Unset {
            fact,
            name: of.name.clone(),
            values,
        }
    }
}

/// The tables of a role for changes in one system.
pub(crate) fn from(tables: &[Table], system: SystemId, systems: usize) -> &[Table] {
    let others = systems.saturating_sub(1);
    let start = system.index() * others;
    tables.get(start..start + others).unwrap_or_default()
}

/// The decision about a change for one system.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided<'t> {
    schema: &'t Schema,
    to: SystemId,
    decision: &'t Decision,
    texts: Vec<&'t str>,
    /// The own state of the system.
    own: Option<StateId>,
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl<'t> Decided<'t> {
    pub fn to(&self) -> SystemId {
        self.to
    }

    pub fn decision(&self) -> &'t Decision {
        self.decision
    }

    /// The name of the system that the decision is for.
    pub fn system(&self) -> &'t str {
        &self.schema.system(self.to).name
    }

    /// `set`, `previous`, `unchanged` or `unmapped`.
    pub fn kind(&self) -> &'static str {
        self.decision.outcome.kind()
    }

    /// The name of the state to set; for `previous`, the system's own state, if the situation has it.
    pub fn state(&self) -> Option<&'t str> {
        match &self.decision.outcome {
            Outcome::Set(state) => Some(&self.schema.state(*state).name),
            Outcome::Previous => self.own.map(|state| self.schema.state(state).name.as_str()),
            Outcome::Unchanged | Outcome::Unmapped => None,
        }
    }

    /// The texts to append.
    pub fn append(&self) -> &[&'t str] {
        &self.texts
    }
}

impl Outcome {
    /// `set`, `previous`, `unchanged` or `unmapped`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unmapped => "unmapped",
            Self::Unchanged => "unchanged",
            Self::Previous => "previous",
            Self::Set(_) => "set",
        }
    }

    /// The state to set.
    pub fn state(&self) -> Option<StateId> {
        match self {
            Self::Set(state) => Some(*state),
            Self::Unchanged | Self::Previous | Self::Unmapped => None,
        }
    }

    /// Whether it may lead to a command, to which texts can be appended.
    pub fn commands(&self) -> bool {
        matches!(self, Self::Set(_) | Self::Previous)
    }
}

/// For example, `lync Away append "in queue", by "Voice" (voice.presync:4)`.
impl fmt::Display for Decided<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            self.system(),
            match self.decision.outcome {
                Outcome::Set(_) => self.state().unwrap_or_default(),
                _ => self.kind(),
            }
        )?;
        for (at, text) in self.append().iter().enumerate() {
            write!(f, "{} {text:?}", if at == 0 { " append" } else { "," })?;
        }
        match &self.decision.origin {
            Some(origin) => write!(f, ", by {:?} ({})", origin.profile, origin.rule),
            None => Ok(()),
        }
    }
}

/// The JSON that `presync decide --json` prints.
impl Serialize for Decided<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let origin = self.decision.origin.as_ref();
        let mut object = serializer.serialize_struct("Decided", 6)?;
        object.serialize_field("to", self.system())?;
        object.serialize_field("outcome", self.kind())?;
        object.serialize_field("state", &self.state())?;
        object.serialize_field("append", self.append())?;
        object.serialize_field("profile", &origin.map(|origin| &origin.profile))?;
        object.serialize_field("rule", &origin.map(|origin| &origin.rule))?;
        object.end()
    }
}
