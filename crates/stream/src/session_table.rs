//! In: user names and their sessions. Out: the sessions, packed so that each fits in one or two cache lines.
//! A million of them fit in memory.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};

use presync_engine::{
    AppendId, LastCommand, MAX_PENDING, PendingCommand, Reported, RoleId, Schema, Session,
    ShownState, StateId, SystemId, SystemView,
};

use crate::hash_index::HashIndex;

/// The words of one system: the reported state, the last command, its cause, and the first unconfirmed command.
const WORDS: usize = 4;

/// A bit in the word of an unconfirmed command: there are more of them.
const MORE: u32 = 1 << 31;

/// A bit in the word of a state: the rest is an index into [`SessionTable::decorated`], else a
/// state plus one.
const DECORATED: u32 = 1 << 30;

/// A bit in the word of a reported state or a command: it is by hand.
const BY_HAND: u32 = 1 << 29;

/// A bit in the word of a reported state: it shows a command.
const COMMAND: u32 = 1 << 28;

/// A bit in the word of an unconfirmed command: it has lapsed.
const LAPSED: u32 = 1 << 27;

/// The bits of a state or an index.
const STATE: u32 = LAPSED - 1;

/// The maximum number of users per shard, a hundred times those of a large contact center, so that
/// random names cannot exhaust the memory.
const MOST_USERS: u32 = 10_000_000;

/// The maximum size in bytes of their sessions, and of the names that are too long to be stored
/// with them.
const MOST_SESSIONS: usize = 8 << 30;
const MOST_NAMES: usize = 1 << 30;

/// The words of a name: a byte for its length, and the name if it fits.
const NAME: usize = 6;

/// In the first byte of a name: the name is in [`SessionTable::long`]. The next two words are its
/// start and length.
const LONG: u8 = u8::MAX;

/// The number of users in one allocation.
const CHUNK: usize = 1 << 12;

/// A time that no event has: long before the first year that events can express.
const NO_TIME: i64 = i64::MIN;

/// The word of a time that is in [`SessionTable::far`]. Others are one more than the milliseconds since the base of the
/// user, or 0 for no time.
const FAR: u32 = u32::MAX;

/// The words of the base of a user's times.
const BASE: usize = 2;

/// The base of a user without times. A user whose base really is the beginning of 1970 gets another one each time.
const NO_BASE: i64 = 0;

/// The milliseconds after the base from which on a time is stored elsewhere: seven weeks.
const MOST_SINCE: i64 = 0xffff_fff0;

/// The number of a fact without a value.
const UNSET: u32 = u32::MAX;

/// The packed sessions of one shard.
pub(super) struct SessionTable {
    layout: PackedLayout,
    /// User numbers by name.
    numbers: HashIndex,
    /// Names too long to be stored with their session, concatenated.
    long: Vec<u8>,
    /// The name and session of each user, in allocations that never move.
    chunks: Vec<Box<[u32]>>,
    count: u32,
    /// The maximum number of users.
    pub(super) most: u32,
    /// If wanted, the users whose sessions were stored, with repetitions.
    pub(super) stored: Option<Vec<u32>>,
    /// Commands with a non-empty appendix, or that show as another state, with that state.
    decorated: IndexSet<(StateId, ShownState), FxBuildHasher>,
    /// Times before the base of their user, or weeks after it, by user and word.
    far: FxHashMap<(u32, u32), i64>,
    /// Unconfirmed commands after the first, by user and system: rarely any.
    more: FxHashMap<(u32, u32), Vec<PendingCommand>>,
}

