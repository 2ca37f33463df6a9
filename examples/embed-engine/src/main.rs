//! Decides from a tables.json, without a parser:
//! `cargo run -- tables.json Agents cic "At Lunch" user_type=im cic_logged_in=true`

use std::error::Error;

use presync_engine::Tables;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, role, system, state, facts @ ..] = arguments.as_slice() else {
        return Err("usage: embed-engine TABLES ROLE SYSTEM STATE [FACT=VALUE]...".into());
    };
    let tables = Tables::from_json(&std::fs::read_to_string(path)?)?;
    let mut situation = tables.situation();
    for fact in facts {
        let (name, value) = fact.split_once('=').ok_or("a fact is written NAME=VALUE")?;
        situation = situation.set(name, value)?;
    }
    let entered = tables.state(system, state)?;
    for decision in tables.role(role)?.decide(&situation, entered)? {
        println!("{decision}");
    }
    Ok(())
}
