//! In: a block of the event stream and where a line begins. Out: the event of that line with its names resolved, where
//! the line has the usual shape and says nothing that the tables do not know; else `None`, and serde reads it.
//! Whatever is read here serde reads the same: anything out of the ordinary is left to it.

use crate::run::event::{Event, Scanned};
use crate::table::{FactKind, Tables};

/// Reads objects of known members, each at most once, without escapes; white space between them is skipped.
pub(super) struct Scanner<'a> {
    /// UTF-8.
    block: &'a str,
    at: usize,
    /// The date that was read last, and the days since 1970 that it stands for: most events are of one day.
    day: ([u8; 10], i64),
}

impl<'a> Scanner<'a> {
    pub fn new(block: &'a str) -> Self {
        Self { block, at: 0, day: ([0; 10], 0) }
    }

    /// Puts the event that begins at `start` into an empty one; where there is nothing to return, that may not be empty.
    pub fn event(&mut self, start: usize, tables: &Tables, event: &mut Event) -> Option<Scanned<'a>> {
        self.at = start;
        let (mut user, mut id, mut at) = (None, None, None);
        let (mut set, mut state, mut change) = (false, false, false);
        self.expect(b'{')?;
        loop {
            match self.member()? {
                b"user" => once(&mut user, self.string()?)?,
                b"change" => {
                    first(&mut change)?;
                    self.expect(b'{')?;
                    let system = tables.system(self.string()?)?;
                    self.expect(b':')?;
                    event.change = Some((system as u32, tables.state(system, self.string()?)?));
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
                    self.set(event, tables)?;
                }
                b"state" => {
                    first(&mut state)?;
                    self.observed(event, tables)?;
                }
                b"role" => once(&mut event.role, tables.role(self.string()?)? as u32)?,
                b"resync" => once(&mut event.resync, tables.system(self.string()?)? as u32)?,
                _ => return None,
            }
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        let user = user?;
        match self.peek() {
            None => {}
            Some(b'\n') => {}
            Some(b'\r') if matches!(self.block.as_bytes().get(self.at + 1), None | Some(b'\n')) => self.at += 1,
            Some(_) => return None,
        }
        Some(Scanned { user, id, at, end: self.at })
    }

    /// The name of a member, with its quotes and the colon behind it.
    #[inline]
    fn member(&mut self) -> Option<&'a [u8]> {
        // Most often the name stands right here, and comparing it is cheaper than looking for its end.
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

    /// The next byte that is not white space within a line.
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

    /// A string without escapes and control characters, between its quotes.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let end = end_of_string(self.block.as_bytes(), start)?;
        self.at = end + 1;
        self.block.get(start..end)
    }

    /// `{"user_type":"im","in_queue":true}`
    fn set(&mut self, event: &mut Event, tables: &Tables) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let fact = tables.fact(self.string()?)?;
            self.expect(b':')?;
            let value = match (&tables.facts[fact].kind, self.peek()?) {
                (FactKind::Flag, b't') => self.word("true").map(|()| 1)?,
                (FactKind::Flag, b'f') => self.word("false").map(|()| 0)?,
                (FactKind::Choice { .. }, b'"') => tables.value(fact, self.string()?)?,
                _ => return None,
            };
            let fact = fact as u32;
            if event.set.iter().any(|(known, _)| *known == fact) {
                return None;
            }
            event.set.push((fact, value));
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// `{"cic":"Available","lync":null}`
    fn observed(&mut self, event: &mut Event, tables: &Tables) -> Option<()> {
        self.expect(b'{')?;
        loop {
            let system = tables.system(self.string()?)?;
            self.expect(b':')?;
            let state = match self.peek()? {
                b'n' => self.word("null").map(|()| None)?,
                _ => Some(tables.state(system, self.string()?)?),
            };
            let system = system as u32;
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

    /// A string with a time of the usual form, in milliseconds since 1970.
    fn time(&mut self) -> Option<i64> {
        self.expect(b'"')?;
        let text: &[u8; 20] = self.block.as_bytes()[self.at..].first_chunk()?;
        // Each of them is looked at below, so there is no need to look for escapes.
        self.at += text.len();
        self.expect(b'"')?;
        let date = text.first_chunk()?;
        if *date != self.day.0 {
            self.day = (*date, days(date)?);
        }
        Some((self.day.1 * 86_400 + seconds(text)?) * 1000)
    }
}

/// The usual members as they are most often written, the most frequent first.
const NAMES: [&[u8]; 8] =
    [b"\"user\":", b"\"change\":", b"\"id\":", b"\"at\":", b"\"set\":", b"\"state\":", b"\"role\":", b"\"resync\":"];

fn once<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

fn first(seen: &mut bool) -> Option<()> {
    (!std::mem::replace(seen, true)).then_some(())
}

/// Where the quote of a string stands that has no escapes and no control characters.
#[inline]
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        // The lowest mark is exact, whichever of the three it comes from.
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
    let end = bytes.get(at..)?.iter().position(|byte| *byte == b'"' || *byte == b'\\' || *byte < b' ')?;
    (bytes[at + end] == b'"').then_some(at + end)
}

/// `2026-11-22T12:00:00Z` in milliseconds since 1970; `None` for every other way to write a time.
pub(super) fn time(text: &str) -> Option<i64> {
    let text: &[u8; 20] = text.as_bytes().try_into().ok()?;
    Some((days(text.first_chunk()?)? * 86_400 + seconds(text)?) * 1000)
}

