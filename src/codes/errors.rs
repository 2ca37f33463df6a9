//! The errors, in the order of the language reference.

use crate::codes::Code;

const fn error(
    name: &'static str,
    summary: &'static str,
    text: &'static str,
    bad: &'static str,
    good: &'static str,
) -> Code {
    Code {
        name,
        default: None,
        summary,
        text,
        bad,
        good,
    }
}

pub(super) const ERRORS: [Code; 23] = [
    error(
        "syntax",
        "the text is not of the language",
        "A word, bracket or arrow is missing or stands where none can. All of them are told in one run, and what is \
right around them is checked as usual.",
        "use cic_lync
profile \"P\" {
    cic Available => lync Available
    cic At Lunch -> lync Away
}
",
        "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    cic \"At Lunch\" -> lync Away
}
",
    ),
    error(
        "not-utf8",
        "the file is not UTF-8",
        "Names are compared by what they say, so a file has to be UTF-8; an editor saves it so under `save with \
encoding`. A byte order mark does no harm. The example has the single byte FC, which an older Windows writes for ü.",
        "flag zur\u{fffd}ck
",
        "flag zurueck
",
    ),
    error(
        "hidden-character",
        "a character that nobody sees",
        "NUL, bidirectional controls and their like make a text read otherwise than it is: what a reviewer approves is \
not what is compiled. In a name, write it as an escape (`\\u{200f}`) if it has to be there.",
        "flag in_queue // \u{202e}detcepxe sa
",
        "flag in_queue // as expected
",
    ),
    error(
        "confusable-name",
        "a name that only looks like a declared one",
        "Letters of another script look alike: the first letter of this Аvailable is Cyrillic. Whoever reads it takes \
it for the declared name, and it never matches.",
        "use cic_lync
profile \"P\" { cic \"\u{410}vailable\" -> lync Available }
",
        "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
    ),
    error(
        "unknown-file",
        "a used file or vocabulary is not there",
        "A path is relative to the file that has the `use`; a bare name is a bundled vocabulary, which \
`presync vocabulary` lists.",
        "use cic_linc
profile \"P\" { }
",
        "use cic_lync
profile \"P\" { }
",
    ),
    error(
        "unknown-system",
        "no such system",
        "Systems are declared with `system`, or come with a vocabulary.",
        "use cic_lync
profile \"P\" { cic Available -> link Available }
",
        "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
    ),
    error(
        "unknown-state",
        "no such state or group in that system",
        "The states of a system are a closed set, so that a misspelt one is found before it goes live. A site's own \
states are added with `extend system cic { state \"Coaching\" }`.",
        "use cic_lync
profile \"P\" { cic \"At Lumch\" -> lync Away }
",
        "use cic_lync
profile \"P\" { cic \"At Lunch\" -> lync Away }
",
    ),
    error(
        "unknown-group",
        "no such group, where the name is closest to one",
        "A group is a named set of states: `group cic.away = \"At Lunch\" | \"Gone Home\"`.",
        "use cic_lync
group cic.resting = \"At Lunch\" | \"Gone Home\"
profile \"P\" { cic restting -> lync Away }
",
        "use cic_lync
group cic.resting = \"At Lunch\" | \"Gone Home\"
profile \"P\" { cic resting -> lync Away }
",
    ),
    error(
        "unknown-condition",
        "no such flag, value or condition",
        "Conditions are made of flags, values of choices, named conditions, and guards (`lync is Busy`). A choice, a \
system or a state alone is none.",
        "use cic_lync
profile \"P\" when in_que { cic Available -> lync Available }
",
        "use cic_lync
profile \"P\" when in_queue { cic Available -> lync Available }
",
    ),
    error(
        "unknown-value",
        "the choice has no such value, or several choices have it",
        "A value of one choice stands for itself. Where two choices share it, say which: `user_type is im`.",
        "use cic_lync
profile \"P\" when user_type is imm { cic Available -> lync Available }
",
        "use cic_lync
profile \"P\" when user_type is im { cic Available -> lync Available }
",
    ),
    error(
        "unknown-attribute",
        "the system has no such attribute",
        "Attributes are words of the system's own, declared with `attributes acd, dnd`; groups and analyses use them.",
        "system cic {
    attributes acd, dnd
    state Available { adc }
}
",
        "system cic {
    attributes acd, dnd
    state Available { acd }
}
",
    ),
    error(
        "unknown-mapping",
        "no such mapping",
        "`apply` takes in the rules of a `mapping`, of this file or of one that is used.",
        "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standart }
",
        "use cic_lync
mapping standard { cic Available -> lync Available }
profile \"P\" { apply standard }
",
    ),
    error(
        "unknown-profile",
        "no such profile",
        "A role names its profiles by priority, as they are written, capitals included.",
        "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voise\"
",
        "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
",
    ),
    error(
        "unknown-role",
        "no such role, or none named where there are several",
        "A test or scenario may leave the role out only where the program has exactly one.",
        "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
test \"available\" { role \"Agnets\" cic Available => lync Available }
",
        "use cic_lync
profile \"Voice\" { cic Available -> lync Available }
role \"Agents\" uses \"Voice\"
test \"available\" { role \"Agents\" cic Available => lync Available }
",
    ),
    error(
        "duplicate-definition",
        "two declarations with one name",
        "Facts, values, conditions and systems share one space of names; every other kind has its own. Two states \
collide by name or id, ASCII case ignored, because events may name them so.",
        "flag in_queue
condition in_queue = in_queue
",
        "flag in_queue
condition queueing = in_queue
",
    ),
    error(
        "circular-definition",
        "conditions, groups or mappings that are defined by each other",
        "Each would have to be known before the other. Say what one of them is without the other.",
        "flag f
condition a = b and f
condition b = a
",
        "flag f
condition a = b and f
condition b = not f
",
    ),
    error(
        "conflict",
        "two rules of one rank disagree in some situation",
        "The order of writing never matters, so two rules of one profile that both apply and say different things \
leave no answer. The situation is an example. Make the conditions exclude each other, or put `override` before the \
rule that is to win.",
        "use cic_lync
profile \"P\" {
    cic \"At Lunch\" -> lync Away
    when in_queue: cic \"At Lunch\" -> lync Busy
}
",
        "use cic_lync
