//! The exact algebra of situations, shared by checks, lints, compiler, tests and the semantic diff.
//! In: a program. Out: decision diagrams over its facts and states. Situations are never enumerated.
//!
//! # Why our own diagrams
//!
//! Compared on the 40-flag case (`cargo run --release` in `benches/diagrams`, one run): ours 9.1 ms and 5,111 nodes,
//! `biodivine-lib-bdd` 0.6.3 95.3 ms and 8,945 nodes, `oxidd` 0.13.0 90.9 ms and 8,945 nodes. Variables of those crates
//! have two values: a choice of ten values or a system of seventeen states needs four or five of them, including
//! meaningless codes, and "which of 2,000 rules decides" needs a diagram for each bit of the answer. Here a node has
//! a child for each value and a leaf is the decision itself, which is the form of a decision table; restricting to a
//! state is one step. All of it is [`diagram`](crate::diagram), without `unsafe` and without global state.

mod appendices;
mod precedence;
mod situation;
mod text;
mod variable_order;

pub use precedence::{Candidates, Decider, DetachedPrecedence, Precedence, RoleDecision};
pub use situation::SituationSpace;
