//! In: a block of the event stream and the start of a line. Out: the event of that line with names resolved.
//! Returns `None` unless the line has the usual shape and all its names are known; then serde parses it. The result
//! is always the same as with serde: anything unusual is left to it.

use presync_engine::time::{days, seconds};
use presync_engine::{Event, Resync, Schema, ValueId};

/// The parts of a scanned line that the output repeats.
pub(crate) struct Scanned<'a> {
    pub user: &'a str,
    /// As JSON, like `at`.
    pub id: Option<&'a str>,
    pub at: Option<&'a str>,
    /// The end of the line.
    pub end: usize,
}

/// Parses objects of known members, each at most once, without escapes. Skips spaces and tabs
/// between them.
pub(super) struct Scanner<'a> {
    block: &'a str,
    at: usize,
    /// The last date read and its days since 1970. Most events are from the same day.
    day: ([u8; 10], i64),
}

impl<'a> Scanner<'a> {
    pub fn new(block: &'a str) -> Self {
        Self {
            block,
            at: 0,
            day: ([0; 10], 0),
        }
    }

    /// Parses the event that begins at `start` into `event`, which must be empty. On `None`,
    /// `event` may be partly filled.
    pub fn event(
        &mut self,
        start: usize,
        schema: &Schema,
        event: &mut Event,
    ) -> Option<Scanned<'a>> {
        self.at = start;
        let (mut user, mut id, mut at) = (None, None, None);
        let (mut set, mut observe, mut change) = (false, false, false);
        self.expect(b'{')?;
        loop {
            match self.member()? {
                b"user" => once(&mut user, self.string()?)?,
                b"change" => {
                    first(&mut change)?;
                    self.expect(b'{')?;
                    let system = schema.find_system(self.string()?)?;
                    self.expect(b':')?;
                    event.change = Some(schema.find_state(system, self.string()?)?);
                    self.expect(b'}')?;
                }
                b"id" => {
                    let start = self.start_of_value();
                    self.string()?;
                    once(&mut id, &self.block[start..self.at])?;
                }
                b"at" => {
                    let start = self.start_of_value();
                    event.at = Some(self.time()?);
                    once(&mut at, &self.block[start..self.at])?;
                }
                b"set" => {
                    first(&mut set)?;
                    self.set(event, schema)?;
                }
                b"observe" => {
                    first(&mut observe)?;
                    self.observed(event, schema)?;
                }
                b"role" => once(&mut event.role, schema.find_role(self.string()?)?)?,
                b"resync" => {
                    let resync = match self.peek()? {
                        b't' => self.word("true").map(|()| Resync::ByHandLast)?,
                        _ => Resync::System(schema.find_system(self.string()?)?),
                    };
                    once(&mut event.resync, resync)?;
                }
                _ => return None,
            }
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let user = user?;
        let says = set || observe || change || event.role.is_some() || event.resync.is_some();
        if !says {
            return None;
        }
        match self.peek() {
            None => {}
            Some(b'\n') => {}
            Some(b'\r') if matches!(self.block.as_bytes().get(self.at + 1), None | Some(b'\n')) => {
                self.at += 1;
            }
            Some(_) => return None,
        }
        Some(Scanned {
            user,
            id,
            at,
            end: self.at,
        })
    }

