//! In: the rules of a profile or role and a change. Out: who decides, as a diagram over all situations.
//! The one place that knows what beats what: levels within a profile, order between profiles, appendices.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use crate::diagram::Ref;
use crate::program::{Level, ProfileId, RoleId, StateId, SystemId, Target};
use crate::space::situation::Space;

/// An index into the lists of appended texts; 0 is the empty one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppendId(pub u32);

/// Who decides: the rule that does, and what its profile appends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    pub profile: ProfileId,
    /// An index into the profile's rules.
    pub rule: u32,
    pub append: AppendId,
}

/// What a role decides on one change. Leaves do not name rules but places in the list of candidates, so that all
/// changes that are decided under the same conditions share one diagram, whichever rules and roles they belong to; who
/// it is in this case, [`Space::decision_of`] says.
#[derive(Debug, Clone)]
pub struct Decided {
    pub to: SystemId,
    /// A leaf is 0 where the change is unmapped.
    pub parts: Parts,
    /// The profiles that have candidates, by priority, with the indices of their rules.
    candidates: Rc<[(ProfileId, Rc<[u32]>)]>,
}

/// Functions of which the first that is not zero counts. There is one, or none where nothing ever decides, unless the
/// conditions are so entangled that a single diagram would blow up.
pub type Parts = Rc<[Ref]>;

/// The candidates of a profile for one change. A leaf is a place in [`Space::rules_for`] plus one; of several
/// candidates the first written wins. Changes whose candidates have the same levels and conditions share one.
#[derive(Debug)]
pub struct Shape {
    id: u32,
    /// Under which condition each holds, and how strong it is.
    pub candidates: Rc<[(Level, Ref)]>,
    pub overriding: Parts,
    pub plain: Parts,
    pub otherwise: Parts,
    /// All levels together: which candidate decides.
    pub decider: Parts,
    /// Once asked for.
    overlapping: OnceCell<bool>,
}

/// The union of candidates is not built beyond so many nodes.
const UNION_NODES: usize = 50_000;

type Change = (SystemId, SystemId, StateId);

type Decorated = (u32, u32, Ref, Box<[bool]>);

/// What has been worked out already.
#[derive(Default)]
pub(super) struct Memory {
    /// By profile.
    directions: Vec<Option<Box<[Direction]>>>,
    /// What many directions have in common.
    likes: FxHashSet<Rc<[StateId]>>,
    /// For each role and direction, for each state the first one that is treated the same way.
    alike: FxHashMap<(RoleId, SystemId, SystemId), Rc<[StateId]>>,
    shapes: FxHashMap<Rc<[(Level, Ref)]>, Rc<Shape>>,
    /// What is appended under which conditions.
    appends: FxHashMap<Vec<(u32, Ref)>, Ref>,
    texts: IndexSet<String, FxBuildHasher>,
    /// By place among a role's profiles, shape, appendix and which candidates set something.
    decorated: FxHashMap<Decorated, Parts>,
    role_decisions: FxHashMap<(RoleId, Change), Decided>,
    /// Functions of profiles by priority, and what they come to.
    combined: FxHashMap<Box<[Ref]>, Parts>,
    leaves: FxHashMap<Ref, Rc<[u32]>>,
    /// Leaf `n` of a decision diagram is entry `n - 1`: a place among the profiles, one among the candidates.
    choices: IndexSet<(u32, u32, AppendId), FxBuildHasher>,
    append_lists: IndexSet<Vec<String>, FxBuildHasher>,
}

/// A profile's rules of one direction.
struct Direction {
    from: SystemId,
    to: SystemId,
    /// For each state the first one that is treated the same way.
    like: Rc<[StateId]>,
    /// By that state.
    kinds: Box<[Kind]>,
}

/// States that a profile treats the same way.
struct Kind {
    first: StateId,
    /// In written order.
    rules: Rc<[u32]>,
    /// Once asked for.
    shape: Option<Rc<Shape>>,
}

