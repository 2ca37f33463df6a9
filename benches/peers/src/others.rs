//! The same table in other engines: as rules or as a table, whichever the engine supports. Everything that can be
//! prepared once, the compiled program and the inputs as values of the engine, is prepared before the clock starts.

use std::str::FromStr;

use peers::{Input, outcome, time, wrong};
use presync::{Column, FactKind, Tables};
use peers::Row;

type Add<'a> = dyn FnMut(&'static str, usize, f64) + 'a;

pub fn all(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    datalogic(tables, inputs, order, add);
    rhai(tables, inputs, order, add);
    cel(tables, inputs, order, add);
    regorus(tables, inputs, order, add);
    dsntk(tables, inputs, order, add);
    cedar(tables, inputs, order, add);
}

/// Code that a programmer would write by hand for this one program.
pub fn by_hand(
    entered: &str,
    user_type: &str,
    (cic, lync, queue): (bool, bool, bool),
) -> &'static str {
    if !cic || !lync {
        return "unmapped";
    }
    let queue = queue && user_type != "im";
    match entered {
        "Available"
        | "Available, Forward"
        | "Available, No ACD"
        | "Available, Follow Me"
        | "Working at Home" => {
            if queue {
                "Available, in queue"
            } else {
                "Available"
            }
        }
        "In a Meeting" | "Busy, In a Meeting" | "At a Training Session" => {
            if queue {
                "Busy, in queue"
            } else {
                "Busy"
            }
        }
        "Do Not Disturb" => {
            if queue {
                "Do Not Disturb, in queue"
            } else {
                "Do Not Disturb"
            }
        }
        "Away from Desk" | "At Lunch" | "Gone Home" | "Out of the Office" | "Out of Town"
        | "On Vacation" => {
            if queue {
                "Away, in queue"
            } else {
                "Away"
            }
        }
        "Follow Up" | "ACD Agent Not Answering" => "unchanged",
        _ => "unmapped",
    }
}


/// The conditions of a row: each fact with its value or, for a choice, its values.
fn conditions<'t>(
    tables: &'t Tables,
    columns: &[Column],
    row: &Row,
) -> Vec<(&'t str, Result<bool, Vec<&'t str>>)> {
    let cells = row.when.iter().zip(columns);
    cells
        .filter_map(|(cell, column)| {
            let values = cell.as_ref()?;
            let Column::Fact(fact) = column else {
                unreachable!("nothing asks for a state")
            };
            let fact = tables.schema().fact(*fact);
            let known = match &fact.kind {
                FactKind::Flag => Ok(values[0] == 1),
                FactKind::Choice { values: names, .. } => Err(values
                    .iter()
                    .map(|value| names[*value as usize].as_str())
                    .collect()),
            };
            Some((fact.name.as_str(), known))
        })
        .collect()
}

fn entered<'t>(tables: &'t Tables, row: &Row) -> Vec<&'t str> {
    row.from
        .iter()
        .map(|state| tables.schema().state(*state).name.as_str())
        .collect()
}