fn digits<const N: usize>(text: &[u8; N], from: usize, to: usize) -> Option<i64> {
    text[from..to].iter().try_fold(0_i64, |all, byte| byte.is_ascii_digit().then(|| all * 10 + i64::from(byte - b'0')))
}

/// Two digits.
#[inline]
fn pair(text: &[u8; 20], at: usize) -> Option<i64> {
    let (tens, ones) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// The days since 1970 of `2026-11-22`.
fn days(date: &[u8; 10]) -> Option<i64> {
    let (year, month, day) = (digits(date, 0, 4)?, digits(date, 5, 7)?, digits(date, 8, 10)?);
    const LAST: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    // Leap days are left to those who know the calendar.
    if date[4] != b'-' || date[7] != b'-' || year == 0 || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=LAST[month as usize - 1]).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    Some(year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

/// The seconds of `T12:00:00Z`, which follows a date.
fn seconds(text: &[u8; 20]) -> Option<i64> {
    let (hour, minute, second) = (pair(text, 11)?, pair(text, 14)?, pair(text, 17)?);
    let marks = text[10] == b'T' && text[13] == b':' && text[16] == b':' && text[19] == b'Z';
    (marks && hour <= 23 && minute <= 59 && second <= 59).then_some((hour * 60 + minute) * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::event::RawEvent;

    fn tables() -> Tables {
        Tables::from_json(include_str!("../../examples/contact-centre/tables.json")).expect("it is one")
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let mut compared = 0;
        for year in [1, 1600, 1899, 1900, 1970, 1999, 2000, 2024, 2026, 2100, 9998] {
            for month in 1..=12 {
                for day in 1..=31 {
                    let text = format!("{year:04}-{month:02}-{day:02}T23:{:02}:{:02}Z", day * 2 % 60, month * 5 % 60);
                    let known = text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond());
                    if let Some(time) = time(&text) {
                        assert_eq!(Some(time), known, "{text}");
                        compared += 1;
                    }
                }
            }
        }
        assert_eq!(compared, 11 * 365);
        for other in ["2026-11-22T12:00:60Z", "2026-11-22T24:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22 12:00:00Z"] {
            assert_eq!(time(other), None);
        }
        // No sign of a time but its own.
        let right = "2026-11-22T12:34:56Z";
        for at in 0..right.len() {
            for other in [b'/', b':', b'+', b' ', b'T', b'z'] {
                let mut wrong = right.as_bytes().to_vec();
                wrong[at] = other;
                let wrong = String::from_utf8(wrong).expect("it is text");
                let known = wrong.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond());
                assert!(time(&wrong).is_none() || time(&wrong) == known, "{wrong}");
            }
        }
    }

    #[test]
    fn a_string_ends_at_its_first_quote_unless_something_is_before_it() {
        const SIGNS: [u8; 10] = [b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', b'[', 0x7f, 0xff];
        for length in 0..20 {
            for (first, second) in (0..length).flat_map(|first| (0..length).map(move |second| (first, second))) {
                for (one, other) in SIGNS.iter().flat_map(|one| SIGNS.map(|other| (*one, other))) {
                    let mut text = vec![b'x'; length];
                    (text[first], text[second]) = (one, other);
                    let naive = text.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' '));
                    let naive = naive.filter(|at| text[*at] == b'"');
                    assert_eq!(end_of_string(&text, 0), naive, "{text:?}");
                }
            }
        }
    }

    /// A line of members in any order, some of them strange.
    fn line(seed: &mut u64) -> String {
        let mut next = |limit: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as usize % limit
        };
        const MEMBERS: [&str; 27] = [
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
            r#""state":{"cic":null,"lync":"Away"}"#,
            r#""state":{"cic":null,"cic":"Available"}"#,
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
        for at in 0..1 + next(5) {
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
        let (mut seed, mut scanned, mut left) = (7, 0, 0);
        for _ in 0..200_000 {
            let line = line(&mut seed);
            let block = format!("\n{line}\n");
            let mut scanned_event = Event::default();
            match Scanner::new(&block).event(1, &tables, &mut scanned_event) {
                Some(said) => {
                    let known = RawEvent::parse(&line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
                    let event = known.resolve(&tables).unwrap_or_else(|error| panic!("{line}: {error:?}"));
                    assert_eq!((said.user, said.id), (&*known.user, known.id), "{line}");
                    assert_eq!(said.at.map(|at| at.trim_matches('"')), known.at.as_deref(), "{line}");
                    assert_eq!(format!("{scanned_event:?}"), format!("{event:?}"), "{line}");
                    assert_eq!(said.end, block.len() - 1, "{line}");
                    scanned += 1;
                }
                None => left += 1,
            }
        }
        assert!(scanned > 5_000 && left > 10_000, "{scanned} scanned, {left} left to serde");
    }

    #[test]
    fn the_usual_lines_are_scanned() {
        let tables = tables();
        for (line, at) in [
            (
                r#"{"user":"ann","change":{"cic":"At Lunch"},"id":"42","at":"2026-11-22T12:00:00Z"}"#,
                Some(1_795_348_800_000),
            ),
            (r#"{"user":"ann","role":"Agents","set":{"user_type":"im","in_queue":true},"state":{"lync":null}}"#, None),
            (r#"{ "user" : "ann", "resync" : "cic", "id" : "42" }"#, None),
        ] {
            let mut event = Event::default();
            let scanned = Scanner::new(line).event(0, &tables, &mut event).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((scanned.user, scanned.end, event.at), ("ann", line.len(), at), "{line}");
        }
    }
}