impl Direction {
    /// `guarded`: conditions may tell states apart that have the same rules.
    fn new((from, to): (SystemId, SystemId), by_state: Vec<Vec<u32>>, guarded: bool) -> Self {
        let mut known: FxHashMap<&[u32], (StateId, Rc<[u32]>)> = FxHashMap::default();
        let mut kinds = Vec::new();
        let like = (0..).map(StateId).zip(&by_state).map(|(state, rules)| {
            let (first, rules) = known
                .entry(rules)
                .or_insert_with(|| (state, Rc::from(rules.as_slice())));
            let first = if guarded { state } else { *first };
            if first == state {
                kinds.push(Kind {
                    first,
                    rules: rules.clone(),
                    shape: None,
                });
            }
            first
        });
        let like = like.collect();
        Self {
            from,
            to,
            like,
            kinds: kinds.into(),
        }
    }

    fn kind(&mut self, state: StateId) -> &mut Kind {
        let first = self.like[state.index()];
        // Each first state has its kind.
        let at = self.kinds.partition_point(|kind| kind.first < first);
        &mut self.kinds[at]
    }
}

/// The states that are the first of their kind.
fn first_ones(like: &[StateId]) -> Vec<StateId> {
    (0..)
        .map(StateId)
        .zip(like)
        .filter(|(state, like)| state == *like)
        .map(|(state, _)| state)
        .collect()
}

