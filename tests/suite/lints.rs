//! The lints: their own examples, the bundled profiles, and small random programs, where lints report exactly what
//! enumeration finds.

use crate::common;

use std::collections::{BTreeMap, BTreeSet};

use common::generate;
use common::reference::{self, Outcome, Situation};
use presync::internal::{Rank, Target};
use presync::{
    Declared, DeclaredKind as Kind, Diagnostic, LINTS, Level, Program, RoleId, Settings, Severity,
    StateId, SystemId,
};

/// Enables all lints.
fn everything() -> Settings {
    let mut settings = Settings::default();
    LINTS.iter().for_each(|lint| {
        settings
            .set(lint.code.name, Level::Warn)
            .expect("the lint exists");
    });
    settings
}

#[test]
fn each_lint_finds_its_bad_example_only() {
    for lint in LINTS {
        let found = |source: &str| {
            let findings = common::program(source).lint(&everything());
            findings
                .iter()
                .filter(|finding| *finding.code == lint.code)
                .count()
        };
        assert!(found(lint.code.bad) > 0, "{}: the bad example", lint.code);
        assert_eq!(found(lint.code.good), 0, "{}: the good example", lint.code);
    }
}

#[test]
fn bundled_profiles_are_clean() {
    let program = common::program("use cic_lync_profiles use cic_teams");
    let findings = program.lint(&Settings::default());
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn an_allow_suppresses_findings_with_a_label_in_its_scope() {
    let source = include_str!("../fixtures/programs/allowed-duplicate.presync");
    let mut settings = Settings::default();
    settings.set("gap", Level::Off).expect("the lint exists");
    settings
        .set("dead-rule", Level::Off)
        .expect("the lint exists");
    assert_eq!(common::program(source).lint(&settings), []);
    let without = common::program(&source.replace("@allow(duplicate-rule, \"on purpose\")", ""))
        .lint(&settings);
    assert_eq!(
        without
            .iter()
            .map(|finding| finding.code.name)
            .collect::<Vec<_>>(),
        ["duplicate-rule"]
    );
    settings
        .set("duplicate-rule", Level::Error)
        .expect("the lint exists");
    let denied = common::program(&source.replace("@allow(duplicate-rule, \"on purpose\")", ""))
        .lint(&settings);
    assert_eq!(denied[0].severity, Severity::Error);
}

/// Removes spans from a program.
fn without(source: &str, mut spans: Vec<presync::Span>) -> String {
    spans.sort();
    let mut text = source.to_owned();
    for span in spans.into_iter().rev() {
        text.replace_range(span.start as usize..span.end as usize, "");
    }
    text
}

#[test]
fn unused_declarations_are_exactly_the_removable_ones() {
    let (mut unused, mut used) = (0, 0);
    for seed in 0..programs() * 2 {
        let source = generate::program(seed, 10 + seed % 60);
        let Ok(program) = common::check(&source) else {
            continue;
        };
        let findings = program.lint(&everything());
        let starts: BTreeSet<u32> = findings
            .iter()
            .filter(|finding| finding.code.name == "unused")
            .map(|finding| finding.labels[0].location.span.start)
            .collect();
        let whole = |at: &Declared| at.whole.span;
        let (reported, others): (Vec<_>, Vec<_>) = program
            .declared
            .iter()
            .partition(|declared| starts.contains(&declared.location.span.start));
        // All reported declarations can be removed together, but no other one.
        let left = without(&source, reported.iter().map(|one| whole(one)).collect());
        assert!(
            common::check(&left).is_ok(),
            "seed {seed}\n{source}\n{left}"
        );
        unused += reported.len();
        let kinds = [Kind::Group, Kind::Condition, Kind::Mapping, Kind::Flag];
        for other in others
            .into_iter()
            .filter(|other| kinds.contains(&other.kind))
        {
            let mut spans: Vec<_> = reported.iter().map(|one| whole(one)).collect();
            spans.push(whole(other));
            let left = without(&source, spans);
            assert!(
                common::check(&left).is_err(),
                "seed {seed}: {} is unused but not reported\n{source}\n{left}",
                other.name
            );
            used += 1;
        }
    }
    println!("{unused} unused, {used} used");
    assert!(unused > 50 && used > 50, "{unused} {used}");
}

#[test]
fn safe_fixes_keep_every_decision() {
    let mut fixes: BTreeMap<(&str, bool), u32> = BTreeMap::new();
    let mut round_trips = (0, 0);
    for seed in 0..programs() * 3 {
        let source = generate::program(seed, 10 + seed % 60);
        let Ok(program) = common::check(&source) else {
            continue;
        };
        let digest = |program: &Program| {
            let tables = program.compile().expect("the program is small");
            tables.digest().expect("the tables are small").to_owned()
        };
        let before = digest(&program);
        for finding in program.lint(&everything()) {
            for fix in &finding.fixes {
                let mut text = source.clone();
                let mut edits = fix.edits.clone();
                edits.sort();
                for (location, with) in edits.into_iter().rev() {
                    text.replace_range(
                        location.span.start as usize..location.span.end as usize,
                        &with,
                    );
                }
                // An `override` may need the plain rule, and an unused declaration may be used by another unused one:
                // `--fix` notices the errors and does not apply the fix until the other one is gone.
                let fixed = match common::check(&text) {
                    Ok(fixed) => fixed,
                    Err(errors) => {
                        let known = match finding.code.name {
                            "dead-rule" => ["override-nothing", "conflict"].as_slice(),
                            "unused" => &[
                                "unknown-state",
                                "unknown-group",
                                "unknown-condition",
                                "unknown-mapping",
                            ],
                            // Another rule may contradict the added one.
                            "unsafe-round-trip" | "lossy-round-trip" => {
                                &["conflict", "override-nothing"]
                            }
                            _ => &[],
                        };
                        let only = errors
                            .report()
                            .diagnostics
                            .iter()
                            .all(|error| known.contains(&error.code.name));
                        assert!(only, "seed {seed}: {errors}\n{text}");
                        continue;
                    }
                };
                if fix.safe {
                    let after = digest(&fixed);
                    assert_eq!(
                        after, before,
                        "seed {seed}: {}\n{source}\n{text}",
                        finding.message
                    );
                } else if finding.code.name.ends_with("round-trip") {
                    // The same round trip can also go through a rule of another profile.
                    let still = fixed.lint(&everything());
                    round_trips.0 +=
                        u32::from(!still.iter().any(|other| other.message == finding.message));
                    round_trips.1 += 1;
                }
                *fixes.entry((finding.code.name, fix.safe)).or_default() += 1;
            }
        }
    }
    println!("{fixes:?}, {round_trips:?} round trips fixed");
    assert!(round_trips.0 * 10 > round_trips.1 * 8, "{round_trips:?}");
    for wanted in [
        ("dead-rule", false),
        ("duplicate-rule", true),
        ("unused", true),
        ("unsafe-round-trip", false),
    ] {
        assert!(
            fixes.get(&wanted).is_some_and(|count| *count > 5),
            "{wanted:?}: {fixes:?}"
        );
    }
}

fn programs() -> u64 {
    std::env::var("PRESYNC_PROGRAMS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(400)
}

/// Findings of a lint, in a form that enumeration can produce, too.
type Findings = BTreeSet<String>;

#[test]
fn lints_match_enumeration() {
    let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for seed in 0..programs() * 4 {
        let source = if seed % 5 == 0 {
            bouncing(seed)
        } else {
            generate::program(seed, 10 + seed % 60)
        };
        // Give some systems an `online` flag or a text limit.
        let source = source.replace(
            "    attributes a, b\n",
            [
                "    attributes a, b\n    text 6\n",
                "    attributes a, b\n    online f0\n",
            ][seed as usize % 2],
        );
        let Ok(program) = common::check(&source) else {
            continue;
        };
        if reference::count(&program) > 3_000.0 {
            continue;
        }
        let findings = program.lint(&everything());
        assert!(
            findings
                .iter()
                .all(|finding| finding.severity != Severity::Info),
            "nothing is too complex here\n{source}"
        );
        let truth = Truth::new(&program);
        for (code, wanted) in truth.all() {
            let reported = reported(&program, code, &findings);
            assert_eq!(reported, wanted, "seed {seed}: {code}\n{source}");
            let count = counts.entry(code).or_default();
            count.0 += u64::from(!wanted.is_empty());
            count.1 += u64::from(wanted.is_empty());
        }
    }
    println!("programs with findings, without: {counts:?}");
    for (code, (with, without)) in counts {
        assert!(
            with > 5 && without > 5,
            "{code}: {with} with, {without} without"
        );
    }
}

/// A program that sets a state for each state, under some condition: infinite loops are frequent.
fn bouncing(seed: u64) -> String {
    let mut random = generate::Random(seed);
    let systems = ["cic", "lync", "teams"];
    let count = 2 + random.below(2);
    let mut text = String::from("flag f\nflag g\n");
    for system in &systems[..count] {
        let reads = *random.pick(&["", "", "", " reads s2"]);
        text.push_str(&format!(
            "system {system} {{ attributes a state s0 {{ a }} state s1{reads} state s2 }}\n"
        ));
    }
    for profile in 0..=random.below(2) {
        text.push_str(&format!("profile \"P {profile}\" {{\n"));
        for from in 0..count {
            if random.chance(20) {
                let to = systems[(from + 1) % count];
                let by_hand = format!(" and {to} by hand");
                let and = *random.pick(&["", &by_hand]);
                let guard = format!("{to} is s{}{and}", random.below(3));
                text.push_str(&format!(
                    "    when {guard}: override {} any -> {to} unchanged\n",
                    systems[from]
                ));
            }
            for state in 0..3 {
                // Now and then a change sets both other systems.
                for offset in 0..=usize::from(count == 3 && random.chance(40)) {
                    let to = (from + 1 + (offset + random.below(count - 1)) % (count - 1)) % count;
                    if !random.chance(95) {
                        continue;
                    }
                    let guard = format!("{} is not s{}", systems[to], random.below(3));
                    let not = *random.pick(&["", "not "]);
                    let by_hand = format!("{not}{} by hand", systems[random.below(count)]);
                    let condition = *random.pick(&["f", "f", "f", "f or g", &guard, &by_hand]);
                    let target = match random.below(12) {
                        0 => "previous".to_owned(),
                        _ => format!("s{}", random.below(3)),
                    };
                    text.push_str(&format!(
                        "    when {condition}: {} s{state} -> {} {target}\n",
                        systems[from], systems[to],
                    ));
                }
            }
        }
        text.push_str("}\n");
    }
    text
}

fn reported(program: &Program, code: &str, findings: &[Diagnostic]) -> Findings {
    let line = |finding: &Diagnostic, at: usize| {
        let location = finding.labels[at].location;
        program
            .sources
            .file(location.file)
            .line(location.span.start)
            .to_string()
    };
    let of = findings.iter().filter(|finding| finding.code.name == code);
    let about = |finding: &Diagnostic| {
        let data = &finding.data;
        let mut states: Vec<&str> = data.states.iter().map(|state| &*state.state).collect();
        states.sort_unstable();
        About {
            role: data.role.as_deref().unwrap_or_default(),
            way: [&data.from, &data.to].map(|system| system.as_deref().unwrap_or_default()),
            states: &states,
        }
        .to_string()
    };
    let words: Vec<String> = match code {
        "dead-rule" | "duplicate-rule" | "constant-condition" | "absent-target" => {
            of.map(|finding| line(finding, 0)).collect()
        }
        "dead-profile" => of
            .map(|finding| format!("{:?} {:?}", finding.data.role, finding.data.names))
            .collect(),
        // The lint may choose which loop of a role it shows.
        "ping-pong" => of
            .map(|finding| format!("{:?}", finding.data.role))
            .collect(),
        "gap" | "ambiguous-return" | "trap" => of.map(about).collect(),
        // A round trip is the same in each role. A finding has all that come back the same way.
        "unsafe-round-trip" | "lossy-round-trip" => of
            .flat_map(|finding| {
                let states = finding.data.states.iter();
                let states: Vec<&str> = states.map(|state| &*state.state).collect();
                let (starts, [shown, returned]) = states.split_last_chunk().expect("two more");
                let trips = starts
                    .iter()
                    .map(|start| format!("{:?} {:?}", finding.data.from, [start, shown, returned]));
                trips.collect::<Vec<_>>()
            })
            .collect(),
        _ => of.map(|finding| finding.message.clone()).collect(),
    };
    words.into_iter().collect()
}

/// The subject of a finding, in the form for lints and enumeration.
struct About<'a> {
    role: &'a str,
    way: [&'a str; 2],
    states: &'a [&'a str],
}

impl std::fmt::Display for About<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [from, to] = self.way;
        write!(f, "{} {from} {to} {:?}", self.role, self.states)
    }
}

