//! For each lint what it must find, and what looks like it and is none: exclusive choices, implied conditions, unions of
//! three rules, two directions under different conditions, three systems, guards.

use crate::common;

use presync::{LINTS, Level, Settings};

/// Facts, and two systems with little to say; a third one where it is wanted.
const TWO: &str = "flag f  flag g  choice kind = one | two | three default one
system a { attributes x  state a1 { x } state a2 state a3 }
system b { state b1 state b2 state b3 }
";

const THIRD: &str = "system c { state c1 state c2 }\n";

/// How often a lint finds something.
fn found(code: &str, source: &str) -> usize {
    let mut settings = Settings::default();
    LINTS.iter().for_each(|lint| {
        settings
            .set(lint.code.name, Level::Warn)
            .expect("it is a lint");
    });
    let third = if source.contains(" c ") || source.contains("c c") {
        THIRD
    } else {
        ""
    };
    let program = common::program(&format!("{TWO}{third}{source}"));
    program
        .lint(&settings)
        .iter()
        .filter(|finding| finding.code.name == code)
        .count()
}

#[track_caller]
fn fires(code: &str, source: &str) {
    assert_eq!(found(code, source), 1, "{source}");
}

#[track_caller]
fn is_silent(code: &str, source: &str) {
    assert_eq!(found(code, source), 0, "{source}");
}

#[test]
fn dead_rule_by_a_union_of_three() {
    let first = |last: &str| {
        format!(
            "profile P {{ when one: a a1 -> b b1  when two: a a1 -> b b2  {last} }}
             profile Q {{ a a1 -> b b3 }}  role R uses P, Q"
        )
    };
    fires("dead-rule", &first("when three: a a1 -> b b3"));
    is_silent("dead-rule", &first("when three and f: a a1 -> b b3"));
}

#[test]
fn dead_rule_by_its_condition() {
    fires("dead-rule", "profile P { when one and two: a a1 -> b b1 }");
    fires("dead-rule", "profile P { when a is a2: a a1 -> b b1 }");
    is_silent("dead-rule", "profile P { when a is a1: a a1 -> b b1 }");
    is_silent("dead-rule", "profile P { when b is b1: a a1 -> b b1 }");
    is_silent(
        "dead-rule",
        "profile P { when f: a a1 -> b b1  when not f: a a1 -> b b2 }",
    );
}

#[test]
fn dead_rule_by_a_stronger_one() {
    fires(
        "dead-rule",
        "profile P { a a1 -> b b1  override a a1 | a2 -> b b2  a a2 | a3 -> b b3 }",
    );
    is_silent(
        "dead-rule",
        "profile P { a a1 -> b b1  when f: override a a1 -> b b2 }",
    );
    fires(
        "dead-rule",
        "profile P { a any -> b b1  a otherwise -> b b2 }",
    );
    is_silent(
        "dead-rule",
        "profile P { when f: a any -> b b1  a otherwise -> b b2 }",
    );
}

#[test]
fn dead_rule_only_if_dead_in_every_role() {
    let profiles = "profile P { a a1 -> b b1 } profile Q { a a1 -> b b2 } role R uses P, Q";
    fires("dead-rule", profiles);
    is_silent("dead-rule", &format!("{profiles} role S uses Q"));
}

#[test]
fn dead_profile() {
    fires(
        "dead-profile",
        "profile P { a any -> b b1 } profile Q { a a1 -> b b2 } role R uses P, Q",
    );
    is_silent(
        "dead-profile",
        "profile P { a any -> b b1 } profile Q { b b1 -> a a1 } role R uses P, Q",
    );
    is_silent(
        "dead-profile",
        "profile P when f { a any -> b b1 } profile Q { a a1 -> b b2 } role R uses P, Q",
    );
}

#[test]
fn gap() {
    fires("gap", "profile P when f { a a1 | a2 -> b b1 }");
    is_silent(
        "gap",
        "profile P when f { a a1 | a2 -> b b1  a otherwise -> b unchanged }",
    );
    // Another profile decides where this one has no mapping.
    is_silent(
        "gap",
        "profile P when f { a a1 -> b b1 } profile Q { a any -> b b2 }",
    );
    // It is active only where the other has mapped everything.
    is_silent(
        "gap",
        "profile P { when f: a any -> b b1  when f and g: override a a1 -> b b2 }",
    );
    fires(
        "gap",
        "profile P { when f: a a1 -> b b1  when not f: a any -> b b1 }",
    );
}

#[test]
fn ping_pong_needs_one_situation() {
    fires(
        "ping-pong",
        "profile P { a a1 -> b b1  b b1 -> a a2  a a2 -> b b2  b b2 -> a a1 }",
    );
    // The two directions are never active together.
    is_silent(
        "ping-pong",
        "profile P { when f { a a1 -> b b1  a a2 -> b b2 }  when not f { b b1 -> a a2  b b2 -> a a1 } }",
    );
    // It settles: the way back ends where it began.
    is_silent("ping-pong", "profile P { a a1 <-> b b1  a a2 <-> b b2 }");
    // A guard lets the state alone.
    is_silent(
        "ping-pong",
        "profile P { a a1 -> b b1  when a is not a1: b b1 -> a a2  a a2 -> b b2  b b2 -> a a1 }",
    );
}

#[test]
fn ping_pong_through_three_systems() {
    fires(
        "ping-pong",
        "profile P { a a1 -> b b1  b b1 -> c c1  c c1 -> a a2  a a2 -> b b2  b b2 -> c c2  c c2 -> a a1 }",
    );
    is_silent(
        "ping-pong",
        "profile P { a a1 -> b b1  b b1 -> c c1  c c1 -> a a1 }",
    );
}

