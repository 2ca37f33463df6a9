//! The errors of a program: one file per code, with its explanation, its examples and all its messages.
//! Functions take names and locations; nothing here depends on `Program`.

pub(crate) mod circular_definition;
pub(crate) mod conflict;
pub(crate) mod confusable_name;
pub(crate) mod duplicate_definition;
pub(crate) mod empty_test;
pub(crate) mod failed_test;
pub(crate) mod hidden_character;
pub(crate) mod not_utf8;
pub(crate) mod override_nothing;
pub(crate) mod read_only_target;
pub(crate) mod same_system;
pub(crate) mod syntax;
pub(crate) mod too_complex;
pub(crate) mod two_way_states;
pub(crate) mod unknown;
pub(crate) mod unknown_attribute;
pub(crate) mod unknown_condition;
pub(crate) mod unknown_file;
pub(crate) mod unknown_group;
pub(crate) mod unknown_mapping;
pub(crate) mod unknown_profile;
pub(crate) mod unknown_role;
pub(crate) mod unknown_state;
pub(crate) mod unknown_system;
pub(crate) mod unknown_value;
pub(crate) mod unused_replacement;

use crate::diagnostic::{Code, Diagnostic, Label};

/// Every error, in the order of the language reference.
pub(crate) static ERRORS: &[&Code] = &[
    &syntax::CODE,
    &not_utf8::CODE,
    &hidden_character::CODE,
    &confusable_name::CODE,
    &unknown_file::CODE,
    &unknown_system::CODE,
    &unknown_state::CODE,
    &unknown_group::CODE,
    &unknown_condition::CODE,
    &unknown_value::CODE,
    &unknown_attribute::CODE,
    &unknown_mapping::CODE,
    &unknown_profile::CODE,
    &unknown_role::CODE,
    &duplicate_definition::CODE,
    &circular_definition::CODE,
    &conflict::CODE,
    &override_nothing::CODE,
    &read_only_target::CODE,
    &two_way_states::CODE,
    &same_system::CODE,
    &unused_replacement::CODE,
    &too_complex::CODE,
    &empty_test::CODE,
    &failed_test::CODE,
];

/// Ends a list of errors at the limit, with the code and labels of the next one.
pub(crate) fn too_many(code: &'static Code, most: usize, labels: Vec<Label>) -> Diagnostic {
    let message = format!("too many errors, stopped at {most}");
    Diagnostic {
        labels,
        ..Diagnostic::error(code, message)
    }
    .note("not all errors are shown")
    .help("fix the first errors and check for a missing `use`")
}
