//! In: the rules of a profile or role and a change. Out: who decides, as a diagram over all situations.
//! The one place that knows what beats what: levels within a profile, order between profiles, appendices.

use std::collections::BTreeMap;
use std::rc::Rc;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::model::{ProfileId, RoleId, StateId, SystemId};
use crate::space::diagram::Ref;
use crate::space::situation::Space;

/// An index into the lists of appended texts; 0 is the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppendId(pub u32);

/// What a role decides: the rule that does, and what its profile appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    pub profile: ProfileId,
    /// An index into the profile's rules.
    pub rule: u32,
    pub append: AppendId,
}

/// Functions of which the first that is not zero counts. There is one, or none where nothing ever decides, unless the
/// conditions are so entangled that a single diagram would blow up.
pub type Parts = Rc<[Ref]>;

/// The candidates of a profile for one change, by level; a leaf is a rule's index plus one, the first written wins.
#[derive(Debug, Clone)]
pub struct Levels {
    pub overriding: Parts,
    pub plain: Parts,
    pub otherwise: Parts,
}

type Change = (SystemId, SystemId, StateId);

/// What has been worked out already.
#[derive(Default)]
pub(super) struct Memory {
    /// For each profile and direction that it has rules for.
    by_state: FxHashMap<(ProfileId, SystemId, SystemId), ByState>,
    /// For each role and direction, for each state the first one that is treated the same way.
    alike: FxHashMap<(RoleId, SystemId, SystemId), Rc<[StateId]>>,
    levels: FxHashMap<(ProfileId, Change), Levels>,
    appends: FxHashMap<(ProfileId, Change), Ref>,
    deciders: FxHashMap<(ProfileId, Change), Parts>,
    profile_decisions: FxHashMap<(ProfileId, Change), Parts>,
    role_decisions: FxHashMap<(RoleId, Change), Parts>,
    /// Leaf `n` of a decision diagram is entry `n - 1`.
    decisions: IndexSet<Decision, FxBuildHasher>,
    append_lists: IndexSet<Vec<String>, FxBuildHasher>,
}

/// A profile's rules of one direction.
#[derive(Default)]
struct ByState {
    /// For each state its rules, in written order.
    rules: Vec<Rc<[u32]>>,
    /// For each state the first one that is treated the same way.
    like: Rc<[StateId]>,
}

impl ByState {
    /// `guarded`: conditions may tell states apart that have the same rules.
    fn new(by_state: Vec<Vec<u32>>, guarded: bool) -> Self {
        let mut first: FxHashMap<&[u32], (StateId, Rc<[u32]>)> = FxHashMap::default();
        let kinds = (0..).map(StateId).zip(&by_state).map(|(state, rules)| {
            let known = first.entry(rules).or_insert_with(|| (state, Rc::from(rules.as_slice())));
            (if guarded { state } else { known.0 }, known.1.clone())
        });
        let (like, rules): (Vec<StateId>, _) = kinds.unzip();
        Self { rules, like: like.into() }
    }
}

/// The states that are the first of their kind.
fn first_ones(like: &[StateId]) -> Vec<StateId> {
    (0..).map(StateId).zip(like).filter(|(state, like)| state == *like).map(|(state, _)| state).collect()
}