/// The findings of enumeration.
struct Truth<'p> {
    program: &'p Program,
    situations: Vec<Situation>,
}

impl<'p> Truth<'p> {
    fn new(program: &'p Program) -> Self {
        let mut situations = Vec::new();
        reference::each_situation(program, &mut |situation| situations.push(situation.clone()));
        Self {
            program,
            situations,
        }
    }

    fn all(&self) -> Vec<(&'static str, Findings)> {
        let (rules, profiles) = self.dead();
        let (unsafe_ones, plain) = self.round_trips();
        vec![
            ("dead-rule", rules),
            ("dead-profile", profiles),
            ("gap", self.gaps()),
            ("duplicate-rule", self.duplicates()),
            ("constant-condition", self.constants()),
            ("unsafe-round-trip", unsafe_ones),
            ("lossy-round-trip", plain),
            ("ping-pong", self.ping_pong()),
            ("trap", self.traps()),
            ("ambiguous-return", self.ambiguous()),
            ("absent-target", self.absent()),
            ("text-too-long", self.too_long()),
        ]
    }

    fn outcome(
        &self,
        role: RoleId,
        situation: &Situation,
        state: StateId,
        to: SystemId,
    ) -> Outcome {
        reference::decide(self.program, role, situation, state, to).outcome
    }

