//! Any text as tables.json: refused, or read so that it is written and read the same again, exported and executed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presync_engine::table::Tables;
use presync_stream::{Engine, Stream};

fuzz_target!(|text: &str| {
    let Ok(tables) = Tables::from_json(text) else {
        return;
    };
    let written = tables.to_json();
    let again = Tables::from_json(&written).expect("what was written can be read");
    assert_eq!(again.to_json(), written);
    assert_eq!(again.digest, tables.digest);
    for format in &presync_exchange::export::FORMATS {
        if let presync_exchange::export::Write::Tables(write) = &format.write {
            let _ = write(&tables);
        }
    }
    let mut stream = Stream::new(Engine::new(&tables, 60), 1, true);
    for (system, role) in tables
        .systems
        .iter()
        .flat_map(|system| tables.roles.iter().map(move |role| (system, role)))
    {
        for state in &system.states {
            let (user, role, system, state) = ("u", &role.name, &system.name, &state.name);
            let line = format!(
                "{{\"user\":{user:?},\"role\":{role:?},\"change\":{{{system:?}:{state:?}}}}}\n"
            );
            let _ = stream.block(line.as_bytes());
        }
    }
});
