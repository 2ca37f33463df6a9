//! In: the rules of a profile or role and a change. Out: which rule decides, as a diagram over all situations.
//! The one place that knows what beats what: ranks within a profile, order between profiles.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::diagram::Diagram;
use crate::program::{
    Change, Direction, ProfileId, Program, Rank, RoleId, Rule, StateId, SystemId,
};
use crate::space::appendices::SpaceAppendix;
use crate::space::situation::{DetachedSpace, SituationSpace};

/// The rule that decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decider {
    pub profile: ProfileId,
    /// An index into the profile's rules.
    pub rule: u32,
}

/// What a role decides on one change. Leaves are places in the list of candidates instead of rules,
/// so that all changes decided under the same conditions share one diagram, whatever their rules
/// and roles. [`Precedence::decision_of`] resolves a leaf to its rule.
#[derive(Debug, Clone)]
pub struct RoleDecision {
    pub to: SystemId,
    /// A leaf is 0 where the change is unmapped.
    pub parts: Cascade,
    /// The profiles that have candidates, by priority, with the indices of their rules.
    candidates: Arc<[(ProfileId, Arc<[u32]>)]>,
}

/// Functions by priority: the first that is not zero decides. Usually one, or none where nothing
/// ever decides; several only if the conditions are so complex that a single diagram would blow up.
pub type Cascade = Arc<[Diagram]>;

/// The candidate rules of a profile for one change. A leaf is a place in [`Precedence::rules_for`]
/// plus one; if several of one rank match, the first written wins. Changes whose candidates have the
/// same ranks and conditions share a shape.
#[derive(Debug)]
pub struct Candidates {
    id: u32,
    /// The rank of each candidate and the condition under which it matches.
    pub candidates: Arc<[(Rank, Diagram)]>,
    pub overriding: Cascade,
    pub plain: Cascade,
    pub otherwise: Cascade,
    /// All ranks together: which candidate decides.
    pub decider: Cascade,
    /// Computed on first use.
    overlapping: OnceLock<bool>,
}

/// Node limit for the union of candidates.
const UNION_NODES: usize = 50_000;

/// Computes which rule decides what over the situations of a program, and caches the results.
pub struct Precedence<'p> {
    pub(super) space: SituationSpace<'p>,
    pub(super) cache: Cache,
}

impl<'p> Deref for Precedence<'p> {
    type Target = SituationSpace<'p>;

    fn deref(&self) -> &Self::Target {
        &self.space
    }
}

impl DerefMut for Precedence<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.space
    }
}

/// Results computed so far.
#[derive(Default)]
pub(super) struct Cache {
    /// By profile.
    directions: Vec<Option<Box<[ProfileDirection]>>>,
    /// Lists of representatives, shared because many directions have the same.
    shared: FxHashSet<Arc<[StateId]>>,
    /// For each role and direction, the representative of each state.
    representatives: FxHashMap<(RoleId, Direction), Arc<[StateId]>>,
    shapes: FxHashMap<Arc<[(Rank, Diagram)]>, Arc<Candidates>>,
    pub(super) appendices: FxHashMap<(ProfileId, Change), Arc<[SpaceAppendix]>>,
    /// By place among a role's profiles, and shape.
    placed: FxHashMap<(u32, u32), Cascade>,
    role_decisions: FxHashMap<(RoleId, Change), RoleDecision>,
    /// The combination of the profiles' functions, by the functions in order of priority.
    combined: FxHashMap<Box<[Diagram]>, Cascade>,
    leaves: FxHashMap<Diagram, Arc<[u32]>>,
    /// Leaf `n` of a decision diagram is entry `n - 1`: place among the profiles, place among the candidates.
    choices: IndexSet<(u32, u32), FxBuildHasher>,
}

/// A profile's rules of one direction.
struct ProfileDirection {
    direction: Direction,
    /// For each state, the first state that the profile treats the same way.
    representatives: Arc<[StateId]>,
    /// Ordered by their first state.
    classes: Box<[StateClass]>,
}

/// States that a profile treats the same way.
struct StateClass {
    first: StateId,
    /// In written order.
    rules: Arc<[u32]>,
    /// Computed on first use.
    shape: Option<Arc<Candidates>>,
}