    /// The outcome, where `previous` sets the own state, and leaves an unknown one unchanged.
    fn carried_out(
        &self,
        role: RoleId,
        situation: &Situation,
        state: StateId,
        to: SystemId,
    ) -> Outcome {
        match self.outcome(role, situation, state, to) {
            Outcome::Previous(texts) => match situation.own[to.index()] {
                Some(own) => Outcome::Set(own, texts),
                None => Outcome::Unchanged,
            },
            outcome => outcome,
        }
    }

    fn reads(&self, state: StateId) -> StateId {
        self.program.schema.reads(state)
    }

    fn line(&self, location: presync::Location) -> String {
        self.program
            .sources
            .file(location.file)
            .line(location.span.start)
            .to_string()
    }

    fn state(&self, state: StateId) -> String {
        presync::quote(&self.program.state(state).name)
    }

    /// The name of a role as in the data of findings: `None` for the implicit role.
    fn role(&self, role: RoleId) -> Option<String> {
        let declared = self.program.role(role).location.is_some();
        declared.then(|| self.program.role_name(role).to_owned())
    }

    fn about(&self, role: RoleId, from: SystemId, to: SystemId, states: &[StateId]) -> String {
        let mut names: Vec<&str> = states
            .iter()
            .map(|state| &*self.program.state(*state).name)
            .collect();
        names.sort_unstable();
        About {
            role: &self.role(role).unwrap_or_default(),
            way: [from, to].map(|system| &*self.program.system(system).name),
            states: &names,
        }
        .to_string()
    }

