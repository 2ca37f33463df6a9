//! The tables of each role with the commands that their decisions lead to, compiled on first use.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use indexmap::IndexSet;
use serde_json::json;

use crate::ids::{FactId, RoleId, StateId, SystemId, ValueId};
use crate::rejection::Rejection;
use crate::schema::{Schema, System};
use crate::session::{AppendId, NO_TIME, Session, SystemView};
use crate::situation::{SessionInputs, UNSET};
use crate::table::{Appended, Decision, DecisionId, Outcome, Table};
use crate::tables::{Tables, TablesOfRole, TooComplex};

/// Applies events to sessions that the caller keeps. Has the tables and their compiled outcomes.
#[derive(Debug)]
pub struct SessionEngine {
    tables: Tables,
    /// The role of users to whom no event has given one.
    pub(super) default_role: Option<RoleId>,
    /// By system: how long a command may wait to be reported back, in milliseconds of event time.
    pub(super) echo: Box<[i64]>,
    /// By role, compiled on first use.
    roles: Vec<OnceLock<Result<Routes, TooComplex>>>,
    /// Appendices by number; 0 is the empty one.
    appends: Mutex<IndexSet<Box<[String]>>>,
}

/// The tables of a role with their compiled outcomes.
#[derive(Debug)]
pub(super) struct Routes {
    tables: TablesOfRole,
    /// One for each table.
    routes: Vec<Route>,
    /// The number of tables for changes in one system.
    others: usize,
}

/// The compiled outcomes of a table.
#[derive(Debug)]
pub(super) struct Route {
    /// Choices among the table's inputs that may have no value.
    pub choices: Box<[FactId]>,
    /// By decision.
    pub outcomes: Box<[CompiledOutcome]>,
    /// Whether some decision brings the own state back: then the others do not become the own state.
    pub has_previous: bool,
}

#[derive(Debug)]
pub(super) enum CompiledOutcome {
    Unmapped,
    Unchanged,
    /// The state depends on the session.
    Previous,
    Set {
        state: StateId,
        /// `None`: the texts depend on the situation.
        always: Option<CompiledEnd>,
    },
}

/// The texts of a command, and the end of its JSON line.
#[derive(Debug)]
pub(super) struct CompiledEnd {
    pub append: AppendId,
    pub end: Box<[u8]>,
}

impl SessionEngine {
    pub fn new(tables: Tables) -> Self {
        let schema = tables.schema();
        let roles = schema.roles().map(|_| OnceLock::new()).collect();
        let appends = Mutex::new(IndexSet::from([Box::default()]));
        let echo = |system: &System| i64::from(system.echo_seconds()) * 1000;
        Self {
            default_role: schema.default_role(),
            echo: schema.systems().map(|(_, system)| echo(system)).collect(),
            tables,
            roles,
            appends,
        }
    }

    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    pub fn schema(&self) -> &Schema {
        self.tables.schema()
    }

    /// The session of a new user.
    pub fn session(&self) -> Session {
        let schema = self.schema();
        let initial = |fact| schema.initial(fact).map_or(UNSET, ValueId::value);
        Session {
            role: None,
            facts: schema.facts().map(|(fact, _)| initial(fact)).collect(),
            times: vec![NO_TIME; schema.facts().len() + 1],
            systems: schema.systems().map(|_| SystemView::default()).collect(),
            by_hand_last: None,
        }
    }

    /// The role of a user: the one that an event gave, or the default.
    #[inline]
    pub fn role_of(&self, session: &Session) -> Option<RoleId> {
        session.role.or(self.default_role)
    }

    /// Returns the id of an appendix, which need not occur in the tables.
    pub fn append<T: AsRef<str>>(&self, texts: &[T]) -> AppendId {
        if texts.is_empty() {
            return AppendId::default();
        }
        let texts: Box<[String]> = texts.iter().map(|text| text.as_ref().to_owned()).collect();
        AppendId(self.appends().insert_full(texts).0 as u32)
    }

