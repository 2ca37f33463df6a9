//! `unknown-mapping`: no such mapping.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-mapping",
    default: None,
    summary: "no such mapping",
    explanation: "`apply` takes in the rules of a `mapping`, of this file or of one that is used.",
    bad: "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standart }
",
    good: "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standard }
",
};
