//! What is offered after the words of a statement: one function for each kind of statement.

mod names;

use presync::{DeclaredKind, unquote};

use super::{Completion, CompletionKind, TokensBefore};
use crate::analysis::{Analysis, FileView};

/// Declarations, as snippets.
pub(super) const DECLARATIONS: [(&str, &str); 12] = [
    ("use", "use ${1:cic_lync}"),
    (
        "profile",
        "profile \"${1:name}\" when ${2:ready} {\n    $0\n}",
    ),
    ("mapping", "mapping ${1:name} {\n    $0\n}"),
    ("role", "role \"${1:name}\" uses \"${2:profile}\""),
    ("condition", "condition ${1:name} = $0"),
    ("flag", "flag ${1:name}"),
    ("choice", "choice ${1:name} = ${2:first} | ${3:second}"),
    ("group", "group ${1:cic}.${2:name} = $0"),
    (
        "test",
        "test \"${1:what}\" {\n    role any\n    given ${2:ready}\n    $0\n}",
    ),
    (
        "scenario",
        "scenario \"${1:what}\" {\n    set ${2:ready}\n    $0\n}",
    ),
    (
        "system",
        "system ${1:name} {\n    state ${2:name}\n    $0\n}",
    ),
    (
        "extend",
        "extend system ${1:name} {\n    state ${2:name}\n    $0\n}",
    ),
];

pub(super) struct Offered<'a> {
    pub analysis: &'a Analysis,
    pub view: FileView<'a>,
    pub items: Vec<Completion>,
}