    /// The rules with the deciding rank in the first profile that has candidates.
    fn deciding(
        &self,
        role: RoleId,
        situation: &Situation,
        state: StateId,
        to: SystemId,
    ) -> Option<(usize, Vec<usize>)> {
        let situation = situation.entering(state);
        self.program.role(role).profiles.iter().find_map(|id| {
            let rules = &self.program.profile(*id).rules;
            let candidates: Vec<usize> = (0..rules.len())
                .filter(|at| {
                    let rule = &rules[*at];
                    rule.direction.to() == to
                        && rule.states.contains(&state)
                        && reference::holds(self.program, rule.condition, &situation)
                })
                .collect();
            let rank = candidates.iter().map(|at| rules[*at].rank).max()?;
            Some((
                id.index(),
                candidates
                    .into_iter()
                    .filter(|at| rules[*at].rank == rank)
                    .collect(),
            ))
        })
    }

    fn dead(&self) -> (Findings, Findings) {
        let mut rules = BTreeSet::new();
        let mut profiles = BTreeSet::new();
        let mut occurring = BTreeSet::new();
        for role in self.program.role_ids() {
            for id in &self.program.role(role).profiles {
                occurring.extend(
                    self.program
                        .profile(*id)
                        .rules
                        .iter()
                        .map(|rule| (rule.source, rule.direction)),
                );
            }
            for situation in &self.situations {
                for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                    for state in self.program.states(from) {
                        let Some((profile, deciding)) = self.deciding(role, situation, state, to)
                        else {
                            continue;
                        };
                        profiles.insert((role, profile));
                        rules.extend(deciding.into_iter().map(|at| {
                            let rule = &self.program.profiles[profile].rules[at];
                            (rule.source, rule.direction)
                        }));
                    }
                }
            }
        }
        let dead = occurring
            .difference(&rules)
            .map(|(written, ..)| self.line(self.program.rule_source(*written).location))
            .collect();
        let mut idle = BTreeSet::new();
        for role in self.program.role_ids() {
            for id in self
                .program
                .role(role)
                .profiles
                .iter()
                .filter(|id| !profiles.contains(&(role, id.index())))
            {
                let names = [&self.program.profile(*id).name];
                idle.insert(format!("{:?} {names:?}", self.role(role)));
            }
        }
        (dead, idle)
    }

    fn gaps(&self) -> Findings {
        let mut found: BTreeMap<(RoleId, SystemId, SystemId), BTreeSet<StateId>> = BTreeMap::new();
        for role in self.program.role_ids() {
            for situation in &self.situations {
                for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                    let decided: Vec<bool> = self
                        .program
                        .states(from)
                        .map(|state| self.outcome(role, situation, state, to) != Outcome::Unmapped)
                        .collect();
                    // The condition of some rule is true for another state exactly if that state is decided.
                    for state in self.program.states(from) {
                        let others = decided
                            .iter()
                            .enumerate()
                            .any(|(other, decided)| other != state.index() && *decided);
                        if others && !decided[state.index()] {
                            found.entry((role, from, to)).or_default().insert(state);
                        }
                    }
                }
            }
        }
        found
            .into_iter()
            .map(|((role, from, to), states)| {
                self.about(role, from, to, &states.into_iter().collect::<Vec<_>>())
            })
            .collect()
    }

    fn duplicates(&self) -> Findings {
        let mut found = BTreeSet::new();
        for situation in &self.situations {
            for profile in &self.program.profiles {
                for (later, rule) in profile.rules.iter().enumerate() {
                    for state in rule.states.iter() {
                        let situation = situation.entering(*state);
                        let repeated = reference::holds(self.program, rule.condition, &situation)
                            && profile.rules[..later].iter().any(|other| {
                                let same = (other.direction, other.rank, other.target)
                                    == (rule.direction, rule.rank, rule.target);
                                same && other.source != rule.source
                                    && other.states.contains(state)
                                    && reference::holds(self.program, other.condition, &situation)
                            });
                        if repeated {
                            found.insert(rule.source);
                        }
                    }
                }
            }
        }
        found
            .into_iter()
            .map(|written| self.line(self.program.rule_source(written).location))
            .collect()
    }

    fn absent(&self) -> Findings {
        let mut found = BTreeSet::new();
        for rule in self
            .program
            .profiles
            .iter()
            .flat_map(|profile| &profile.rules)
        {
            let (Some(online), Target::Set(_) | Target::Previous) =
                (self.program.system(rule.direction.to()).online, rule.target)
            else {
                continue;
            };
            let mut holds = self
                .situations
                .iter()
                .filter(|situation| reference::holds(self.program, rule.condition, situation));
            let there: Vec<bool> = holds
                .by_ref()
                .map(|situation| situation.facts[online.index()] == 1)
                .collect();
            if !there.is_empty() && there.iter().all(|there| !there) {
                found.insert(self.line(self.program.rule_source(rule.source).location));
            }
        }
        found
    }

    fn too_long(&self) -> Findings {
        let mut found = BTreeSet::new();
        for role in self.program.role_ids() {
            for situation in &self.situations {
                for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                    let Some(limit) = self.program.system(to).text else {
                        continue;
                    };
                    for state in self.program.states(from) {
                        let (target, texts) = match self.outcome(role, situation, state, to) {
                            Outcome::Set(target, texts) => (target, texts),
                            // Any state that can be set.
                            Outcome::Previous(texts) => {
                                let own = reference::owned(self.program, to).into_iter();
                                let longest = own.max_by_key(|state| {
                                    self.program.state(*state).name.chars().count()
                                });
                                match longest {
                                    Some(longest) => (longest, texts),
                                    None => continue,
                                }
                            }
                            Outcome::Unmapped | Outcome::Unchanged => continue,
                        };
                        let name = &self.program.state(target).name;
                        let length = name.chars().count()
                            + texts.iter().map(|text| text.len() + 2).sum::<usize>();
                        if length > limit as usize {
                            let (to_name, state) =
                                (&self.program.system(to).name, self.state(target));
                            found.insert(format!(
                                "{to_name} {state} shows {length} characters, but {to_name} allows {limit}"
                            ));
                        }
                    }
                }
            }
        }
        found
    }

    fn constants(&self) -> Findings {
        let constant = |id| {
            let mut outcomes = self
                .situations
                .iter()
                .map(|situation| reference::holds(self.program, id, situation));
            let first = outcomes.next();
            outcomes.all(|outcome| Some(outcome) == first)
        };
        let written = self.program.condition_sites.iter();
        written
            .filter(|written| constant(written.condition))
            .map(|written| self.line(written.location))
            .collect()
    }

    fn round_trips(&self) -> (Findings, Findings) {
        let (mut unsafe_ones, mut plain) = (BTreeSet::new(), BTreeSet::new());
        for role in self.program.role_ids() {
            for situation in &self.situations {
                for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                    for state in self.program.states(from) {
                        let Outcome::Set(shown, _) = self.outcome(role, situation, state, to)
                        else {
                            continue;
                        };
                        let after = situation.entering(state);
                        let back = self.outcome(role, &after, self.reads(shown), from);
                        let Outcome::Set(back, _) = back else {
                            continue;
                        };
                        if back == state {
                            continue;
                        }
                        let states =
                            [state, shown, back].map(|state| &self.program.state(state).name);
                        let words =
                            format!("{:?} {states:?}", Some(&self.program.system(from).name));
                        let differ = self.program.state(state).attributes
                            != self.program.state(back).attributes;
                        if differ {
                            unsafe_ones.insert(words)
                        } else {
                            plain.insert(words)
                        };
                    }
                }
            }
        }
        (unsafe_ones, plain)
    }

    /// Follows changes for all values of the facts, to find a cycle of (states, changed system).
    fn ping_pong(&self) -> Findings {
        let mut found = BTreeSet::new();
        for role in self.program.role_ids() {
            let endless = self.situations.iter().any(|situation| {
                self.program
                    .system_ids()
                    .filter(|system| situation.states[system.index()].is_some())
                    .any(|system| self.bounces(role, situation, system))
            });
            if endless {
                found.insert(format!("{:?}", self.role(role)));
            }
        }
        found
    }

    fn bounces(&self, role: RoleId, start: &Situation, system: SystemId) -> bool {
        type Node = (Vec<Option<StateId>>, Vec<bool>, SystemId);

        // A depth-first search that meets a node on its own path has found a cycle.
        fn walk(
            truth: &Truth<'_>,
            role: RoleId,
            at: Node,
            fixed: &Situation,
            path: &mut Vec<Node>,
            done: &mut BTreeSet<Node>,
        ) -> bool {
            if path.contains(&at) {
                return true;
            }
            if !done.insert(at.clone()) {
                return false;
            }
            path.push(at.clone());
            let (states, by_hand, system) = at;
            let situation = Situation {
                states: states.clone(),
                by_hand,
                ..fixed.clone()
            };
            let entered = states[system.index()].expect("a system that has changed has a state");
            let others = truth.program.system_ids().filter(|to| *to != system);
            let commands =
                others.filter_map(
                    |to| match truth.carried_out(role, &situation, entered, to) {
                        Outcome::Set(target, _) if states[to.index()] != Some(target) => {
                            Some(target)
                        }
                        _ => None,
                    },
                );
            let commands: Vec<StateId> = commands.collect();
            let mut after = situation.entering(entered);
            for target in &commands {
                let to = target.system().index();
                after.states[to] = Some(truth.reads(*target));
                // Only where a condition asks is it part of the situation.
                after.by_hand[to] = false;
            }
            let cycle = commands.iter().any(|target| {
                let to = target.system();
                let reported = truth.reads(*target);
                // What it shows counts as by hand once it reports.
                let entering = after.entering(reported);
                walk(
                    truth,
                    role,
                    (entering.states, entering.by_hand, to),
                    fixed,
                    path,
                    done,
                )
            });
            path.pop();
            cycle
        }
        let entered = start.states[system.index()].expect("it has a state");
        let start = start.entering(entered);
        walk(
            self,
            role,
            (start.states.clone(), start.by_hand.clone(), system),
            &start,
            &mut Vec::new(),
            &mut BTreeSet::new(),
        )
    }

    /// For all facts: whether a state is entered, no change leads out of it, and elsewhere some change does.
    fn traps(&self) -> Findings {
        let mut found = BTreeSet::new();
        let mut of_facts: BTreeMap<Vec<u32>, Vec<&Situation>> = BTreeMap::new();
        for situation in &self.situations {
            of_facts
                .entry(situation.facts.clone())
                .or_default()
                .push(situation);
        }
        for role in self.program.role_ids() {
            for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                for target in self.program.states(to) {
                    let mut facts = of_facts.values();
                    if facts.any(|situations| self.is_trap(role, situations, (from, to), target)) {
                        found.insert(self.about(role, from, to, &[target]));
                    }
                }
            }
        }
        found
    }

    fn is_trap(
        &self,
        role: RoleId,
        situations: &[&Situation],
        (from, to): (SystemId, SystemId),
        target: StateId,
    ) -> bool {
        let seen = self.reads(target);
        let changes: Vec<StateId> = self.program.states(from).collect();
        let enters = situations.iter().any(|situation| {
            changes.iter().any(|state| {
                let outcome = self.carried_out(role, situation, *state, to);
                matches!(outcome, Outcome::Set(state, _) if state == target)
            })
        });
        let leads = |situation: &Situation, state: StateId| {
            match self.outcome(role, situation, state, to) {
                Outcome::Set(state, _) => state != target,
                // With these facts, some own state is another one; the others are enumerated, too.
                Outcome::Previous(_) => true,
                Outcome::Unmapped | Outcome::Unchanged => false,
            }
        };
        let elsewhere: Vec<&&Situation> = situations
            .iter()
            .filter(|situation| situation.states[to.index()].is_some_and(|state| state != seen))
            .collect();
        let leads_elsewhere = |state: &StateId| {
            let mut situations = elsewhere.iter();
            situations.any(|situation| leads(situation, *state))
        };
        let shown: Vec<Situation> = situations
            .iter()
            .map(|situation| {
                let mut shown = (**situation).clone();
                shown.states[to.index()] = Some(seen);
                shown.by_hand[to.index()] = false;
                shown
            })
            .collect();
        let closed = changes
            .iter()
            .all(|state| shown.iter().all(|situation| !leads(situation, *state)));
        let kept = changes
            .iter()
            .filter(|state| leads_elsewhere(state))
            .any(|state| {
                shown.iter().all(|situation| {
                    let deciding = self.deciding(role, situation, *state, to);
                    deciding.is_some_and(|(profile, rules)| {
                        let rule = &self.program.profiles[profile].rules[rules[0]];
                        rule.target == Target::Unchanged && rule.rank != Rank::Otherwise
                    })
                })
            });
        enters && (closed || kept) && changes.iter().any(leads_elsewhere)
    }

    fn ambiguous(&self) -> Findings {
        let mut found = BTreeSet::new();
        for role in self.program.role_ids() {
            for situation in &self.situations {
                for (from, to) in self.program.directions().map(|way| (way.from(), way.to())) {
                    let mut sources: BTreeMap<StateId, Vec<StateId>> = BTreeMap::new();
                    for state in self.program.states(from) {
                        let outcome = self.carried_out(role, situation, state, to);
                        if let Outcome::Set(target, _) = outcome {
                            sources.entry(target).or_default().push(state);
                        }
                    }
                    for (target, states) in sources.iter().filter(|(_, states)| states.len() > 1) {
                        let lost = states.iter().any(|state| {
                            let after = situation.entering(*state);
                            let active = self.program.states(to).any(|other| {
                                self.outcome(role, &after, other, from) != Outcome::Unmapped
                            });
                            active
                                && match self.carried_out(role, &after, self.reads(*target), from) {
                                    Outcome::Unmapped => true,
                                    Outcome::Unchanged | Outcome::Previous(_) => false,
                                    Outcome::Set(back, _) => !states.contains(&back),
                                }
                        });
                        if lost {
                            found.insert(self.about(role, from, to, &[*target]));
                        }
                    }
                }
            }
        }
        found
    }
}

