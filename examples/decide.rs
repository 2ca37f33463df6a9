//! Checks a program given as text and decides one change: `cargo run --example decide`.

#![allow(clippy::print_stdout, reason = "it shows what comes out")]

use presync::Program;

const SOURCE: &str = r#"
use cic_lync
profile "Voice" when enterprise_voice {
    when both_logged_in: cic "At Lunch" -> lync Away
    when in_queue: append "in queue" to lync
}
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Returns all errors at once; `Display` shows them.
    let tables = Program::check_source("voice.presync", SOURCE)?.compile()?;
    let ann = tables
        .situation()
        .set("user_type", "enterprise_voice")?
        .set("cic_logged_in", true)?
        .set("lync_logged_in", true)?;
    // An unknown name is an error that suggests the closest name.
    let lunch = tables.state("cic", "At Lunch")?;
    let waiting = ann.clone().set("in_queue", true)?;
    for situation in [&ann, &waiting] {
        // A choice that matters but has no value is an error, not a guess.
        for decision in tables.default_role()?.decide(situation, lunch)? {
            println!("{decision}");
        }
    }
    Ok(())
}