impl ProfileDirection {
    /// `tested`: conditions may distinguish states that have the same rules.
    fn new(direction: Direction, by_state: &[Vec<u32>], tested: bool) -> Self {
        let mut known: FxHashMap<&[u32], (StateId, Arc<[u32]>)> = FxHashMap::default();
        let mut classes = Vec::new();
        let states = (0..).map(|at| StateId::from_index(direction.from(), at));
        let representatives = states.zip(by_state).map(|(state, rules)| {
            let (first, rules) = known
                .entry(rules)
                .or_insert_with(|| (state, Arc::from(rules.as_slice())));
            let first = if tested { state } else { *first };
            if first == state {
                classes.push(StateClass {
                    first,
                    rules: rules.clone(),
                    shape: None,
                });
            }
            first
        });
        let representatives = representatives.collect();
        Self {
            direction,
            representatives,
            classes: classes.into(),
        }
    }

    fn class(&mut self, state: StateId) -> &mut StateClass {
        let first = self.representatives[state.index()];
        // Every first state has a class, and classes are in order.
        let at = self.classes.partition_point(|class| class.first < first);
        &mut self.classes[at]
    }
}

/// The states that represent themselves.
fn first_ones(representatives: &[StateId]) -> Vec<StateId> {
    let all = representatives.iter().enumerate();
    all.filter(|(at, first)| first.index() == *at)
        .map(|(_, first)| *first)
        .collect()
}

/// What was computed about a program, without the program, to keep between uses.
pub struct DetachedPrecedence {
    space: DetachedSpace,
    cache: Cache,
}

impl DetachedPrecedence {
    /// `program`: the program that this was computed about.
    pub fn attach(self, program: &Program) -> Precedence<'_> {
        Precedence {
            space: self.space.attach(program),
            cache: self.cache,
        }
    }
}

impl<'p> Precedence<'p> {
    pub fn new(program: &'p Program) -> Self {
        Self {
            space: SituationSpace::new(program),
            cache: Cache::default(),
        }
    }

    pub fn detach(self) -> DetachedPrecedence {
        DetachedPrecedence {
            space: self.space.detach(),
            cache: self.cache,
        }
    }

    /// The candidate rules of a profile for a change, in written order.
    pub fn rules_for(&mut self, profile: ProfileId, change: Change) -> Arc<[u32]> {
        let direction = self.profile_direction(profile, change.direction());
        direction
            .map(|of| of.class(change.entered()).rules.clone())
            .unwrap_or_default()
    }

    /// One state of each class that a profile treats differently; none if it has no rule of that
    /// direction.
    pub fn state_classes_of_profile(
        &mut self,
        profile: ProfileId,
        direction: Direction,
    ) -> Vec<StateId> {
        let direction = self.profile_direction(profile, direction);
        direction
            .map(|direction| first_ones(&direction.representatives))
            .unwrap_or_default()
    }

    /// One state of each class that a role treats differently.
    pub fn state_classes_of_role(&mut self, role: RoleId, direction: Direction) -> Vec<StateId> {
        first_ones(&self.representatives(role, direction))
    }

    /// The same change for the first state that the role decides like this one: most states of a
    /// system are only mentioned in groups, or not at all.
    pub fn representative(&mut self, role: RoleId, change: Change) -> Change {
        let representatives = self.representatives(role, change.direction());
        change.entering(representatives[change.entered().index()])
    }

    fn representatives(&mut self, role: RoleId, direction: Direction) -> Arc<[StateId]> {
        if let Some(known) = self.cache.representatives.get(&(role, direction)) {
            return known.clone();
        }
        let program = self.program;
        let mut concerned: Vec<Arc<[StateId]>> = Vec::new();
        for profile in &program.role(role).profiles {
            let direction = self.profile_direction(*profile, direction);
            concerned.extend(direction.map(|direction| direction.representatives.clone()));
        }
        let all = if let [one] = concerned.as_slice() {
            one.clone()
        } else {
            let mut first: FxHashMap<Vec<StateId>, StateId> = FxHashMap::default();
            let class = |state: StateId| concerned.iter().map(|of| of[state.index()]).collect();
            let states = program.states(direction.from());
            states
                .map(|state| *first.entry(class(state)).or_insert(state))
                .collect()
        };
        self.cache
            .representatives
            .insert((role, direction), all.clone());
        all
    }