#[test]
fn ranks_and_targets_match_the_oracle() {
    let program = common::program(include_str!("../fixtures/programs/ranks.presync"));
    let ranks: Vec<(Rank, bool)> = program.profiles[0]
        .rules
        .iter()
        .map(|rule| (rule.rank, matches!(rule.target, Target::Set(_))))
        .collect();
    assert_eq!(
        ranks,
        [
            (Rank::Plain, true),
            (Rank::Override, false),
            (Rank::Otherwise, true)
        ]
    );
}

/// Names with spaces, commas and quotes, too.
#[test]
fn a_gap_is_closed_by_the_rules_that_it_proposes() {
    let mut closed = 0;
    for name in [
        "tests/engines/hostile.presync",
        "tests/fixtures/programs/by-hand-names.presync",
        "tests/fixtures/programs/renamed-old.presync",
    ] {
        let source = std::fs::read_to_string(common::root().join(name)).expect("it exists");
        let gaps = |source: &str| {
            let findings = common::program(source).lint(&everything());
            let gaps = findings
                .into_iter()
                .filter(|found| found.code.name == "gap");
            gaps.collect::<Vec<Diagnostic>>()
        };
        let found = gaps(&source);
        let helps = found.iter().flat_map(|found| &found.help);
        let rules = helps.flat_map(|help| help.lines().skip(1));
        let rules: Vec<&str> = rules.filter(|line| line.trim() != "and more").collect();
        closed += found.len();
        let added = format!("\nprofile Added {{\n{}\n}}\n", rules.join("\n"));
        let source = format!("{}, Added\n{added}", source.trim_end());
        let left = gaps(&source);
        assert!(left.len() < found.len(), "{name}: {left:?}");
    }
    assert!(closed > 3, "{closed} gaps");
}