/// The positions of a session's parts in its words.
#[derive(Clone)]
struct PackedLayout {
    /// The role, the system that changed by hand last, the own states of `previous`, then the facts, each as some bits of a
    /// word: the value plus one, or 0 for none.
    fields: Vec<Field>,
    /// The systems whose own state a rule may bring back.
    previous: Vec<SystemId>,
    /// The first word of the systems.
    systems: usize,
    count: usize,
    /// The first word of the times: the base, then the role, the facts, and for each system what it showed and the first
    /// unconfirmed command.
    times: usize,
    /// Whether sessions have times: only once an event has had one.
    timed: bool,
    /// The words of a session without and with times.
    strides: [usize; 2],
    /// For each system, the number of its first state among all states.
    first_states: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Field {
    word: usize,
    shift: u32,
    mask: u32,
}

impl PackedLayout {
    fn new(schema: &Schema) -> Self {
        let sizes = [schema.roles().len() as u32, schema.systems().len() as u32];
        let previous = schema.previous().to_vec();
        let own = previous.iter();
        let own = own.map(|system| schema.system(*system).states.len() as u32);
        let facts = schema.facts().map(|(_, fact)| fact.size());
        let sizes = sizes.into_iter().chain(own).chain(facts);
        let mut fields = Vec::new();
        let (mut word, mut shift) = (NAME, 0);
        for size in sizes {
            let bits = u32::BITS - size.leading_zeros();
            if shift + bits > u32::BITS {
                (word, shift) = (word + 1, 0);
            }
            let mask = if bits == u32::BITS {
                u32::MAX
            } else {
                (1 << bits) - 1
            };
            fields.push(Field { word, shift, mask });
            shift += bits;
        }
        let mut first_states = Vec::new();
        let mut states = 0;
        for (_, system) in schema.systems() {
            first_states.push(states);
            states += system.states.len() as u32;
        }
        let systems = word + 1;
        let count = schema.systems().len();
        let times = systems + count * WORDS;
        let timed = times + BASE + 1 + schema.facts().len() + 2 * count;
        Self {
            fields,
            previous,
            systems,
            count,
            times,
            timed: false,
            strides: [times, timed],
            first_states,
        }
    }

    fn stride(&self) -> usize {
        self.strides[usize::from(self.timed)]
    }

    fn system_of(&self, state: u32) -> usize {
        self.first_states.partition_point(|first| *first <= state) - 1
    }
}

impl SessionTable {
    pub fn new(schema: &Schema) -> Self {
        let layout = PackedLayout::new(schema);
        // The maximum size of one user: its words, and the pending commands after the first.
        let bytes = size_of::<u32>() * layout.strides[1]
            + layout.count * MAX_PENDING * size_of::<PendingCommand>();
        Self {
            most: u32::try_from(MOST_SESSIONS / bytes)
                .unwrap_or(MOST_USERS)
                .min(MOST_USERS),
            layout,
            numbers: HashIndex::new(),
            long: Vec::new(),
            chunks: Vec::new(),
            count: 0,
            decorated: IndexSet::default(),
            far: FxHashMap::default(),
            more: FxHashMap::default(),
            stored: None,
        }
    }

    /// The number of the user with this name, if any; `hash` is the hash of the name.
    pub fn find(&self, name: &[u8], hash: u64) -> Option<u32> {
        match short(name) {
            Some(short) => self
                .numbers
                .find(hash, |number| self.words(number)[..NAME] == short),
            None => self
                .numbers
                .find(hash, |number| self.name_bytes(self.words(number)) == name),
        }
    }

    /// Touches the index slot of a user without waiting for it.
    pub fn prefetch(&self, hash: u64) -> u32 {
        self.numbers.prefetch(hash) as u32
    }

    /// Touches the session of the first user with this hash, most often the right one, without
    /// waiting for it.
    pub fn prefetch_session(&self, hash: u64) -> u32 {
        match self.numbers.find(hash, |_| true) {
            Some(number) => {
                let words = self.words(number);
                words[0] ^ words[words.len() - 1]
            }
            None => 0,
        }
    }

    fn words(&self, number: u32) -> &[u32] {
        let stride = self.layout.stride();
        &self.chunks[number as usize / CHUNK][number as usize % CHUNK * stride..][..stride]
    }

