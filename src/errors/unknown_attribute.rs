//! `unknown-attribute`: the system has no such attribute.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-attribute",
    default: None,
    summary: "unknown attribute",
    explanation: "A system declares its attributes with `attributes acd, dnd`. Groups and lints use them.",
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
