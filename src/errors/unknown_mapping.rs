//! `unknown-mapping`: no such mapping.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-mapping",
    default: None,
    summary: "unknown mapping",
    explanation: "`apply` includes the rules of a `mapping` that is declared in this file or in a used one.",
    bad: "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standart }
",
    good: "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standard }
",
};
