//! In: the parsed files of a program. Out: the program. Errors: all except syntax errors.
//! Parts that do not resolve are reported and omitted; `MissingRules` records what that may hide in a profile.

mod conditions;
mod confusable;
mod declare;
mod dependency_order;
mod draft;
mod expectations;
mod index;
pub mod limits;
mod report;
mod roles;
mod rules;
mod states;

pub use index::{AttributeId, Index, Meaning, Occurrence};
pub use report::CheckReport;

use arcstr::ArcStr;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::analysis::conflicts;
use crate::diagnostic::{self, Code, Diagnostic};
use crate::errors::unknown::UnknownReference;
use crate::errors::{self, confusable_name, duplicate_definition};
use crate::load::Parsed;
use crate::program::{self, CondId, DeclaredId, FactId, LostParts, ProfileId, SystemId, ValueId};
use crate::quote::quote_text;
use crate::resolve::draft::{Draft, Renumbering};
use crate::resolve::report::LossCauses;
use crate::source::{FileId, Location, Span};
use crate::syntax::directive::{Directive, directive};
use crate::syntax::tree;

/// Maximum number of rules in a profile or mapping, including those of the mappings it applies.
pub const MAX_RULES: usize = 1_000_000;

/// Resolves names and proves that rules do not conflict. `indexed`: also builds the index.
pub fn check(parsed: Parsed, indexed: bool) -> CheckReport {
    let Parsed {
        sources,
        files,
        errors,
        missing,
    } = parsed;
    let mut resolver = Resolver {
        draft: Draft {
            sources,
            ..Draft::default()
        },
        syntax_errors: errors.iter().filter_map(Diagnostic::location).collect(),
        errors,
        names: Names::default(),
        owner: None,
        index: indexed.then(|| Index::new(files.clone())),
        replacements: Vec::new(),
        keeps_trees: all_declared(&files).any(|declared| replaces(declared.node)),
        reported: 0,
    };
    resolver.syntax_errors.sort_unstable();
    let broken = files.iter().flat_map(|file| file.broken.iter().cloned());
    resolver.names.broken = broken.collect();
    let misses_a_file = !missing.is_empty();
    resolver.names.incomplete = misses_a_file;
    missing.into_iter().for_each(|error| resolver.error(error));
    resolver.collect_allows(&files);
    resolver.directives(&files);
    resolver.run(files);
    drop(std::mem::take(&mut resolver.names));
    resolver.find_confusables();
    let large = limits::too_large(&resolver.draft);
    let too_large = !large.is_empty();
    large.into_iter().for_each(|error| resolver.error(error));
    let draft = std::mem::take(&mut resolver.draft);
    let index = resolver.index.take().map(|index| index.finish(&draft));
    let without_profile = draft.roles_without_profile.clone();
    let (mut program, missing, mut sources) = draft.into_program();
    // Where a file is missing, or a condition is too complex, everything else may be wrong because of it.
    let mut says_something = !misses_a_file && !too_large;
    let mut lost = LostParts::default();
    if let Some(program) = program.as_ref().filter(|_| !too_large) {
        let found = conflicts::conflicts(program, &missing);
        says_something &= !found.too_complex;
        let causes = LossCauses {
            missing: &missing,
            contradictory: &found.profiles,
            without_profile: &without_profile,
            misses_declarations: !resolver.syntax_errors.is_empty(),
        };
        lost = causes.lost_parts(program);
        found
            .diagnostics
            .into_iter()
            .for_each(|error| resolver.error(error));
    }
    let mut diagnostics = resolver.errors;
    diagnostic::sort(&mut diagnostics);
    let mut rest = None;
    if !diagnostics.is_empty()
        && let Some(broken) = program.take()
    {
        if says_something {
            rest = Some((broken, lost));
        } else {
            sources = broken.sources;
        }
    }
    CheckReport {
        diagnostics,
        program,
        index,
        rest,
        sources,
    }
}

struct Resolver {
    draft: Draft,
    errors: Vec<Diagnostic>,
    /// Locations of syntax errors, sorted. Parts missing around them may have been lost to the error.
    syntax_errors: Vec<Location>,
    names: Names,
    /// The declaration whose body is being resolved.
    owner: Option<DeclaredId>,
    /// The index, if requested.
    index: Option<Index>,
    /// While a mapping is applied `with` other systems: the new and the old system of each, outermost first, and whether
    /// it replaced anything.
    replacements: Vec<Replacement>,
    /// Whether mappings and conditions are needed again, because something is applied `with` another system.
    keeps_trees: bool,
    /// Number of errors so far, not counting syntax errors.
    reported: usize,
}

