//! The declarations of a document as a schema.

use std::sync::Arc;

use crate::ids::FactId;
use crate::json::TablesError;
use crate::json::document::{Document, FactDocument, StateDocument, SystemDocument};
use crate::names::{NameKind, UnknownName};
use crate::schema::{Fact, FactKind, Role, Schema, State, System};

pub(super) fn schema(document: &Document) -> Result<Arc<Schema>, TablesError> {
    let facts = document.facts.iter().cloned().map(fact);
    let facts = facts.collect::<Result<Vec<_>, _>>()?;
    let systems = document.systems.iter().cloned();
    let systems = systems.map(|document| system(document, &facts));
    let systems = systems.collect::<Result<Vec<_>, _>>()?;
    let roles = document.roles.iter().map(|role| Role {
        name: role.name.clone(),
        implicit: role.implicit,
        default: role.default,
    });
    let schema = Schema::new(systems, facts, roles.collect())?;
    let own = document.directions.iter().flat_map(|of| &of.own);
    let own = own.map(|name| schema.system_named(name));
    let own = own.collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(schema.with_previous(own)))
}

fn system(document: SystemDocument, facts: &[Fact]) -> Result<System, TablesError> {
    let online = document.online.map(|name| {
        let at = facts
            .iter()
            .position(|fact| fact.name == name && fact.is_flag());
        let known = facts.iter().map(|fact| fact.name.as_str());
        at.map(FactId::from_index)
            .ok_or_else(|| UnknownName::new(NameKind::Fact, &name, known))
    });
    let known = document.attributes;
    let names: Vec<String> = document
        .states
        .iter()
        .map(|state| state.name.clone())
        .collect();
    let state = |state: StateDocument| {
        let attributes = state.attributes.iter().map(|name| {
            let at = known.iter().position(|known| known == name);
            at.map(|at| at as u32)
                .ok_or_else(|| TablesError::UnknownValue {
                    column: document.name.clone(),
                    value: format!("{name:?}"),
                })
        });
        let mut attributes = attributes.collect::<Result<Vec<_>, _>>()?;
        attributes.sort_unstable();
        let reads = state.reads.map(|name| {
            let at = names.iter().position(|known| *known == name);
            at.map(|at| at as u32).ok_or_else(|| {
                let known = names.iter().map(String::as_str);
                UnknownName::new(NameKind::State(document.name.clone()), &name, known)
            })
        });
        Ok::<_, TablesError>(State {
            reads: reads.transpose()?,
            other: state.other,
            id: state.id.filter(|id| *id != state.name),
            attributes,
            name: state.name,
            read_only: state.read_only,
        })
    };
    let states = document
        .states
        .into_iter()
        .map(state)
        .collect::<Result<_, _>>()?;
    Ok(System {
        online: online.transpose()?,
        title: document.title,
        states,
        text: document.text,
        echo: document.echo,
        name: document.name.clone(),
        attributes: known,
    })
}

fn fact(document: FactDocument) -> Result<Fact, TablesError> {
    match document {
        FactDocument::Flag { name } => Ok(Fact {
            name,
            kind: FactKind::Flag,
        }),
        FactDocument::Choice {
            name,
            values,
            default,
        } => {
            let place = |default: String| {
                let at = values.iter().position(|value| *value == default);
                let known = values.iter().map(String::as_str);
                let unknown = || UnknownName::new(NameKind::Value(name.clone()), &default, known);
                at.map(|at| at as u32).ok_or_else(unknown)
            };
            let default = default.map(place).transpose()?;
            Ok(Fact {
                name,
                kind: FactKind::Choice { values, default },
            })
        }
    }
}
