//! `rego-engine POLICY < situations` prints the decision for each situation, one JSON value per line.

use std::io::{BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = std::env::args().nth(1).ok_or("name a policy")?;
    let mut engine = regorus::Engine::new();
    engine
        .add_policy_from_file(&policy)
        .map_err(|error| error.to_string())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let mut situation: serde_json::Value = serde_json::from_str(&line?)?;
        situation["state"] = situation["entered"].take();
        let by_hand = situation["by_hand"].take();
        let by_hand = by_hand.as_array().into_iter().flatten();
        let by_hand = by_hand.filter_map(|system| Some((system.as_str()?.to_owned(), true.into())));
        situation["by_hand"] = serde_json::Value::Object(by_hand.collect());
        let input = regorus::Value::from_json_str(&situation.to_string())
            .map_err(|error| error.to_string())?;
        engine.set_input(input);
        let decision = engine
            .eval_rule("data.presync.decision".to_owned())
            .map_err(|error| error.to_string())?;
        // Put it on one line.
        let text = decision.to_json_str().map_err(|error| error.to_string())?;
        writeln!(out, "{}", serde_json::from_str::<serde_json::Value>(&text)?)?;
    }
    Ok(())
}
