//! Decision diagrams in flat arrays, for tables that would need too many rows or cells.
//! A table has one diagram, or several if one would be too large. The first that does not pass decides.

use crate::schema::Column;
use crate::situation::Inputs;

/// Where a branch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// An index into [`FlatDiagram::nodes`].
    Node(u32),
    /// An index into the table's decisions.
    Decision(u32),
    /// The next diagram decides. Never occurs in the last diagram.
    Pass,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatNode {
    /// The input to test; `None` for the state entered.
    pub ask: Option<Column>,
    /// One entry for each value of the input.
    pub next: Box<[Next]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlatDiagram {
    pub root: Next,
    /// Each node precedes the nodes that it leads to.
    pub nodes: Vec<FlatNode>,
}

impl FlatDiagram {
    /// Returns the decision, or `None` to pass. A number out of range counts as the input's first value.
    pub(crate) fn find(&self, inputs: &impl Inputs, entered: u32) -> Option<u32> {
        let mut at = self.root;
        loop {
            match at {
                Next::Decision(decision) => return Some(decision),
                Next::Pass => return None,
                Next::Node(index) => {
                    let node = self.nodes.get(index as usize)?;
                    let value = node.ask.map_or(entered, |column| inputs.value(column));
                    let next = node.next.get(value as usize);
                    at = *next.or_else(|| node.next.first())?;
                }
            }
        }
    }
}