    /// Parses the quoted name of a member and the colon after it; returns the name.
    #[inline]
    fn member(&mut self) -> Option<&'a [u8]> {
        // Most often the name comes next, and comparing it is cheaper than searching for its end.
        let rest = &self.block.as_bytes()[self.at..];
        for name in NAMES {
            if rest.starts_with(name) {
                self.at += name.len();
                return Some(&name[1..name.len() - 2]);
            }
        }
        let name = self.string()?;
        self.expect(b':')?;
        Some(name.as_bytes())
    }

    /// The next byte that is not a space or tab.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.block.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn expect(&mut self, byte: u8) -> Option<()> {
        if self.block.as_bytes().get(self.at) == Some(&byte) {
            self.at += 1;
            return Some(());
        }
        (self.next()? == byte).then_some(())
    }

    fn start_of_value(&mut self) -> usize {
        self.peek();
        self.at
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.block.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }

    /// Parses a quoted string without escapes or control characters.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = end_of_string(self.block.as_bytes(), start)?;
        self.at = end + 1;
        self.block.get(start..end)
    }

    /// Parses facts: `{"user_type":"im","in_queue":true}`.
    fn set(&mut self, event: &mut Event, schema: &Schema) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let fact = schema.find_fact(self.string()?)?;
            self.expect(b':')?;
            let value = match (schema.fact(fact).is_flag(), self.peek()?) {
                (true, b't') => self.word("true").map(|()| ValueId::from_index(fact, 1))?,
                (true, b'f') => self.word("false").map(|()| ValueId::from_index(fact, 0))?,
                (false, b'"') => schema.find_value(fact, self.string()?)?,
                _ => return None,
            };
            if event.set.iter().any(|known| known.fact() == fact) {
                return None;
            }
            event.set.push(value);
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Parses observed states: `{"cic":"Available","lync":null}`.
    fn observed(&mut self, event: &mut Event, schema: &Schema) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let system = schema.find_system(self.string()?)?;
            self.expect(b':')?;
            let state = match self.peek()? {
                b'n' => self.word("null").map(|()| None)?,
                _ => Some(schema.find_state(system, self.string()?)?),
            };
            if event.observe.iter().any(|(known, _)| *known == system) {
                return None;
            }
            event.observe.push((system, state));
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Parses a quoted time of the usual form into milliseconds since 1970.
    fn time(&mut self) -> Option<i64> {
        self.expect(b'"')?;
        let text: &[u8; 20] = self.block.as_bytes()[self.at..].first_chunk()?;
        // Every byte is checked below, so escapes need no check here.
        self.at += text.len();
        self.expect(b'"')?;
        let date = text.first_chunk()?;
        if *date != self.day.0 {
            self.day = (*date, days(date)?);
        }
        Some((self.day.1 * 86_400 + seconds(text)?) * 1000)
    }
}

/// The usual members in their most common form, most frequent first.
const NAMES: [&[u8]; 8] = [
    b"\"user\":",
    b"\"change\":",
    b"\"id\":",
    b"\"at\":",
    b"\"set\":",
    b"\"observe\":",
    b"\"role\":",
    b"\"resync\":",
];

fn once<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

fn first(seen: &mut bool) -> Option<()> {
    (!std::mem::replace(seen, true)).then_some(())
}