    fn profile_direction(
        &mut self,
        profile: ProfileId,
        direction: Direction,
    ) -> Option<&mut ProfileDirection> {
        if self.cache.directions.is_empty() {
            let count = self.program.profiles.len();
            self.cache.directions.resize_with(count, || None);
        }
        if self.cache.directions[profile.index()].is_none() {
            let mut directions = self.profile_directions(profile);
            for direction in &mut directions {
                match self.cache.shared.get(&direction.representatives) {
                    Some(known) => direction.representatives = known.clone(),
                    None => drop(self.cache.shared.insert(direction.representatives.clone())),
                }
            }
            self.cache.directions[profile.index()] = Some(directions);
        }
        let directions = self.cache.directions[profile.index()].as_mut()?;
        directions.iter_mut().find(|of| of.direction == direction)
    }

    fn profile_directions(&self, profile: ProfileId) -> Box<[ProfileDirection]> {
        let program = self.program;
        let mut found: BTreeMap<Direction, Vec<Vec<u32>>> = BTreeMap::new();
        for (at, rule) in program.profile(profile).rules.iter().enumerate() {
            let states = program.states(rule.direction.from()).len();
            let by_state = found
                .entry(rule.direction)
                .or_insert_with(|| vec![Vec::new(); states]);
            for state in rule.states.iter() {
                by_state[state.index()].push(at as u32);
            }
        }
        let directions = found.into_iter().map(|(direction, by_state)| {
            ProfileDirection::new(direction, &by_state, self.is_tested(direction.from()))
        });
        directions.collect()
    }

    /// The candidates of a profile for a change; `None` if there are none.
    pub fn shape(&mut self, profile: ProfileId, change: Change) -> Option<Arc<Candidates>> {
        let class = self
            .profile_direction(profile, change.direction())?
            .class(change.entered());
        if let Some(known) = &class.shape {
            return Some(known.clone());
        }
        // All states of a class have the same shape.
        let (entered, rules) = (class.first, class.rules.clone());
        if rules.is_empty() {
            return None;
        }
        let of_profile = &self.program.profile(profile).rules;
        let candidates = rules.iter().map(|at| {
            let rule = &of_profile[*at as usize];
            (rule.rank, self.space.condition_in(rule.condition, entered))
        });
        let candidates = candidates.collect();
        let shape = self.shape_of(candidates);
        let direction = self.profile_direction(profile, change.direction())?;
        direction.class(entered).shape = Some(shape.clone());
        Some(shape)
    }

    /// Whether two candidates of one rank can match together; also `true` if that is too expensive
    /// to compute.
    pub fn overlapping(&mut self, shape: &Candidates) -> bool {
        if let Some(known) = shape.overlapping.get() {
            return *known;
        }
        let disjoint = self.diagrams.with_budget(UNION_NODES, |diagrams| {
            let mut seen = [Diagram::ZERO; 3];
            shape.candidates.iter().all(|(rank, holds)| {
                let seen = &mut seen[*rank as usize];
                let apart = diagrams.and_then(*holds, *seen) == Diagram::ZERO;
                *seen = diagrams.or_else(*holds, *seen);
                apart
            })
        });
        *shape.overlapping.get_or_init(|| disjoint != Some(true))
    }

    fn shape_of(&mut self, candidates: Arc<[(Rank, Diagram)]>) -> Arc<Candidates> {
        if let Some(known) = self.cache.shapes.get(&candidates) {
            return known.clone();
        }
        let mut of_rank: [Vec<Diagram>; 3] = Default::default();
        for (place, (rank, holds)) in candidates.iter().enumerate() {
            let candidate = self
                .diagrams
                .and_then(*holds, Diagram::leaf(place as u32 + 1));
            of_rank[*rank as usize].push(candidate);
        }
        let [otherwise, plain, overriding] =
            of_rank.map(|rules| Cascade::from(self.diagrams.combine(&rules)));
        let all: Vec<Diagram> = [&overriding, &plain, &otherwise]
            .into_iter()
            .flat_map(|level| level.iter().copied())
            .collect();
        let decider = Cascade::from(self.diagrams.combine(&all));
        let id = self.cache.shapes.len() as u32;
        let overlapping = OnceLock::new();
        let shape = Candidates {
            id,
            candidates: candidates.clone(),
            overriding,
            plain,
            otherwise,
            decider,
            overlapping,
        };
        let shape = Arc::new(shape);
        self.cache.shapes.insert(candidates, shape.clone());
        shape
    }

