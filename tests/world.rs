//! A simulated world around the session: systems that are slow, lose, repeat and refuse, states that fade, streams that
//! break off, and people who choose states at any moment. Counts what ends wrong. `PRESYNC_WORLDS=100000 cargo test --test
//! world -- --nocapture` simulates 100,000 runs of each world; with `PRESYNC_SEEDS=1` it lists those that go wrong, and with
//! `PRESYNC_SEED="late 161"` it shows what happens in that one.
//!
//! What should be comes from the tables and the language reference, not from the session: [`Ideal`] decides each choice at
//! once, in a world without delay.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests use files and print their figures"
)]

mod common;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use common::random::Random;
use presync::{
    Engine, Event, MemoryStore, Outcome, RoleId, Situation, StateId, SystemId, Tables, ValueId,
};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const USER: &str = "ann";

/// More happenings than this: the world never settles.
const MOST_HAPPENINGS: usize = 20_000;

/// What can go wrong in a world: chances in percent, times in milliseconds.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// Times between two choices.
    pause: (i64, i64),
    /// The longest delay of a report or command.
    delay: i64,
    late: u64,
    lose_report: u64,
    lose_command: u64,
    repeat: u64,
    refuse: u64,
    aggregate: u64,
    fade: u64,
    reconnect: u64,
    /// Whether the connectors read all states again at the end.
    read_at_end: bool,
    most: Violations,
}

/// Counts, of all runs.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Violations {
    /// Runs where the systems do not agree with the rules for the last choice.
    wrong_end: usize,
    /// Commands because of an echo.
    moved_by_echo: usize,
    /// Commands over what a person chose and a rule keeps.
    overwritten: usize,
    /// Commands because of a repetition.
    repeated: usize,
    /// Runs that never settle, or that send more commands than choices for other systems.
    traffic: usize,
}

const CALM: Kind = Kind {
    name: "calm",
    pause: (30 * SECOND, 20 * MINUTE),
    delay: 3 * SECOND,
    late: 0,
    lose_report: 0,
    lose_command: 0,
    repeat: 0,
    refuse: 0,
    aggregate: 0,
    fade: 0,
    reconnect: 0,
    read_at_end: false,
    most: most(0, 0, 0, 0),
};

/// Bounds are of 3,000 runs: half as much again as 100,000 runs had, and 10 wrong ends with late reports.
const BOUNDED: usize = 3_000;

const fn most(
    wrong_end: usize,
    moved_by_echo: usize,
    overwritten: usize,
    traffic: usize,
) -> Violations {
    Violations {
        wrong_end,
        moved_by_echo,
        overwritten,
        repeated: 0,
        traffic,
    }
}

const WORLDS: [Kind; 9] = [
    CALM,
    Kind {
        name: "repeating",
        repeat: 30,
        ..CALM
    },
    Kind {
        name: "late",
        late: 5,
        most: most(10, 1, 1, 0),
        ..CALM
    },
    // Choices cross with commands that are on their way.
    Kind {
        name: "hasty",
        pause: (SECOND, 2 * MINUTE),
        most: most(8, 15, 1, 1),
        ..CALM
    },
    Kind {
        name: "losing",
        lose_report: 3,
        lose_command: 3,
        read_at_end: true,
        most: most(40, 0, 1, 0),
        ..CALM
    },
    Kind {
        name: "refusing",
        refuse: 5,
        read_at_end: true,
        most: most(4, 0, 1, 0),
        ..CALM
    },
    Kind {
        name: "aggregating",
        aggregate: 10,
        most: most(12, 0, 0, 0),
        ..CALM
    },
    Kind {
        name: "fading",
        fade: 20,
        most: most(1, 2, 0, 0),
        ..CALM
    },
    Kind {
        name: "reconnecting",
        reconnect: 10,
        read_at_end: true,
        most: most(11, 1, 0, 0),
        ..CALM
    },
];

