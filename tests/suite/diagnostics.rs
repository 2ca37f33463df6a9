//! Every error once, as the terminal shows it: each snapshot is the source, then the rendering.

use presync::{LINTS, Level};

use crate::common;

const SYSTEMS: &str = "use cic_lync\n";

/// The source, then what `check` says, 80 columns wide and without colours.
fn rendered(source: &[u8]) -> String {
    let output = common::presync(&common::root(), &["check", "-", "--quiet"], source);
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        common::text(&output.stderr)
    );
    assert!(output.stdout.is_empty());
    let shown: String = String::from_utf8_lossy(source)
        .chars()
        .map(|c| {
            if c == '\n' {
                c
            } else if c.is_control() {
                '?'
            } else {
                c
            }
        })
        .collect();
    format!(
        "{}\n────────\n{}",
        shown.trim_end(),
        common::text(&output.stderr)
    )
}

/// The same for what `check` only warns of, and for what `test` says.
fn rendered_by(arguments: &[&str], source: &str) -> String {
    let output = common::presync(&common::root(), arguments, source.as_bytes());
    assert_eq!(
        output.status.code(),
        Some(1),
        "{}",
        common::text(&output.stderr)
    );
    format!(
        "{}\n────────\n{}",
        source.trim_end(),
        common::text(&output.stderr)
    )
}

#[test]
fn unknown_lint() {
    snapshot(
        "unknown_lint",
        rendered_by(
            &["check", "-", "-q", "--deny-warnings"],
            "@allow(unusd)\nflag a\n",
        ),
    );
}

#[test]
fn failed_test_excluded() {
    let source = format!(
        "{SYSTEMS}profile P {{ cic any -> lync Away }}\ntest t {{\n    given cic is Available\n    cic \"At Lunch\" => lync Away\n}}\n"
    );
    snapshot(
        "failed_test_excluded",
        rendered_by(&["test", "-", "-q"], &source),
    );
}