    /// The rest of a function, where all parts are zero.
    pub fn outside(&mut self, of: Diagram, parts: &[Diagram]) -> Diagram {
        parts.iter().fold(of, |left, part| {
            if left == Diagram::ZERO {
                left
            } else {
                self.diagrams.without(left, *part)
            }
        })
    }

    /// The decisions of a profile that is the `place`th of those that a role asks.
    fn placed(&mut self, place: u32, profile: ProfileId, change: Change) -> Cascade {
        let Some(shape) = self.shape(profile, change) else {
            return Cascade::default();
        };
        let key = (place, shape.id);
        if let Some(known) = self.cache.placed.get(&key) {
            return known.clone();
        }
        let (diagrams, choices) = (&mut self.space.diagrams, &mut self.cache.choices);
        let parts = shape.decider.iter().map(|part| {
            diagrams.map(*part, &mut |candidate| match candidate.checked_sub(1) {
                Some(candidate) => choices.insert_full((place, candidate)).0 as u32 + 1,
                None => 0,
            })
        });
        let parts: Cascade = parts.collect();
        self.cache.placed.insert(key, parts.clone());
        parts
    }

    /// What a role decides.
    pub fn decision(&mut self, role: RoleId, change: Change) -> RoleDecision {
        let change = self.representative(role, change);
        if let Some(known) = self.cache.role_decisions.get(&(role, change)) {
            return known.clone();
        }
        let program = self.program;
        let mut candidates: Vec<(ProfileId, Arc<[u32]>)> = Vec::new();
        let mut all: Vec<Diagram> = Vec::new();
        for profile in &program.role(role).profiles {
            let rules = self.rules_for(*profile, change);
            if rules.is_empty() {
                continue;
            }
            let place = candidates.len() as u32;
            all.extend(self.placed(place, *profile, change).iter());
            candidates.push((*profile, rules));
        }
        let all = all.into_boxed_slice();
        let parts = match self.cache.combined.get(&all) {
            Some(known) => known.clone(),
            None => {
                let parts = Cascade::from(self.diagrams.combine(&all));
                self.cache.combined.insert(all, parts.clone());
                parts
            }
        };
        let decided = RoleDecision {
            to: change.to(),
            parts,
            candidates: candidates.into(),
        };
        self.cache
            .role_decisions
            .insert((role, change), decided.clone());
        decided
    }

    /// The decision of a leaf; `None` for unmapped.
    pub fn decision_of(&self, decided: &RoleDecision, leaf: u32) -> Option<Decider> {
        let choice = self
            .cache
            .choices
            .get_index(leaf.checked_sub(1)? as usize)?;
        let (place, candidate) = *choice;
        let (profile, rules) = &decided.candidates[place as usize];
        Some(Decider {
            profile: *profile,
            rule: rules[candidate as usize],
        })
    }

    /// What decides in a role where a rule of one of its profiles applies: the rule itself, or what takes precedence.
    /// `None`: the rule never applies.
    pub fn deciders(&mut self, role: RoleId, rule: &Rule) -> Option<Vec<Decider>> {
        let mut applies = false;
        let mut deciders = Vec::new();
        for state in rule.states.iter() {
            let holds = self.space.condition_in(rule.condition, *state);
            applies |= holds != Diagram::ZERO;
            let decided = self.decision(role, Change::of(rule.direction, *state));
            for part in decided.parts.iter() {
                let within = self.diagrams.and_then(holds, *part);
                let leaves = self.diagrams.leaves(within).into_iter();
                for decider in leaves.filter_map(|leaf| self.decision_of(&decided, leaf)) {
                    if !deciders.contains(&decider) {
                        deciders.push(decider);
                    }
                }
            }
        }
        applies.then_some(deciders)
    }

    /// The rule that decides.
    pub fn rule_of(&self, decision: Decider) -> &'p Rule {
        let program = self.space.program;
        &program.profile(decision.profile).rules[decision.rule as usize]
    }

    /// The leaves that a function reaches, ascending; cached, because many changes share their
    /// diagrams.
    pub fn leaves(&mut self, of: Diagram) -> Arc<[u32]> {
        if let Some(known) = self.cache.leaves.get(&of) {
            return known.clone();
        }
        let leaves: Arc<[u32]> = self.diagrams.leaves(of).into();
        self.cache.leaves.insert(of, leaves.clone());
        leaves
    }
}