impl Offered<'_> {
    pub(super) fn declaration(&mut self, tokens: &TokensBefore<'_>) {
        let Some((head, open)) = tokens.head() else {
            return self.declarations();
        };
        let words: Vec<&str> = (head..tokens.all.len()).map(|at| tokens.word(at)).collect();
        let keyword = match words[0] {
            "default" => "role",
            word => word,
        };
        let Some(body) = open.first() else {
            // A new line begins something new, unless the last one must go on.
            let last = words.last().copied().unwrap_or_default();
            let waits = presync::goes_on(last) || matches!(last, "use" | "uses");
            if tokens.first_on_line && !waits {
                return self.declarations();
            }
            return self.braceless(keyword, &words);
        };
        let statement = tokens.statement(body + 1);
        match keyword {
            "mapping" | "profile" => self.item(&statement),
            "test" => self.test(&statement),
            "scenario" => self.scenario(&statement),
            "system" | "extend" => {
                let name = words.iter().position(|word| *word == "system");
                let system = name.and_then(|at| words.get(at + 1));
                let system = unquote(system.copied().unwrap_or_default());
                let is_inner = open.len() > 1;
                self.system_item(&system, &statement, is_inner);
            }
            _ => {}
        }
    }

    fn declarations(&mut self) {
        for (keyword, snippet) in DECLARATIONS {
            self.items.push(Completion {
                label: keyword.to_owned(),
                kind: CompletionKind::Snippet,
                detail: "declaration".to_owned(),
                insert: snippet.to_owned(),
                is_snippet: true,
                meaning: None,
            });
        }
    }

    /// A declaration without a body, or the head of one with a body.
    fn braceless(&mut self, keyword: &str, words: &[&str]) {
        let last = words.last().copied().unwrap_or_default();
        match keyword {
            "use" => self.files(),
            "extend" if last == "extend" => self.keywords(&["system"]),
            "extend" if last == "system" => self.declared(DeclaredKind::System),
            "role" => match last {
                "uses" | "," => {
                    self.declared(DeclaredKind::Profile);
                    let known: Vec<_> = words.iter().map(|word| unquote(word)).collect();
                    self.items
                        .retain(|item| !known.iter().any(|name| *item.label == **name));
                }
                "default" => self.keywords(&["role"]),
                "role" => {}
                _ if !words.contains(&"uses") => self.keywords(&["uses"]),
                _ => {}
            },
            "group" => {
                let system = unquote(words.get(1).copied().unwrap_or_default());
                let system = &*system;
                match last {
                    "group" => self.declared(DeclaredKind::System),
                    "=" | "|" => {
                        self.members(system);
                        self.groups(system);
                        self.keywords(&["all", "any"]);
                        self.without(words.get(3));
                    }
                    "all" => self.attributes(system),
                    _ => {}
                }
            }
            "condition" => {
                if let Some(at) = words.iter().position(|word| *word == "=") {
                    self.condition(&words[at..]);
                    self.without(words.get(1));
                }
            }
            "profile" => match words.iter().position(|word| *word == "when") {
                Some(at) => self.condition(&words[at..]),
                None if words.len() > 1 => self.keywords(&["when"]),
                None => {}
            },
            "choice" if words.contains(&"default") => {
                let from = words
                    .iter()
                    .position(|word| *word == "=")
                    .map_or(0, |at| at + 1);
                let values = words[from..].iter().take_while(|word| **word != "default");
                let values: Vec<String> = values
                    .filter(|word| **word != "|")
                    .map(|word| (*word).to_owned())
                    .collect();
                for value in values {
                    self.text(&value, CompletionKind::Value, "value");
                }
            }
            "choice" if words.len() > 3 && last != "|" => self.keywords(&["default"]),
            _ => {}
        }
    }

    /// A statement of a profile or mapping.
    fn item(&mut self, words: &[&str]) {
        let last = words.last().copied().unwrap_or_default();
        match words.first().copied() {
            None => {
                self.declared(DeclaredKind::System);
                self.keywords(&["when", "apply", "append", "override", "@allow"]);
            }
            Some("when") => self.condition(words),
            Some("apply") => match last {
                "apply" => self.declared(DeclaredKind::Mapping),
                "with" | "for" | "->" => self.declared(DeclaredKind::System),
                _ if words.len() == 2 => {
                    self.keywords(&["with"]);
                    self.declared(DeclaredKind::System);
                }
                _ if words[words.len() - 2] == "with" => self.keywords(&["for"]),
                _ if words[words.len() - 2] == "for" => self.declared(DeclaredKind::System),
                _ if words[words.len() - 2] != "->" => self.keywords(&["->"]),
                _ => {}
            },
            Some("append") => match last {
                "append" => {}
                "to" => self.declared(DeclaredKind::System),
                _ if words.len() == 2 => self.keywords(&["to"]),
                _ => {}
            },
            Some(_) => self.rule(words),
        }
    }

    /// `override cic A | B -> lync C`
    fn rule(&mut self, words: &[&str]) {
        let words = match words {
            ["override", rest @ ..] => rest,
            words => words,
        };
        let arrow = words.iter().rposition(|word| matches!(*word, "->" | "<->"));
        let side = arrow.map_or(words, |at| &words[at + 1..]);
        let last = side.last().copied().unwrap_or_default();
        match side {
            [] => self.declared(DeclaredKind::System),
            [system] => self.side(&unquote(system), arrow.is_some()),
            [system, ..] if last == "|" => self.side(&unquote(system), arrow.is_some()),
            _ if arrow.is_none() => self.keywords(&["->", "<->", "|"]),
            _ => self.keywords(&["|"]),
        }
    }

    fn side(&mut self, system: &str, is_right: bool) {
        if is_right {
            self.settable(system);
            self.keywords(&["unchanged", "previous"]);
        } else {
            self.members(system);
            self.groups(system);
            self.keywords(&["any", "otherwise"]);
        }
    }

    /// The end of a condition, from the word before it on.
    fn condition(&mut self, words: &[&str]) {
        let last = words.last().copied().unwrap_or_default();
        let before = |at: usize| words.len().checked_sub(at).map_or("", |at| words[at]);
        let after_is = last == "is" || (last == "not" && before(2) == "is") || last == "|";
        if after_is {
            let is = words.iter().rposition(|word| *word == "is");
            let subject = is
                .and_then(|at| at.checked_sub(1))
                .map_or("", |at| words[at]);
            let subject = &*unquote(subject);
            self.members(subject);
            self.groups(subject);
            self.keywords(&["any"]);
            if last == "is" {
                self.keywords(&["not"]);
            }
            return;
        }
        if matches!(
            last,
            "when" | "and" | "or" | "not" | "(" | "=" | "given" | "set" | ","
        ) {
            self.subjects();
            if last != "not" {
                self.keywords(&["not"]);
            }
            return;
        }
        if last == "by" {
            return self.keywords(&["hand"]);
        }
        let last = &*unquote(last);
        let is_system = self.has(last, DeclaredKind::System);
        let is_choice = self.has(last, DeclaredKind::Choice);
        if before(2) != "is" && before(2) != "|" && (is_system || is_choice) {
            self.keywords(&["is"]);
        }
        if is_system {
            self.keywords(&["by hand"]);
        }
        self.keywords(&["and", "or"]);
    }

    fn subjects(&mut self) {
        self.declared(DeclaredKind::Flag);
        self.declared(DeclaredKind::Choice);
        self.declared(DeclaredKind::Condition);
        self.declared(DeclaredKind::System);
        let index = self.view.index();
        for declared in &index.declared {
            if declared.kind == DeclaredKind::Choice {
                self.members(&declared.name);
            }
        }
    }

    fn test(&mut self, words: &[&str]) {
        let last = words.last().copied().unwrap_or_default();
        match words {
            [] => {
                self.declared(DeclaredKind::System);
                self.keywords(&["role", "given"]);
            }
            ["role"] => {
                self.declared(DeclaredKind::Role);
                self.keywords(&["any"]);
            }
            ["given", ..] => self.condition(words),
            _ => match words.iter().rposition(|word| *word == "=>") {
                Some(at) => match &words[at + 1..] {
                    [] => self.declared(DeclaredKind::System),
                    [system] => self.outcomes(&unquote(system)),
                    [system, ..] if last == "|" => self.outcomes(&unquote(system)),
                    [.., "append"] => self.keywords(&["nothing"]),
                    _ => self.keywords(&["|", "append"]),
                },
                None => match words {
                    [system] => {
                        self.members(&unquote(system));
                        self.groups(&unquote(system));
                        self.keywords(&["any", "not"]);
                    }
                    [system, ..] if last == "|" || last == "not" => {
                        self.members(&unquote(system));
                        self.groups(&unquote(system));
                    }
                    _ => self.keywords(&["=>", "|"]),
                },
            },
        }
    }

    fn outcomes(&mut self, system: &str) {
        self.members(system);
        self.groups(system);
        self.keywords(&["any", "unchanged", "unmapped", "previous"]);
    }

    fn scenario(&mut self, words: &[&str]) {
        match words {
            [] => {
                self.declared(DeclaredKind::System);
                self.keywords(&["role", "set", "observe", "resync", "wait"]);
            }
            ["role"] => self.declared(DeclaredKind::Role),
            ["set", ..] => self.settings(words),
            ["observe"] | ["observe", .., ","] => self.declared(DeclaredKind::System),
            ["observe", .., system] if self.has(&unquote(system), DeclaredKind::System) => {
                self.members(&unquote(system));
                self.keywords(&["nothing"]);
            }
            ["resync"] => {
                self.declared(DeclaredKind::System);
                self.keywords(&["any"]);
            }
            [.., "=>" | ","] => {
                self.declared(DeclaredKind::System);
                self.keywords(&["nothing"]);
            }
            [.., "=>" | ",", system] | [system] => self.members(&unquote(system)),
            _ if !words.contains(&"=>") => self.keywords(&["=>"]),
            _ => self.keywords(&["append"]),
        }
    }

    /// The facts that a step sets.
    fn settings(&mut self, words: &[&str]) {
        match words {
            [.., "set" | ","] => {
                self.declared(DeclaredKind::Flag);
                self.declared(DeclaredKind::Choice);
                self.keywords(&["not"]);
            }
            [.., "not"] => self.declared(DeclaredKind::Flag),
            [.., choice, "is"] => self.members(&unquote(choice)),
            [.., choice] if self.has(&unquote(choice), DeclaredKind::Choice) => {
                self.keywords(&["is"]);
            }
            _ => self.keywords(&["=>"]),
        }
    }

    fn system_item(&mut self, system: &str, words: &[&str], is_inner: bool) {
        if is_inner {
            self.attributes(system);
            return self.keywords(&["read_only", "other"]);
        }
        match words {
            [] => self.keywords(&["state", "attributes", "online", "text", "echo"]),
            ["online"] => self.declared(DeclaredKind::Flag),
            ["state", .., "reads"] => self.members(system),
            ["state", _, ..] => {
                let missing = ["id", "reads"]
                    .into_iter()
                    .filter(|word| !words.contains(word));
                let missing: Vec<&str> = missing.collect();
                self.keywords(&missing);
            }
            _ => {}
        }
    }
}