/// The situation that a finding prints, as an event would make it.
fn printed(program: &Program, finding: &Diagnostic) -> Option<(presync::Situation, Vec<String>)> {
    let witness = finding.situation.as_ref()?;
    let schema = &program.schema;
    let mut situation = presync::Situation::new(schema.clone());
    for (name, value) in &witness.facts {
        let fact = schema.find_fact(name).expect("the fact exists");
        let value = match value {
            presync::WitnessValue::Flag(value) => schema.value_named(fact, &value.to_string()),
            presync::WitnessValue::Choice(name) => schema.value_named(fact, name),
        };
        situation.set_value(value.expect("the value exists"));
    }
    let state = |system: &str, state: &Option<String>| {
        let system = schema.find_system(system).expect("the system exists");
        let state = state.as_ref()?;
        Some(
            schema
                .find_declared_state(system, state)
                .expect("the state exists"),
        )
    };
    for (system, shown) in &witness.states {
        state(system, shown)
            .into_iter()
            .for_each(|state| situation.set_state(state));
    }
    for (system, own) in &witness.own {
        state(system, own)
            .into_iter()
            .for_each(|state| situation.set_own(state));
    }
    for (system, _) in witness.by_hand.iter().filter(|(_, by_hand)| *by_hand) {
        situation.set_by_hand(schema.find_system(system).expect("the system exists"));
    }
    let rules = finding.data.rules.iter();
    let rules = rules.map(|rule| program.sources.file_line(*rule)).collect();
    Some((situation, rules))
}

