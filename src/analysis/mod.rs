//! What can be proved about a program: conflicts, tests, coverage, scenarios, differences, explanations.

pub(crate) mod conflicts;
mod coverage;
pub mod difference;
pub mod explanation;
pub mod proofs;
mod proposals;
mod scenarios;
mod targets;

pub use coverage::{Coverage, coverage, text};
pub use proposals::{Proposal, generate};
pub use targets::Exercised;
