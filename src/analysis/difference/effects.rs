//! What a change does, by name, and as text of the language.

use presync_engine::{Decision, Outcome};

use crate::analysis::difference::ComparedProgram;
use crate::quote::{quote, quote_text};

/// What a change does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeEffect {
    /// By name.
    Outcome {
        old: NamedOutcome,
        new: NamedOutcome,
    },
    Added(String),
    Removed(String),
    /// The first text now follows the second.
    Reordered(String, String),
}

/// An outcome with the name of its state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NamedOutcome {
    Previous,
    Set(String),
    Unchanged,
    Unmapped,
}

impl ChangeEffect {
    /// Before and after, as text of the language: `Away` and `"Be Right Back"`, `no "in queue"` and `append "in queue"`.
    pub(super) fn sides(&self) -> [String; 2] {
        match self {
            Self::Outcome { old, new } => [old.quoted(), new.quoted()],
            Self::Added(text) => [format!("no {}", quote_text(text)), append(&[text])],
            Self::Removed(text) => [append(&[text]), format!("no {}", quote_text(text))],
            Self::Reordered(first, second) => [append(&[first, second]), append(&[second, first])],
        }
    }
}

fn append(texts: &[&str]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| quote_text(text)).collect();
    format!("append {}", texts.join(", "))
}

impl NamedOutcome {
    pub(super) fn of(side: ComparedProgram<'_>, decision: &Decision) -> Self {
        match decision.outcome {
            Outcome::Unmapped => Self::Unmapped,
            Outcome::Unchanged => Self::Unchanged,
            Outcome::Previous => Self::Previous,
            Outcome::Set(state) => Self::Set(side.schema.state(state).name.clone()),
        }
    }

    fn quoted(&self) -> String {
        match self {
            Self::Unmapped => "unmapped".to_owned(),
            Self::Unchanged => "unchanged".to_owned(),
            Self::Previous => "previous".to_owned(),
            Self::Set(state) => quote(state),
        }
    }
}