/// The meaning of each name, by namespace.
#[derive(Default)]
struct Names {
    /// Facts, choice values, conditions and systems share one namespace.
    atoms: HashMap<ArcStr, Atom>,
    states: Vec<states::StateNames>,
    groups: HashMap<(SystemId, ArcStr), usize>,
    group_states: Vec<Option<Box<[program::StateId]>>>,
    group_declared: Vec<DeclaredId>,
    mappings: HashMap<ArcStr, (usize, DeclaredId)>,
    profiles: HashMap<ArcStr, (ProfileId, DeclaredId)>,
    roles: HashMap<ArcStr, (program::RoleId, DeclaredId)>,
    /// By index of [`Atom::Condition`]; `None` if it does not resolve.
    conditions: Vec<Option<CondId>>,
    /// Likewise, as written; empty unless they are needed again.
    condition_trees: Vec<(FileId, Arc<tree::Condition>)>,
    /// Rules by their place; empty unless mappings are needed again.
    rule_sources: FxHashMap<Location, program::RuleSourceId>,
    /// Names whose declarations did not parse.
    broken: std::collections::HashSet<ArcStr>,
    /// The source states of rules, shared because many rules have the same ones.
    sources: FxHashSet<Arc<[program::StateId]>>,
    /// A file was not read, or a limit on declarations is exceeded: any name may be declared in the omitted part.
    incomplete: bool,
    /// An unknown system was reported in a program without systems.
    no_systems: bool,
}

impl Names {
    /// Replaces all ids with the final ones.
    fn renumber(&mut self, to: &Renumbering) {
        for atom in self.atoms.values_mut() {
            match atom {
                Atom::System(system, _) => *system = to.system(*system),
                Atom::Fact(fact, _) => *fact = to.fact(*fact),
                Atom::Value(choices) => {
                    choices
                        .iter_mut()
                        .for_each(|(value, _)| *value = to.value(*value));
                }
                Atom::Condition(..) => {}
            }
        }
        let mut states: Vec<states::StateNames> = Vec::new();
        states.resize_with(self.states.len(), Default::default);
        for (at, mut names) in std::mem::take(&mut self.states).into_iter().enumerate() {
            names.renumber(to);
            states[to.system(SystemId::from_index(at)).index()] = names;
        }
        self.states = states;
    }

    /// Whether a role may have been lost to an error.
    fn may_be_missing_roles(&self) -> bool {
        self.incomplete || self.broken.iter().any(|name| name.starts_with("role "))
    }
}

/// `with teams for lync`
#[derive(Debug, Clone, Copy)]
struct Replacement {
    new: SystemId,
    old: SystemId,
    used: bool,
}

/// Whether only spaces precede a comment on its line.
fn is_alone(text: &str, comment: Span) -> bool {
    let before = &text[..comment.start as usize];
    let before = before.trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with(['\n', '\r'])
}

/// Whether a declaration applies a mapping `with` another system.
fn replaces(declaration: &tree::Declaration) -> bool {
    fn in_items(items: &[tree::Item]) -> bool {
        items.iter().any(|item| match &item.kind {
            tree::ItemKind::When(when) => in_items(&when.body),
            tree::ItemKind::Apply(apply) => apply.replacement.is_some(),
            tree::ItemKind::Append(_) | tree::ItemKind::Rule(_) => false,
        })
    }
    match &declaration.kind {
        tree::DeclarationKind::Mapping { items, .. }
        | tree::DeclarationKind::Profile { items, .. } => in_items(items),
        _ => false,
    }
}

#[derive(Debug, Clone)]
enum Atom {
    System(SystemId, DeclaredId),
    Fact(FactId, DeclaredId),
    Condition(usize, DeclaredId),
    /// A value of one or more choices.
    Value(Vec<(ValueId, DeclaredId)>),
}

/// A declaration and its file.
#[derive(Clone, Copy)]
struct TreeDeclaration<'a> {
    file: FileId,
    node: &'a tree::Declaration,
}

impl TreeDeclaration<'_> {
    fn at(&self, span: Span) -> Location {
        Location {
            file: self.file,
            span,
        }
    }
}

