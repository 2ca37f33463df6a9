//! Users over time: their states, the commands sent, and tables swapped in between: `cargo run --example session`.

#![allow(clippy::print_stdout, reason = "it shows what comes out")]

use std::time::{Duration, SystemTime};

use presync::{Engine, Event, MemoryStore, Program};

const BEFORE: &str = r#"
use cic_lync
profile "Voice" when both_logged_in {
    cic Available <-> lync Available
    cic "At Lunch" -> lync Away
}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tables = Program::check_source("voice.presync", BEFORE)?.compile()?;
    let (available, lunch) = (
        tables.state("cic", "Available")?,
        tables.state("cic", "At Lunch")?,
    );
    let ann = tables
        .situation()
        .set("cic_logged_in", true)?
        .set("lync_logged_in", true)?;
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000);
    let later = |seconds| start + Duration::from_secs(seconds);

    let mut engine = Engine::new(tables, MemoryStore::default());
    engine.apply("ann", Event::setting(ann.values()))?;
    for (seconds, state) in [(0, available), (60, lunch)] {
        for command in engine.apply("ann", Event::changed(state).at(later(seconds)))? {
            println!("{}", serde_json::to_string(&command)?);
        }
    }

    // Change the profile while people are at work. Sessions keep what they know, by name.
    let after = BEFORE.replace("lync Away", "lync \"Be Right Back\"");
    engine.swap(Program::check_source("voice.presync", &after)?.compile()?);
    let [available, lunch] =
        ["Available", "At Lunch"].map(|state| engine.tables().state("cic", state));
    for (seconds, state) in [(120, available?), (180, lunch?)] {
        for command in engine.apply("ann", Event::changed(state).at(later(seconds)))? {
            println!("{}", serde_json::to_string(&command)?);
        }
    }
    Ok(())
}