/// Finds the closing quote of a string without escapes or control characters.
#[inline]
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        // The lowest mark is exact, no matter which of the three it comes from.
        let quote = zero(word ^ (ONES * b'"' as u64));
        let escape = zero(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let marks = quote | escape | control;
        if marks != 0 {
            at += marks.trailing_zeros() as usize / 8;
            return (bytes[at] == b'"').then_some(at);
        }
        at += 8;
    }
    let end = bytes
        .get(at..)?
        .iter()
        .position(|byte| *byte == b'"' || *byte == b'\\' || *byte < b' ')?;
    (bytes[at + end] == b'"').then_some(at + end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use presync_engine::EventMessage;

    fn tables() -> presync_engine::Tables {
        presync_engine::Tables::from_json(include_str!(
            "../../../examples/contact-centre/tables.json"
        ))
        .expect("it is one")
    }

    #[test]
    fn a_string_ends_at_its_first_quote_unless_something_is_before_it() {
        const SIGNS: [u8; 10] = [b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', b'[', 0x7f, 0xff];
        for length in 0..20 {
            for (first, second) in
                (0..length).flat_map(|first| (0..length).map(move |second| (first, second)))
            {
                for (one, other) in SIGNS
                    .iter()
                    .flat_map(|one| SIGNS.map(|other| (*one, other)))
                {
                    let mut text = vec![b'x'; length];
                    (text[first], text[second]) = (one, other);
                    let naive = text
                        .iter()
                        .position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '));
                    let naive = naive.filter(|at| text[*at] == b'"');
                    assert_eq!(end_of_string(&text, 0), naive, "{text:?}");
                }
            }
        }
    }

    /// A line of members in any order, some of them unusual.
    fn line(seed: &mut u64) -> String {
        let mut next = |limit: usize| {
            *seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as usize % limit
        };
        const MEMBERS: [&str; 30] = [
            r#""user":"ann""#,
            r#""user":"ann""#,
            r#""user":"ann""#,
            r#""user":"zo\u00eb""#,
            r#""user":"zoë""#,
            r#""user":7"#,
            r#""role":"Agents""#,
            r#""role":null"#,
            r#""set":{"in_queue":true}"#,
            r#""set":{"in_queue":false,"user_type":"im"}"#,
            r#""set":{"in_queue":true,"in_queue":false}"#,
            r#""set":{}"#,
            r#""set":null"#,
            r#""set":{"in_queue":1}"#,
            r#""observe":{"cic":null,"lync":"Away"}"#,
            r#""observe":{"cic":null,"cic":"Available"}"#,
            r#""state":{"cic":null}"#,
            r#""resync":true"#,
            r#""resync":false"#,
            r#""change":{"cic":"At Lunch"}"#,
            r#""change":{"cic":"At \"Lunch\""}"#,
            r#""change":{"c\u0069c":"x"}"#,
            r#""resync":"cic""#,
            r#""id":"42""#,
            r#""id":42"#,
            r#""id":{"a":[1]}"#,
            r#""id":null"#,
            r#""at":"2026-11-22T12:00:00Z""#,
            r#""other":[1,{"user":"x"}]"#,
            r#""id":"a\tb""#,
        ];
        let mut line = String::from("{");
        for at in 0..=next(5) {
            let space = ["", "", "", " ", "\t", "  "][next(6)];
            let comma = if at == 0 { "" } else { "," };
            let mut member = MEMBERS[next(MEMBERS.len())].to_owned();
            if next(4) == 0 {
                member = member.replacen(':', " :\t", 1);
            }
            line.push_str(&format!("{comma}{space}{member}{space}"));
        }
        line.push_str(["}", "}", "}", "}", " }", "} ", "", "}}", ",}", "\u{1}}"][next(10)]);
        line
    }

    #[test]
    fn what_is_scanned_serde_reads_the_same() {
        let tables = tables();
        let schema = tables.schema();
        let (mut seed, mut scanned, mut left) = (7, 0, 0);
        for _ in 0..200_000 {
            let line = line(&mut seed);
            let block = format!("\n{line}\n");
            let mut scanned_event = Event::default();
            match Scanner::new(&block).event(1, schema, &mut scanned_event) {
                Some(said) => {
                    let known = EventMessage::parse(&line)
                        .unwrap_or_else(|error| panic!("{line}: {error:?}"));
                    let event = known
                        .resolve(schema)
                        .unwrap_or_else(|error| panic!("{line}: {error:?}"));
                    assert_eq!((said.user, said.id), (&*known.user, known.id), "{line}");
                    assert_eq!(
                        said.at.map(|at| at.trim_matches('"')),
                        known.at.as_deref(),
                        "{line}"
                    );
                    assert_eq!(format!("{scanned_event:?}"), format!("{event:?}"), "{line}");
                    assert_eq!(said.end, block.len() - 1, "{line}");
                    scanned += 1;
                }
                None => left += 1,
            }
        }
        assert!(
            scanned > 2_000 && left > 10_000,
            "{scanned} scanned, {left} left to serde"
        );
    }

    #[test]
    fn the_usual_lines_are_scanned() {
        let tables = tables();
        let schema = tables.schema();
        for (line, at) in [
            (
                r#"{"user":"ann","change":{"cic":"At Lunch"},"id":"42","at":"2026-11-22T12:00:00Z"}"#,
                Some(1_795_348_800_000),
            ),
            (
                r#"{"user":"ann","role":"Agents","set":{"user_type":"im","in_queue":true},"observe":{"lync":null}}"#,
                None,
            ),
            (r#"{ "user" : "ann", "resync" : "cic", "id" : "42" }"#, None),
        ] {
            let mut event = Event::default();
            let scanned = Scanner::new(line)
                .event(0, schema, &mut event)
                .unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (scanned.user, scanned.end, event.at),
                ("ann", line.len(), at),
                "{line}"
            );
        }
    }
}