fn all_declared(files: &[tree::File]) -> impl Iterator<Item = TreeDeclaration<'_>> {
    let files = (0..).map(FileId).zip(files);
    files.flat_map(|(file, tree)| {
        tree.declarations
            .iter()
            .map(move |node| TreeDeclaration { file, node })
    })
}

/// A declaration that resolving consumes, so that the trees of a large program are freed as its rules are built.
struct Owned {
    file: FileId,
    node: tree::Declaration,
}

impl Owned {
    fn borrowed(&self) -> TreeDeclaration<'_> {
        TreeDeclaration {
            file: self.file,
            node: &self.node,
        }
    }
}

/// All declarations of a program, by the step that resolves them.
#[derive(Default)]
struct Declarations {
    /// `system`, `extend`, `flag`, `choice`, `condition` and `group`.
    vocabulary: Vec<Owned>,
    mappings: Vec<Owned>,
    profiles: Vec<Owned>,
    roles: Vec<Owned>,
    tests: Vec<Owned>,
}

impl Declarations {
    fn new(files: Vec<tree::File>) -> Self {
        use tree::DeclarationKind as Kind;
        let mut all = Self::default();
        for (file, tree) in (0..).map(FileId).zip(files) {
            for node in tree.declarations {
                let list = match &node.kind {
                    Kind::Use(_) => continue,
                    Kind::System { .. }
                    | Kind::Extend { .. }
                    | Kind::Group { .. }
                    | Kind::Flag(_)
                    | Kind::Choice { .. }
                    | Kind::Condition { .. } => &mut all.vocabulary,
                    Kind::Mapping { .. } => &mut all.mappings,
                    Kind::Profile { .. } => &mut all.profiles,
                    Kind::Role { .. } => &mut all.roles,
                    Kind::Test { .. } | Kind::Scenario { .. } => &mut all.tests,
                };
                list.push(Owned { file, node });
            }
        }
        all
    }
}

impl Resolver {
    fn run(&mut self, files: Vec<tree::File>) {
        let count = files.iter().map(|file| file.declarations.len()).sum();
        self.draft.declared.reserve_exact(count);
        let Declarations {
            vocabulary,
            mappings,
            profiles,
            roles,
            tests,
        } = Declarations::new(files);
        let declared: Vec<TreeDeclaration<'_>> = vocabulary.iter().map(Owned::borrowed).collect();
        self.declare_systems(&declared);
        let conditions = self.declare_facts(&declared);
        let renumbering = self.draft.order_by_name();
        self.names.renumber(&renumbering);
        self.resolve_online(&declared);
        self.resolve_reads(&declared);
        self.resolve_groups(&declared);
        self.resolve_conditions(&conditions);
        drop(vocabulary);
        let mappings = self.resolve_mappings(mappings);
        self.resolve_profiles(profiles, &mappings);
        self.resolve_roles(&roles);
        self.resolve_tests(&tests);
    }

    fn error(&mut self, error: Diagnostic) {
        self.reported += 1;
        match self.reported.cmp(&(limits::MAX_ERRORS + 1)) {
            Ordering::Less => self.errors.push(error),
            Ordering::Equal => {
                let last = errors::too_many(error.code, limits::MAX_ERRORS, error.labels);
                self.errors.push(last);
            }
            Ordering::Greater => {}
        }
    }

    /// Registers a declaration that others can name.
    fn declared(
        &mut self,
        kind: program::DeclaredKind,
        name: &tree::Name,
        declaration: TreeDeclaration<'_>,
    ) -> DeclaredId {
        let location = declaration.at(name.span);
        let node = declaration.node;
        let whole = declaration.at(node.before.with_doc(node.span));
        self.draft.declared.push(program::Declared {
            kind,
            name: name.text.to_string(),
            location,
            whole,
        });
        DeclaredId(self.draft.declared.len() as u32 - 1)
    }

    /// Records a name that refers to a declaration.
    fn refer(&mut self, target: DeclaredId, location: Location) {
        self.note(location, Meaning::Declared(target));
        self.uses(target, location.file);
    }

    /// Records that the current declaration uses another; `file`: where its name is written.
    fn uses(&mut self, target: DeclaredId, file: FileId) {
        self.draft.references.insert(program::Reference {
            owner: self.owner,
            target,
            file,
        });
    }

    /// Notes what a name means as it is written; not what it stands for where a mapping is applied `with` another system.
    fn note(&mut self, location: Location, meaning: Meaning) {
        if let Some(index) = &mut self.index
            && self.replacements.is_empty()
        {
            index.note(location, meaning);
        }
    }

