//! Finds parts of trees by their place.

use presync::{Span, tree};

use crate::analysis::FileView;

/// The declaration that contains a span.
pub fn declaration_at(view: FileView<'_>, span: Span) -> Option<&tree::Declaration> {
    let declarations = &view.tree().declarations;
    let after = declarations.partition_point(|node| node.span.start <= span.start);
    let found = declarations[..after].last()?;
    found.span.contains(span).then_some(found)
}

/// The state whose declaration contains a span.
pub fn state_at(view: FileView<'_>, span: Span) -> Option<&tree::State> {
    match &declaration_at(view, span)?.kind {
        tree::DeclarationKind::System { items, .. }
        | tree::DeclarationKind::Extend { items, .. } => items.iter().find_map(|item| match item {
            tree::SystemItem::State(state) if state.span.contains(span) => Some(state),
            _ => None,
        }),
        _ => None,
    }
}

/// The name that a declaration gives to something; none for `use` and `extend`.
pub fn declared_name(node: &tree::Declaration) -> Option<&tree::Name> {
    use tree::DeclarationKind as Kind;
    match &node.kind {
        Kind::System { name, .. }
        | Kind::Group { name, .. }
        | Kind::Flag(name)
        | Kind::Choice { name, .. }
        | Kind::Condition { name, .. }
        | Kind::Mapping { name, .. }
        | Kind::Profile { name, .. }
        | Kind::Role { name, .. }
        | Kind::Test { name, .. }
        | Kind::Scenario { name, .. } => Some(name),
        Kind::Use(_) | Kind::Extend { .. } => None,
    }
}

/// The keyword of a declaration.
pub fn keyword(node: &tree::Declaration) -> &'static str {
    use tree::DeclarationKind as Kind;
    match node.kind {
        Kind::Use(_) => "use",
        Kind::System { .. } => "system",
        Kind::Extend { .. } => "extend",
        Kind::Group { .. } => "group",
        Kind::Flag(_) => "flag",
        Kind::Choice { .. } => "choice",
        Kind::Condition { .. } => "condition",
        Kind::Mapping { .. } => "mapping",
        Kind::Profile { .. } => "profile",
        Kind::Role { .. } => "role",
        Kind::Test { .. } => "test",
        Kind::Scenario { .. } => "scenario",
    }
}

/// The system of a group that is declared at a place.
pub fn system_of_group(view: FileView<'_>, name: Span) -> Option<&tree::Name> {
    match &declaration_at(view, name)?.kind {
        tree::DeclarationKind::Group { system, .. } => Some(system),
        _ => None,
    }
}

/// Whether a profile or mapping applies a mapping, also in a block.
pub fn applies_mapping(items: &[tree::Item]) -> bool {
    items.iter().any(|item| match &item.kind {
        tree::ItemKind::When(when) => applies_mapping(&when.body),
        tree::ItemKind::Apply(_) => true,
        tree::ItemKind::Rule(_) | tree::ItemKind::Append(_) => false,
    })
}

/// The rules of a profile or mapping, also those in blocks.
pub fn rules_in(items: &[tree::Item]) -> Vec<&tree::Rule> {
    let mut rules = Vec::new();
    for item in items {
        match &item.kind {
            tree::ItemKind::When(when) => rules.extend(rules_in(&when.body)),
            tree::ItemKind::Rule(rule) => rules.push(&**rule),
            tree::ItemKind::Apply(_) | tree::ItemKind::Append(_) => {}
        }
    }
    rules
}