/// What happens at a time.
#[derive(Clone, Copy)]
enum Happening {
    /// A person chooses a state, or the system itself does.
    Choose(StateId),
    /// The system has faded into a state, if nothing else has happened since.
    Fade(StateId, u64),
    /// A report reaches Presync.
    Report {
        state: StateId,
        at: i64,
        ours: bool,
        repeated: bool,
    },
    /// A command reaches its system.
    Execute(StateId),
    /// The stream of all reports breaks off, until the second happening.
    Down,
    Up,
}

struct ShownSystem {
    shown: StateId,
    /// Counts what it has shown.
    version: u64,
    /// Reports a state again that is set again.
    reports_again: bool,
}

/// What a user's systems should show, by system: each choice is decided at once.
struct Ideal {
    tables: Tables,
    role: RoleId,
    facts: Vec<ValueId>,
    shown: Vec<Option<StateId>>,
    by_hand: Vec<bool>,
    own: Vec<Option<StateId>>,
}

impl Ideal {
    fn situation(&self) -> Situation {
        let mut situation = self.tables.situation();
        for value in &self.facts {
            situation.set_value(*value);
        }
        for (at, shown) in self.shown.iter().enumerate() {
            if let Some(state) = shown {
                situation.set_state(*state);
                if self.by_hand[at] {
                    situation.set_by_hand(state.system());
                }
            }
        }
        situation
    }

    /// Whether a change in `from` can bring back a state of `to`.
    fn brings_back(&self, from: SystemId, to: SystemId) -> bool {
        let role = self.tables.role_of(self.role).expect("the role is known");
        let tables = role.tables().expect("the tables are small");
        tables
            .iter()
            .filter(|table| table.direction().from() == from && table.direction().to() == to)
            .flat_map(presync::Table::decisions)
            .any(|decision| decision.outcome == Outcome::Previous)
    }

    /// By system: what a change to this state makes of it.
    fn outcomes(&self, entered: StateId) -> Vec<(SystemId, Outcome)> {
        let role = self.tables.role_of(self.role).expect("the role is known");
        let decided = role.decide(&self.situation(), entered);
        let decided = decided.expect("every fact has a value");
        let outcomes = decided
            .iter()
            .map(|decided| (decided.to(), decided.decision().outcome));
        outcomes.collect()
    }

    fn choose(&mut self, state: StateId) {
        let schema = self.tables.schema().clone();
        let from = state.system();
        if self.shown[from.index()] == Some(state) {
            return;
        }
        let outcomes = self.outcomes(state);
        self.shown[from.index()] = Some(state);
        self.by_hand[from.index()] = true;
        if !schema.state(state).read_only {
            self.own[from.index()] = Some(state);
        }
        for (to, outcome) in outcomes {
            let at = to.index();
            let set = match outcome {
                Outcome::Set(state) => Some(state),
                Outcome::Previous => self.own[at],
                Outcome::Unchanged | Outcome::Unmapped => None,
            };
            let Some(set) = set else { continue };
            if !self.brings_back(from, to) && matches!(outcome, Outcome::Set(_)) {
                self.own[at] = Some(set);
            }
            let reads = schema.reads(set);
            if self.shown[at] != Some(reads) {
                self.shown[at] = Some(reads);
                self.by_hand[at] = false;
            }
        }
    }
}

/// The world of one user.
struct World {
    kind: Kind,
    random: Random,
    engine: Engine<MemoryStore>,
    now: i64,
    happenings: BTreeMap<(i64, u64), Happening>,
    number: u64,
    systems: Vec<ShownSystem>,
    /// By system: when its last report and its last command arrive, if nothing is late.
    last_report: Vec<i64>,
    last_command: Vec<i64>,
    /// By system: what has been delivered last, and whether a command has been sent since.
    delivered: Vec<(StateId, bool)>,
    commanded: Vec<bool>,
    down: bool,
    ideal: Ideal,
    /// The last choice in any system.
    last_choice: Option<StateId>,
    /// The last one that has been delivered.
    last_delivered: Option<StateId>,
    /// By system: the newest time that has been delivered.
    newest: Vec<i64>,
    choices: usize,
    reads: usize,
    commands: usize,
    found: Violations,
    traced: bool,
}

