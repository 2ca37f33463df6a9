//! The service: what it answers is durable, and says what the engine says.

#![allow(clippy::disallowed_methods, reason = "tests read files")]

mod core;
mod http;
mod live;

use std::path::Path;

use presync_engine::Tables;

/// The contact center of the examples.
pub fn tables() -> Tables {
    example("contact-centre")
}

/// Another program.
pub fn other_tables() -> Tables {
    example("large-site")
}

pub fn example(name: &str) -> Tables {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let path = path.join(name).join("tables.json");
    let text = std::fs::read_to_string(path).expect("the example is there");
    Tables::from_json(&text).expect("it has tables")
}

/// A small generator of numbers, the same in each run.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % limit
    }
}

/// Events of some users, each a line of JSON: changes, facts, first contacts, resyncs, and lines that are rejected.
pub fn events(tables: &Tables, count: usize, users: usize, numbers: &mut Numbers) -> Vec<String> {
    let schema = tables.schema();
    let systems: Vec<(String, Vec<String>)> = schema
        .systems()
        .map(|(_, system)| {
            let states = system.states.iter().map(|state| state.wire().to_owned());
            (system.name.clone(), states.collect())
        })
        .collect();
    let roles: Vec<String> = tables.roles().map(|role| role.name().to_owned()).collect();
    let mut lines: Vec<String> = (0..users)
        .map(|user| {
            let role = &roles[user % roles.len()];
            serde_json::json!({
                "user": format!("user {user}"),
                "role": role,
                "set": { "user_type": "enterprise_voice", "cic_logged_in": true, "lync_logged_in": true },
            })
            .to_string()
        })
        .collect();
    for at in 0..count {
        let user = format!("user {}", numbers.below(users));
        let (system, states) = &systems[numbers.below(systems.len())];
        let state = &states[numbers.below(states.len())];
        let time = format!("2026-11-30T12:{:02}:{:02}Z", (at / 60) % 60, at % 60);
        let line = match numbers.below(20) {
            0 => serde_json::json!({ "user": user, "observe": { system: state }, "at": time }),
            1 => serde_json::json!({ "user": user, "resync": system, "at": time }),
            2 => {
                serde_json::json!({ "user": user, "set": { "lync_logged_in": numbers.below(2) == 0 } })
            }
            3 => serde_json::json!({ "user": user, "change": { system: "No such state" } }),
            4 => serde_json::json!({ "user": user }),
            _ => {
                serde_json::json!({ "user": user, "change": { system: state }, "at": time, "id": at })
            }
        };
        lines.push(line.to_string());
    }
    lines
}
