//! What two programs decide differently, for people. In: differences. Out: lines, or Markdown.

use presync::{Behavior, ChangedPart, DecisionChange, Differences};
use presync_exchange::text::markdown::escape;
use presync_report::grouped;

/// As a comment on a pull request: a table of what changes, and the details folded.
pub fn markdown(found: &Differences) -> String {
    let behaviors = found.behaviors();
    let mut text = String::new();
    for line in found.one_sided.iter().chain(&found.skipped) {
        text.push_str(&format!("- {}\n", escape(line)));
    }
    if !behaviors.is_empty() {
        text.push_str("\n| what changes | where |\n|---|---|\n");
    }
    for behavior in &behaviors {
        text.push_str(&format!(
            "| {} | {} |\n",
            escape(&behavior.headline()),
            escape(&situations(found, behavior))
        ));
    }
    for behavior in &behaviors {
        let headline = escape(&behavior.headline());
        text.push_str(&format!("\n<details><summary>{headline}</summary>\n\n"));
        let lines = details(found, behavior).into_iter();
        let lines = lines.flat_map(|detail| detail.lines(behavior));
        for line in lines {
            text.push_str(&format!("- {}\n", escape(&line)));
        }
        text.push_str("\n</details>\n");
    }
    text.trim_start_matches('\n').to_owned()
}

/// `Agents, Supervisors; 54 of 5,280 situations`
pub fn situations(found: &Differences, behavior: &Behavior) -> String {
    let (count, total) = (grouped(behavior.count), grouped(behavior.total));
    let situations = format!("{count} of {total} situations");
    if found.without_roles {
        situations
    } else {
        format!("{}; {situations}", behavior.roles.join(", "))
    }
}

/// Where a behavior changes, and which rules decide: once for all roles where that is the same.
pub struct DifferenceDetail<'d> {
    roles: Vec<&'d str>,
    change: &'d DecisionChange,
}

pub fn details<'d>(found: &'d Differences, behavior: &Behavior) -> Vec<DifferenceDetail<'d>> {
    let mut details: Vec<DifferenceDetail<'d>> = Vec::new();
    for at in &behavior.changes {
        let change = &found.changes[*at];
        let place = |of: &'d DecisionChange| (&of.to, &of.parts, &of.old_rules, &of.new_rules);
        let same = |known: &&mut DifferenceDetail<'d>| place(known.change) == place(change);
        match details.iter_mut().find(same) {
            Some(known) if known.roles.contains(&change.role.as_str()) => {}
            Some(known) => known.roles.push(&change.role),
            None => details.push(DifferenceDetail {
                roles: vec![&change.role],
                change,
            }),
        }
    }
    details
}

impl DifferenceDetail<'_> {
    /// The conditions, without the states that the headline names, and the rules.
    pub fn lines(&self, behavior: &Behavior) -> Vec<String> {
        let mut about: Vec<&str> = Vec::new();
        if behavior.roles.len() > 1 {
            about.extend(&self.roles);
        }
        if behavior.to.len() > 1 {
            about.push(&self.change.to);
        }
        let about = if about.is_empty() {
            String::new()
        } else {
            format!("{}: ", about.join(", "))
        };
        let shown = |part: &ChangedPart| {
            if part.values.from == behavior.states {
                part.when.clone()
            } else {
                part.text.clone()
            }
        };
        let mut lines: Vec<String> = match &self.change.parts {
            Some(parts) => parts.iter().map(shown).collect(),
            None => vec![format!(
                "too many to list; example: {}",
                self.change.witness.text
            )],
        };
        lines[0].insert_str(0, &about);
        // Each line is another part of the situations.
        lines[1..]
            .iter_mut()
            .for_each(|line| line.insert_str(0, "or "));
        let (old, new) = (by(&self.change.old_rules), by(&self.change.new_rules));
        lines.push(format!("was {old}, now {new}"));
        lines
    }
}

/// The rules that decide, the first few by name.
fn by(rules: &[String]) -> String {
    const MOST: usize = 3;
    match rules {
        [] => "decided by no rule".to_owned(),
        rules if rules.len() > MOST => {
            format!(
                "{} and {} more",
                rules[..MOST - 1].join(", "),
                rules.len() + 1 - MOST
            )
        }
        rules => rules.join(", "),
    }
}