impl World {
    fn new(kind: Kind, tables: &Tables, seed: u64) -> Self {
        let mut random = Random(seed);
        let schema = tables.schema();
        let roles: Vec<RoleId> = schema.roles().map(|(id, _)| id).collect();
        let role = *random.pick(&roles);
        let mut facts = Vec::new();
        for (fact, of) in schema.facts() {
            let online = schema
                .systems()
                .any(|(_, system)| system.online == Some(fact));
            let values: Vec<ValueId> = schema.values(fact).collect();
            let value = if of.is_flag() {
                values[usize::from(online || random.chance(50))]
            } else {
                *random.pick(&values)
            };
            facts.push(value);
        }
        let systems: Vec<ShownSystem> = schema
            .system_ids()
            .map(|system| {
                let states: Vec<StateId> = schema.states(system).collect();
                ShownSystem {
                    shown: states[0],
                    version: 0,
                    reports_again: random.chance(50),
                }
            })
            .collect();
        let count = systems.len();
        let mut engine = Engine::new(tables.clone(), MemoryStore::default());
        let start = Event {
            observe: systems
                .iter()
                .map(|system| (system.shown.system(), Some(system.shown)))
                .collect(),
            ..Event::in_role(role)
        };
        let facts_set = Event::setting(facts.iter().copied());
        for event in [start, facts_set] {
            let commands = engine.apply(USER, event).expect("the event is valid");
            assert!(commands.is_empty(), "observing decides nothing");
        }
        let settable = |state: StateId| Some(state).filter(|_| !schema.state(state).read_only);
        let ideal = Ideal {
            tables: tables.clone(),
            role,
            facts,
            shown: systems.iter().map(|system| Some(system.shown)).collect(),
            by_hand: vec![true; count],
            own: systems
                .iter()
                .map(|system| settable(system.shown))
                .collect(),
        };
        Self {
            kind,
            random,
            engine,
            now: 0,
            happenings: BTreeMap::new(),
            number: 0,
            delivered: systems.iter().map(|system| (system.shown, true)).collect(),
            systems,
            last_report: vec![0; count],
            last_command: vec![0; count],
            commanded: vec![false; count],
            down: false,
            ideal,
            last_choice: None,
            last_delivered: None,
            newest: vec![0; count],
            choices: 0,
            reads: 0,
            commands: 0,
            found: Violations::default(),
            traced: std::env::var("PRESYNC_SEED")
                .is_ok_and(|of| of == format!("{} {seed}", kind.name)),
        }
    }

    fn plan(&mut self, at: i64, happening: Happening) {
        self.number += 1;
        self.happenings.insert((at, self.number), happening);
    }

    fn between(&mut self, (from, to): (i64, i64)) -> i64 {
        from + self.random.below((to - from) as usize) as i64
    }

    fn run(mut self) -> Violations {
        let mut at = 0;
        for _ in 0..6 + self.random.below(10) {
            at += self.between(self.kind.pause);
            let state = self.any_state();
            self.plan(at, Happening::Choose(state));
            if self.random.chance(self.kind.reconnect) {
                let down = at + self.between((-10 * SECOND, 10 * SECOND));
                let up = down + self.between((10 * SECOND, 10 * MINUTE));
                self.plan(down, Happening::Down);
                self.plan(up, Happening::Up);
            }
        }
        let mut count = 0;
        while let Some(((at, _), happening)) = self.happenings.pop_first() {
            self.now = at;
            self.happen(happening);
            count += 1;
            if count > MOST_HAPPENINGS {
                self.found.traffic += 1;
                return self.found;
            }
            if self.happenings.is_empty() && self.kind.read_at_end && self.reads == 0 {
                self.now += 10 * MINUTE;
                self.read_all();
            }
        }
        let others = self.systems.len() - 1;
        if self.commands > (self.choices + self.reads) * others {
            self.found.traffic += 1;
        }
        self.found.wrong_end += usize::from(!self.agrees());
        self.found
    }

