//! Classifies each grammar rule for trees and error messages.
//! A single match covers all rules, so a new rule does not compile until it is classified.

use crate::syntax::Rule;

/// The class of a grammar rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word or sign that its text describes completely; tree code may skip it.
    Sign(&'static str),
    /// The name that messages use for it; tree code must read it.
    Named(&'static str),
    /// A part of the grammar that messages never name; tree code must read it.
    Part,
    /// Produces no node.
    Silent,
}

pub(super) fn kind(rule: Rule) -> Kind {
    use Kind::{Named, Part, Sign, Silent};
    match rule {
        Rule::w
        | Rule::line_comment
        | Rule::word_char
        | Rule::bare
        | Rule::quoted
        | Rule::keyword
        | Rule::system_word
        | Rule::grouped
        | Rule::value
        | Rule::leaf
        | Rule::term
        | Rule::system_head
        | Rule::extend_head
        | Rule::marks
        | Rule::mark
        | Rule::group_term
        | Rule::mapping_head
        | Rule::profile_head
        | Rule::test_head
        | Rule::event_term
        | Rule::outcome
        | Rule::scenario_head => Silent,

        Rule::kw_all => Sign("all"),
        Rule::kw_and => Sign("and"),
        Rule::kw_any => Sign("any"),
        Rule::kw_append => Sign("append"),
        Rule::kw_apply => Sign("apply"),
        Rule::kw_attributes => Sign("attributes"),
        Rule::kw_by => Sign("by"),
        Rule::kw_choice => Sign("choice"),
        Rule::kw_condition => Sign("condition"),
        Rule::kw_default => Sign("default"),
        Rule::kw_echo => Sign("echo"),
        Rule::kw_extend => Sign("extend"),
        Rule::kw_flag => Sign("flag"),
        Rule::kw_for => Sign("for"),
        Rule::kw_given => Sign("given"),
        Rule::kw_group => Sign("group"),
        Rule::kw_hand => Sign("hand"),
        Rule::kw_id => Sign("id"),
        Rule::kw_is => Sign("is"),
        Rule::kw_mapping => Sign("mapping"),
        Rule::kw_not => Sign("not"),
        Rule::kw_nothing => Sign("nothing"),
        Rule::kw_observe => Sign("observe"),
        Rule::kw_online => Sign("online"),
        Rule::kw_or => Sign("or"),
        Rule::kw_other => Sign("other"),
        Rule::kw_otherwise => Sign("otherwise"),
        Rule::kw_override => Sign("override"),
        Rule::kw_own => Sign("own"),
        Rule::kw_previous => Sign("previous"),
        Rule::kw_profile => Sign("profile"),
        Rule::kw_read_only => Sign("read_only"),
        Rule::kw_reads => Sign("reads"),
        Rule::kw_resync => Sign("resync"),
        Rule::kw_role => Sign("role"),
        Rule::kw_scenario => Sign("scenario"),
        Rule::kw_set => Sign("set"),
        Rule::kw_state => Sign("state"),
        Rule::kw_system => Sign("system"),
        Rule::kw_test => Sign("test"),
        Rule::kw_text => Sign("text"),
        Rule::kw_to => Sign("to"),
        Rule::kw_unchanged => Sign("unchanged"),
        Rule::kw_unmapped => Sign("unmapped"),
        Rule::kw_use => Sign("use"),
        Rule::kw_uses => Sign("uses"),
        Rule::kw_wait => Sign("wait"),
        Rule::kw_when => Sign("when"),
        Rule::kw_with => Sign("with"),
        Rule::at_allow => Sign("@allow"),
        Rule::one_way => Sign("->"),
        Rule::two_way => Sign("<->"),
        Rule::gives => Sign("=>"),
        Rule::equals => Sign("="),
        Rule::pipe => Sign("|"),
        Rule::comma => Sign(","),
        Rule::colon => Sign(":"),
        Rule::dot => Sign("."),
        Rule::brace_open => Sign("{"),
        Rule::brace_close => Sign("}"),
        Rule::paren_open => Sign("("),
        Rule::paren_close => Sign(")"),

        Rule::new_name => Named("a name"),
        Rule::new_id => Named("an id"),
        Rule::new_value => Named("a value"),
        Rule::system_ref | Rule::side | Rule::event | Rule::expected | Rule::observed => {
            Named("a system")
        }
        Rule::state_ref => Named("a state or group"),
        Rule::value_ref => Named("a state or value"),
        Rule::attribute_ref | Rule::new_attribute => Named("an attribute"),
        Rule::mapping_ref => Named("a mapping"),
        Rule::profile_ref => Named("a profile"),
        Rule::role_ref => Named("a role"),
        Rule::use_ref => Named("a vocabulary or a quoted file name"),
        Rule::text => Named("a quoted text"),
        Rule::number => Named("a number"),
        Rule::duration => Named("a duration"),
        Rule::lint_code => Named("a diagnostic code"),
        Rule::fact_ref | Rule::condition | Rule::conjunction | Rule::negation | Rule::atom => {
            Named("a condition")
        }
        Rule::item | Rule::leaf_start | Rule::sync_rule | Rule::apply | Rule::append => {
            Named("a rule")
        }
        Rule::test_item | Rule::test_start => Named("an expectation"),
        Rule::scenario_item | Rule::scenario_start => Named("a step"),
        Rule::system_item | Rule::system_start => Named("a state"),
        Rule::declaration => Named("a declaration"),
        Rule::command => Named("a command"),
        Rule::assignment | Rule::given_argument => Named("a fact or a system"),
        Rule::EOI => Named("the end of the declaration"),

        Rule::allow
        | Rule::head
        | Rule::block
        | Rule::direction
        | Rule::replacement
        | Rule::by_hand
        | Rule::use_decl
        | Rule::system
        | Rule::extend
        | Rule::attributes
        | Rule::state
        | Rule::online
        | Rule::text_limit
        | Rule::echo
        | Rule::reads
        | Rule::group
        | Rule::all_term
        | Rule::flag
        | Rule::choice
        | Rule::condition_decl
        | Rule::mapping
        | Rule::profile
        | Rule::role
        | Rule::test
        | Rule::in_role
        | Rule::any_role
        | Rule::given
        | Rule::expect
        | Rule::appendix
        | Rule::scenario
        | Rule::in_role_step
        | Rule::set_step
        | Rule::observe_step
        | Rule::resync_step
        | Rule::change_step
        | Rule::wait_step
        | Rule::commands
        | Rule::one_declaration
        | Rule::head_start
        | Rule::change_argument
        | Rule::rename_argument => Part,
    }
}

/// Skips a word or sign that adds no information here.
///
/// # Panics
/// The rule is anything else, so a part of the grammar would be ignored.
pub(super) fn skip(rule: Rule) {
    assert!(
        matches!(kind(rule), Kind::Sign(_)),
        "nobody reads `{rule:?}` here"
    );
}