#[test]
fn round_trips() {
    fires(
        "unsafe-round-trip",
        "profile P { a a1 -> b b1  a a2 <-> b b1 }",
    );
    is_silent(
        "unsafe-round-trip",
        "profile P { a a2 -> b b1  a a3 <-> b b1 }",
    );
    fires(
        "lossy-round-trip",
        "profile P { a a2 -> b b1  a a3 <-> b b1 }",
    );
    // There and back under conditions that exclude each other.
    is_silent(
        "unsafe-round-trip",
        "profile P { when f: a a1 -> b b1  when not f: b b1 -> a a2 }",
    );
    is_silent(
        "unsafe-round-trip",
        "profile P { when one: a a1 -> b b1  when two or three: b b1 -> a a2 }",
    );
    is_silent(
        "unsafe-round-trip",
        "profile P { a a1 -> b b1  a a2 <-> b b1  when a is a1: override b b1 -> a unchanged }",
    );
}

#[test]
fn ambiguous_return() {
    fires(
        "ambiguous-return",
        "profile P { a a1 | a2 -> b b1  b b1 -> a a3 }",
    );
    is_silent(
        "ambiguous-return",
        "profile P { a a1 | a2 -> b b1  b b1 -> a a2 }",
    );
    // No way back at all: nothing that could be ambiguous.
    is_silent("ambiguous-return", "profile P { a a1 | a2 -> b b1 }");
    is_silent(
        "ambiguous-return",
        "profile P { when one: a a1 -> b b1  when two: a a2 -> b b1  b b1 -> a a3 }",
    );
    is_silent(
        "ambiguous-return",
        "profile P { a a1 | a2 -> b b1  b any -> a unchanged }",
    );
}

#[test]
fn constant_condition() {
    fires(
        "constant-condition",
        "profile P { when one and two: a a1 -> b b1 }",
    );
    fires(
        "constant-condition",
        "profile P { when one or two or three: a a1 -> b b1 }",
    );
    is_silent(
        "constant-condition",
        "profile P { when one or two: a a1 -> b b1 }",
    );
    // It always holds here, but not taken alone.
    is_silent(
        "constant-condition",
        "profile P when f { when f: a a1 -> b b1 }",
    );
    // A state that is not known is in no list.
    is_silent(
        "constant-condition",
        "profile P { when b is any: a a1 -> b b1 }",
    );
    is_silent(
        "constant-condition",
        "profile P { when b is not b1 | b2 | b3: a a1 -> b b1 }",
    );
}

#[test]
fn duplicate_rule() {
    fires(
        "duplicate-rule",
        "profile P { a a1 | a2 -> b b1  when f: a a2 -> b b1 }",
    );
    is_silent(
        "duplicate-rule",
        "profile P { when one: a a1 -> b b1  when two: a a1 -> b b1 }",
    );
    is_silent(
        "duplicate-rule",
        "profile P { a a1 -> b b1  when f: override a a1 -> b b1 }",
    );
    is_silent(
        "duplicate-rule",
        "profile P { when b is b2: a a1 -> b b1  when b is not b2: a a1 -> b b1 }",
    );
    is_silent(
        "duplicate-rule",
        "profile P { a a1 -> b b1 } profile Q { a a1 -> b b1 }",
    );
    // The same written rule, applied twice.
    is_silent(
        "duplicate-rule",
        "mapping m { a a1 -> b b1 } profile P { apply m  when f: apply m }",
    );
}

#[test]
fn absent_target() {
    let systems = "flag here system d { online here state d1 }\n";
    fires(
        "absent-target",
        &format!("{systems} profile P when not here {{ a a1 -> d d1 }}"),
    );
    fires(
        "absent-target",
        &format!("{systems} profile P when not (here or f) {{ a a1 -> d d1 }}"),
    );
    is_silent(
        "absent-target",
        &format!("{systems} profile P when not (here and f) {{ a a1 -> d d1 }}"),
    );
    is_silent(
        "absent-target",
        &format!("{systems} profile P when not here {{ a a1 -> d unchanged }}"),
    );
    is_silent(
        "absent-target",
        &format!("{systems} profile P when not here {{ d d1 -> a a1 }}"),
    );
}

#[test]
fn text_too_long() {
    let system = "system d { text 8 state d1 }\n";
    fires(
        "text-too-long",
        &format!("{system} profile P {{ a a1 -> d d1  append \"12345\" to d }}"),
    );
    is_silent(
        "text-too-long",
        &format!("{system} profile P {{ a a1 -> d d1  append \"1234\" to d }}"),
    );
    // Each alone fits, and they never come together.
    let either = |second: &str| {
        format!(
            "{system} profile P {{ a a1 -> d d1  when one: append \"123\" to d  when {second}: append \"abc\" to d }}"
        )
    };
    is_silent("text-too-long", &either("two"));
    fires("text-too-long", &either("f"));
}

#[test]
fn unused() {
    let used = "profile P when f or g or one { a a1 -> b b1 } ";
    is_silent("unused", used);
    fires("unused", &format!("{used} condition idle = f"));
    // Used by a test alone, or by something that is used.
    is_silent(
        "unused",
        &format!("{used} condition idle = f test \"t\" {{ given idle a a1 => b b1 }}"),
    );
    is_silent(
        "unused",
        &format!(
            "{used} condition inner = f condition outer = inner test \"t\" {{ given outer a a1 => b b1 }}"
        ),
    );
    assert_eq!(
        found(
            "unused",
            &format!("{used} condition inner = f condition outer = inner")
        ),
        2
    );
}

#[test]
fn state_case() {
    fires("state-case", "profile P { a A1 -> b b1 }");
    is_silent("state-case", "profile P { a a1 -> b b1 }");
}