fn quoted(texts: &[&str]) -> String {
    texts
        .iter()
        .map(|text| format!("{text:?}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// JSONLogic: a chain of `if`s.
fn datalogic(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let (columns, rows) = peers::rows(tables);
    let mut chain = Vec::new();
    for row in &rows {
        let mut all = vec![serde_json::json!({"in": [{"var": "entered"}, entered(tables, row)]})];
        for (name, known) in conditions(tables, &columns, row) {
            all.push(match known {
                Ok(true) => serde_json::json!({"var": name}),
                Ok(false) => serde_json::json!({"!": {"var": name}}),
                Err(values) => serde_json::json!({"in": [{"var": name}, values]}),
            });
        }
        chain.extend([
            serde_json::json!({"and": all}),
            row.outcome.clone().into(),
        ]);
    }
    let logic = serde_json::json!({"if": chain}).to_string();
    let engine = datalogic_rs::Engine::new();
    let compiled = engine.compile(logic.as_str()).expect("it compiles");
    let texts: Vec<String> = inputs.iter().map(|input| json(input).to_string()).collect();
    let kept = datalogic_rs::bumpalo::Bump::new();
    let values: Vec<datalogic_rs::DataValue<'_>> = texts
        .iter()
        .map(|text| datalogic_rs::DataValue::from_str(text, &kept).expect("it is JSON"))
        .collect();
    let mut arena = datalogic_rs::bumpalo::Bump::new();
    let mut decide = |at: usize, keep: bool| {
        arena.reset();
        let found = engine
            .evaluate(&compiled, &values[at], &arena)
            .expect("it is evaluated");
        let text = found.as_str().expect("it is a text");
        if keep {
            text.to_owned()
        } else {
            std::hint::black_box(text.len());
            String::new()
        }
    };
    let differ = wrong(inputs, |at| decide(at, true));
    add("datalogic-rs", differ, time(order, |at| decide(at, false)));
}

fn json(input: &Input) -> serde_json::Value {
    serde_json::json!({
        "entered": input.entered, "user_type": input.user_type, "cic_logged_in": input.cic_logged_in,
        "lync_logged_in": input.lync_logged_in, "in_queue": input.in_queue,
    })
}

/// A function with an `if` for each row and a `switch` over the state entered.
fn rhai(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let (columns, rows) = peers::rows(tables);
    let mut grouped: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in &rows {
        let terms: Vec<String> = conditions(tables, &columns, row)
            .into_iter()
            .map(|(name, known)| match known {
                Ok(true) => name.to_owned(),
                Ok(false) => format!("!{name}"),
                Err(values) => {
                    let any: Vec<String> = values
                        .iter()
                        .map(|value| format!("{name} == {value:?}"))
                        .collect();
                    format!("({})", any.join(" || "))
                }
            })
            .collect();
        let condition = if terms.is_empty() {
            "true".to_owned()
        } else {
            terms.join(" && ")
        };
        match grouped.iter_mut().find(|(known, _)| *known == condition) {
            Some((_, rows)) => rows.push(row),
            None => grouped.push((condition, vec![row])),
        }
    }
    let mut script =
        "fn decide(entered, user_type, cic_logged_in, lync_logged_in, in_queue) {\n".to_owned();
    for (condition, rows) in grouped {
        script += &format!("if {condition} {{ switch entered {{\n");
        for row in rows {
            let states: Vec<String> = entered(tables, row)
                .iter()
                .map(|state| format!("{state:?}"))
                .collect();
            script += &format!(
                "{} => return {:?},\n",
                states.join(" | "),
                row.outcome
            );
        }
        script += "_ => () } }\n";
    }
    script += "}";
    let mut engine = rhai::Engine::new();
    engine.set_optimization_level(rhai::OptimizationLevel::Full);
    let ast = engine.compile(&script).expect("it compiles");
    let values: Vec<(rhai::ImmutableString, rhai::ImmutableString)> = inputs
        .iter()
        .map(|input| {
            (
                input.entered.as_str().into(),
                input.user_type.as_str().into(),
            )
        })
        .collect();
    let mut scope = rhai::Scope::new();
    let mut decide = |at: usize| -> rhai::ImmutableString {
        let input = &inputs[at];
        let arguments = (
            values[at].0.clone(),
            values[at].1.clone(),
            input.cic_logged_in,
            input.lync_logged_in,
            input.in_queue,
        );
        engine
            .call_fn(&mut scope, &ast, "decide", arguments)
            .expect("it is evaluated")
    };
    let differ = wrong(inputs, |at| decide(at).to_string());
    add("rhai", differ, time(order, decide));
}

/// A chain of conditional expressions, one for each row.
fn cel(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    let (columns, rows) = peers::rows(tables);
    let mut expression = "\"none\"".to_owned();
    for row in rows.iter().rev() {
        let mut terms: Vec<String> = conditions(tables, &columns, row)
            .into_iter()
            .map(|(name, known)| match known {
                Ok(true) => name.to_owned(),
                Ok(false) => format!("!{name}"),
                Err(values) => format!("{name} in [{}]", quoted(&values)),
            })
            .collect();
        terms.push(format!("entered in [{}]", quoted(&entered(tables, row))));
        expression = format!(
            "{} ? {:?} : ({expression})",
            terms.join(" && "),
            row.outcome
        );
    }
    let program = cel::Program::compile(&expression).expect("it compiles");
    let contexts: Vec<cel::Context<'_, '_>> = inputs
        .iter()
        .map(|input| {
            let mut context = cel::Context::default();
            context.add_variable_from_value("entered", input.entered.clone());
            context.add_variable_from_value("user_type", input.user_type.clone());
            context.add_variable_from_value("cic_logged_in", input.cic_logged_in);
            context.add_variable_from_value("lync_logged_in", input.lync_logged_in);
            context.add_variable_from_value("in_queue", input.in_queue);
            context
        })
        .collect();
    let decide = |at: usize| program.execute(&contexts[at]).expect("it is evaluated");
    let text = |value: cel::Value| match value {
        cel::Value::String(text) => text.to_string(),
        other => format!("{other:?}"),
    };
    add(
        "cel",
        wrong(inputs, |at| text(decide(at))),
        time(order, decide),
    );
}

/// The output of `export --to rego`: the rows as data, and one rule that finds the matching row.
fn regorus(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    use ::regorus::languages::rego::compiler::Compiler;
    let policy = peers::export(tables, "rego");
    let mut engine = ::regorus::Engine::new();
    engine
        .add_policy("presync.rego".to_owned(), policy)
        .expect("it compiles");
    let rule = "data.presync.decision";
    let compiled = engine
        .compile_with_entrypoint(&rule.into())
        .expect("it compiles");
    let program = Compiler::compile_from_policy(&compiled, &[rule]).expect("it compiles");
    let mut machine = ::regorus::rvm::vm::RegoVM::new();
    machine.load_program(program);
    let values: Vec<::regorus::Value> = inputs
        .iter()
        .map(|input| {
            let mut given = json(input);
            given.as_object_mut().expect("it is an object").remove("entered");
            let whole = serde_json::json!({
                "role": "Agents", "from": "cic", "to": "lync", "state": input.entered, "given": given,
            });
            ::regorus::Value::from_json_str(&whole.to_string()).expect("it is JSON")
        })
        .collect();
    let mut decide = |at: usize| {
        machine.set_input(values[at].clone());
        machine.execute().expect("it is evaluated")
    };
    let differ = wrong(inputs, |at| {
        let found = decide(at).to_json_str().expect("it is JSON");
        outcome(&serde_json::from_str(&found).expect("it is JSON"))
    });
    add("regorus, compiled", differ, time(order, decide));
}

/// The output of `export --to dmn`.
fn dsntk(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    use dsntk_feel::values::Value;
    use dsntk_model::{DmnElement, NamedElement, RequiredVariable};
    let document = peers::export(tables, "dmn");
    let model = dsntk_model::parse(&document).expect("it is a model");
    let label = |element: &dyn DmnElement| element.label().clone().unwrap_or_default();
    let wanted = "Agents: cic → lync";
    let decision = model
        .decisions()
        .iter()
        .find(|decision| label(*decision) == wanted)
        .expect("it is there")
        .name()
        .to_owned();
    let evaluator = dsntk_model_evaluator::ModelEvaluator::new(std::slice::from_ref(&model))
        .expect("it is built");
    let contexts: Vec<dsntk_feel::context::FeelContext> = inputs
        .iter()
        .map(|input| {
            let mut context = dsntk_feel::context::FeelContext::default();
            for data in model.input_data() {
                let value = match label(&data).as_str() {
                    "the state entered" => Value::String(input.entered.clone()),
                    "user_type" => Value::String(input.user_type.clone()),
                    "cic_logged_in" => Value::Boolean(input.cic_logged_in),
                    "lync_logged_in" => Value::Boolean(input.lync_logged_in),
                    "in_queue" => Value::Boolean(input.in_queue),
                    _ => Value::Null(None),
                };
                context.set_entry(data.variable().feel_name(), value);
            }
            context
        })
        .collect();
    let texts = format!("{decision}, texts");
    let ask = |decision: &str, at: usize| {
        evaluator.evaluate_invocable(model.namespace(), model.name(), decision, &contexts[at])
    };
    let decide = |at: usize| (ask(&decision, at), ask(&texts, at));
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone().into(),
        _ => serde_json::Value::Null,
    };
    let read = |(decided, texts): (Value, Value)| {
        let Value::Context(found) = decided else {
            return format!("{decided:?}");
        };
        let mut object = serde_json::Map::new();
        for (name, value) in found.iter() {
            object.insert(name.to_string(), plain(value));
        }
        let texts = match texts {
            Value::List(items) => items.iter().map(plain).collect(),
            _ => serde_json::json!([]),
        };
        object.insert("append".to_owned(), texts);
        outcome(&object.into())
    };
    add(
        "dsntk",
        wrong(inputs, |at| read(decide(at))),
        time(order, decide),
    );
}

/// A `permit` for each row; the outcome is an annotation of the policy that permits.
fn cedar(tables: &Tables, inputs: &[Input], order: &[u16], add: &mut Add<'_>) {
    use cedar_policy::{Authorizer, Context, Entities, EntityUid, PolicySet, Request};
    let (columns, rows) = peers::rows(tables);
    let mut policies = String::new();
    for row in &rows {
        let mut terms: Vec<String> = conditions(tables, &columns, row)
            .into_iter()
            .map(|(name, known)| match known {
                Ok(true) => format!("context.{name}"),
                Ok(false) => format!("!context.{name}"),
                Err(values) => format!("[{}].contains(context.{name})", quoted(&values)),
            })
            .collect();
        terms.push(format!(
            "[{}].contains(context.entered)",
            quoted(&entered(tables, row))
        ));
        policies += &format!(
            "@outcome({:?})\npermit(principal, action, resource) when {{ {} }};\n",
            row.outcome,
            terms.join(" && ")
        );
    }
    let policies = PolicySet::from_str(&policies).expect("it is parsed");
    let one = |text: &str| EntityUid::from_str(text).expect("it is an entity");
    let requests: Vec<Request> = inputs
        .iter()
        .map(|input| {
            let context = Context::from_json_value(json(input), None).expect("it is a context");
            Request::new(
                one(r#"User::"ann""#),
                one(r#"Action::"change""#),
                one(r#"System::"lync""#),
                context,
                None,
            )
            .expect("it is a request")
        })
        .collect();
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let decide = |at: usize| authorizer.is_authorized(&requests[at], &policies, &entities);
    let read = |at: usize| {
        let response = decide(at);
        let reasons: Vec<&str> = response
            .diagnostics()
            .reason()
            .filter_map(|id| policies.policy(id)?.annotation("outcome"))
            .collect();
        reasons.join(" and ")
    };
    add("cedar-policy", wrong(inputs, read), time(order, decide));
}
