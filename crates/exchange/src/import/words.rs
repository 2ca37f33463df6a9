//! The words of tables: directions, and what people write for every state, for all other states, and for no change.

use crate::import::columns::known;

/// What a cell says of the states of a system.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum CellStates {
    Any,
    Otherwise,
    /// Nothing happens.
    Nothing,
    Named(Vec<String>),
}

/// Which ways a rule goes.
#[derive(Clone, Copy)]
pub(super) struct RuleWay {
    pub there: bool,
    pub back: bool,
}

/// Reads a direction in one of many spellings: `->`, `Bi-Directional`, `⇄`, `Teams -> CXone`, `CIC to Lync`.
pub(super) fn direction(cell: &str, from: &str, to: &str) -> Option<RuleWay> {
    let way = |there, back| Some(RuleWay { there, back });
    let lower = cell.to_lowercase();
    let plain: String = lower
        .chars()
        .filter(|char| !char.is_whitespace() && !"_-‐‑–—=".contains(*char))
        .collect();
    match plain.as_str() {
        "" if cell.trim().chars().all(|char| "-–—".contains(char)) && !cell.trim().is_empty() => {
            way(false, false)
        }
        "" | ">" | ">>" | "→" | "⇒" | "➔" | "➜" | "⟶" | "to" | "oneway" | "1way" | "forward"
        | "there" | "outbound" | "unidirectional" => way(true, false),
        "<" | "<<" | "←" | "⇐" | "⟵" | "from" | "back" | "backward" | "backwards" | "reverse"
        | "inbound" => way(false, true),
        "<>" | "><" | "↔" | "⇔" | "⇄" | "⇆" | "⟷" | "both" | "bothways" | "bothdirections"
        | "twoway" | "2way" | "bidirectional" | "bi" | "mutual" => way(true, true),
        "none" | "no" | "off" | "nosynchronization" | "nosync" | "n/a" => way(false, false),
        _ => between(&lower, from, to),
    }
}

/// `CIC → Lync`, `from Teams to CXone`, `CIC <-> Lync`
fn between(text: &str, from: &str, to: &str) -> Option<RuleWay> {
    const ARROWS: [(&str, bool, bool); 14] = [
        ("<->", true, true),
        ("<=>", true, true),
        ("<>", true, true),
        ("↔", true, true),
        ("⇄", true, true),
        ("⇔", true, true),
        (" and ", true, true),
        ("->", true, false),
        ("=>", true, false),
        ("→", true, false),
        (" to ", true, false),
        ("<-", false, true),
        ("←", false, true),
        (">", true, false),
    ];
    let text = text.trim();
    let text = text.strip_prefix("from ").unwrap_or(text);
    let (arrow, there, back) = ARROWS.iter().find(|(arrow, ..)| text.contains(arrow))?;
    let (left, right) = text.split_once(arrow)?;
    let is = |text: &str, system: &str| known(text).eq_ignore_ascii_case(system);
    if is(left, from) && is(right, to) {
        Some(RuleWay {
            there: *there,
            back: *back,
        })
    } else if is(left, to) && is(right, from) {
        Some(RuleWay {
            there: *back,
            back: *there,
        })
    } else {
        None
    }
}

/// A cell that does not name a state, and the word of the language for it.
pub(super) fn special(cell: &str) -> Option<(CellStates, &'static str)> {
    let lower = cell.to_lowercase();
    let plain = lower.trim_matches(|char: char| "()<>[]".contains(char) || char.is_whitespace());
    match plain {
        "any" | "all" | "*" | "any state" | "any status" | "all states" | "all statuses" => {
            Some((CellStates::Any, "any"))
        }
        "otherwise" | "other" | "others" | "all others" | "all other" | "any other"
        | "everything else" | "else" | "all other states" | "all other statuses" => {
            Some((CellStates::Otherwise, "otherwise"))
        }
        "" | "-" | "--" | "---" | "–" | "—" | "unchanged" | "no change" | "nochange" | "none"
        | "none (no change" | "leave" | "n/a" | "na" | "n.a." | "nothing"
        | "no synchronization" | "no synchronisation" | "no sync" | "not synchronized"
        | "not synchronised" | "not mapped" | "no mapping" | "do nothing" | "keep"
        | "keep current" | "ignore" | "ignored" | "no action" | "null" | "nil" => {
            Some((CellStates::Nothing, "unchanged"))
        }
        _ => None,
    }
}