    pub fn add(&mut self, name: &str, hash: u64, session: &Session) {
        let number = self.count;
        if number as usize / CHUNK == self.chunks.len() {
            self.chunks
                .push(vec![0; CHUNK * self.layout.stride()].into());
        }
        self.count += 1;
        let words = short(name.as_bytes()).unwrap_or_else(|| {
            let start = self.long.len() as u32;
            self.long.extend_from_slice(name.as_bytes());
            [u32::from(LONG), start, name.len() as u32, 0, 0, 0]
        });
        let stride = self.layout.stride();
        self.chunks[number as usize / CHUNK][number as usize % CHUNK * stride..][..NAME]
            .copy_from_slice(&words);
        self.numbers.insert(hash, number);
        self.store(number, session);
    }

    /// Whether another user with this name does not fit.
    pub fn is_full(&self, name: &str) -> bool {
        self.count >= self.most || self.long.len() + name.len() > MOST_NAMES
    }

    pub fn len(&self) -> u32 {
        self.count
    }

    pub fn name(&self, number: u32) -> String {
        let words = self.words(number);
        let bytes = match words[0].to_le_bytes()[0] {
            LONG => self.name_bytes(words).to_vec(),
            length => words[..NAME]
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .skip(1)
                .take(length.into())
                .collect(),
        };
        String::from_utf8(bytes).expect("names come as strings")
    }

    /// The bytes of a long name; empty for a short one.
    fn name_bytes(&self, words: &[u32]) -> &[u8] {
        match words {
            [kind, start, length, ..] if *kind == u32::from(LONG) => {
                &self.long[*start as usize..][..*length as usize]
            }
            _ => &[],
        }
    }

    /// Unpacks a session into an existing one.
    pub fn load(&self, number: u32, session: &mut Session) {
        let layout = &self.layout;
        let words = self.words(number);
        let value = |field: &Field| (words[field.word] >> field.shift & field.mask).checked_sub(1);
        let [role, by_hand_last, rest @ ..] = &*layout.fields else {
            return;
        };
        let (own, facts) = rest.split_at(layout.previous.len());
        session.role = value(role).map(|role| RoleId::from_index(role as usize));
        session.by_hand_last =
            value(by_hand_last).map(|system| SystemId::from_index(system as usize));
        let known = session.raw_facts_mut();
        known.resize(facts.len(), UNSET);
        for (into, fact) in known.iter_mut().zip(facts) {
            // No value is stored as 0, which wraps around to `UNSET`.
            *into = (words[fact.word] >> fact.shift & fact.mask).wrapping_sub(1);
        }
        let times = if layout.timed {
            &words[layout.times..]
        } else {
            &[]
        };
        let base = base_of(times);
        let time = |at: usize| match times.get(BASE + at) {
            None | Some(0) => NO_TIME,
            Some(&FAR) => self.far_time(number, at),
            Some(since) => base.wrapping_add(i64::from(since - 1)),
        };
        let of_facts = session.raw_times_mut();
        of_facts.resize(facts.len() + 1, NO_TIME);
        for (at, into) in of_facts.iter_mut().enumerate() {
            *into = time(at);
        }
        let of_systems = of_facts.len();
        let some = |time: i64| (time != NO_TIME).then_some(time);
        session
            .systems
            .resize_with(layout.count, SystemView::default);
        for (at, view) in session.systems.iter_mut().enumerate() {
            let first = layout.systems + at * WORDS;
            let [reported, last, cause, sent, ..] = words[first..] else {
                continue;
            };
            let system = SystemId::from_index(at);
            view.at = some(time(of_systems + 2 * at));
            view.reported = self
                .shown(system, reported)
                .map(|(state, command)| Reported {
                    state,
                    by_hand: reported & COMMAND == 0 || reported & BY_HAND != 0,
                    command: (reported & COMMAND != 0).then_some(command),
                });
            view.last = self.shown(system, last).map(|(_, shown)| {
                let from = layout.system_of(cause);
                let state = (cause - layout.first_states[from]) as usize;
                let cause = StateId::from_index(SystemId::from_index(from), state);
                LastCommand { shown, cause }
            });
            view.own = None;
            view.pending.clear();
            if let Some((_, shown)) = self.shown(system, sent) {
                view.pending.push(PendingCommand {
                    shown,
                    at: some(time(of_systems + 2 * at + 1)),
                    lapsed: sent & LAPSED != 0,
                    by_hand: sent & BY_HAND != 0,
                });
                if sent & MORE != 0 {
                    let more = self.more.get(&(number, at as u32));
                    view.pending.extend(more.into_iter().flatten().copied());
                }
            }
        }
        for (system, field) in layout.previous.iter().zip(own) {
            let own = value(field).map(|state| StateId::from_index(*system, state as usize));
            session.systems[system.index()].own = own;
        }
    }