    /// Whether a location contains a syntax error, so that parts may be missing.
    fn has_syntax_error(&self, location: Location) -> bool {
        let from = self.syntax_errors.partition_point(|error| {
            *error
                < Location {
                    file: location.file,
                    span: Span {
                        start: location.span.start,
                        end: 0,
                    },
                }
        });
        self.syntax_errors.get(from).is_some_and(|error| {
            error.file == location.file && error.span.start <= location.span.end
        })
    }

    /// Reports two declarations with the same name in one namespace.
    fn duplicate(&mut self, what: &str, name: &str, first: Location, second: Location) {
        // A declaration in a bundled vocabulary counts as the first.
        let bundled = |location: Location| self.draft.sources.file(location.file).bundled;
        let (first, second) = if bundled(second) && !bundled(first) {
            (second, first)
        } else {
            (first, second)
        };
        if bundled(first) && !bundled(second) {
            let vocabulary = self.draft.sources.file(first.file).path.clone();
            let what = if self.draft.systems.iter().any(|system| system.name == name) {
                "system"
            } else {
                what
            };
            let error = duplicate_definition::of_vocabulary(what, name, &vocabulary, second);
            return self.error(error);
        }
        self.error(duplicate_definition::declared(what, name, first, second));
    }

    /// Whether to suppress unknown names: a missing file may declare them, or the error limit is reached.
    fn suppresses_unknown_names(&self) -> bool {
        self.names.incomplete || self.reported > limits::MAX_ERRORS
    }

    /// Reports an unresolved name: look-alikes get a separate error, names of broken declarations none.
    fn unknown(&mut self, unknown: Unknown<'_>) {
        let Unknown {
            code,
            owner,
            what,
            name,
            location,
            known,
            help,
        } = unknown;
        if self.suppresses_unknown_names()
            || self.names.broken.contains(name)
            || self.has_syntax_error(location)
        {
            return;
        }
        let known = known(self);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        if let Some(twin) = known.iter().find(|twin| confusable::look_alike(name, twin)) {
            let error = confusable_name::unknown(name, twin, location);
            return self.error(error);
        }
        let unknown = UnknownReference {
            code,
            owner,
            what,
            name,
            at: location,
            known: &known,
            help,
        };
        self.error(unknown.diagnostic());
    }

    fn collect_allows(&mut self, files: &[tree::File]) {
        for declaration in all_declared(files) {
            let scope = declaration.at(declaration.node.span);
            self.allows(declaration.node.before.allows(), scope);
            match &declaration.node.kind {
                tree::DeclarationKind::System { items, .. }
                | tree::DeclarationKind::Extend { items, .. } => {
                    for item in items {
                        if let tree::SystemItem::State(state) = item {
                            self.allows(&state.allows, declaration.at(state.span));
                        }
                    }
                }
                tree::DeclarationKind::Mapping { items, .. }
                | tree::DeclarationKind::Profile { items, .. } => {
                    self.allows_of_items(items, declaration.file);
                }
                _ => {}
            }
        }
    }

    fn allows_of_items(&mut self, items: &[tree::Item], file: FileId) {
        for item in items {
            self.allows(
                item.before.allows(),
                Location {
                    file,
                    span: item.span,
                },
            );
            if let tree::ItemKind::When(when) = &item.kind {
                for head in &when.heads {
                    let span = Span {
                        start: head.condition.span.start,
                        end: item.span.end,
                    };
                    self.allows(&head.allows, Location { file, span });
                }
                self.allows_of_items(&when.body, file);
            }
        }
    }

    fn allows(&mut self, allows: &[tree::Allow], scope: Location) {
        for allow in allows {
            let codes: Vec<String> = allow
                .codes
                .iter()
                .map(|code| code.text.to_string())
                .collect();
            let reason = allow.reason.as_ref().map(|reason| reason.text.to_string());
            let ending = reason
                .as_deref()
                .map(|reason| format!(", {}", quote_text(reason)));
            let ending = ending.unwrap_or_default();
            let location = Location {
                file: scope.file,
                span: allow.span,
            };
            let written = |codes: &str| format!("@allow({codes}{ending})");
            self.allow_each(&codes, reason.as_ref(), (location, scope), &written);
        }
    }

