//! What is known about the name at an offset, as Markdown.

use presync::{
    DeclaredKind, Location, Meaning, Program, Span, StateId, SystemId, Tables, quote, tree,
};
use presync_exchange::text::crosstab::ways;
use presync_exchange::text::markdown::escape;

use crate::analysis::FileView;
use crate::declaration::{declaration_at, rules_in, state_at, system_of_group};
use crate::lenses::rules_text;

/// What to show about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hover {
    pub span: Span,
    pub markdown: String,
}

/// The number of rules above another that are listed.
const MOST_RULES: usize = 6;

/// Roles with the same lines are named together, up to this many.
const MOST_ROLES: usize = 6;

/// What is known about the name at an offset.
pub fn hover(view: FileView<'_>, offset: u32) -> Option<Hover> {
    let Some(found) = view.name_at(offset) else {
        return of_rule(view, offset);
    };
    Some(Hover {
        span: found.location.span,
        markdown: about(view, found.meaning)?,
    })
}

/// At the arrow of a rule: how much it decides.
fn of_rule(view: FileView<'_>, offset: u32) -> Option<Hover> {
    let here = Span {
        start: offset,
        end: offset,
    };
    let node = declaration_at(view, here)?;
    let (tree::DeclarationKind::Profile { items, .. }
    | tree::DeclarationKind::Mapping { items, .. }) = &node.kind
    else {
        return None;
    };
    let rules = rules_in(items);
    let rule = rules.iter().find(|rule| rule.arrow.contains(here))?;
    let start = rule.overriding.unwrap_or(rule.left.span());
    let within = start.to(rule.right.span());
    let mut parts = vec![format!("This rule {}.", rules_text(view, within)?)];
    parts.extend(above(view, within));
    Some(Hover {
        span: rule.arrow,
        markdown: parts.join("\n\n"),
    })
}

/// The rules that take precedence over a rule, where both apply.
fn above(view: FileView<'_>, within: Span) -> Option<String> {
    let place = Location {
        file: view.file,
        span: within,
    };
    let rules = presync::rules_above(view.checked()?, place);
    if rules.is_empty() {
        return None;
    }
    let line = |(at, profile): &(Location, &str)| {
        let text = presync::on_one_line(view.sources().text(*at));
        let line = view.sources().file(at.file).line(at.span.start);
        let of_file = if at.file == view.file {
            String::new()
        } else {
            format!(" of {}", escape(&view.sources().file(at.file).path))
        };
        format!(
            "- `{text}` in {}, line {line}{of_file}",
            escape(&quote(profile))
        )
    };
    let mut lines: Vec<String> = rules.iter().take(MOST_RULES).map(line).collect();
    if rules.len() > MOST_RULES {
        lines.push(format!("- and {} more", rules.len() - MOST_RULES));
    }
    Some(format!(
        "Where both apply, these decide:\n\n{}",
        lines.join("\n")
    ))
}

/// What is known about something, as Markdown.
pub fn about(view: FileView<'_>, meaning: Meaning) -> Option<String> {
    let mut parts = vec![format!("```presync\n{}\n```", title(view, meaning)?)];
    parts.extend(documentation(view, meaning));
    if let Some(program) = view.program.report.partial_program() {
        match meaning {
            Meaning::State(state) => parts.extend(state_lines(view, program, state)),
            Meaning::Declared(id) => parts.extend(declared_lines(view, program, id)),
            Meaning::Value(_) | Meaning::Attribute(_) => {}
        }
    }
    let index = view.index();
    if let Some(at) = index.definition(meaning)
        && view.sources().file(at.file).bundled
    {
        let vocabulary = &view.sources().file(at.file).path;
        parts.push(format!("From the vocabulary `{vocabulary}`."));
    }
    Some(parts.join("\n\n"))
}

/// A name as a declaration would write it.
fn title(view: FileView<'_>, meaning: Meaning) -> Option<String> {
    let index = view.index();
    let name = quote(index.name(meaning)?);
    Some(match meaning {
        Meaning::Declared(id) => {
            let declared = index.declared.get(id.index())?;
            let of = view.at(declared.location.file);
            let node = declaration_at(of, declared.location.span);
            match node.map(|node| &node.kind) {
                // Short enough to be shown as they are.
                Some(
                    tree::DeclarationKind::Group { .. }
                    | tree::DeclarationKind::Choice { .. }
                    | tree::DeclarationKind::Condition { .. }
                    | tree::DeclarationKind::Role { .. },
                ) => node.map(|node| node.span.text(of.text()).to_owned())?,
                Some(tree::DeclarationKind::Profile {
                    condition: Some(condition),
                    ..
                }) => {
                    let condition = condition.span.text(of.text());
                    format!("profile {name} when {condition}")
                }
                _ => format!("{} {name}", declared.kind.as_str()),
            }
        }
        Meaning::State(_) => {
            let at = index.definition(meaning)?;
            let of = view.at(at.file);
            let owner = quote(index.owner(meaning)?);
            match state_at(of, at.span) {
                Some(state) => format!("{owner}: {}", state.span.text(of.text())),
                None => format!("{owner}: state {name}"),
            }
        }
        Meaning::Value(_) => format!("{} is {name}", quote(index.owner(meaning)?)),
        Meaning::Attribute(_) => format!("{}: attribute {name}", quote(index.owner(meaning)?)),
    })
}

