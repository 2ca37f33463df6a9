//! Arbitrary text as tables.json: rejected, or unchanged by writing and reading, and can be exported and executed. Its
//! checksum is ignored: no arbitrary text has the right one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use presync::Tables;
use presync_engine::SessionEngine;
use presync_stream::Stream;

fuzz_target!(|text: &str| {
    let _ = Tables::from_json(text);
    let Ok(document) = serde_json::from_str(text) else {
        return;
    };
    let Ok(tables) = Tables::from_document(document) else {
        return;
    };
    let written = tables.to_json().expect("it has a form");
    let again = Tables::from_json(&written).expect("what was written can be read");
    assert_eq!(again.to_json().expect("it has a form"), written);
    assert_eq!(again.digest().expect("it is small"), tables.digest().expect("it is small"));
    for format in presync_exchange::export::FORMATS {
        use presync_exchange::export::{TableReport, Write};
        let _ = match &format.write {
            Write::Tables(write) => write(&tables).map(String::into_bytes),
            Write::Report(write) => write(&TableReport::of_tables(&tables, "fuzzed")),
        };
    }
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, true);
    let schema = tables.schema();
    for ((_, system), (_, role)) in
        schema.systems().flat_map(|system| schema.roles().map(move |role| (system, role)))
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
