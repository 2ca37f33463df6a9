//! `unknown-group`: an unknown name that is closest to a group.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-group",
    default: None,
    summary: "unknown group",
    explanation: "A group is a named set of states: `group cic.away = \"At Lunch\" | \"Gone Home\"`.",
    bad: "use cic_lync
group cic.resting = \"At Lunch\" | \"Gone Home\"
profile \"P\" { cic restting -> lync Away }
",
    good: "use cic_lync
group cic.resting = \"At Lunch\" | \"Gone Home\"
profile \"P\" { cic resting -> lync Away }
",
};