    #[cold]
    fn far_time(&self, number: u32, at: usize) -> i64 {
        let far = self.far.get(&(number, at as u32));
        far.copied().unwrap_or(NO_TIME)
    }

    /// Decodes the word of a state: what is seen, and the command.
    #[inline]
    fn shown(&self, system: SystemId, word: u32) -> Option<(StateId, ShownState)> {
        if word & DECORATED != 0 {
            return self.decorated.get_index((word & STATE) as usize).copied();
        }
        let state = StateId::from_value(system, word & STATE)?;
        let append = AppendId::default();
        Some((state, ShownState { state, append }))
    }

    /// Packs a session, replacing the previous one.
    pub fn store(&mut self, number: u32, session: &Session) {
        let latest = times_of(session).fold(NO_TIME, i64::max);
        if latest != NO_TIME && !self.layout.timed {
            self.add_times();
        }
        if let Some(stored) = &mut self.stored {
            stored.push(number);
        }
        let Self {
            layout,
            decorated,
            far,
            more,
            chunks,
            ..
        } = self;
        let words = &mut chunks[number as usize / CHUNK]
            [number as usize % CHUNK * layout.stride()..][..layout.stride()];
        let role = session.role.map_or(UNSET, |role| role.index() as u32);
        let by_hand_last = session
            .by_hand_last
            .map_or(UNSET, |system| system.index() as u32);
        words[NAME..layout.systems].fill(0);
        let own = layout.previous.iter().map(|system| {
            let own = session.systems[system.index()].own;
            own.map_or(UNSET, |own| own.index() as u32)
        });
        let values = [role, by_hand_last].into_iter().chain(own);
        let values = values.chain(session.raw_facts().iter().copied());
        for (field, value) in layout.fields.iter().zip(values) {
            words[field.word] |= (value.wrapping_add(1) & field.mask) << field.shift;
        }

        let mut word = |seen: StateId, shown: ShownState| match shown.append.number() {
            0 if seen == shown.state => seen.value(),
            _ => DECORATED | decorated.insert_full((seen, shown)).0 as u32,
        };
        let marked = |mark: u32, holds: bool| if holds { mark } else { 0 };
        for (at, view) in session.systems.iter().enumerate() {
            let first = layout.systems + at * WORDS;
            let reported = view.reported.map_or(0, |reported| match reported.command {
                None => reported.state.value(),
                Some(command) => {
                    word(reported.state, command) | COMMAND | marked(BY_HAND, reported.by_hand)
                }
            });
            let (last, cause) = view.last.map_or((0, 0), |last| {
                let first = layout.first_states[last.cause.system().index()];
                let shown = word(last.shown.state, last.shown);
                (shown, first + last.cause.index() as u32)
            });
            let sent = view.pending.first().map_or(0, |first| {
                word(first.shown.state, first.shown)
                    | marked(LAPSED, first.lapsed)
                    | marked(BY_HAND, first.by_hand)
            });
            let more_marked = marked(MORE, view.pending.len() > 1);
            if view.pending.len() > 1 {
                let more = more.entry((number, at as u32)).or_default();
                more.clear();
                more.extend_from_slice(&view.pending[1..]);
            } else if words[first + 3] & MORE != 0 {
                more.remove(&(number, at as u32));
            }
            if let Some(into) = words.get_mut(first..).and_then(<[u32]>::first_chunk_mut) {
                *into = [reported, last, cause, sent | more_marked];
            }
        }
        if layout.timed {
            store_times(&mut words[layout.times..], (number, far), latest, session);
        }
    }