impl Space<'_> {
    /// The rules of a profile that a change could make candidates, in written order.
    pub fn rules_for(
        &mut self,
        profile: ProfileId,
        from: SystemId,
        to: SystemId,
        state: StateId,
    ) -> Rc<[u32]> {
        self.direction(profile, from, to)
            .map(|direction| direction.kind(state).rules.clone())
            .unwrap_or_default()
    }

    /// One state of each kind that a profile treats differently; none if it has no rule of that direction.
    pub fn kinds(&mut self, profile: ProfileId, from: SystemId, to: SystemId) -> Vec<StateId> {
        self.direction(profile, from, to)
            .map(|direction| first_ones(&direction.like))
            .unwrap_or_default()
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
        let mut concerned: Vec<Rc<[StateId]>> = Vec::new();
        for profile in &program.role(role).profiles {
            concerned.extend(
                self.direction(*profile, from, to)
                    .map(|direction| direction.like.clone()),
            );
        }
        let alike = if let [one] = concerned.as_slice() {
            one.clone()
        } else {
            let mut first: FxHashMap<Vec<StateId>, StateId> = FxHashMap::default();
            let kind = |state: StateId| concerned.iter().map(|like| like[state.index()]).collect();
            program
                .system(from)
                .states()
                .map(|state| *first.entry(kind(state)).or_insert(state))
                .collect()
        };
        self.memory.alike.insert((role, from, to), alike.clone());
        alike
    }

    fn direction(
        &mut self,
        profile: ProfileId,
        from: SystemId,
        to: SystemId,
    ) -> Option<&mut Direction> {
        if self.memory.directions.is_empty() {
            self.memory
                .directions
                .resize_with(self.program.profiles.len(), || None);
        }
        if self.memory.directions[profile.index()].is_none() {
            let mut directions = self.directions(profile);
            for direction in &mut directions {
                match self.memory.likes.get(&direction.like) {
                    Some(known) => direction.like = known.clone(),
                    None => drop(self.memory.likes.insert(direction.like.clone())),
                }
            }
            self.memory.directions[profile.index()] = Some(directions);
        }
        let directions = self.memory.directions[profile.index()].as_mut()?;
        directions
            .iter_mut()
            .find(|direction| (direction.from, direction.to) == (from, to))
    }

    fn directions(&self, profile: ProfileId) -> Box<[Direction]> {
        let program = self.program;
        let mut found: BTreeMap<(SystemId, SystemId), Vec<Vec<u32>>> = BTreeMap::new();
        for (at, rule) in program.profile(profile).rules.iter().enumerate() {
            let states = program.system(rule.from).states.len();
            let by_state = found
                .entry((rule.from, rule.to))
                .or_insert_with(|| vec![Vec::new(); states]);
            for state in rule.source.iter() {
                by_state[state.index()].push(at as u32);
            }
        }
        found
            .into_iter()
            .map(|(way, by_state)| Direction::new(way, by_state, self.guarded(way.0)))
            .collect()
    }

    /// The candidates of a profile for `from` entering `state`, for the sake of `to`; `None` if there are none.
    pub fn shape(
        &mut self,
        profile: ProfileId,
        from: SystemId,
        to: SystemId,
        state: StateId,
    ) -> Option<Rc<Shape>> {
        let kind = self.direction(profile, from, to)?.kind(state);
        if let Some(known) = &kind.shape {
            return Some(known.clone());
        }
        // What is treated the same way has the same shape.
        let (state, rules) = (kind.first, kind.rules.clone());
        if rules.is_empty() {
            return None;
        }
        let written = &self.program.profile(profile).rules;
        let candidates = rules.iter().map(|at| {
            let rule = &written[*at as usize];
            (rule.level, self.condition_in(rule.condition, from, state))
        });
        let candidates = candidates.collect();
        let shape = self.shape_of(candidates);
        self.direction(profile, from, to)?.kind(state).shape = Some(shape.clone());
        Some(shape)
    }

    /// Whether two candidates of one level can hold together; `true` as well where that is too much to ask.
    pub fn overlapping(&mut self, shape: &Shape) -> bool {
        if let Some(known) = shape.overlapping.get() {
            return *known;
        }
        let disjoint = self.diagrams.within(UNION_NODES, |diagrams| {
            let mut seen = [Ref::ZERO; 3];
            shape.candidates.iter().all(|(level, holds)| {
                let seen = &mut seen[*level as usize];
                let apart = diagrams.mask(*holds, *seen) == Ref::ZERO;
                *seen = diagrams.or_else(*holds, *seen);
                apart
            })
        });
        *shape.overlapping.get_or_init(|| disjoint != Some(true))
    }

    fn shape_of(&mut self, candidates: Rc<[(Level, Ref)]>) -> Rc<Shape> {
        if let Some(known) = self.memory.shapes.get(&candidates) {
            return known.clone();
        }
        let mut of_level: [Vec<Ref>; 3] = Default::default();
        for (place, (level, holds)) in candidates.iter().enumerate() {
            let candidate = self.diagrams.mask(*holds, Ref::leaf(place as u32 + 1));
            of_level[*level as usize].push(candidate);
        }
        let [otherwise, plain, overriding] =
            of_level.map(|rules| Parts::from(self.diagrams.combine(&rules)));
        let all: Vec<Ref> = [&overriding, &plain, &otherwise]
            .into_iter()
            .flat_map(|level| level.iter().copied())
            .collect();
        let decider = Parts::from(self.diagrams.combine(&all));
        let id = self.memory.shapes.len() as u32;
        let overlapping = OnceCell::new();
        let shape = Shape {
            id,
            candidates: candidates.clone(),
            overriding,
            plain,
            otherwise,
            decider,
            overlapping,
        };
        let shape = Rc::new(shape);
        self.memory.shapes.insert(candidates, shape.clone());
        shape
    }

    /// What is left of a function where none of the parts says anything.
    pub fn outside(&mut self, of: Ref, parts: &[Ref]) -> Ref {
        parts.iter().fold(of, |left, part| {
            if left == Ref::ZERO {
                left
            } else {
                self.diagrams.without(left, *part)
            }
        })
    }

    /// Which texts a profile appends on `to`: a leaf is an [`AppendId`].
    fn appended(
        &mut self,
        profile: ProfileId,
        from: SystemId,
        to: SystemId,
        state: StateId,
    ) -> Ref {
        let program = self.program;
        let mut key = Vec::new();
        for append in program
            .profile(profile)
            .appends
            .iter()
            .filter(|append| append.to == to)
        {
            let text = match self.memory.texts.get_index_of(&append.text) {
                Some(known) => known,
                None => self.memory.texts.insert_full(append.text.clone()).0,
            };
            key.push((
                text as u32,
                self.condition_in(append.condition, from, state),
            ));
        }
        if let Some(known) = self.memory.appends.get(&key) {
            return *known;
        }
        self.memory.append_lists.insert(Vec::new());
        let mut lists = Ref::ZERO;
        for (text, holds) in &key {
            let text = &self.memory.texts[*text as usize];
            let known = &mut self.memory.append_lists;
            lists = self.diagrams.product(lists, *holds, &mut |list, holds| {
                if holds == 0 || known[list as usize].contains(text) {
                    return list;
                }
                let longer = known[list as usize]
                    .iter()
                    .cloned()
                    .chain([text.clone()])
                    .collect();
                known.insert_full(longer).0 as u32
            });
        }
        self.memory.appends.insert(key, lists);
        lists
    }

    /// What a profile decides, as the `place`th of those that a role asks.
    fn decorated(
        &mut self,
        place: u32,
        profile: ProfileId,
        (from, to, state): Change,
        rules: &[u32],
    ) -> Parts {
        let Some(shape) = self.shape(profile, from, to, state) else {
            return Parts::default();
        };
        let appended = self.appended(profile, from, to, state);
        let written = &self.program.profile(profile).rules;
        // What is left unchanged is not decorated either.
        let sets = rules.iter().map(|rule| {
            appended != Ref::ZERO && matches!(written[*rule as usize].target, Target::Set(_))
        });
        let key = (place, shape.id, appended, sets.collect());
        if let Some(known) = self.memory.decorated.get(&key) {
            return known.clone();
        }
        let (diagrams, choices, sets) = (&mut self.diagrams, &mut self.memory.choices, &key.3);
        let parts = shape.decider.iter().map(|part| {
            diagrams.product(*part, appended, &mut |candidate, append| {
                let Some(candidate) = candidate.checked_sub(1) else {
                    return 0;
                };
                let append = AppendId(if sets[candidate as usize] { append } else { 0 });
                choices.insert_full((place, candidate, append)).0 as u32 + 1
            })
        });
        let parts: Parts = parts.collect();
        self.memory.decorated.insert(key, parts.clone());
        parts
    }

    /// What a role decides.
    pub fn decision(
        &mut self,
        role: RoleId,
        from: SystemId,
        to: SystemId,
        state: StateId,
    ) -> Decided {
        let state = self.like(role, from, to, state);
        let key = (role, (from, to, state));
        if let Some(known) = self.memory.role_decisions.get(&key) {
            return known.clone();
        }
        let program = self.program;
        let mut candidates: Vec<(ProfileId, Rc<[u32]>)> = Vec::new();
        let mut all: Vec<Ref> = Vec::new();
        for profile in &program.role(role).profiles {
            let rules = self.rules_for(*profile, from, to, state);
            if rules.is_empty() {
                continue;
            }
            all.extend(
                self.decorated(candidates.len() as u32, *profile, (from, to, state), &rules)
                    .iter(),
            );
            candidates.push((*profile, rules));
        }
        let all = all.into_boxed_slice();
        let parts = match self.memory.combined.get(&all) {
            Some(known) => known.clone(),
            None => {
                let parts = Parts::from(self.diagrams.combine(&all));
                self.memory.combined.insert(all, parts.clone());
                parts
            }
        };
        let decided = Decided {
            to,
            parts,
            candidates: candidates.into(),
        };
        self.memory.role_decisions.insert(key, decided.clone());
        decided
    }

    /// The decision that a leaf names; `None` for unmapped.
    pub fn decision_of(&self, decided: &Decided, leaf: u32) -> Option<Decision> {
        let (place, candidate, append) = *self
            .memory
            .choices
            .get_index(leaf.checked_sub(1)? as usize)?;
        let (profile, rules) = &decided.candidates[place as usize];
        Some(Decision {
            profile: *profile,
            rule: rules[candidate as usize],
            append,
        })
    }

    /// The leaves that a function reaches, ascending; kept, because many changes share their diagrams.
    pub fn leaves(&mut self, of: Ref) -> Rc<[u32]> {
        if let Some(known) = self.memory.leaves.get(&of) {
            return known.clone();
        }
        let leaves: Rc<[u32]> = self.diagrams.leaves(of).into();
        self.memory.leaves.insert(of, leaves.clone());
        leaves
    }

    /// The texts of a list, in the order they are shown.
    pub fn append_texts(&self, id: AppendId) -> &[String] {
        self.memory
            .append_lists
            .get_index(id.0 as usize)
            .map_or(&[], Vec::as_slice)
    }
}