impl Space<'_> {
    /// The rules of a profile that a change could make candidates, in written order.
    pub fn rules_for(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) -> Rc<[u32]> {
        self.index(profile);
        let by_state = self.memory.by_state.get(&(profile, from, to));
        by_state.map(|by_state| by_state.rules[state.index()].clone()).unwrap_or_default()
    }

    /// One state of each kind that a profile treats differently; none if it has no rule of that direction.
    pub fn kinds(&mut self, profile: ProfileId, from: SystemId, to: SystemId) -> Vec<StateId> {
        self.index(profile);
        let by_state = self.memory.by_state.get(&(profile, from, to));
        by_state.map(|by_state| first_ones(&by_state.like)).unwrap_or_default()
    }

    /// One state of each kind that a role treats differently.
    pub fn kinds_in(&mut self, role: RoleId, from: SystemId, to: SystemId) -> Vec<StateId> {
        first_ones(&self.alike(role, from, to))
    }

    /// The first state for which a role decides as for this one: most states of a system are only mentioned together,
    /// or not at all.
    pub fn like(&mut self, role: RoleId, from: SystemId, to: SystemId, state: StateId) -> StateId {
        self.alike(role, from, to)[state.index()]
    }

    fn alike(&mut self, role: RoleId, from: SystemId, to: SystemId) -> Rc<[StateId]> {
        if let Some(known) = self.memory.alike.get(&(role, from, to)) {
            return known.clone();
        }
        let program = self.program;
        let profiles = &program.role(role).profiles;
        for profile in profiles {
            self.index(*profile);
        }
        let by_state = |profile: &ProfileId| self.memory.by_state.get(&(*profile, from, to));
        let concerned: Vec<&Rc<[StateId]>> =
            profiles.iter().filter_map(by_state).map(|by_state| &by_state.like).collect();
        let alike = if let [one] = *concerned {
            one.clone()
        } else {
            let mut first: FxHashMap<Vec<StateId>, StateId> = FxHashMap::default();
            let kind = |state: StateId| concerned.iter().map(|like| like[state.index()]).collect();
            program.system(from).states().map(|state| *first.entry(kind(state)).or_insert(state)).collect()
        };
        self.memory.alike.insert((role, from, to), alike.clone());
        alike
    }

    fn index(&mut self, profile: ProfileId) {
        // The impossible direction from a system to itself marks that the profile is done.
        let mark = (profile, SystemId(u32::MAX), SystemId(u32::MAX));
        if self.memory.by_state.contains_key(&mark) {
            return;
        }
        self.memory.by_state.insert(mark, ByState::default());
        let program = self.program;
        let mut found: BTreeMap<(SystemId, SystemId), Vec<Vec<u32>>> = BTreeMap::new();
        for (at, rule) in program.profile(profile).rules.iter().enumerate() {
            let states = program.system(rule.from).states.len();
            let by_state = found.entry((rule.from, rule.to)).or_insert_with(|| vec![Vec::new(); states]);
            for state in &rule.source {
                by_state[state.index()].push(at as u32);
            }
        }
        for ((from, to), by_state) in found {
            let by_state = ByState::new(by_state, self.guarded(from));
            self.memory.by_state.insert((profile, from, to), by_state);
        }
    }

    /// The candidates of a profile for `from` entering `state`, for the sake of `to`.
    pub fn levels(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) -> Levels {
        let key = (profile, (from, to, state));
        if let Some(known) = self.memory.levels.get(&key) {
            return known.clone();
        }
        let rules = self.rules_for(profile, from, to, state);
        let mut of_level: [Vec<Ref>; 3] = Default::default();
        let program = self.program;
        for &at in &*rules {
            let rule = &program.profile(profile).rules[at as usize];
            let holds = self.condition_in(rule.condition, from, state);
            let candidate = self.diagrams.mask(holds, Ref::leaf(at + 1));
            of_level[rule.level as usize].push(candidate);
        }
        let [otherwise, plain, overriding] = of_level.map(|rules| Parts::from(self.diagrams.combine(&rules)));
        let levels = Levels { overriding, plain, otherwise };
        self.memory.levels.insert(key, levels.clone());
        levels
    }

    /// Which rule of a profile decides: a leaf is its index plus one, 0 where the profile has no mapping.
    pub fn decider(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) -> Parts {
        let key = (profile, (from, to, state));
        if let Some(known) = self.memory.deciders.get(&key) {
            return known.clone();
        }
        let levels = self.levels(profile, from, to, state);
        let all: Vec<Ref> = [levels.overriding, levels.plain, levels.otherwise]
            .iter()
            .flat_map(|level| level.iter().copied())
            .collect();
        let decider = Parts::from(self.diagrams.combine(&all));
        self.memory.deciders.insert(key, decider.clone());
        decider
    }

    /// What is left of a function where none of the parts says anything.
    pub fn outside(&mut self, of: Ref, parts: &[Ref]) -> Ref {
        parts.iter().fold(of, |left, part| if left == Ref::ZERO { left } else { self.diagrams.without(left, *part) })
    }

    /// Which texts a profile appends on `to`: a leaf is an [`AppendId`].
    fn appended(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) -> Ref {
        let key = (profile, (from, to, state));
        if let Some(known) = self.memory.appends.get(&key) {
            return *known;
        }
        let program = self.program;
        self.memory.append_lists.insert(Vec::new());
        let mut lists = Ref::ZERO;
        for append in program.profile(profile).appends.iter().filter(|append| append.to == to) {
            let holds = self.condition_in(append.condition, from, state);
            let known = &mut self.memory.append_lists;
            lists = self.diagrams.product(lists, holds, &mut |list, holds| {
                if holds == 0 || known[list as usize].contains(&append.text) {
                    return list;
                }
                let longer = known[list as usize].iter().cloned().chain([append.text.clone()]).collect();
                known.insert_full(longer).0 as u32
            });
        }
        self.memory.appends.insert(key, lists);
        lists
    }

    fn profile_decision(&mut self, profile: ProfileId, from: SystemId, to: SystemId, state: StateId) -> Parts {
        let key = (profile, (from, to, state));
        if let Some(known) = self.memory.profile_decisions.get(&key) {
            return known.clone();
        }
        let decider = self.decider(profile, from, to, state);
        let appended = if decider.is_empty() { Ref::ZERO } else { self.appended(profile, from, to, state) };
        let rules = &self.program.profile(profile).rules;
        let (diagrams, decisions) = (&mut self.diagrams, &mut self.memory.decisions);
        let decorated = decider.iter().map(|part| {
            diagrams.product(*part, appended, &mut |rule, append| {
                let Some(rule) = rule.checked_sub(1) else { return 0 };
                // What is left unchanged is not decorated either.
                let sets = matches!(rules[rule as usize].target, crate::model::Target::Set(_));
                let append = AppendId(if sets { append } else { 0 });
                decisions.insert_full(Decision { profile, rule, append }).0 as u32 + 1
            })
        });
        let result: Parts = decorated.collect();
        self.memory.profile_decisions.insert(key, result.clone());
        result
    }

    /// What a role decides: a leaf is 0 where the change is unmapped, else names a [`Decision`].
    pub fn decision(&mut self, role: RoleId, from: SystemId, to: SystemId, state: StateId) -> Parts {
        let state = self.like(role, from, to, state);
        let key = (role, (from, to, state));
        if let Some(known) = self.memory.role_decisions.get(&key) {
            return known.clone();
        }
        let program = self.program;
        let mut all: Vec<Ref> = Vec::new();
        for profile in &program.role(role).profiles {
            all.extend(self.profile_decision(*profile, from, to, state).iter());
        }
        let result = Parts::from(self.diagrams.combine(&all));
        self.memory.role_decisions.insert(key, result.clone());
        result
    }

    /// The decision that a leaf names; `None` for unmapped.
    pub fn decision_of(&self, leaf: u32) -> Option<Decision> {
        self.memory.decisions.get_index(leaf.checked_sub(1)? as usize).copied()
    }

    /// The texts of a list, in the order they are shown.
    pub fn append_texts(&self, id: AppendId) -> &[String] {
        self.memory.append_lists.get_index(id.0 as usize).map_or(&[], Vec::as_slice)
    }
}
