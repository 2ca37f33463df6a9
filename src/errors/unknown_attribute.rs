//! `unknown-attribute`: the system has no such attribute.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-attribute",
    default: None,
    summary: "the system has no such attribute",
    explanation: "Attributes are words of the system's own, declared with `attributes acd, dnd`; groups and analyses use them.",
    bad: "system cic {
    attributes acd, dnd
    state Available { adc }
}
",
    good: "system cic {
    attributes acd, dnd
    state Available { acd }
}
",
};
