//! `dmn FILE.dmn < situations` prints the decision for each situation, one JSON value per line. Inputs and decisions
//! are found by their labels.

use std::collections::HashMap;
use std::io::{BufRead, Write};

use dsntk_common::Jsonify;
use dsntk_feel::Name;
use dsntk_feel::context::FeelContext;
use dsntk_feel::values::Value;
use dsntk_model::{DmnElement, NamedElement, RequiredVariable};
use dsntk_model_evaluator::ModelEvaluator;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a model")?;
    let text = std::fs::read_to_string(&path)?;
    let model = dsntk_model::parse(&text).map_err(|error| error.to_string())?;
    let label = |element: &dyn DmnElement| element.label().clone().unwrap_or_default();
    let decisions: HashMap<String, String> = model
        .decisions()
        .iter()
        .map(|decision| (label(decision), decision.name().to_owned()))
        .collect();
    let inputs: Vec<(String, Name)> = model
        .input_data()
        .iter()
        .map(|input| (label(input), input.variable().feel_name().clone()))
        .collect();
    let evaluator =
        ModelEvaluator::new(std::slice::from_ref(&model)).map_err(|error| error.to_string())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let situation: serde_json::Value = serde_json::from_str(&line?)?;
        let text = |member: &str| situation[member].as_str().unwrap_or_default();
        let mut context = FeelContext::default();
        for (label, name) in &inputs {
            let by_hand;
            let given = if label == "the state entered" {
                &situation["entered"]
            } else if name.to_string().starts_with("by_hand_") {
                let system = label.strip_suffix(" by hand").unwrap_or(label);
                let mut systems = situation["by_hand"].as_array().into_iter().flatten();
                by_hand = systems.any(|known| known == system).into();
                &by_hand
            } else {
                &situation["given"][label]
            };
            let value = match given {
                serde_json::Value::Bool(value) => Value::Boolean(*value),
                serde_json::Value::String(value) => Value::String(value.clone()),
                _ => Value::Null(None),
            };
            context.set_entry(name, value);
        }
        let label = format!("{}: {} → {}", text("role"), text("from"), text("to"));
        let ask = |decision: &str| {
            json(&evaluator.evaluate_invocable(model.namespace(), model.name(), decision, &context))
        };
        let mut found = ask(&decisions[&label]);
        let texts = decisions.get(&format!("{label}, texts"));
        let texts = match texts {
            // Where no row matches, a list is null for this engine.
            Some(texts) if found["outcome"] == "set" || found["outcome"] == "previous" => ask(texts),
            _ => serde_json::Value::Null,
        };
        let texts = if texts.is_null() { serde_json::json!([]) } else { texts };
        let object = found.as_object_mut();
        let object = object.ok_or_else(|| format!("{situation} gives nothing"))?;
        object.insert("append".to_owned(), texts);
        writeln!(out, "{found}")?;
    }
    Ok(())
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Context(entries) => entries
            .iter()
            .map(|(name, value)| (name.to_string(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::List(items) => items.iter().map(json).collect::<Vec<_>>().into(),
        Value::String(text) => text.clone().into(),
        Value::Null(_) => serde_json::Value::Null,
        other => other.jsonify().into(),
    }
}