    fn any_state(&mut self) -> StateId {
        let schema = self.engine.tables().schema().clone();
        let systems: Vec<SystemId> = schema.system_ids().collect();
        let system = *self.random.pick(&systems);
        let states: Vec<StateId> = schema.states(system).collect();
        *self.random.pick(&states)
    }

    /// Prints what happens, if `PRESYNC_SEED` names this run.
    fn trace(&self, happening: &Happening) {
        let name = |state: &StateId| {
            let schema = self.engine.tables().schema();
            let system = schema.system(state.system());
            format!("{} {}", system.name, schema.state(*state).name)
        };
        let what = match happening {
            Happening::Choose(state) => format!("choice: {}", name(state)),
            Happening::Fade(state, _) => format!("fades, if nothing happened: {}", name(state)),
            Happening::Report {
                state,
                at,
                ours,
                repeated,
            } => {
                let what = if *ours { "echo" } else { "report" };
                let again = if *repeated { ", again" } else { "" };
                format!("{what} of {}: {}{again}", at / SECOND, name(state))
            }
            Happening::Execute(state) => format!("command arrives: {}", name(state)),
            Happening::Down => "down".to_owned(),
            Happening::Up => "up".to_owned(),
        };
        println!("{:>8} {what}", self.now / SECOND);
    }

    fn happen(&mut self, happening: Happening) {
        if self.traced {
            self.trace(&happening);
        }
        match happening {
            Happening::Choose(state) => self.choose(state),
            Happening::Fade(state, version) => {
                if self.systems[state.system().index()].version == version {
                    self.choose(state);
                }
            }
            Happening::Execute(state) => self.execute(state),
            Happening::Report {
                state,
                at,
                ours,
                repeated,
            } => self.report(state, at, ours, repeated),
            Happening::Down => self.down = true,
            Happening::Up => {
                self.down = false;
                self.read_all();
            }
        }
    }

    fn choose(&mut self, state: StateId) {
        let at = state.system().index();
        if self.systems[at].shown == state {
            return;
        }
        self.choices += 1;
        self.last_choice = Some(state);
        self.ideal.choose(state);
        self.show(state, false);
        if self.random.chance(self.kind.fade) {
            let faded = self.any_state_of(state.system());
            let version = self.systems[at].version;
            let later = self.now + self.between((MINUTE, 10 * MINUTE));
            self.plan(later, Happening::Fade(faded, version));
        }
    }

    fn any_state_of(&mut self, system: SystemId) -> StateId {
        let schema = self.engine.tables().schema().clone();
        let states: Vec<StateId> = schema.states(system).collect();
        *self.random.pick(&states)
    }

    /// The system shows a state, and reports it.
    fn show(&mut self, state: StateId, ours: bool) {
        let at = state.system().index();
        self.systems[at].shown = state;
        self.systems[at].version += 1;
        if self.down || self.random.chance(self.kind.lose_report) {
            return;
        }
        let report = |repeated| Happening::Report {
            state,
            at: self.now,
            ours,
            repeated,
        };
        let (first, again) = (report(false), report(true));
        let arrives = if self.random.chance(self.kind.late) {
            self.now + self.between((2 * MINUTE, 33 * MINUTE))
        } else {
            let delay = self.between((100, self.kind.delay));
            let in_order = (self.now + delay).max(self.last_report[at]);
            self.last_report[at] = in_order;
            in_order
        };
        self.plan(arrives, first);
        while self.random.chance(self.kind.repeat) {
            let later = arrives + self.between((0, 5 * MINUTE));
            self.plan(later, again);
        }
    }