    /// The texts of an appendix; empty for an unknown id.
    pub fn append_texts(&self, append: AppendId) -> Vec<String> {
        self.appends()
            .get_index(append.0 as usize)
            .map(|texts| texts.to_vec())
            .unwrap_or_default()
    }

    fn appends(&self) -> MutexGuard<'_, IndexSet<Box<[String]>>> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn routes(&self, role: RoleId) -> Result<&Routes, Rejection> {
        let cell = self.roles.get(role.index()).ok_or(Rejection::Foreign)?;
        let routes = cell.get_or_init(|| self.compile(role));
        routes.as_ref().map_err(|complex| complex.clone().into())
    }

    fn compile(&self, role: RoleId) -> Result<Routes, TooComplex> {
        let schema = self.schema();
        let tables = self.tables.of_role(role)?.clone();
        let may_be_unset = |fact: &FactId| schema.initial(*fact).is_none();
        let route = |table: &Table| Route {
            choices: table
                .choices()
                .iter()
                .copied()
                .filter(may_be_unset)
                .collect(),
            has_previous: table.brings_back(),
            outcomes: (0..table.decisions().len() as u32)
                .map(|at| self.outcome(table, DecisionId(at)))
                .collect(),
        };
        let routes = tables.iter().map(route).collect();
        Ok(Routes {
            tables,
            routes,
            others: schema.systems().len().saturating_sub(1),
        })
    }

    fn outcome(&self, table: &Table, id: DecisionId) -> CompiledOutcome {
        let decision = table.decision(id);
        let state = match decision.outcome {
            Outcome::Unmapped => return CompiledOutcome::Unmapped,
            Outcome::Unchanged => return CompiledOutcome::Unchanged,
            Outcome::Previous => return CompiledOutcome::Previous,
            Outcome::Set(state) => state,
        };
        let always = match table.appended(id) {
            Appended::Nothing => Some(self.end(state, decision, &[])),
            Appended::Known(group, texts) => {
                let texts = texts.iter().map(|at| group[*at as usize].text.as_str());
                Some(self.end(state, decision, &texts.collect::<Vec<_>>()))
            }
            Appended::Asked(_) => None,
        };
        CompiledOutcome::Set { state, always }
    }

    fn end(&self, state: StateId, decision: &Decision, texts: &[&str]) -> CompiledEnd {
        CompiledEnd {
            append: self.append(texts),
            end: end_of_command(self.schema(), state, texts, decision),
        }
    }

    /// The texts that join a decision in a situation, and the end of its command. Out of line: most decisions know theirs.
    #[inline(never)]
    pub(super) fn ask_texts(
        &self,
        table: &Table,
        id: DecisionId,
        state: StateId,
        inputs: &SessionInputs<'_>,
        entered: StateId,
    ) -> (AppendId, Cow<'_, [u8]>) {
        let texts = table.texts(id, inputs, entered);
        let end = self.end(state, table.decision(id), &texts);
        (end.append, Cow::Owned(end.end.into()))
    }
}

impl Routes {
    /// The tables for changes in a system.
    #[inline]
    pub fn from(&self, system: SystemId) -> impl Iterator<Item = (&Table, &Route)> {
        let start = system.index() * self.others;
        self.tables[start..start + self.others]
            .iter()
            .zip(&self.routes[start..])
    }
}

fn end_of_command(
    schema: &Schema,
    state: StateId,
    append: &[&str],
    decision: &Decision,
) -> Box<[u8]> {
    let (name, wire) = (
        json!(schema.system(state.system()).name),
        json!(schema.state(state).wire()),
    );
    let origin = decision.origin.as_ref();
    let (profile, rule) = (
        json!(origin.map(|origin| &origin.profile)),
        json!(origin.map(|origin| &origin.rule)),
    );
    let append = json!(append);
    let text =
        format!(r#","set":{{{name}:{wire}}},"append":{append},"profile":{profile},"rule":{rule}"#);
    text.into_bytes().into()
}