    /// Makes room for the times of all sessions.
    #[cold]
    fn add_times(&mut self) {
        let [short, long] = self.layout.strides;
        for chunk in &mut self.chunks {
            let mut words = vec![0; CHUNK * long];
            for (into, from) in words.chunks_exact_mut(long).zip(chunk.chunks_exact(short)) {
                into[..short].copy_from_slice(from);
            }
            *chunk = words.into();
        }
        self.layout.timed = true;
    }
}

/// The times of a session, in the order of their words.
fn times_of(session: &Session) -> impl Iterator<Item = i64> {
    let of_systems = session.systems.iter().flat_map(|view| {
        let sent = view.pending.first().and_then(|pending| pending.at);
        [view.at, sent].map(|at| at.unwrap_or(NO_TIME))
    });
    session.raw_times().iter().copied().chain(of_systems)
}

/// Packs the times of a session; `latest` is the latest of them.
fn store_times(
    words: &mut [u32],
    (number, far): (u32, &mut FxHashMap<(u32, u32), i64>),
    latest: i64,
    session: &Session,
) {
    let mut base = base_of(words);
    // The first time, or one that is too late for the words.
    if latest != NO_TIME && (base == NO_BASE || latest.wrapping_sub(base) >= MOST_SINCE) {
        base = latest.saturating_sub(if base == NO_BASE { 0 } else { MOST_SINCE / 2 });
        let bits = base.cast_unsigned();
        (words[0], words[1]) = (bits as u32, (bits >> 32) as u32);
    }
    for (at, (time, word)) in (0_u32..).zip(times_of(session).zip(&mut words[BASE..])) {
        let since = time.wrapping_sub(base);
        let new = if time == NO_TIME {
            0
        } else if (0..MOST_SINCE).contains(&since) {
            since as u32 + 1
        } else {
            far.insert((number, at), time);
            FAR
        };
        if *word == FAR && new != FAR {
            far.remove(&(number, at));
        }
        *word = new;
    }
}

/// The base of a user's times, or [`NO_BASE`].
#[inline]
fn base_of(times: &[u32]) -> i64 {
    match times {
        [low, high, ..] => (u64::from(*low) | u64::from(*high) << 32).cast_signed(),
        _ => NO_BASE,
    }
}

/// The words of a name that is short enough to be stored with its session.
fn short(name: &[u8]) -> Option<[u32; NAME]> {
    if name.len() >= NAME * 4 {
        return None;
    }
    let mut bytes = [0; NAME * 4];
    bytes[0] = name.len() as u8;
    bytes[1..=name.len()].copy_from_slice(name);
    let mut words = [0; NAME];
    for (word, four) in words.iter_mut().zip(bytes.as_chunks().0) {
        *word = u32::from_le_bytes(*four);
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_up_to_23_bytes_stand_beside_their_session() {
        assert_eq!(
            short(b"ann"),
            Some([u32::from_le_bytes(*b"\x03ann"), 0, 0, 0, 0, 0])
        );
        assert!(short(&[b'x'; 23]).is_some() && short(&[b'x'; 24]).is_none());
    }

    #[test]
    fn a_session_is_kept_whole_and_leaves_nothing_behind() {
        let tables = presync_engine::Tables::from_json(include_str!(
            "../../../examples/contact-centre/tables.json"
        ))
        .expect("it is one");
        let mut seed = 7_u64;
        let mut below = |limit: u32| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as u32 % limit
        };
        let schema = tables.schema();
        let engine = presync_engine::SessionEngine::new(tables.clone());
        let mut any = || {
            let mut session = engine.session();
            let state = |below: &mut dyn FnMut(u32) -> u32, system: SystemId| {
                let states = schema.states(system).len() as u32;
                StateId::from_index(system, below(states) as usize)
            };
            for (system, _) in schema.systems() {
                let shown = |below: &mut dyn FnMut(u32) -> u32| ShownState {
                    state: state(below, system),
                    append: AppendId::from_number(below(3)),
                };
                let mut view = SystemView::default();
                const TIMES: [Option<i64>; 4] = [None, Some(-1), Some(0), Some(1_795_348_800_000)];
                for _ in 0..below(4) {
                    view.pending.push(PendingCommand {
                        shown: shown(&mut below),
                        at: TIMES[below(4) as usize],
                        lapsed: below(2) == 1,
                        by_hand: below(2) == 1,
                    });
                }
                view.at = TIMES[below(4) as usize];
                if below(2) == 1 {
                    let command = (below(2) == 1).then(|| shown(&mut below));
                    view.reported = Some(Reported {
                        state: state(&mut below, system),
                        by_hand: command.is_none() || below(2) == 1,
                        command,
                    });
                }
                if below(2) == 1 {
                    let shown = shown(&mut below);
                    let from = SystemId::from_index(below(schema.systems().len() as u32) as usize);
                    view.last = Some(LastCommand {
                        shown,
                        cause: state(&mut below, from),
                    });
                }
                session.systems[system.index()] = view;
            }
            for (at, (_, fact)) in schema.facts().enumerate() {
                session.raw_facts_mut()[at] = below(fact.size() + 1).wrapping_sub(1);
            }
            for time in session.raw_times_mut() {
                *time = [NO_TIME, 0, 1_795_348_800_000, 1_795_348_800_007][below(4) as usize];
            }
            let last = below(schema.systems().len() as u32 + 1).checked_sub(1);
            session.by_hand_last = last.map(|system| SystemId::from_index(system as usize));
            let role = below(schema.roles().len() as u32 + 1).checked_sub(1);
            session.role = role.map(|role| RoleId::from_index(role as usize));
            session
        };
        let mut users = SessionTable::new(tables.schema());
        let count = CHUNK as u32 + 10;
        let mut sessions: Vec<Session> = (0..count).map(|_| any()).collect();
        let mut loaded = any();
        for (number, session) in (0_u32..).zip(&sessions) {
            let mut untimed = session.clone();
            untimed.forget_times();
            let pending = untimed
                .systems
                .iter_mut()
                .flat_map(|view| &mut view.pending);
            pending.for_each(|pending| pending.at = None);
            users.add(&format!("u{number}"), number.into(), &untimed);
            users.load(number, &mut loaded);
            assert_eq!(loaded, untimed);
        }
        assert!(
            !users.layout.timed,
            "times take no room before there are any"
        );
        for (number, session) in (0_u32..).zip(&sessions) {
            users.store(number, session);
        }
        assert!(users.layout.timed);
        assert_eq!(users.name(count - 1), format!("u{}", count - 1));
        for number in (0..count).step_by(7) {
            sessions[number as usize] = any();
            users.store(number, &sessions[number as usize]);
        }
        for (number, session) in (0_u32..).zip(&sessions) {
            users.load(number, &mut loaded);
            assert_eq!(loaded, *session);
        }
        assert_eq!(users.chunks.len(), 2);
        let many = |session: &Session| {
            session
                .systems
                .iter()
                .filter(|view| view.pending.len() > 1)
                .count()
        };
        assert_eq!(users.more.len(), sessions.iter().map(many).sum::<usize>());
    }

    #[test]
    fn long_names_have_their_own_room() {
        let tables = presync_engine::Tables::from_json(include_str!(
            "../../../examples/contact-centre/tables.json"
        ))
        .expect("it is one");
        let mut users = SessionTable::new(tables.schema());
        let name = "x".repeat(24);
        // Zeroed memory costs nothing until it is written.
        users.long = vec![0; MOST_NAMES - name.len()];
        assert!(!users.is_full(&name), "it fits exactly");
        assert!(users.is_full(&(name + "x")));
    }
}
