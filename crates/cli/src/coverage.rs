//! Coverage of all programs of a command, for people and as an lcov tracefile.

use std::collections::BTreeMap;

use presync_report::Places;

use presync::LineColumn;
use presync::Program;
use presync::visible;
use presync::{Coverage, Exercised};

/// Combined coverage, in which a file used by several programs counts once.
#[derive(Default)]
pub struct Total {
    places: BTreeMap<(String, LineColumn), BTreeMap<TargetKind, (usize, String)>>,
    unknown: usize,
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
        for (exercised, count) in coverage.exercised {
            let location = exercised.location(program);
            let place = program
                .sources
                .file(location.file)
                .line_column(location.span.start);
            let kind = match exercised {
                Exercised::Rule(_, direction) => {
                    TargetKind::Rule(direction.from() > direction.to())
                }
                Exercised::Condition(_, true) => TargetKind::Holds,
                Exercised::Condition(_, false) => TargetKind::Fails,
            };
            let at = (program.sources.shown_path(location.file), place);
            let known = self.places.entry(at).or_default().entry(kind);
            known
                .or_insert_with(|| (0, presync::describe(program, exercised)))
                .0 += count;
        }
        self.unknown += coverage.unknown;
    }

    fn all(&self) -> impl Iterator<Item = (&(String, LineColumn), TargetKind, usize, &str)> {
        self.places.iter().flat_map(|(at, kinds)| {
            kinds
                .iter()
                .map(move |(kind, (count, source))| (at, *kind, *count, source.as_str()))
        })
    }

    fn share(&self, of: impl Fn(TargetKind) -> bool) -> (usize, usize) {
        let counts = self
            .all()
            .filter(|(_, kind, ..)| of(*kind))
            .map(|(_, _, count, _)| count);
        counts.fold((0, 0), |(hit, all), count| {
            (hit + usize::from(count > 0), all + 1)
        })
    }

    /// The percentage of all rules and branches; 100 if there are none.
    pub fn percent(&self) -> f64 {
        let (hit, all) = self.share(|_| true);
        if all == 0 {
            100.0
        } else {
            hit as f64 * 100.0 / all as f64
        }
    }

    pub fn human(&self) -> String {
        let (rules, conditions) = (
            self.share(|kind| matches!(kind, TargetKind::Rule(_))),
            self.share(|kind| !matches!(kind, TargetKind::Rule(_))),
        );
        let mut text = format!(
            "coverage: {}/{} rules, {}/{} branches ({:.1}%)\n",
            rules.0,
            rules.1,
            conditions.0,
            conditions.1,
            self.percent()
        );
        for ((path, place), kind, _, source) in self.all().filter(|(_, _, count, _)| *count == 0) {
            let what = match kind {
                TargetKind::Rule(_) => "rule not covered",
                TargetKind::Holds => "never tested as true",
                TargetKind::Fails => "never tested as false",
            };
            let (line, column) = (place.line, place.column);
            text.push_str(&format!(
                "  {}:{line}:{column}: {} {what}\n",
                visible(path),
                visible(source)
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

    /// An lcov tracefile with rules as lines and conditions as branches; the first branch is that
    /// the condition holds.
    pub fn lcov(&self, places: &dyn Places) -> String {
        let mut files: BTreeMap<&str, BTreeMap<u32, LineCoverage>> = BTreeMap::new();
        for ((path, place), kind, count, _) in self.all() {
            let line = files
                .entry(path)
                .or_default()
                .entry(place.line)
                .or_default();
            match kind {
                TargetKind::Rule(_) => *line.rules.get_or_insert(0) += count,
                TargetKind::Holds => {
                    line.conditions.entry(place.column).or_default()[0] = Some(count);
                }
                TargetKind::Fails => {
                    line.conditions.entry(place.column).or_default()[1] = Some(count);
                }
            }
        }
        let mut text = String::from("TN:\n");
        for (path, lines) in files {
            let path = places.project_path(path);
            text.push_str(&format!("SF:{}\n", path.replace(['\n', '\r'], " ")));
            let (mut branches, mut taken) = (0, 0);
            for (number, line) in &lines {
                for (block, condition) in line.conditions.values().enumerate() {
                    for (branch, count) in condition.iter().enumerate() {
                        let Some(count) = count else { continue };
                        text.push_str(&format!("BRDA:{number},{block},{branch},{count}\n"));
                        branches += 1;
                        taken += usize::from(*count > 0);
                    }
                }
            }
            text.push_str(&format!("BRF:{branches}\nBRH:{taken}\n"));
            for (number, line) in &lines {
                text.push_str(&format!("DA:{number},{}\n", line.count()));
            }
            let hit = lines.values().filter(|line| line.count() > 0).count();
            text.push_str(&format!("LF:{}\nLH:{hit}\nend_of_record\n", lines.len()));
        }
        text
    }
}

/// The rules and conditions on one line.
#[derive(Default)]
struct LineCoverage {
    rules: Option<usize>,
    /// By column, how often it held and how often not; `None` if that is impossible.
    conditions: BTreeMap<u32, [Option<usize>; 2]>,
}

impl LineCoverage {
    fn count(&self) -> usize {
        self.rules
            .unwrap_or_else(|| self.conditions.values().flatten().flatten().sum())
    }
}
