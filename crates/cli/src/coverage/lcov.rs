//! An lcov tracefile with rules as lines and conditions as branches; the first branch is that the condition holds.
//! The format has no roles: counts are summed.

use std::collections::BTreeMap;

use presync_report::Places;

use super::{TargetKind, Total};

impl Total {
    pub fn lcov(&self, places: &dyn Places) -> String {
        let mut text = String::from("TN:\n");
        for (path, file) in &self.files {
            let mut lines: BTreeMap<u32, LineCoverage> = BTreeMap::new();
            for (at, place) in &file.places {
                let line = lines.entry(at.line).or_default();
                for (kind, target) in &place.targets {
                    let count = target.count();
                    let branch = match kind {
                        TargetKind::Rule(_) => {
                            *line.rules.get_or_insert(0) += count;
                            continue;
                        }
                        TargetKind::Holds => 0,
                        TargetKind::Fails => 1,
                    };
                    line.conditions.entry(at.column).or_default()[branch] = Some(count);
                }
            }
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
