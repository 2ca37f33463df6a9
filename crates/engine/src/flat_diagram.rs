//! Decision diagrams laid out flat: the form of a table that would take too many rows or cells. There is one, or where
//! one would be too large, several of which the first that does not pass decides.

use crate::schema::Column;

/// What comes after asking: another node, or a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Next {
    /// An index into [`Diagram::nodes`].
    Node(u32),
    /// An index into the table's decisions.
    Decision(u32),
    /// The next diagram decides; never in the last one.
    Pass,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// `None`: the state entered.
    pub ask: Option<Column>,
    /// One for each value.
    pub next: Box<[Next]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagram {
    pub root: Next,
    /// Each comes before those it leads to.
    pub nodes: Vec<Node>,
}

impl Diagram {
    /// The decision, or `None` to pass. What is not a value of an input counts as its first.
    pub(crate) fn find(
        &self,
        facts: &impl Fn(usize) -> u32,
        states: &impl Fn(usize) -> u32,
        entered: u32,
    ) -> Option<u32> {
        let mut at = self.root;
        loop {
            match at {
                Next::Decision(decision) => return Some(decision),
                Next::Pass => return None,
                Next::Node(index) => {
                    let node = self.nodes.get(index as usize)?;
                    let value = match node.ask {
                        None => entered,
                        Some(Column::Fact(fact)) => facts(fact.index()),
                        Some(Column::State(system)) => states(system.index()),
                    };
                    let next = node.next.get(value as usize);
                    at = *next.or_else(|| node.next.first())?;
                }
            }
        }
    }
}
