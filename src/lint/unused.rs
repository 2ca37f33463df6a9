//! `unused`: declarations that are never used.

mod appendices;
mod files;

use crate::diagnostic::{Code, Level};
use crate::lint::{Context, Lint, shown};
use crate::program::{DeclaredId, DeclaredKind, Program};

pub(super) static LINT: Lint = Lint {
    code: Code {
        name: "unused",
        default: Some(Level::Warn),
        summary: "a declaration, `use`, appendix or state of an extension is never used",
        explanation: "That is: a group, condition, mapping, profile, flag or choice that no role, test or used declaration refers to; a \
`use` of a file from which nothing is used; an appendix whose profile sets no state where it holds; a state of an `extend` that \
nothing names. The `use`s of a file without other declarations are not reported. If a command checks several programs, a \
finding in a file that they share is reported only if all of them have it. Bundled vocabularies are never reported.",
        bad: "use cic_lync
flag on_call
profile \"P\" { cic Available -> lync Available }
",
        good: "use cic_lync
flag on_call
profile \"P\" when on_call { cic Available -> lync Available }
",
    },
    of_all_programs: true,
    waits: true,
    find,
};

fn find(context: &mut Context<'_>) {
    let program = context.program;
    // Without profiles it is most likely a part of programs that are not checked here.
    let is_part = program.profiles.is_empty();
    let reached = reached(program);
    for (declared, _) in program
        .declared
        .iter()
        .zip(&reached)
        .filter(|(_, reached)| !**reached)
    {
        use DeclaredKind as Kind;
        let counts = matches!(
            declared.kind,
            Kind::Group
                | Kind::Condition
                | Kind::Mapping
                | Kind::Profile
                | Kind::Flag
                | Kind::Choice
        );
        if !counts || program.sources.file(declared.location.file).bundled {
            continue;
        }
        let finding = context
            .finding(format!(
                "{} `{}` is never used",
                declared.kind.as_str(),
                declared.name
            ))
            .about(declared.kind.as_str())
            .about(declared.name.as_str())
            .label(declared.location, "never used")
            .help("delete it, or use it")
            // Events can name a fact even if the program never uses it.
            .fix(context.deletion(
                declared.whole,
                !is_part && !matches!(declared.kind, Kind::Flag | Kind::Choice),
            ));
        context.report(finding);
    }
    states(context);
    files::find(context, is_part);
    appendices::find(context);
}

/// States that an extension adds and nothing names.
fn states(context: &mut Context<'_>) {
    let program = context.program;
    let systems = program.schema.systems().map(|(id, _)| id);
    for state in systems.flat_map(|system| program.states(system)) {
        let source = program.state_source(state);
        let of = program.state(state);
        let counts = source.extends && !source.named && of.reads.is_none() && !of.other;
        if !counts || program.sources.file(source.location.file).bundled {
            continue;
        }
        let finding = context
            .finding(format!("state `{}` is never used", shown(program, state)))
            .about("state")
            .about(of.name.as_str())
            .label(source.location, "no rule, group or test names it")
            .help("name it in a rule, or delete it");
        context.report(finding);
    }
}

/// For each declaration, whether a role or a test refers to it, directly or indirectly.
fn reached(program: &Program) -> Vec<bool> {
    let mut uses: Vec<Vec<DeclaredId>> = vec![Vec::new(); program.declared.len()];
    let mut pending: Vec<DeclaredId> = Vec::new();
    for reference in &program.references {
        match reference.owner {
            Some(owner) => uses[owner.index()].push(reference.target),
            None => pending.push(reference.target),
        }
    }
    for (at, declared) in program.declared.iter().enumerate() {
        let implicit = program.has_implicit_role() && declared.kind == DeclaredKind::Profile;
        if matches!(declared.kind, DeclaredKind::Role | DeclaredKind::System) || implicit {
            pending.push(DeclaredId(at as u32));
        }
    }
    let mut reached = vec![false; program.declared.len()];
    while let Some(next) = pending.pop() {
        if !std::mem::replace(&mut reached[next.index()], true) {
            pending.extend(&uses[next.index()]);
        }
    }
    reached
}
