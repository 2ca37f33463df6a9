//! Arbitrary bytes as events: never crashes, and each line is an event or a rejection.
//! The first byte selects whether to also run with two threads, which must give the same result.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use presync::Tables;
use presync_engine::SessionEngine;
use presync_stream::Stream;

const TABLES: &str = include_str!("../../examples/contact-centre/tables.json");

fuzz_target!(|bytes: &[u8]| {
    static READ: OnceLock<Tables> = OnceLock::new();
    let tables =
        READ.get_or_init(|| Tables::from_json(TABLES).expect("the example's tables can be read"));
    let mut block = bytes.to_vec();
    if block.last().is_some_and(|last| *last != b'\n') {
        block.push(b'\n');
    }
    let run = |jobs| {
        let mut stream = Stream::new(SessionEngine::new(tables.clone()), jobs, true);
        let output = stream.block(&block);
        (
            output.commands,
            output.rejects,
            output.trace,
            output.events,
            stream.sessions(),
        )
    };
    let one = run(1);
    for line in one
        .0
        .split(|byte| *byte == b'\n')
        .chain(one.1.split(|byte| *byte == b'\n'))
    {
        let line = std::str::from_utf8(line).expect("what goes out is text");
        assert!(
            line.is_empty() || (line.starts_with('{') && line.ends_with('}')),
            "{line}"
        );
    }
    if bytes.first().is_some_and(|byte| byte % 8 == 0) {
        assert!(run(2) == one, "threads change nothing");
    }
});
