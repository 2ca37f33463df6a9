//! A `use` of a file from which nothing is used.

use std::collections::BTreeSet;

use crate::lint::Context;
use crate::program::{DeclaredKind, Program};
use crate::source::{FileId, UsedFile};

pub(super) fn find(context: &mut Context<'_>, is_part: bool) {
    let program = context.program;
    let files = FileUses::of(program);
    for used in &program.sources.uses {
        let file = program.sources.file(used.location.file);
        let name = &used.name;
        let earlier = files.earlier(used);
        if file.bundled || (earlier.is_none() && files.is_used(used)) {
            continue;
        }
        let reached = files.reached(used.file, |_| true);
        // Events can name systems and facts even if the program never does.
        let in_events = program.declared.iter().any(|declared| {
            use DeclaredKind as Kind;
            let named = matches!(declared.kind, Kind::System | Kind::Flag | Kind::Choice);
            named && reached.contains(&declared.location.file)
        });
        let message = match earlier {
            Some(_) => format!("`{name}` is used already"),
            None => format!("nothing from `{name}` is used"),
        };
        let mut finding = context
            .finding(message)
            .about("use")
            .about(name)
            .label(used.location, "not needed");
        let help = match earlier {
            Some(earlier) => {
                finding = finding.label(earlier.location, "used here");
                "delete one of them"
            }
            None => "delete the `use`, or use what the file declares",
        };
        let safe = earlier.is_some() || !is_part && !in_events;
        context.report(finding.help(help).fix(context.deletion(used.whole, safe)));
    }
}

/// How the files of a program use each other.
struct FileUses<'p> {
    program: &'p Program,
    /// The files with a meaning that does not depend on names: roles, tests, extensions.
    acting: BTreeSet<FileId>,
    /// A file, and one that declares a name in it.
    naming: BTreeSet<(FileId, FileId)>,
}

impl<'p> FileUses<'p> {
    fn of(program: &'p Program) -> Self {
        let declared = program.declared.iter().filter(|declared| {
            let profile = program.has_implicit_role() && declared.kind == DeclaredKind::Profile;
            profile || declared.kind == DeclaredKind::Role
        });
        let declared = declared.map(|declared| declared.location.file);
        let systems = program.system_sources.iter();
        let extended = systems.flat_map(|system| system.extended_in.iter().copied());
        let tests = program.tests.iter().map(|test| test.location.file);
        let scenarios = program.scenarios.iter();
        let scenarios = scenarios.map(|scenario| scenario.location.file);
        let references = program.references.iter().map(|reference| {
            let target = &program.declared[reference.target.index()];
            (reference.file, target.location.file)
        });
        Self {
            program,
            acting: declared
                .chain(extended)
                .chain(tests)
                .chain(scenarios)
                .collect(),
            naming: references.collect(),
        }
    }

    /// An earlier `use` of the same file in the same file.
    fn earlier(&self, used: &UsedFile) -> Option<&'p UsedFile> {
        let mut uses = self.program.sources.uses.iter();
        uses.find(|other| {
            let same = other.file == used.file && other.location.file == used.location.file;
            same && other.location.span.start < used.location.span.start
        })
    }

    fn is_used(&self, used: &UsedFile) -> bool {
        let from = used.location.file;
        if used.file == from {
            return false;
        }
        if self.naming.contains(&(from, used.file)) {
            return true;
        }
        let mut declared = self.program.declared.iter();
        let declares = declared.any(|declared| declared.location.file == from);
        if !declares && !self.acting.contains(&from) {
            // It only brings in other files.
            return true;
        }
        let lost = self.lost(used);
        if lost.contains(&used.file) {
            return !self.acting.is_disjoint(&lost)
                || (self.naming.iter())
                    .any(|(file, target)| !lost.contains(file) && lost.contains(target));
        }
        // Another `use` brings the file in, too.
        let reached = self.reached(used.file, |other| other.file != from);
        (self.naming.iter()).any(|(file, target)| *file == from && reached.contains(target))
    }

    /// The files that only this `use` brings in.
    fn lost(&self, used: &UsedFile) -> BTreeSet<FileId> {
        let kept = self.reached(FileId(0), |other| other.location != used.location);
        let all = self.program.sources.iter().map(|(id, _)| id);
        all.filter(|id| !kept.contains(id)).collect()
    }

    /// The files that a file brings in by uses that count, and itself.
    fn reached(&self, from: FileId, counts: impl Fn(&UsedFile) -> bool) -> BTreeSet<FileId> {
        let mut reached = BTreeSet::new();
        let mut pending = vec![from];
        while let Some(next) = pending.pop() {
            if reached.insert(next) {
                let uses = self.program.sources.uses.iter();
                let uses = uses.filter(|used| used.location.file == next && counts(used));
                pending.extend(uses.map(|used| used.file));
            }
        }
        reached
    }
}
