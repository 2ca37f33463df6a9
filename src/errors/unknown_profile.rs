//! `unknown-profile`: no such profile.

use crate::diagnostic::Code;

pub(crate) static CODE: Code = Code {
    name: "unknown-profile",
    default: None,
    summary: "unknown profile",
    explanation: "A role lists its profiles by priority. Names are case-sensitive.",
    bad: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voise\"
",
    good: "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
",
};