    fn execute(&mut self, state: StateId) {
        let at = state.system().index();
        if self.random.chance(self.kind.refuse) {
            return;
        }
        let mut shown = self.engine.tables().schema().reads(state);
        if self.random.chance(self.kind.aggregate) {
            shown = self.any_state_of(state.system());
        }
        let aggregated = shown != self.engine.tables().schema().reads(state);
        if self.systems[at].shown != shown {
            if aggregated {
                // The system decides, and that counts as any other choice.
                self.choose(shown);
            } else {
                self.show(shown, true);
            }
        } else if self.systems[at].reports_again {
            self.show(shown, true);
        }
    }

    fn report(&mut self, state: StateId, at: i64, ours: bool, repeated: bool) {
        if self.down {
            return;
        }
        let system = state.system().index();
        let outstanding = self.commanded.contains(&true);
        let expected = self.expected(state, outstanding);
        let time = UNIX_EPOCH + Duration::from_millis(at as u64 + 1);
        let commands = self.apply(Event::changed(state).at(time));
        if repeated {
            self.found.repeated += commands.len();
        } else if ours {
            self.found.moved_by_echo += commands.len();
        }
        for command in &commands {
            let kept = expected.contains(&command.system());
            self.found.overwritten += usize::from(kept && !ours && !repeated);
        }
        // What is older than what is known of the system is passed over.
        if at >= self.newest[system] {
            self.newest[system] = at;
            self.delivered[system] = (state, !ours);
            self.commanded[system] = false;
            if !ours && !repeated {
                self.last_delivered = Some(state);
            }
        }
        self.send(commands);
    }

    /// The systems that show what a person chose and that a rule keeps so when this state is reported.
    fn expected(&self, state: StateId, outstanding: bool) -> Vec<SystemId> {
        if outstanding {
            return Vec::new();
        }
        let shown = self.delivered.iter().map(|(state, _)| Some(*state));
        let known = Ideal {
            tables: self.ideal.tables.clone(),
            role: self.ideal.role,
            facts: self.ideal.facts.clone(),
            shown: shown.collect(),
            by_hand: self.delivered.iter().map(|(_, by_hand)| *by_hand).collect(),
            own: self.ideal.own.clone(),
        };
        let outcomes = known.outcomes(state).into_iter();
        let kept = outcomes
            .filter(|(to, outcome)| *outcome == Outcome::Unchanged && known.by_hand[to.index()]);
        kept.map(|(to, _)| to).collect()
    }

    /// A connector reads the states of all systems, and the system of the newest choice is decided again.
    fn read_all(&mut self) {
        self.reads += 1;
        let time = UNIX_EPOCH + Duration::from_millis(self.now as u64 + 1);
        let observed = Event {
            observe: self
                .systems
                .iter()
                .map(|system| (system.shown.system(), Some(system.shown)))
                .collect(),
            ..Event::resync_by_hand_last()
        };
        let commands = self.apply(observed.at(time));
        for (delivered, system) in self.delivered.iter_mut().zip(&self.systems) {
            delivered.0 = system.shown;
        }
        self.send(commands);
    }

    fn apply(&mut self, event: Event) -> Vec<StateId> {
        let commands = self.engine.apply(USER, event).expect("the event is valid");
        let schema = self.engine.tables().schema();
        let named = |(system, state): (&String, &String)| {
            let system = schema.system_named(system).expect("it is known");
            schema.state_named(system, state).expect("it is known")
        };
        let states = commands.iter().flat_map(|command| &command.set);
        states.map(named).collect()
    }

    fn send(&mut self, commands: Vec<StateId>) {
        for command in commands {
            if self.traced {
                println!("         command {command:?}");
            }
            let at = command.system().index();
            self.commands += 1;
            self.commanded[at] = true;
            if self.down || self.random.chance(self.kind.lose_command) {
                continue;
            }
            let delay = self.between((100, self.kind.delay));
            let arrives = (self.now + delay).max(self.last_command[at]);
            self.last_command[at] = arrives;
            self.plan(arrives, Happening::Execute(command));
        }
    }

