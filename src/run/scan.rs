//! In: one line of the event stream. Out: the event, where the line has the usual shape; else `None`, and serde reads it.
//! Whatever is read here serde reads the same: anything out of the ordinary is left to it.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::run::event::{FactValue, Pairs, RawEvent};

/// Reads an object of known members, each at most once, without escapes; white space between them is skipped.
pub(super) fn scan(text: &str) -> Option<RawEvent<'_>> {
    let mut scanner = Scanner { text, at: 0 };
    let mut event = RawEvent::default();
    let mut user = None;
    scanner.expect(b'{')?;
    loop {
        let member = scanner.string()?;
        scanner.expect(b':')?;
        match member {
            "user" => once(&mut user, scanner.string()?)?,
            "role" => once(&mut event.role, Cow::Borrowed(scanner.string()?))?,
            "resync" => once(&mut event.resync, Cow::Borrowed(scanner.string()?))?,
            "at" => once(&mut event.at, Cow::Borrowed(scanner.string()?))?,
            "id" => {
                let start = scanner.start_of_value();
                scanner.string()?;
                once(&mut event.id, &text[start..scanner.at])?;
            }
            "set" => scanner.pairs(&mut event.set, |scanner| match scanner.peek()? {
                b'"' => Some(FactValue::Choice(Cow::Borrowed(scanner.string()?))),
                b't' => scanner.word("true").map(|()| FactValue::Flag(true)),
                b'f' => scanner.word("false").map(|()| FactValue::Flag(false)),
                _ => None,
            })?,
            "state" => scanner.pairs(&mut event.state, |scanner| match scanner.peek()? {
                b'n' => scanner.word("null").map(|()| None),
                _ => Some(Some(Cow::Borrowed(scanner.string()?))),
            })?,
            "change" => scanner.pairs(&mut event.change, |scanner| Some(Cow::Borrowed(scanner.string()?)))?,
            _ => return None,
        }
        match scanner.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    event.user = Cow::Borrowed(user?);
    (scanner.at == text.len()).then_some(event)
}

fn once<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn start_of_value(&mut self) -> usize {
        self.peek();
        self.at
    }

    fn word(&mut self, word: &str) -> Option<()> {
        let found = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        self.at += word.len();
        found.then_some(())
    }

    /// A string without escapes and control characters, between its quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let end = rest.iter().position(|byte| *byte == b'"' || *byte == b'\\' || *byte < b' ')?;
        if rest[end] != b'"' {
            return None;
        }
        self.at = start + end + 1;
        self.text.get(start..start + end)
    }

    /// The members of an object, which comes only once; a name that comes twice in it is left to serde.
    fn pairs<T>(&mut self, into: &mut Pairs<'a, T>, value: impl Fn(&mut Self) -> Option<T>) -> Option<()> {
        let mut pairs: SmallVec<[(Cow<'a, str>, T); 3]> = SmallVec::new();
        self.expect(b'{')?;
        loop {
            let name = self.string()?;
            if pairs.iter().any(|(known, _)| known == name) {
                return None;
            }
            self.expect(b':')?;
            pairs.push((Cow::Borrowed(name), value(self)?));
            match self.next()? {
                b',' => {}
                b'}' => break,
                _ => return None,
            }
        }
        // There is at least one member here, so what is empty has not been there before.
        if !into.0.is_empty() {
            return None;
        }
        into.0 = pairs;
        Some(())
    }
}

/// `2026-11-22T12:00:00Z` in milliseconds since 1970; `None` for every other way to write a time.
pub(super) fn time(text: &str) -> Option<i64> {
    let bytes: &[u8; 20] = text.as_bytes().try_into().ok()?;
    let digits = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0_i64, |all, byte| byte.is_ascii_digit().then(|| all * 10 + i64::from(byte - b'0')))
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'Z')];
    if marks.iter().any(|(at, mark)| bytes[*at] != *mark) {
        return None;
    }
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    // Days that not every month has are left to those who know the calendar.
    if year == 0 || !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // Years that begin in March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(compared, 11 * 12 * 28);
        for other in ["2026-11-22T12:00:60Z", "2026-11-22T24:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22 12:00:00Z"] {
            assert_eq!(time(other), None);
        }
    }

    /// A line of members in any order, some of them strange.
    fn line(seed: &mut u64) -> String {
        let mut next = |limit: usize| {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 33) as usize % limit
        };
        const MEMBERS: [&str; 26] = [
            r#""user":"ann""#,
            r#""user":"ann""#,
            r#""user":"ann""#,
            r#""user":"zo\u00eb""#,
            r#""user":"zoë""#,
            r#""user":7"#,
            r#""role":"Agents""#,
            r#""role":null"#,
            r#""set":{"in_queue":true}"#,
            r#""set":{"a":false,"b":"x"}"#,
            r#""set":{"a":true,"a":false}"#,
            r#""set":{}"#,
            r#""set":null"#,
            r#""set":{"a":1}"#,
            r#""state":{"cic":null,"lync":"Away"}"#,
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
        let (mut seed, mut scanned, mut left) = (7, 0, 0);
        for _ in 0..200_000 {
            let line = line(&mut seed);
            match scan(&line) {
                Some(event) => {
                    let known = RawEvent::parse_any(&line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
                    assert_eq!(format!("{event:?}"), format!("{known:?}"), "{line}");
                    scanned += 1;
                }
                None => left += 1,
            }
        }
        assert!(scanned > 5_000 && left > 10_000, "{scanned} scanned, {left} left to serde");
    }
}
