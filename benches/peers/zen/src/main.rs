//! One decision from names, by Presync and by zen-engine with the output of `export --to jdm`. Both are checked against
//! the oracle on all inputs, then timed in this process on the same inputs in the same order.

#[path = "../../src/lib.rs"]
#[allow(dead_code)]
mod peers;

use zen_engine::model::DecisionContent;
use zen_engine::{DecisionEngine, Variable};

fn main() {
    let tables = peers::tables();
    let inputs = peers::inputs(&tables);
    let order = peers::order(inputs.len(), 4096);
    let mut decide = peers::by_names(&tables, &inputs);
    let text = |at| decide(at).map(|found| peers::text(&tables, &found.outcome)).unwrap_or_default();
    assert_eq!(peers::wrong(&inputs, text), 0, "presync decides otherwise than the oracle");
    let ours = peers::time(&order, |at| decide(at).map(std::ptr::from_ref));

    let document = peers::export(&tables, "jdm");
    let fields = fields(&document);
    let content: DecisionContent = serde_json::from_str(&document).expect("it is a model");
    let mut decision = DecisionEngine::default().create_decision(content.into()).expect("it is a decision");
    decision.compile();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("there is a thread");
    let contexts: Vec<Variable> = inputs.iter().map(|input| context(input, &fields).into()).collect();
    let decide = |at: usize| runtime.block_on(decision.evaluate(contexts[at].clone())).expect("it decides");
    let text = |at| {
        let found = serde_json::to_value(&decide(at).result).expect("it is JSON");
        peers::outcome(&found)
    };
    assert_eq!(peers::wrong(&inputs, text), 0, "zen-engine decides otherwise than the oracle");
    let theirs = peers::time(&order, |at| decide(at).result);
    println!("| decider | in | ns/decision | times Presync |");
    println!("|---|---|---:|---:|");
    println!("| presync | names | {ours:.2} | 1.00 |");
    println!("| zen-engine, compiled | names | {theirs:.2} | {:.2} |", theirs / ours);
}

/// The field of the document for each fact, by name.
fn fields(document: &str) -> serde_json::Map<String, serde_json::Value> {
    let document: serde_json::Value = serde_json::from_str(document).expect("it is JSON");
    let inputs = document["nodes"][1]["content"]["inputs"].as_array().expect("it has inputs");
    inputs.iter().map(|input| (input["name"].as_str().unwrap_or_default().to_owned(), input["field"].clone())).collect()
}

fn context(input: &peers::Input, fields: &serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    let mut context = serde_json::json!({ "role": "Agents", "from": "cic", "to": "lync", "entered": input.entered });
    let mut set = |name: &str, value: serde_json::Value| {
        context[fields[name].as_str().expect("a field has a name")] = value;
    };
    set("user_type", input.user_type.clone().into());
    set("cic_logged_in", input.cic_logged_in.into());
    set("lync_logged_in", input.lync_logged_in.into());
    set("in_queue", input.in_queue.into());
    context
}
