//! Proofs about a program: conflicts, tests, coverage, scenarios, differences, explanations.

pub mod conflicts;
mod coverage;
mod difference;
mod explanation;
mod extent;
mod proofs;
mod proposals;
mod scenarios;
mod targets;

pub use coverage::{Coverage, coverage, describe};
pub use difference::{
    Behavior, ChangeEffect, ChangedPart, DecisionChange, DiffError, Differences, NamedOutcome,
    RenameError, RenamedKind, Renaming, diff, diff_renamed,
};
pub use explanation::{DecisionExplanation, ExplainedProfile, Other, Question, explain};
pub use extent::{Extent, RuleExtent, condition_extent, rule_extents, rules_above};
pub use proofs::{Verdict, prove};
pub use proposals::{Proposal, propose_tests};
pub use scenarios::{ScenarioRun, ScenarioStep, SentState, StepState, scenario_runs};
pub use targets::Exercised;
