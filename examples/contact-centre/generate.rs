//! Generates a day of a contact center: `cargo run --example contact-centre-day > examples/contact-centre/day.jsonl`.
//! The same seed gives the same day: logins, status changes on both sides, echoes, queue changes, reconnects, and some
//! invalid events.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "it starts the tool and looks at files"
)]

const SEED: u64 = 20_261_122;
const USERS: usize = 240;

fn main() {
    print!("{}", day());
}

/// The events of the day as JSON Lines, ordered by time.
pub fn day() -> String {
    let mut random = Random(SEED);
    let mut events: Vec<(u32, String)> = Vec::new();
    for user in 0..USERS {
        shift(&mut random, user, &mut events);
    }
    wrong(&mut random, &mut events);
    // The sort is stable: it keeps the order of events in the same second.
    events.sort_by_key(|(second, _)| *second);
    let lines = events.iter().enumerate().map(|(id, (second, event))| {
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        event.replace(
            "@",
            &format!("\"id\":\"{id}\",\"at\":\"2026-11-20T{hour:02}:{minute:02}:{second:02}Z\""),
        )
    });
    lines.map(|line| line + "\n").collect()
}

/// One user's day.
fn shift(random: &mut Random, user: usize, events: &mut Vec<(u32, String)>) {
    let name = format!("user{user:03}");
    let role = [
        "Agents",
        "Agents",
        "Agents",
        "Agents",
        "Supervisors",
        "Back Office",
    ][user % 6];
    let user_type = *random.pick(&[
        "enterprise_voice",
        "enterprise_voice",
        "remote_call_control",
        "im",
    ]);
    let follows = user_type == "im" || role != "Back Office";
    let mut clock = 6 * 3600 + random.below(3 * 3600);
    let mut say = |clock: u32, body: String| {
        events.push((clock, format!("{{\"user\":\"{name}\",{body},@}}")));
    };
    say(
        clock,
        format!(
            r#""role":"{role}","set":{{"user_type":"{user_type}"}},"observe":{{"cic":null,"lync":null}}"#
        ),
    );
    clock += 5 + random.below(60);
    say(
        clock,
        r#""set":{"cic_logged_in":true},"observe":{"cic":"Available"}"#.to_owned(),
    );
    clock += 5 + random.below(120);
    say(
        clock,
        r#""set":{"lync_logged_in":true},"observe":{"lync":"Available"},"resync":"cic""#.to_owned(),
    );
    let mut cic = "Available";
    for _ in 0..8 + random.below(14) {
        clock += 60 + random.below(2400);
        match random.below(20) {
            0..=11 => {
                let next = *random.pick(&STATUSES);
                say(clock, format!(r#""change":{{"cic":"{next}"}}"#));
                cic = next;
                if let Some(presence) = presence(next).filter(|_| follows && random.below(10) > 0) {
                    say(
                        clock + 1 + random.below(3),
                        format!(r#""change":{{"lync":"{presence}"}}"#),
                    );
                }
            }
            12..=14 => say(
                clock,
                format!(r#""change":{{"lync":"{}"}}"#, random.pick(&PRESENCES)),
            ),
            15 | 16 => say(
                clock,
                format!(r#""set":{{"in_queue":{}}}"#, random.below(2) == 0),
            ),
            // The client reports a known state again.
            17 => say(clock, format!(r#""change":{{"cic":"{cic}"}}"#)),
            18 => say(clock, r#""resync":"cic""#.to_owned()),
            _ => {
                say(
                    clock,
                    r#""set":{"lync_logged_in":false},"observe":{"lync":null}"#.to_owned(),
                );
                say(
                    clock + 30,
                    r#""set":{"lync_logged_in":true},"resync":"cic""#.to_owned(),
                );
            }
        }
    }
    clock += 600;
    say(clock, r#""change":{"cic":"Gone Home"}"#.to_owned());
    say(
        clock + 20,
        r#""set":{"cic_logged_in":false,"lync_logged_in":false,"in_queue":false},"observe":{"cic":null,"lync":null}"#
            .to_owned(),
    );
}

/// The invalid events of the day.
fn wrong(random: &mut Random, events: &mut Vec<(u32, String)>) {
    let broken = [
        r#"{"user":"user001","change":{"cic":"At Lumch"},@}"#,
        r#"{"user":"user002","change":{"skype":"Away"},@}"#,
        r#"{"user":"user003","set":{"in_que":true},@}"#,
        r#"{"user":"user004","set":{"user_type":"fax"},@}"#,
        r#"{"user":"user005","set":{"in_queue":"yes"},@}"#,
        r#"{"user":"user006","role":"Agent",@}"#,
        r#"{"user":"visitor","change":{"cic":"Available"},@}"#,
        r#"{"user":"newcomer","role":"Supervisors","change":{"cic":"Available"},@}"#,
        r#"{"user":"user007","change":{"cic":"Available","lync":"Busy"},@}"#,
        r#"{"change":{"cic":"Available"},@}"#,
        r#"{"user":"user008","change":"Available",@}"#,
        r#"{"user":"user009","change":{"cic":"Avail"#,
        "CIC restarted at noon",
    ];
    for event in broken {
        events.push((9 * 3600 + random.below(6 * 3600), event.to_owned()));
    }
}

const STATUSES: [&str; 15] = [
    "Available",
    "Available, No ACD",
    "Available",
    "Working at Home",
    "In a Meeting",
    "In a Meeting",
    "At a Training Session",
    "Do Not Disturb",
    "Away from Desk",
    "At Lunch",
    "Available, Forward",
    "available",
    "Follow Up",
    "AcdAgentNotAnswering",
    "Out of the Office",
];

const PRESENCES: [&str; 8] = [
    "Online",
    "Available",
    "Busy",
    "DoNotDisturb",
    "Be Right Back",
    "Away",
    "IdleOnline",
    "Offwork",
];

/// The presence that the documented table shows for a status.
fn presence(status: &str) -> Option<&'static str> {
    Some(match status {
        "Available" | "available" | "Available, No ACD" | "Available, Forward"
        | "Working at Home" => "Online",
        "In a Meeting" | "At a Training Session" => "Busy",
        "Do Not Disturb" => "DoNotDisturb",
        "Away from Desk" | "At Lunch" | "Out of the Office" => "Away",
        _ => return None,
    })
}

/// A seeded random number generator (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % u64::from(limit)) as u32
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u32) as usize]
    }
}
