//! Coverage of all programs of a command, in each role: for people, as a page, and as an lcov tracefile.

mod html;
mod lcov;

use std::collections::BTreeMap;

use presync::{Coverage, Exercised, LineColumn, Program, visible};

/// Combined coverage, in which a file used by several programs counts once for each role.
#[derive(Default)]
pub struct Total {
    /// In order of declaration; empty for programs without roles.
    roles: Vec<String>,
    files: BTreeMap<String, CoveredFile>,
    unknown: usize,
}

#[derive(Default)]
struct CoveredFile {
    text: String,
    places: BTreeMap<LineColumn, CoveredPlace>,
}

/// A written rule or condition.
struct CoveredPlace {
    /// In bytes of the file.
    start: usize,
    end: usize,
    /// How often each is exercised in each role.
    targets: BTreeMap<TargetKind, CoveredTarget>,
}

struct CoveredTarget {
    shown: String,
    by_role: BTreeMap<String, usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TargetKind {
    /// One of its directions.
    Rule(bool),
    Holds,
    Fails,
}

impl Total {
    pub fn add(&mut self, program: &Program, coverage: Coverage) {
        for role in program.role_ids() {
            let name = program.role_name(role).to_owned();
            if !program.has_implicit_role() && !self.roles.contains(&name) {
                self.roles.push(name);
            }
        }
        for (exercised, count) in coverage.exercised {
            let location = exercised.location(program);
            let source = program.sources.file(location.file);
            let kind = match exercised {
                Exercised::Rule(_, _, direction) => {
                    TargetKind::Rule(direction.from() > direction.to())
                }
                Exercised::Condition(_, _, true) => TargetKind::Holds,
                Exercised::Condition(_, _, false) => TargetKind::Fails,
            };
            let path = program.sources.shown_path(location.file);
            let file = self.files.entry(path).or_default();
            if file.text.is_empty() {
                file.text.clone_from(&source.text);
            }
            let place = file
                .places
                .entry(source.line_column(location.span.start))
                .or_insert_with(|| CoveredPlace {
                    start: location.span.start as usize,
                    end: location.span.end as usize,
                    targets: BTreeMap::new(),
                });
            let target = place.targets.entry(kind).or_insert_with(|| CoveredTarget {
                shown: presync::describe(program, exercised),
                by_role: BTreeMap::new(),
            });
            let role = program.role_name(exercised.role()).to_owned();
            *target.by_role.entry(role).or_default() += count;
        }
        self.unknown += coverage.unknown;
    }

    fn all(&self) -> impl Iterator<Item = (&str, LineColumn, TargetKind, &CoveredTarget)> {
        self.files.iter().flat_map(|(path, file)| {
            file.places.iter().flat_map(move |(at, place)| {
                let targets = place.targets.iter();
                targets.map(move |(kind, target)| (path.as_str(), *at, *kind, target))
            })
        })
    }

    /// How many are covered, of how many, in one role or in all.
    fn share(&self, role: Option<&str>, of: impl Fn(TargetKind) -> bool) -> (usize, usize) {
        let of = self.all().filter(|(_, _, kind, _)| of(*kind));
        let counts = of.flat_map(|(.., target)| &target.by_role);
        let counts = counts.filter(|(of, _)| role.is_none_or(|role| role == *of));
        counts.fold((0, 0), |(hit, all), (_, count)| {
            (hit + usize::from(*count > 0), all + 1)
        })
    }

    /// The percentage of all rules and branches in all roles; 100 if there are none.
    pub fn percent(&self) -> f64 {
        let (hit, all) = self.share(None, |_| true);
        if all == 0 {
            100.0
        } else {
            hit as f64 * 100.0 / all as f64
        }
    }

    /// `19/19` rules and `40/40` branches.
    fn shares(&self, role: Option<&str>) -> [String; 2] {
        let text = |(hit, all): (usize, usize)| match all {
            0 => "–".to_owned(),
            all => format!("{hit}/{all}"),
        };
        [
            text(self.share(role, TargetKind::is_rule)),
            text(self.share(role, |kind| !kind.is_rule())),
        ]
    }

    pub fn human(&self) -> String {
        let (rules, branches) = (
            self.share(None, TargetKind::is_rule),
            self.share(None, |kind| !kind.is_rule()),
        );
        let mut text = format!(
            "coverage: {}/{} rules, {}/{} branches ({:.1}%)\n",
            rules.0,
            rules.1,
            branches.0,
            branches.1,
            self.percent()
        );
        if self.roles.len() > 1 {
            let width = |name: &String| visible(name).chars().count();
            let widest = self.roles.iter().map(width).max().unwrap_or(0);
            text.push_str(&format!(
                "  {:widest$}  {:>9}  {:>9}\n",
                "", "rules", "branches"
            ));
            for role in &self.roles {
                let [rules, branches] = self.shares(Some(role));
                let role = visible(role);
                text.push_str(&format!("  {role:widest$}  {rules:>9}  {branches:>9}\n"));
            }
        }
        for (path, place, kind, target) in self.all() {
            let missing = target.missing();
            if missing.is_empty() {
                continue;
            }
            let in_roles = if self.roles.len() > 1 {
                format!(" in {}", missing.join(", "))
            } else {
                String::new()
            };
            let (line, column) = (place.line, place.column);
            text.push_str(&format!(
                "  {}:{line}:{column}: {} {}{}\n",
                visible(path),
                visible(&target.shown),
                kind.missing(),
                visible(&in_roles)
            ));
        }
        if self.unknown > 0 {
            text.push_str(&format!(
                "  {} more are too complex to measure\n",
                self.unknown
            ));
        }
        text
    }
}

impl TargetKind {
    fn is_rule(self) -> bool {
        matches!(self, Self::Rule(_))
    }

    fn missing(self) -> &'static str {
        match self {
            Self::Rule(_) => "rule not covered",
            Self::Holds => "never tested as true",
            Self::Fails => "never tested as false",
        }
    }
}

impl CoveredTarget {
    /// The roles in which nothing exercises it.
    fn missing(&self) -> Vec<&str> {
        let missing = self.by_role.iter().filter(|(_, count)| **count == 0);
        missing.map(|(role, _)| role.as_str()).collect()
    }

    fn count(&self) -> usize {
        self.by_role.values().sum()
    }
}