/// The doc comment of a declaration or state.
fn documentation(view: FileView<'_>, meaning: Meaning) -> Option<String> {
    let at = view.index().definition(meaning)?;
    let of = view.at(at.file);
    match meaning {
        Meaning::State(_) => presync::doc_text(of.text(), &state_at(of, at.span)?.doc),
        _ => presync::doc_text(of.text(), declaration_at(of, at.span)?.before.doc()),
    }
}

fn declared_lines(view: FileView<'_>, program: &Program, id: presync::DeclaredId) -> Vec<String> {
    let Some(declared) = view.index().declared.get(id.index()) else {
        return Vec::new();
    };
    let name = declared.name.as_str();
    match declared.kind {
        DeclaredKind::Group => {
            let at = declared.location;
            let of = view.at(at.file);
            let system = system_of_group(of, at.span);
            let group = program.groups.iter().find(|group| {
                group.name == name
                    && system
                        .is_some_and(|system| program.system(group.system).name == *system.text)
            });
            group.map_or_else(Vec::new, |group| {
                let states = group.states.iter();
                let names: Vec<String> = states
                    .map(|state| quote(&program.state(*state).name))
                    .collect();
                vec![format!(
                    "{}: {}",
                    counted(names.len(), "state"),
                    code_list(&names)
                )]
            })
        }
        DeclaredKind::System => {
            let system = program.schema.find_system(name);
            system.map_or_else(Vec::new, |system| system_lines(program, system))
        }
        DeclaredKind::Condition => {
            let count = presync::condition_extent(program, declared.whole);
            count.map_or_else(Vec::new, |extent| {
                vec![format!(
                    "Holds in {} of {} situations.",
                    extent.some, extent.all
                )]
            })
        }
        DeclaredKind::Profile => {
            let using: Vec<String> = program
                .role_ids()
                .filter(|role| program.role(*role).location.is_some())
                .filter_map(|role| {
                    let profiles = &program.role(role).profiles;
                    let at = profiles
                        .iter()
                        .position(|profile| program.profile(*profile).name == name)?;
                    let name = quote(program.role_name(role));
                    Some(format!("`{name}` ({} of {})", at + 1, profiles.len()))
                })
                .collect();
            if using.is_empty() {
                Vec::new()
            } else {
                vec![format!("In the roles {}.", using.join(", "))]
            }
        }
        DeclaredKind::Flag | DeclaredKind::Choice | DeclaredKind::Mapping | DeclaredKind::Role => {
            Vec::new()
        }
    }
}

fn system_lines(program: &Program, system: SystemId) -> Vec<String> {
    let states = program.states(system).len();
    let mut line = counted(states, "state");
    if let Some(limit) = program.system(system).text {
        line.push_str(&format!(", texts of up to {limit} characters"));
    }
    vec![line + "."]
}

/// Where a state goes and comes from in each role.
fn state_lines(view: FileView<'_>, program: &Program, state: StateId) -> Vec<String> {
    let Some(tables) = view.program.tables() else {
        return Vec::new();
    };
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for role in tables.roles() {
        let role_lines = role_lines(program, tables, role.id(), state);
        if role_lines.is_empty() {
            continue;
        }
        let name = if role.is_implicit() { "" } else { role.name() };
        let text = role_lines.join("\n");
        match lines.iter_mut().find(|(known, _)| *known == text) {
            Some((_, roles)) => roles.push(name.to_owned()),
            None => lines.push((text, vec![name.to_owned()])),
        }
    }
    let shown = lines.into_iter().map(|(text, roles)| {
        let names = if roles.len() > MOST_ROLES {
            format!("{} roles", roles.len())
        } else {
            roles.join(", ")
        };
        if names.is_empty() {
            text
        } else {
            format!("**{}**\n\n{text}", escape(&names))
        }
    });
    shown.collect()
}

fn role_lines(
    program: &Program,
    tables: &Tables,
    role: presync::RoleId,
    state: StateId,
) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(role) = tables.role_of(role) else {
        return lines;
    };
    let shown = |of: StateId| {
        let system = &program.system(of.system()).name;
        format!("`{system} {}`", quote(&program.state(of).name))
    };
    for table in role.tables().unwrap_or_default() {
        let direction = table.direction();
        let leaves = direction.from() == state.system();
        if !leaves && direction.to() != state.system() {
            continue;
        }
        let Some(found) = ways(&program.schema, Some(program), table) else {
            continue;
        };
        for way in found.ways {
            let when = way
                .when
                .map_or_else(String::new, |when| format!(", {when}"));
            if leaves && way.from == state {
                lines.push(format!("- sets {}{when}", shown(way.to)));
            } else if !leaves && way.to == state {
                lines.push(format!("- is set by {}{when}", shown(way.from)));
            }
        }
    }
    lines
}

/// `3 states`
pub(crate) fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}

/// `` `a`, `b` ``
pub(crate) fn code_list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