/// The situation of a finding says of each state that a condition asks about whether a person chose it.
#[test]
fn a_situation_says_which_states_are_by_hand() {
    for (guard, of_b) in [("b by hand", true), ("b is b1 and not b by hand", false)] {
        let source = include_str!("../fixtures/programs/by-hand-gap.presync");
        let program = common::program(&source.replace("GUARD", guard));
        let found = program.lint(&everything());
        let gap = found.iter().find(|finding| finding.code.name == "gap");
        let witness = gap.and_then(|gap| gap.situation.as_ref()).expect("a gap");
        let by_hand = [("a", true), ("b", of_b), ("c", false)];
        let by_hand = by_hand.map(|(system, by_hand)| (system.to_owned(), by_hand));
        assert_eq!(witness.by_hand, by_hand, "{witness:?}");
        let c = witness.states.iter().find(|(system, _)| system == "c");
        assert_eq!(c, Some(&("c".to_owned(), None)), "unknown, so not by hand");
    }
}

/// In the situation that a finding prints, its first rule decides, or nothing does.
#[test]
fn labels_and_situations_of_findings_agree_with_decide() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for seed in 0..400 {
        let source = generate::program(seed, 10 + seed % 60);
        // A line for each rule, so that its origin is unique.
        let source = presync::format(&presync::SourceFile::new("", source.into_bytes(), false))
            .expect("the program is valid");
        let Ok(program) = common::check(&source) else {
            continue;
        };
        let tables = program.compile().expect("the program is small");
        for finding in program.lint(&everything()) {
            let code = finding.code.name;
            let Some((situation, rules)) = printed(&program, &finding) else {
                continue;
            };
            let (Some(from), Some(to)) = (&finding.data.from, &finding.data.to) else {
                continue;
            };
            let witness = finding.situation.as_ref().expect("it has one");
            let entered = witness.states.iter().find(|(system, _)| system == from);
            let Some((_, Some(entered))) = entered else {
                continue;
            };
            let entered = tables.state(from, entered).expect("it exists");
            let role = match &finding.data.role {
                Some(role) => tables.role(role).expect("it exists"),
                None => match tables.default_role() {
                    Ok(role) => role,
                    Err(_) => continue,
                },
            };
            let decided = role.decide(&situation, entered).expect("every fact is set");
            let decided = decided.iter().find(|decided| decided.system() == to);
            let decided = decided.expect("the other system is listed");
            let by = decided
                .decision()
                .origin
                .as_ref()
                .map(|origin| origin.rule.clone());
            let shown = || format!("seed {seed}: {finding:?}\n{decided:?}\n{source}");
            match code {
                "gap" => assert_eq!(decided.kind(), "unmapped", "{}", shown()),
                "unsafe-round-trip" | "lossy-round-trip" | "trap" => {
                    assert_eq!(by.as_ref(), rules.first(), "{}", shown());
                }
                "ambiguous-return" => {
                    assert!(by.is_some_and(|by| rules.contains(&by)), "{}", shown());
                }
                _ => continue,
            }
            *counts.entry(code).or_default() += 1;
        }
    }
    println!("{counts:?}");
    for code in [
        "gap",
        "unsafe-round-trip",
        "lossy-round-trip",
        "trap",
        "ambiguous-return",
    ] {
        assert!(
            counts.get(code).is_some_and(|count| *count > 5),
            "{code}: {counts:?}"
        );
    }
}

