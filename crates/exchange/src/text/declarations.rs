//! Systems and facts as source.

use presync::{quote, quote_attribute, quote_text};
use presync_engine::{FactKind, Schema, System};

/// Each system and fact: its name, and its declaration.
pub(crate) fn declarations(schema: &Schema) -> Vec<(String, String)> {
    let systems = schema
        .systems()
        .map(|(_, system)| (system.name.clone(), declared(schema, system)));
    let facts = schema.facts().map(|(_, fact)| {
        let name = quote(&fact.name);
        let source = match &fact.kind {
            FactKind::Flag => format!("flag {name}\n"),
            FactKind::Choice { values, default } => {
                let default = default.map_or(String::new(), |at| {
                    format!(" default {}", quote(&values[at as usize]))
                });
                let values: Vec<String> = values.iter().map(|value| quote(value)).collect();
                format!("choice {name} = {}{default}\n", values.join(" | "))
            }
        };
        (fact.name.clone(), source)
    });
    systems.chain(facts).collect()
}

fn declared(schema: &Schema, system: &System) -> String {
    let title = system
        .title
        .as_ref()
        .map_or(String::new(), |title| format!(" {}", quote_text(title)));
    let mut text = format!("system {}{title} {{\n", quote(&system.name));
    if !system.attributes.is_empty() {
        text.push_str(&format!(
            "attributes {}\n",
            separated(system.attributes.iter())
        ));
    }
    if let Some(online) = system.online {
        text.push_str(&format!("online {}\n", quote(&schema.fact(online).name)));
    }
    if let Some(longest) = system.text {
        text.push_str(&format!("text {longest}\n"));
    }
    if let Some(seconds) = system.echo {
        text.push_str(&format!("echo {seconds}s\n"));
    }
    for state in &system.states {
        let id = state
            .id
            .as_ref()
            .map_or(String::new(), |id| format!(" id {}", quote_text(id)));
        let reads = state.reads.and_then(|at| system.states.get(at as usize));
        let reads = reads.map_or(String::new(), |read| {
            format!(" reads {}", quote(&read.name))
        });
        let mut marks: Vec<String> = system.attributes_of(state).map(quote_attribute).collect();
        marks.extend(state.read_only.then(|| "read_only".to_owned()));
        marks.extend(state.other.then(|| "other".to_owned()));
        let marks = if marks.is_empty() {
            String::new()
        } else {
            format!(" {{ {} }}", marks.join(", "))
        };
        text.push_str(&format!("state {}{id}{reads}{marks}\n", quote(&state.name)));
    }
    text.push_str("}\n\n");
    text
}

fn separated<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names = names.map(|name| quote_attribute(name));
    names.collect::<Vec<_>>().join(", ")
}
