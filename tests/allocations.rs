//! In the steady state, with every user known, a stream allocates no memory for an event.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests run the tool and use files"
)]

mod common;

use presync_engine::SessionEngine;
use presync_stream::Stream;

#[test]
fn known_users_need_no_allocation() {
    let program =
        common::program_at(&common::root().join("examples/contact-centre/contact-centre.presync"));
    let tables = program.compile().expect("the program compiles");
    let start: String = (0..500)
        .map(|user| {
            format!(
                "{{\"user\":\"agent{user}\",\"role\":\"Agents\",\"set\":{{\"user_type\":\"im\",\"cic_logged_in\":true,\"lync_logged_in\":true}}}}\n"
            )
        })
        .collect();
    let states = ["Available", "At Lunch", "In a Meeting", "Do Not Disturb"];
    let changes: String = (0..2_000)
        .map(|at| {
            let (user, state) = (at * 7 % 500, states[at / 500 % 4]);
            format!("{{\"user\":\"agent{user}\",\"change\":{{\"cic\":\"{state}\"}},\"id\":\"{at}\",\"at\":\"2026-11-22T12:00:00Z\"}}\n")
        })
        .collect();
    let mut stream = Stream::new(SessionEngine::new(tables.clone()), 1, false);
    let mut commands = 0;
    let mut blocks = [&start, &changes, &changes, &changes].into_iter();
    let mut counted = Vec::new();
    let mut round = |blocks: &mut dyn Iterator<Item = &String>, commands: &mut u64| {
        let read = |into: &mut Vec<u8>| {
            into.clear();
            let Some(block) = blocks.next() else {
                return Ok::<bool, ()>(false);
            };
            into.extend_from_slice(block.as_bytes());
            Ok(true)
        };
        let write = |output: &presync_stream::BlockOutput| {
            *commands += output.sent;
            Ok(())
        };
        stream.run(read, write).expect("no callback fails");
    };
    round(&mut blocks.by_ref().take(2), &mut commands);
    // What a run allocates at its start does not depend on the number of events.
    for times in [1, 4] {
        let mut again = std::iter::repeat_n(&changes, times);
        counted.push(allocation_counter::measure(|| round(&mut again, &mut commands)).count_total);
    }
    assert!(commands > 2_000, "{commands} commands: too few");
    assert!(
        counted[1] < counted[0] + 50,
        "{counted:?} allocations for 2,000 events and for 8,000"
    );
}