    /// Whether every system shows what the rules make of the last choice.
    fn agrees(&self) -> bool {
        let shown: Vec<Option<StateId>> = self
            .systems
            .iter()
            .map(|system| Some(system.shown))
            .collect();
        if shown == self.ideal.shown {
            return true;
        }
        // Where nothing is lost, everything has to be as it should.
        if self.kind.most == CALM.most {
            return false;
        }
        // Where something has been lost, the way here may have been another one; the last choice decides all the same.
        // Between systems the order of delivery counts.
        let last = if self.kind.read_at_end {
            self.last_choice
        } else {
            self.last_delivered
        };
        let Some(last) = last else {
            return true;
        };
        let now = Ideal {
            tables: self.ideal.tables.clone(),
            role: self.ideal.role,
            facts: self.ideal.facts.clone(),
            shown: shown.clone(),
            by_hand: self.ideal.by_hand.clone(),
            own: self.ideal.own.clone(),
        };
        let schema = now.tables.schema();
        shown[last.system().index()] == Some(last)
            && now
                .outcomes(last)
                .into_iter()
                .all(|(to, outcome)| match outcome {
                    Outcome::Set(state) => shown[to.index()] == Some(schema.reads(state)),
                    Outcome::Previous | Outcome::Unchanged | Outcome::Unmapped => true,
                })
    }
}

/// The examples with which the bounds were measured.
const MEASURED: [&str; 7] = [
    "after-call",
    "contact-centre",
    "custom-states",
    "genesys-cloud-teams",
    "migration",
    "one-way",
    "teams",
];

/// Every example, as a set of rules; or those with which the bounds were measured.
fn rule_sets(measured_only: bool) -> Vec<Tables> {
    let programs = common::examples().into_iter().filter(|path| {
        let name = path.file_stem().expect("the path has a name");
        !measured_only || MEASURED.iter().any(|measured| name == *measured)
    });
    let tables = programs.map(|path| common::program_at(&path).compile());
    tables
        .map(|tables| tables.expect("examples are small"))
        .collect()
}

#[test]
fn sessions_end_right_in_slow_and_lossy_worlds() {
    let runs = std::env::var("PRESYNC_WORLDS").map_or(BOUNDED, |runs| {
        runs.parse::<usize>().expect("PRESYNC_WORLDS is a number")
    });
    let (all, measured) = (rule_sets(false), rule_sets(true));
    let mut over = Vec::new();
    println!("world           runs  wrong end  by echo  overwritten  by repetition  traffic");
    for kind in WORLDS {
        // In calm worlds nothing may go wrong, whatever the rules.
        let rule_sets = if kind.most == CALM.most {
            &all
        } else {
            &measured
        };
        let mut found = Violations::default();
        for seed in 0..runs {
            let tables = &rule_sets[seed % rule_sets.len()];
            let one = World::new(kind, tables, seed as u64).run();
            if std::env::var_os("PRESYNC_SEEDS").is_some() && one != Violations::default() {
                println!("{} {seed}: {one:?}", kind.name);
            }
            found.wrong_end += one.wrong_end;
            found.moved_by_echo += one.moved_by_echo;
            found.overwritten += one.overwritten;
            found.repeated += one.repeated;
            found.traffic += one.traffic;
        }
        println!(
            "{:14}{runs:>6}{:>11}{:>9}{:>13}{:>15}{:>9}",
            kind.name,
            found.wrong_end,
            found.moved_by_echo,
            found.overwritten,
            found.repeated,
            found.traffic
        );
        let most = kind.most;
        let beyond = |count: usize, most: usize| count * BOUNDED > most * runs;
        if beyond(found.wrong_end, most.wrong_end)
            || beyond(found.moved_by_echo, most.moved_by_echo)
            || beyond(found.overwritten, most.overwritten)
            || beyond(found.repeated, most.repeated)
            || beyond(found.traffic, most.traffic)
        {
            over.push(format!(
                "{}: {found:?} in {runs} runs, at most {most:?} of {BOUNDED}",
                kind.name
            ));
        }
    }
    assert!(over.is_empty(), "{over:?}");
}
