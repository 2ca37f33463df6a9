//! `unknown-profile`: no such profile.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-profile",
    default: None,
    summary: "no such profile",
    explanation: "A role names its profiles by priority, as they are written, capitals included.",
    bad: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voise\"
",
    good: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
",
};
