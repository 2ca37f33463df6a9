//! What the page shows of the program: rules, profiles, systems and scenarios.

use maud::{Markup, html};

use crate::sequence;
use presync::{
    Declared, DeclaredKind, Program, ScenarioRun, ScenarioStep, in_list, on_one_line, quote_text,
    visible,
};
use presync_engine::{Schema, StateId, System};

/// The source of each rule by its place, as decisions name it: `{"agents.presync:14": "cic \"At Lunch\" -> lync Away"}`.
pub(super) fn rules(program: Option<&Program>) -> serde_json::Value {
    let mut rules = serde_json::Map::new();
    let sources = program.into_iter().flat_map(|program| {
        let sources = program.rule_sources.iter();
        sources.map(|source| {
            let text = on_one_line(program.sources.text(source.location));
            (program.sources.file_line(source.location), text)
        })
    });
    for (place, text) in sources {
        let known = rules.entry(place).or_insert_with(|| text.clone().into());
        // Several rules on one line.
        if let serde_json::Value::String(known) = known
            && !known.split('\n').any(|line| line == text)
        {
            known.push_str(&format!("\n{text}"));
        }
    }
    rules.into()
}

/// Each profile that a role uses: its comment, its roles and its source.
pub(super) fn profiles(program: Option<&Program>) -> Markup {
    let Some(program) = program else {
        return html! {};
    };
    let roles_of = |profile| {
        let using = program
            .role_ids()
            .filter(|role| program.role(*role).profiles.contains(&profile));
        using.collect::<Vec<_>>()
    };
    let used = program
        .profile_ids()
        .map(|profile| (program.profile(profile), roles_of(profile)))
        .filter(|(_, roles)| !roles.is_empty());
    let whole = |declared: &&Declared, at| {
        declared.kind == DeclaredKind::Profile && declared.location == at
    };
    // What the rules of profiles name.
    let is_shared = |declared: &Declared| {
        matches!(
            declared.kind,
            DeclaredKind::Mapping | DeclaredKind::Condition
        )
    };
    html! {
        @for role in program.role_ids() {
            @if let Some(doc) = &program.role(role).doc {
                p data-searched="" { strong { (visible(program.role_name(role))) } " " (visible(doc.trim())) }
            }
        }
        @for (profile, roles) in used {
            details data-searched="" {
                summary {
                    strong { (visible(&profile.name)) }
                    @if !program.has_implicit_role() {
                        " in " (visible(&roles.iter().map(|role| in_list(program.role_name(*role))).collect::<Vec<_>>().join(", ")))
                    }
                    @if let Some(doc) = &profile.doc { span class="doc" { (visible(doc.trim())) } }
                }
                @if let Some(declared) = program.declared.iter().find(|declared| whole(declared, profile.location)) {
                    p class="soft" { (visible(&program.sources.file_line(profile.location))) }
                    pre tabindex="0" { (visible(program.sources.text(declared.whole))) }
                }
            }
        }
        @for declared in program.declared.iter().filter(|declared| is_shared(declared)) {
            details data-searched="" {
                summary { (declared.kind.as_str()) " " strong { (visible(&declared.name)) } }
                p class="soft" { (visible(&program.sources.file_line(declared.location))) }
                pre tabindex="0" { (visible(program.sources.text(declared.whole))) }
            }
        }
    }
}

/// Each system with its states and their comments.
pub(super) fn systems(schema: &Schema, program: Option<&Program>) -> Markup {
    let doc = |state: StateId| program.and_then(|program| program.state_source(state).doc.clone());
    html! {
        @for (id, system) in schema.systems() {
            details {
                summary {
                    strong { (visible(&system.name)) }
                    @if let Some(title) = &system.title { " " (visible(title)) }
                    " (" (system.states.len()) " states)"
                }
                div class="wide" { table {
                    thead { tr { th scope="col" { "state" } th scope="col" { "attributes" } th scope="col" { "meaning" } } }
                    tbody {
                        @for state in schema.states(id) {
                            tr data-searched="" {
                                td { (visible(&schema.state(state).name)) }
                                td { (visible(&attributes(system, state))) }
                                td { (visible(doc(state).unwrap_or_default().trim())) }
                            }
                        }
                    }
                } }
            }
        }
    }
}

fn attributes(system: &System, state: StateId) -> String {
    let state = &system.states[state.index()];
    let names = state.attributes.iter();
    let names = names.map(|at| system.attributes[*at as usize].clone());
    let read_only = state.read_only.then(|| "read-only".to_owned());
    names.chain(read_only).collect::<Vec<_>>().join(", ")
}

/// Each scenario as a picture, and as a table of steps to click through.
pub(super) fn scenarios(schema: &Schema, runs: &[ScenarioRun]) -> Markup {
    let shown = |step: &ScenarioStep, at: usize| match step.shown[at] {
        None => String::new(),
        Some(shown) if shown.sent => format!("{} (sent)", schema.state(shown.state).name),
        Some(shown) => schema.state(shown.state).name.clone(),
    };
    html! {
        @for run in runs {
            @let systems: Vec<usize> = (0..schema.systems().len())
                .filter(|at| run.steps.iter().any(|step| step.shown[*at].is_some()))
                .collect();
            div class="scenario" data-searched="" {
                h3 { (visible(&run.name)) }
                div class="timeline" {
                    p class="buttons" {
                        button type="button" data-step="-1" { "Previous step" } " "
                        button type="button" data-step="1" { "Next step" }
                    }
                    div class="wide" { table {
                        thead { tr {
                            th scope="col" { "step" }
                            @for at in &systems { th scope="col" { (visible(&schema.system(presync_engine::SystemId::from_index(*at)).name)) " shows" } }
                            th scope="col" { "Presync" }
                        } }
                        tbody {
                            @for step in &run.steps {
                                tr {
                                    td { (visible(&step.event)) }
                                    @for at in &systems { td { (visible(&shown(step, *at))) } }
                                    td { (visible(&sends(schema, step))) }
                                }
                            }
                        }
                    } }
                }
                details { summary { "Sequence diagram" } (sequence::drawing(schema, run)) }
            }
        }
    }
}

/// `lync Away + "in queue"`, or why nothing is sent.
fn sends(schema: &Schema, step: &ScenarioStep) -> String {
    let sent = step.sent.iter().map(|sent| {
        let system = &schema.system(sent.state.system()).name;
        let texts = sent
            .texts
            .iter()
            .map(|text| format!(" + {}", quote_text(text)));
        let texts: String = texts.collect();
        format!("{system} {}{texts}", schema.state(sent.state).name)
    });
    sent.chain(step.note.clone()).collect::<Vec<_>>().join("\n")
}