fn snapshot(name: &str, shown: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path("snapshots/diagnostics");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

macro_rules! cases {
    ($($name:ident: $source:expr;)*) => {
        $(
            #[test]
            fn $name() {
                snapshot(stringify!($name), rendered(($source).as_ref()));
            }
        )*
    };
}

/// A profile over the bundled systems.
fn profile(items: &str) -> String {
    format!("{SYSTEMS}profile \"P\" {{\n    {items}\n}}\n")
}

cases! {
    syntax_expected_state: profile("cic Available -> lync");
    syntax_comma_for_pipe: profile("cic Available, \"At Lunch\" -> lync Away");
    syntax_test_arrow: profile("cic Available => lync Away");
    syntax_test_arrow_of_apply: format!("{SYSTEMS}mapping pairs {{ cic Available <-> lync Available }}\nprofile \"P\" {{ apply pairs cic => lync }}\n");
    syntax_test_arrow_without_state: profile("cic => lync Away");
    syntax_annotation_of_nothing: "@allow\nflag vip\n@allow(gap)";
    syntax_missing_comma: format!("{SYSTEMS}role \"A\" uses \"P\" \"Q\"\nflag a b\ngroup cic.gone = \"At Lunch\" \"Gone Home\"\ncondition c = in_queue im\n");
    syntax_missing_quotes: profile("cic At Lunch -> lync Away");
    syntax_keyword_as_name: "flag text\n";
    syntax_keyword_as_state: profile("cic Available -> lync to");
    syntax_digit: "flag 2nd_line\n";
    syntax_unclosed_text: profile("cic \"At Lunch -> lync Away");
    syntax_unopened_text: profile("cic At Lunch\" -> lync Away");
    syntax_bad_escape: profile(r#"cic "At\nLunch" -> lync Away"#);
    syntax_strange_character: profile("cic “At Lunch” -> lync Away;");
    syntax_unclosed_block: format!("{SYSTEMS}profile \"P\" {{\n    when in_queue {{\n        cic Available -> lync Away\n}}\n\nprofile \"Q\" {{ }}\n");
    syntax_unclosed_parenthesis: format!("{SYSTEMS}condition a = (in_queue and cic_logged_in\nflag b\n");
    syntax_stray_brace: format!("{SYSTEMS}profile \"P\" {{\n    cic Available -> lync Away\n}}\n    cic \"At Lunch\" -> lync Away\n}}\n");
    syntax_misspelt_declaration: format!("{SYSTEMS}profle \"P\" {{\n    cic Available -> lync Away\n}}\n");
    syntax_misspelt_statement: profile("wehn in_queue: cic Available -> lync Away");
    syntax_rule_outside: format!("{SYSTEMS}cic Available -> lync Away\n");
    syntax_missing_system: format!("{SYSTEMS}profile \"P\" {{\n    cic Available -> Away\n    cic \"At Lunch\" -> lync Away\n}}\n");
    syntax_missing_last_system: profile("cic Available -> Away");
    syntax_missing_arrow: profile("cic Available lync Away");
    syntax_missing_colon: profile("when in_queue cic Available -> lync Away");
    syntax_colon_and_brace: profile("when in_queue: { cic Available -> lync Away }");
    syntax_block_without_when: profile("{ cic Available -> lync Away }");
    syntax_condition_of_nothing: format!("{SYSTEMS}profile \"P\" {{\n    cic Available -> lync Away\n    when in_queue:\n}}\nmapping m {{\n    when in_queue {{\n        @allow(gap)\n    }}\n}}\n");
    syntax_late_condition_of_two_lines: format!("{SYSTEMS}mapping m {{ cic Available -> lync Away }}\nprofile \"P\" {{\n    apply m when (in_queue\n        or cic_logged_in)\n    cic Busy -> lync Busy\n}}\n");
    syntax_block_without_when_and_more: format!("{SYSTEMS}profile \"P\" {{\n    {{\n        cic Available -> lync Away\n    }}\n    cic Busy => lync Busy\n}}\n");
    syntax_text_of_nothing: "system s {\n    text { }\n    state A\n}\n";
    syntax_state_without_its_word: "system phone \"Phone\" {\n    Available\n    \"Off Hook\" { dnd }\n    default Away\n}\n";
    syntax_other_languages: format!("{SYSTEMS}profile P {{\n    if in_queue: cic Available -> lync Busy\n    cic \"At Lunch\" -> lync Away if in_queue and im\n    default -> lync Away\n}}\ntest t {{\n    given in_queue\n    expect cic Available => lync Busy\n}}\n");
    syntax_state_of_two_words: "system phone {\n    state Off Hook\n    state Ready\n}\n";
    syntax_words_out_of_place: format!("{SYSTEMS}profile P {{\n    otherwise -> lync Away\n}}\nprofile Q {{\n    cic Available -> unchanged\n}}\nprofile R {{\n    cic Available -> override lync Away\n}}\nprofile S {{\n    when im {{ cic Available -> lync Away }} else {{ cic Available -> lync Busy }}\n}}\n");
    unknown_condition_online: "flag f\ncondition c = f\nsystem s {\n    online c\n    state A\n}\n";
    syntax_late_apply_condition: format!("{SYSTEMS}mapping m {{ cic Available -> lync Away }}\nprofile \"P\" {{\n    apply m when in_queue\n}}\n");
    syntax_late_append_condition: profile("append \"in queue\" to lync when in_queue");
    syntax_override_otherwise: profile("override cic otherwise -> lync Away");
    syntax_from_unchanged: profile("cic unchanged -> lync Away");
    syntax_two_targets: profile("cic Available -> lync Away | Busy");
    syntax_any_target: profile("cic Available -> lync any");
    syntax_append_in_mapping: format!("{SYSTEMS}mapping m {{\n    append \"in queue\" to lync\n}}\n");
    syntax_extension: format!("{SYSTEMS}extend system cic {{\n    online in_queue\n}}\n");
    syntax_two_errors: format!("{SYSTEMS}profile \"P\" {{\n    cic Available => lync Away\n    cic Busy, Away -> lync Busy\n}}\nrole \"R\" \"P\"\n");
    syntax_allow: "@allow(dead rule)\nflag a\n";
    not_utf8: b"use cic_lync\nflag \xff\n";
    hidden_character: "use cic_lync\n// stop\u{202e} here\nflag a\u{200b}b\n";
    confusable_name: profile("cic \"\u{0410}vailable\" -> lync Away");
    confusable_declarations: "flag \"vip\"\nflag \"v\u{0456}p\"\n";
    unknown_file: "use \"states/site.presync\"\n";
    unknown_vocabulary: "use cic_lnyc\n";
    unknown_vocabulary_with_all_it_declares: "use cic_lync_profile\nprofile P when in_queue {\n    apply standard\n    cic Away -> lync Away\n}\nrole A uses Voice, P\n";
    unknown_system: profile("cci Available -> lync Away");
    unknown_system_is_state: profile("Available -> lync Away\n    cic Available -> lync Away");
    no_system: "profile \"P\" { cic Available -> lync Away }\n";
    unknown_state: profile("cic \"At Lumch\" -> lync Away");
    unknown_state_of_other_system: profile("cic Inactive -> lync Away");
    unknown_state_is_id: profile("cic AcdAgentNotAnswering -> lync Away");
    unknown_state_is_condition: profile("cic in_queue -> lync Away");
    unknown_state_group_as_target: format!("{SYSTEMS}group lync.gone = Away | Offline\nprofile \"P\" {{ cic Available -> lync gone }}\n");
    unknown_group: format!("{SYSTEMS}group cic.breaks = \"At Lunch\"\nprofile \"P\" {{ cic braeks -> lync Away }}\n");
    unknown_condition: profile("when in_que: cic Available -> lync Away");
    unknown_condition_is_state: profile("when Busy: cic Available -> lync Away");
    unknown_condition_is_choice: profile("when user_type: cic Available -> lync Away");
    unknown_condition_is_system: profile("when lync: cic Available -> lync Away");
    unknown_condition_with_values: profile("when in_queue is Busy: cic Available -> lync Away");
    unknown_value: profile("when user_type is fax: cic Available -> lync Away");
    unknown_value_ambiguous: format!("{SYSTEMS}choice phone = im | desk\nprofile \"P\" {{ when im: cic Available -> lync Away }}\n");
    unknown_profile: format!("{SYSTEMS}profile \"Voice\" {{ cic Available -> lync Away }}\nrole \"R\" uses \"Vioce\"\n");
    unknown_mapping: profile("apply standart");
    unknown_role: format!("{}role \"Agents\" uses \"P\"\ntest \"t\" {{\n    role \"Agent\"\n    cic Available => lync Away\n}}\n", profile("cic Available -> lync Away"));
    unknown_role_left_out: format!("{}role \"A\" uses \"P\"\nrole \"B\" uses \"P\"\ntest \"t\" {{ cic Available => lync Away }}\n", profile("cic Available -> lync Away"));
    unknown_attribute: format!("{SYSTEMS}group cic.silent = all dnb\n");
    duplicate_definition: "flag a\nchoice b = c | a\n";
    duplicate_of_vocabulary: "use cic_lync\n\nflag in_queue\n";
    duplicate_state: "system cic {\n    state Busy\n    state Available id \"busy\"\n}\n";
    duplicate_profile_in_role: format!("{}role \"A\" uses \"P\", \"P\"\n", profile("cic Available -> lync Away"));
    circular_definition: "flag f\ncondition a = b and f\ncondition b = not c\ncondition c = a\n";
    circular_mapping: "mapping m { apply n }\nmapping n { apply m }\n";
    conflict: profile("cic Available -> lync Away\n    when in_queue: cic Available | \"At Lunch\" -> lync Busy");
    conflict_through_apply: format!("{SYSTEMS}mapping m {{ cic any -> lync Away }}\nprofile \"P\" {{\n    when user_type is im | enterprise_voice: apply m\n    when not im: cic \"At Lunch\" -> lync unchanged\n}}\n");
    conflict_of_guards: profile("when lync is Busy: cic Available -> lync Away\n    when lync is not Away: cic Available -> lync Available");
    conflict_of_three: profile("cic Available -> lync Away\n    cic \"At Lunch\" -> lync Busy\n    cic any -> lync unchanged");
    override_nothing: profile("cic Available -> lync Away\n    when in_queue: override cic \"At Lunch\" -> lync Busy");
    read_only_target: profile("lync Away -> cic \"Follow Up\"");
    two_way_states: profile("cic Available | \"At Lunch\" <-> lync unchanged");
    two_way_group: format!("{SYSTEMS}group cic.gone = \"At Lunch\"\nprofile \"P\" {{ cic gone <-> lync Away }}\n");
    same_system: profile("cic Available -> cic Busy");
    test_of_one_system: format!("{SYSTEMS}profile P {{ cic any -> lync Away }}\ntest t {{ cic Available => cic \"At Lunch\" }}\n");
    scenario_group: format!("{SYSTEMS}group cic.resting = \"At Lunch\" | \"Gone Home\"\nprofile P {{ cic any -> lync Away }}\nscenario s {{\n    cic resting => lync Away\n}}\n");
    scenario_condition: format!("{SYSTEMS}profile P {{ cic any -> lync Away }}\nscenario s {{\n    set both_logged_in\n}}\n");
    system_text_too_long: "system a {\n    text 99999999999\n    state b\n}\n";
    apply_to_same_system: format!("{SYSTEMS}mapping m {{ cic Available -> lync Away }}\nprofile P {{\n    apply m cic -> cic\n}}\n");
    syntax_otherwise_and_more: profile("cic otherwise | Available -> lync Away");
    syntax_foreign_letter: "flag \u{456}n_queue\n";
    scenario_nothing_and_more: format!("{SYSTEMS}profile P {{ cic any -> lync Away }}\nscenario s {{\n    cic Available => lync Away => nothing\n}}\n");
    scenario_step: format!("{}scenario \"s\" {{\n    set in_queue or lync_logged_in\n}}\n", profile("cic Available -> lync Away"));
    very_deep: format!("flag a\ncondition c = {}a{}\n", "(".repeat(300), ")".repeat(300));
}

/// Error codes that are told elsewhere.
const ELSEWHERE: [&str; 1] = ["failed-test"];

#[test]
fn every_error_code_has_a_snapshot() {
    let folder = common::root().join("tests/suite/snapshots/diagnostics");
    let shown: String = std::fs::read_dir(folder)
        .expect("there are snapshots")
        .map(|entry| {
            std::fs::read_to_string(entry.expect("it can be listed").path())
                .expect("a snapshot is text")
        })
        .collect();
    let reference = std::fs::read_to_string(common::root().join("docs/language.md"))
        .expect("there is a reference");
    let list = reference
        .split("## Errors")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .expect("the reference lists the errors");
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(codes.len() >= 20, "{codes:?}");
    for code in codes.into_iter().filter(|code| !ELSEWHERE.contains(code)) {
        assert!(
            shown.contains(&format!("\n{code}\n")),
            "no snapshot shows `{code}`"
        );
    }
}

#[test]
fn lines_may_end_as_on_windows() {
    let output = common::presync(
        &common::root(),
        &["check", "-", "--format", "json"],
        b"use cic_lync\r\nprofile \"P\" {\r\n    cic Availabel -> lync Away // x\r\n}\r\n",
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(json["diagnostics"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        json["diagnostics"][0]["range"]["start"],
        serde_json::json!({ "line": 3, "column": 9 })
    );
}

/// The bad example of each lint, and what is said of it.
#[test]
fn lints() {
    for lint in LINTS {
        let level = format!("{}=warn", lint.code);
        let others = LINTS
            .iter()
            .filter(|other| other.code != lint.code)
            .map(|other| format!("--level={}=off", other.code));
        let mut arguments = vec![
            "check".to_owned(),
            "-".to_owned(),
            "--quiet".to_owned(),
            format!("--level={level}"),
        ];
        arguments.extend(others);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = common::presync(&common::root(), &arguments, lint.code.bad.as_bytes());
        assert_eq!(
            output.status.code(),
            Some(0),
            "{}",
            common::text(&output.stderr)
        );
        let shown = format!(
            "{}\n────────\n{}",
            lint.code.bad.trim_end(),
            common::text(&output.stderr)
        );
        let mut settings = insta::Settings::clone_current();
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.set_snapshot_path("snapshots/lints");
        settings.bind(|| insta::assert_snapshot!(lint.code.name, shown));
    }
    let reference = std::fs::read_to_string(common::root().join("docs/language.md"))
        .expect("there is a reference");
    for lint in LINTS {
        let level = lint.code.default.map_or("error", Level::as_str);
        let row = format!("| `{}` | {level} | {} |", lint.code, lint.code.summary);
        assert!(
            reference.contains(&row),
            "docs/language.md has no row {row}"
        );
    }
}

/// What people write who know other languages, a line each, and all that is said of it.
#[test]
fn what_to_write_instead() {
    let before = "use cic_lync\nprofile P { cic Available -> lync Busy }\nrole R uses P\n";
    let contexts = [
        (
            "profile Q {\n",
            "\n    cic \"At Lunch\" -> lync Away\n}\n",
            IN_PROFILES,
        ),
        (
            "test t {\n",
            "\n    cic Available => lync Busy\n}\n",
            IN_TESTS,
        ),
        (
            "scenario s {\n",
            "\n    cic Available => lync Busy\n}\n",
            IN_SCENARIOS,
        ),
        ("", "\nflag other\n", DECLARED),
    ];
    let mut shown = String::new();
    for (open, close, mistakes) in contexts {
        shown.push_str(&format!("════ {open}"));
        for mistake in mistakes {
            let source = format!("{before}{open}{mistake}{close}");
            let output = common::presync(
                &common::root(),
                &["check", "-", "-q", "--format", "plain"],
                source.as_bytes(),
            );
            let said = common::text(&output.stdout);
            let said: Vec<&str> = said
                .lines()
                .filter(|line| !line.starts_with("  <stdin>"))
                .collect();
            shown.push_str(&format!("\n{mistake}\n{}\n", said.join("\n").trim_end()));
        }
    }
    snapshot("what_to_write_instead", shown);
}

const IN_PROFILES: &[&str] = &[
    "if in_queue: cic Available -> lync Busy",
    "overide cic Available -> lync Away",
    "cic Busy -> lync nothing",
    "cic default -> lync Away",
    "cic all dnd -> lync Away",
    "cic not Available -> lync Away",
    "cic Available or Busy -> lync Away",
    "cic \"Gone Home\" | cic \"At Lunch\" -> lync Away",
    "cic \"Gone Home\" -> lync Off Work",
    "cic Gone Home -> lync Away",
    "cic 'Gone Home' -> lync Away",
    "cic.Available -> lync.Away",
    "cic \"Gone Home\" to lync Away",
    "cic \"Gone Home\" => lync Away",
    "cic \"Gone Home\" ->",
    "cic \"Gone Home\" -> lync",
    "cic Available -> lync Away -> cic Available",
    "when lync == Busy: cic \"Gone Home\" -> lync Away",
    "when lync != Busy: cic \"Gone Home\" -> lync Away",
    "when lync not Busy: cic \"Gone Home\" -> lync Away",
    "when in_queue AND cic_logged_in: cic \"Gone Home\" -> lync Away",
    "when in_queue, cic_logged_in: cic \"Gone Home\" -> lync Away",
    "when in_queue && cic_logged_in: cic \"Gone Home\" -> lync Away",
    "append x to lync",
    "append \"x\"",
    "-- a comment",
    "# a comment",
    "/* a comment\n   of two lines */",
];

const IN_TESTS: &[&str] = &[
    "expect cic Available => lync Busy",
    "set in_queue",
    "when in_queue: cic Available => lync Busy",
    "given in_queue = true",
    "given user_type im",
    "uses P",
    "cic Available => nothing",
    "cic Available => lync nothing",
    "cic Available -> lync Busy",
    "cic Available == lync Busy",
    "cic Available => lync Off Work",
];

const IN_SCENARIOS: &[&str] = &[
    "given in_queue",
    "set in_queue = true",
    "set user_type im",
    "set in_queue,\n    cic \"At Lunch\"",
    "change cic Available",
    "observe cic",
    "resync",
];

const DECLARED: &[&str] = &[
    "import \"states.presync\"",
    "let c = in_queue",
    "flags other",
    "flag a, b",
    "flag a = true",
    "choice c { a, b }",
    "choice c = a, b",
    "group away = Away",
    "extend cic { state Coaching }",
    "system teams { Free, Gone }",
    "system teams { state Off Work }",
    "system teams { online flag in_teams  state Free }",
    "profile when in_queue { }",
    "profile Q if in_queue { }",
    "role uses P",
    "role S { uses P }",
    "role S uses P and P",
    "@allow gap",
    "@allow(\"gap\")",
];
