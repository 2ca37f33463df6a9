//! The panel that decides a change in a situation.

use std::collections::BTreeSet;

use maud::{Markup, html};

use presync::visible;
use presync_engine::{Column, FactKind, Table, Tables, TooComplex};

/// It starts where something happens: the script chooses the first state that sets another one.
pub(super) fn panel(tables: &Tables) -> Result<Markup, TooComplex> {
    let schema = tables.schema();
    // The systems of which some table asks whether their state is by hand.
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for role in tables.roles() {
        for column in role.tables()?.iter().flat_map(Table::columns) {
            if let Column::ByHand(system) = column {
                asked.insert(&schema.system(*system).name);
            }
        }
    }
    let facts = || schema.facts().map(|(_, fact)| fact);
    let flags = facts().filter(|fact| fact.is_flag());
    let choices = facts().filter_map(|fact| match &fact.kind {
        FactKind::Choice { values, default } => Some((&fact.name, values, *default)),
        FactKind::Flag => None,
    });
    // Preselect the `online` flags: users rarely ask about someone who is not logged in.
    let online = |name: &str| {
        let fact = schema.find_fact(name);
        schema
            .systems()
            .any(|(_, system)| system.online.is_some() && system.online == fact)
    };
    let default = tables.default_role().ok();
    let is_default = |name: &str| default.is_some_and(|role| role.name() == name);
    Ok(html! {
        form id="panel" aria-label="What if" {
            div class="fields" {
                @if !tables.roles().all(|role| role.is_implicit()) {
                    label { "Role" select name="role" {
                        @for (_, role) in schema.roles() {
                            option value=(role.name) selected[is_default(&role.name)] { (visible(&role.name)) }
                        }
                    } }
                } @else {
                    @for (_, role) in schema.roles() { input type="hidden" name="role" value=(role.name); }
                }
                label { "System that changes" select name="from" {
                    @for (_, system) in schema.systems() { option value=(system.name) { (visible(&system.name)) } }
                } }
                label { "to the state" select name="entered" {} }
                @for (name, values, default) in choices {
                    label { (visible(name)) select data-choice=(name) {
                        @if default.is_none() { option value="" { "(not set)" } }
                        @for (at, value) in (0..).zip(values) {
                            // Without a default, the first value: most tables decide nothing without one.
                            option value=(value) selected[default.unwrap_or(0) == at] { (visible(value)) }
                        }
                    } }
                }
                @for (_, system) in schema.systems() {
                    label { (visible(&system.name)) " shows" select data-state=(system.name) {
                        option value="" { "(not known)" }
                        @for state in &system.states { option value=(state.name) { (visible(&state.name)) } }
                    } }
                }
            }
            @if !asked.is_empty() { fieldset class="flags" {
                @for system in &asked {
                    label { input type="checkbox" data-by-hand=(system); " " (visible(system)) " by hand" }
                }
            } }
            fieldset class="flags" {
                @for flag in flags {
                    label { input type="checkbox" data-flag=(flag.name) checked[online(&flag.name)]; " " (visible(&flag.name)) }
                }
            }
            output id="answer" aria-live="polite" {}
            div id="cascade" {}
            p class="soft" { a id="permalink" href="#what-if" { "Link to this situation" } }
        }
    })
}