    /// `at`: the annotation or comment, and its scope; `written`: its source with other codes.
    fn allow_each(
        &mut self,
        codes: &[String],
        reason: Option<&String>,
        at: (Location, Location),
        written: &dyn Fn(&str) -> String,
    ) {
        let (location, scope) = at;
        for (index, code) in codes.iter().enumerate() {
            let others = codes
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            let others: Vec<&str> = others.map(|(_, code)| code.as_str()).collect();
            self.draft.allows.push(program::Allow {
                code: code.clone(),
                reason: reason.cloned(),
                location,
                without: match others.as_slice() {
                    [] => String::new(),
                    others => written(&others.join(", ")),
                },
                scope,
            });
        }
    }

    /// `// presync: allow gap "reason"` before the first declaration.
    fn directives(&mut self, files: &[tree::File]) {
        for (index, tree) in files.iter().enumerate() {
            let file = FileId(index as u32);
            let text = self.draft.sources.file(file).text.clone();
            let first = tree.declarations.first().map(|first| first.span.start);
            let mut is_off = false;
            for comment in &tree.comments {
                let location = Location {
                    file,
                    span: comment.span,
                };
                let wrong = match directive(comment.span.text(&text)) {
                    Some(Directive::Allow { codes, reason })
                        if first.is_none_or(|first| comment.span.start < first) =>
                    {
                        let ending = reason
                            .as_deref()
                            .map(|reason| format!(" {}", quote_text(reason)));
                        let ending = ending.unwrap_or_default();
                        let written = |codes: &str| format!("// presync: allow {codes}{ending}");
                        let scope = Location {
                            file,
                            span: Span::new(0, text.len()),
                        };
                        self.allow_each(&codes, reason.as_ref(), (location, scope), &written);
                        continue;
                    }
                    Some(Directive::Allow { .. }) => {
                        "it is for a whole file, so it must stand before the first declaration"
                    }
                    Some(Directive::Unknown) => "the directive is unknown",
                    Some(Directive::FormatOff | Directive::FormatOn)
                        if !is_alone(&text, comment.span) =>
                    {
                        "it must be alone on its line"
                    }
                    Some(Directive::FormatOff) if is_off => "formatting is already off",
                    Some(Directive::FormatOn) if !is_off => "no `fmt off` is before it",
                    Some(Directive::FormatOff | Directive::FormatOn) => {
                        is_off = !is_off;
                        continue;
                    }
                    None => continue,
                };
                self.draft.wrong_directives.push((location, wrong));
            }
        }
    }

    fn find_confusables(&mut self) {
        let mut spaces: HashMap<(u8, u32), Vec<(&str, Location)>> = HashMap::new();
        for declared in &self.draft.declared {
            let space = match declared.kind {
                program::DeclaredKind::Mapping => 1,
                program::DeclaredKind::Profile => 2,
                program::DeclaredKind::Role => 3,
                program::DeclaredKind::Group => 4,
                _ => 0,
            };
            spaces
                .entry((space, 0))
                .or_default()
                .push((&declared.name, declared.location));
        }
        for (fact, location) in self.draft.facts.iter().zip(&self.draft.fact_locations) {
            if let program::FactKind::Choice { values, .. } = &fact.kind {
                let values = values.iter().map(|value| (value.as_str(), *location));
                spaces.entry((0, 0)).or_default().extend(values);
            }
        }
        let systems = self.draft.systems.iter().zip(&self.draft.system_sources);
        for (at, (system, source)) in systems.enumerate() {
            let states = system.states.iter().zip(&source.states);
            let states = states.map(|(state, source)| (state.name.as_str(), source.location));
            spaces.entry((5, at as u32)).or_default().extend(states);
        }
        let found: Vec<_> = spaces
            .values()
            .flat_map(|space| confusable::twins(space))
            .collect();
        found.into_iter().for_each(|error| self.error(error));
    }
}

struct Unknown<'a> {
    code: &'static Code,
    /// The system or choice in which the name was looked up.
    owner: Option<&'a str>,
    what: &'a str,
    name: &'a str,
    location: Location,
    /// The known names, in the order to show them; called only if the name is reported.
    known: &'a dyn Fn(&Resolver) -> Vec<String>,
    /// Shown instead of the nearest known name.
    help: Option<String>,
}

fn sorted(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

/// The text of doc comments without their slashes.
pub fn doc_text(text: &str, spans: &[Span]) -> Option<String> {
    let lines: Vec<&str> = spans
        .iter()
        .map(|span| {
            let line = span.text(text).trim_start_matches('/');
            line.strip_prefix(' ').unwrap_or(line)
        })
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}
