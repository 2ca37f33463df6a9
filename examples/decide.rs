//! A program in text, and what one change means: `cargo run --example decide`.

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
    // Every error at once; `Display` shows them.
    let tables = Program::check_source("voice.presync", SOURCE)?.compile()?;
    let ann = tables
        .situation()
        .set("user_type", "enterprise_voice")?
        .set("cic_logged_in", true)?
        .set("lync_logged_in", true)?;
    // A name that nobody declared is an error that says what was probably meant.
    let lunch = tables.state("cic", "At Lunch")?;
    let waiting = ann.clone().set("in_queue", true)?;
    for situation in [&ann, &waiting] {
        // A choice that matters and has no value is an error rather than a guess.
        for decision in tables.only_role()?.decide(situation, lunch)? {
            println!("{decision}");
        }
    }
    Ok(())
}
