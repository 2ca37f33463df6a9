//! Imports the status messages of Genesys CIC: what `GET /icws/{session}/status/status-messages` answers, as states of the vocabulary `cic`.

use presync::{Program, quote};
use presync_engine::{State, System};
use serde::Deserialize;

use crate::import::{ImportError, ImportKind, Imported, ensure_parses, utf8};

pub(super) const KIND: ImportKind = ImportKind {
    extensions: &[],
    read: |bytes, _| read(utf8(bytes)?),
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusMessages {
    status_message_list: Vec<StatusMessage>,
}

/// What is missing is false.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "as the server writes them")]
struct StatusMessage {
    status_id: String,
    message_text: String,
    is_acd_status: bool,
    is_do_not_disturb_status: bool,
    is_forward_status: bool,
    can_have_date: bool,
    can_have_time: bool,
    is_after_call_work_status: bool,
    is_selectable_status: bool,
}

impl StatusMessage {
    /// The attributes of the vocabulary that it has.
    fn attributes(&self) -> Vec<&'static str> {
        let all = [
            ("acd", self.is_acd_status),
            ("dnd", self.is_do_not_disturb_status),
            ("forward", self.is_forward_status),
            ("until", self.can_have_date || self.can_have_time),
            ("after_call_work", self.is_after_call_work_status),
            ("read_only", !self.is_selectable_status),
        ];
        let own = all.into_iter().filter(|(_, has)| *has);
        own.map(|(name, _)| name).collect()
    }

    fn source(&self) -> String {
        let name = if self.message_text.is_empty() {
            &self.status_id
        } else {
            &self.message_text
        };
        let mut line = format!("    state {}", quote(name));
        if *name != self.status_id {
            line.push_str(&format!(" id {}", presync::quote_text(&self.status_id)));
        }
        // Names of the language and of the vocabulary, which need no quotes.
        let attributes = self.attributes();
        if !attributes.is_empty() {
            line.push_str(&format!(" {{ {} }}", attributes.join(", ")));
        }
        line + "\n"
    }
}

fn read(text: &str) -> Result<Imported, ImportError> {
    let text = text.trim_start_matches('\u{feff}');
    let wrong = |what: &str| ImportError::Line {
        line: 1,
        what: format!("not a list of status messages: {what}"),
    };
    let messages: StatusMessages =
        serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    let program = Program::check_source("vocabulary.presync", "use cic\n");
    let program = program.map_err(|_| wrong("the vocabulary `cic` has errors"))?;
    let mut systems = program.schema.systems();
    let (_, cic) = systems
        .next()
        .ok_or_else(|| wrong("the vocabulary `cic` has no system"))?;
    let mut states = String::new();
    let mut not_imported = Vec::new();
    let mut known = 0;
    for message in &messages.status_message_list {
        let state = cic.states.iter().find(|state| is_of(state, message));
        match state {
            None => states.push_str(&message.source()),
            Some(state) => {
                known += 1;
                not_imported.extend(difference(cic, state, message));
            }
        }
    }
    let source = if states.is_empty() {
        "use cic\n".to_owned()
    } else {
        format!("use cic\n\n/// The statuses of this site.\nextend system cic {{\n{states}}}\n")
    };
    ensure_parses(Imported {
        source,
        understood: vec![format!(
            "{} status messages, of which the vocabulary `cic` has {known}",
            messages.status_message_list.len()
        )],
        not_imported,
    })
}

/// Ids ignore case.
fn is_of(state: &State, message: &StatusMessage) -> bool {
    state.wire().eq_ignore_ascii_case(&message.status_id)
}

/// A state of the vocabulary has other attributes here.
fn difference(cic: &System, state: &State, message: &StatusMessage) -> Option<String> {
    let attributes = state.attributes.iter();
    let attributes = attributes.filter_map(|at| cic.attributes.get(*at as usize));
    let mut assumed: Vec<&str> = attributes.map(String::as_str).collect();
    // It has no field.
    assumed.retain(|name| *name != "follow_me");
    if state.read_only {
        assumed.push("read_only");
    }
    let own = message.attributes();
    let is_same = own.len() == assumed.len() && own.iter().all(|name| assumed.contains(name));
    let list = |names: &[&str]| match names {
        [] => "no attribute".to_owned(),
        names => format!("`{}`", names.join("`, `")),
    };
    (!is_same).then(|| {
        format!(
            "state {}: here it has {}, and in the vocabulary `cic` {}: conditions on attributes treat it as the vocabulary says",
            presync::quote_text(&state.name),
            list(&own),
            list(&assumed)
        )
    })
}