profile \"P\" {
    cic \"At Lunch\" -> lync Away
    when in_queue: override cic \"At Lunch\" -> lync Busy
}
",
    ),
    error(
        "override-nothing",
        "an `override` that has nothing to beat",
        "An `override` announces an exception. Where no plain rule of its profile applies to the same change, what it \
was an exception to has gone, or is misspelt.",
        "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    when in_queue: override cic \"At Lunch\" -> lync Busy
}
",
        "use cic_lync
profile \"P\" {
    cic Available -> lync Available
    when in_queue: cic \"At Lunch\" -> lync Busy
}
",
    ),
    error(
        "read-only-target",
        "a rule sets a state that can only be observed",
        "The system takes on such a state by itself (a call, the calendar, a logout) and refuses it as a command.",
        "use cic_lync
profile \"P\" { cic Available -> lync Offline }
",
        "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
    ),
    error(
        "two-way-states",
        "something else than one state beside `<->`",
        "`<->` stands for two rules, so both sides are a source and a target: one state each. Write the other states \
with `->`.",
        "use cic_lync
profile \"P\" { cic Available | \"Working at Home\" <-> lync Available }
",
        "use cic_lync
profile \"P\" {
    cic Available <-> lync Available
    cic \"Working at Home\" -> lync Available
}
",
    ),
    error(
        "same-system",
        "a rule from a system to itself",
        "A rule says what a change in one system means for another.",
        "use cic_lync
profile \"P\" { cic Available -> cic \"At Lunch\" }
",
        "use cic_lync
profile \"P\" { cic Available -> lync Available }
",
    ),
    error(
        "too-complex",
        "there is too much of something, or the conditions are too entangled to be analysed",
        "There are more states, facts, values, profiles, roles or appendices than docs/language.md allows, in one program. Or \
the diagram of one condition would take more than 300,000 nodes, or all of them together more than 5 million. \
That takes a condition with dozens of facts in no order, or thousands of rules that have dozens of facts in common; fewer \
facts in one condition and in the conditions of one profile help. The examples only show the shape.",
        "",
        "",
    ),
    error(
        "failed-test",
        "a test does not hold, or a scenario sends something else",
        "A test holds if it does in every situation that its conditions leave open; what is shown is the smallest \
counterexample, with the rule that decides there.",
        "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { cic Available => lync Available }
",
        "use cic_lync
profile \"P\" { when in_queue: cic Available -> lync Available }
test \"available\" { given in_queue cic Available => lync Available }
",
    ),
];