/// A profile with an error, which no role uses, hides nothing: only what may depend on it waits.
#[test]
fn an_error_elsewhere_hides_nothing() {
    let mut compared = 0;
    for seed in 0..300 {
        let source = generate::program(seed, 0);
        let said = |source: &str| {
            let read = |_: &str| Ok(source.as_bytes().to_vec());
            let report =
                presync::check(presync::parse("", "a.presync", &read).expect("it is read"));
            let mut settings = Settings::default();
            for waiting in ["unused", "unused-allow", "dead-rule"] {
                settings.set(waiting, Level::Off).expect("the lint exists");
            }
            let mut all = report.findings(&settings);
            all.retain(|finding| finding.code.default.is_some());
            let all = all
                .into_iter()
                .map(|finding| (finding.code, finding.location(), finding.message));
            all.collect::<Vec<_>>()
        };
        if !source.contains("role R") {
            continue;
        }
        let whole = said(&source);
        let broken = said(&format!(
            "{source}profile Broken {{ cic Nowhere -> lync s0 }}\n"
        ));
        assert_eq!(broken, whole, "{source}");
        compared += whole.len();
    }
    assert!(compared > 100);
}

/// The fix of a gap leaves nothing to find: one rule for several cases, which would apply to the same changes.
#[test]
fn a_gap_is_fixed_without_new_findings() {
    let path = common::root().join("tests/fixtures/programs/gap-cases.presync");
    let mut source = std::fs::read_to_string(path).expect("the fixture is there");
    let findings = |source: &str| common::program(source).lint(&Settings::default());
    let mut fixed = 0;
    loop {
        let found = findings(&source);
        let Some(gap) = found.iter().find(|one| one.code.name == "gap") else {
            break;
        };
        let [fix] = &*gap.fixes else {
            panic!("a gap has a fix: {gap:?}");
        };
        let mut edits: Vec<_> = fix.edits.iter().collect();
        edits.sort_by_key(|(place, _)| *place);
        for (place, text) in edits.into_iter().rev() {
            let (start, end) = (place.span.start as usize, place.span.end as usize);
            source.replace_range(start..end, text);
        }
        fixed += 1;
    }
    assert!(fixed > 0);
    let left: Vec<&str> = findings(&source).iter().map(|one| one.code.name).collect();
    assert!(
        !left.contains(&"duplicate-rule") && !left.contains(&"dead-rule"),
        "{left:?}\n{source}"
    );
    assert!(source.contains("when "), "{source}");
}
