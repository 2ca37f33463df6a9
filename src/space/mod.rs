//! The exact algebra of situations, shared by the checks, the lints, the compiler, the tests and the semantic diff.
//! In: a model. Out: decision diagrams over its facts and states. Situations are never enumerated.
//!
//! # Why diagrams of our own
//!
//! Compared on the 40-flag case (`cargo bench --bench diagrams` in `benches/diagrams`, figures in its README): the
//! crates `oxidd` and `biodivine-lib-bdd` know variables with two values. A choice of ten values or a system of
//! seventeen states needs four or five of those and clauses for the codes that mean nothing, and what a rule decides
//! (which of 2,000 rules?) needs a diagram for each bit. Here a node has a child for each value and a leaf is the
//! decision itself, which is what a decision table is made of; `restrict` to a state is one step. It takes
//! [`diagram`], 300 lines without `unsafe`.

mod candidates;
pub mod diagram;
mod order;
mod situation;

pub use candidates::{AppendId, Decision, Levels, Parts};
pub use situation::{Space, Variable};
