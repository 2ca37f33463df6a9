//! Presync: status synchronization profiles as code.
//!
//! Agents in a contact center have a status in CIC and a presence in Lync, Skype for Business or Teams. A *profile*
//! defines how a change in one becomes a change in the other, and under which conditions. A [`Program`] is checked as
//! a whole and compiled into exact decision [`Tables`].
//!
//! ```
//! use presync::{Event, MemoryStore, Program};
//!
//! const SOURCE: &str = r#"
//!     use cic_lync
//!     profile "Voice" when enterprise_voice {
//!         when both_logged_in: cic "At Lunch" -> lync Away
//!     }
//! "#;
//!
//! // Reports all errors at once; `Display` shows them.
//! let tables = Program::check_source("voice.presync", SOURCE)?.compile()?;
//! let ann = tables
//!     .situation()
//!     .set("user_type", "enterprise_voice")?
//!     .set("cic_logged_in", true)?
//!     .set("lync_logged_in", true)?;
//! // An unknown name is an error with a suggestion.
//! let lunch = tables.state("cic", "At Lunch")?;
//! // A choice that matters but has no value is an error, not a guess.
//! for decision in tables.default_role()?.decide(&ann, lunch)? {
//!     assert_eq!(decision.to_string(), r#"lync Away, by "Voice" (voice.presync:4)"#);
//! }
//!
//! // Sessions remember observed states and sent commands; tables can be replaced at any time.
//! let mut engine = presync::Engine::new(tables, MemoryStore::default());
//! engine.apply("ann", Event::setting(ann.values()))?;
//! for command in engine.apply("ann", Event::changed(lunch))? {
//!     println!("{}", serde_json::to_string(&command)?);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `ARCHITECTURE.md` describes the stages and their dependencies.

#![forbid(unsafe_code)]

mod analysis;
mod api;
mod codes;
mod compile;
mod diagnostic;
mod diagram;
mod errors;
mod format;
pub mod json;
mod lint;
mod load;
mod parallel;
mod program;
mod quote;
mod resolve;
mod source;
mod space;
mod stack;
mod syntax;
mod token;
mod vocabulary;

pub use analysis::{
    Behavior, ChangeEffect, ChangedPart, Coverage, DecisionChange, DecisionExplanation, DiffError,
    Differences, Exercised, ExplainedProfile, Extent, NamedOutcome, Other, Proposal, Question,
    RenameError, RenamedKind, Renaming, RuleExtent, ScenarioRun, ScenarioStep, SentState,
    StepState, Verdict, describe,
};
pub use api::{
    CheckErrors, chain, check, check_with_index, condition_extent, coverage, crosstab, diff,
    diff_renamed, explain, format, parse, parse_cached, propose_tests, prove, rows, rule_extents,
    rules_above, scenario_runs,
};
pub use codes::{code, codes};
pub use compile::{
    AppendedRow, AppendedText, Crosstab, CrosstabConditions, CrosstabException, CrosstabPart,
    CrosstabRow, OriginPart, Row, Rows,
};
pub use diagnostic::{
    Code, Data, Diagnostic, Fix, Label, Level, Severity, StateName, UnknownLevel, Witness,
    WitnessValue,
};
pub use format::FormatError;
pub use lint::{LINTS, Lint, Settings, UnknownLint, lint, lint_named};
pub use load::{Files, Outside, Parsed};
pub use presync_engine::{
    Column, Command, DecideError, Decided, Decision, Direction, Engine, EngineError, Event,
    EventMessage, Fact, FactId, FactKind, MemoryStore, Origin, Outcome, Rejection, RoleId,
    RoleTables, Schema, Session, SessionStore, SeveralRoles, Situation, State, StateId, System,
    SystemId, Table, Tables, TablesError, TooComplex, UnknownName, ValueId, nearest,
};
pub use program::{Declared, DeclaredId, DeclaredKind, Program};
pub use quote::{
    choice_literal, in_list, is_hidden, on_one_line, quote, quote_attribute, quote_text,
    state_literal, visible,
};
pub use resolve::{AttributeId, CheckReport, Index, Meaning, Occurrence, doc_text};
pub use source::{FileId, LineColumn, Location, SourceFile, Sources, Span, relative};
pub use syntax::{
    ArgumentError, Assignment, MAX_FILE, ParseCache,
    lexer::{Token, TokenKind, tokens},
    parse as parse_file, parse_change, parse_given, parse_renaming, tree, unquote,
};
pub use token::{contextual_keywords, goes_on, is_keyword, keywords};
pub use vocabulary::{ALL as VOCABULARIES, Vocabulary};

/// For the tests and benchmarks of this repository only; it changes without notice.
#[doc(hidden)]
pub mod internal {
    pub use crate::diagnostic::sort;
    pub use crate::diagram::{Cube, Diagram, DiagramStore};
    pub use crate::format::WIDTH;
    pub use crate::lint::MAX_FINDINGS;
    pub use crate::program::*;
    pub use crate::resolve::limits;
    pub use crate::space::{Precedence, SituationSpace};
    pub use crate::syntax::{MAX_ERRORS, MAX_STATEMENT, lexer, scan};
}
