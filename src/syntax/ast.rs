//! The tree of one file, as written: nothing is resolved. Each variant's doc line is the text that makes it.

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::source::Span;

/// `Available`, `"At Lunch"`
#[derive(Debug, Clone)]
pub struct Name {
    /// Without quotes and with escapes resolved.
    pub text: CompactString,
    pub quoted: bool,
    pub span: Span,
}

/// Everything in a file, in source order.
#[derive(Debug, Clone, Default)]
pub struct File {
    pub declarations: Vec<Declaration>,
    pub comments: Vec<Comment>,
    /// Names of declarations that did not parse: what refers to them is not unknown.
    pub broken: Vec<CompactString>,
}

/// `// why`, `/// doc`
#[derive(Debug, Clone, Copy)]
pub struct Comment {
    pub span: Span,
    /// `///` alone on its line: it documents what follows.
    pub doc: bool,
}

/// `@allow(dead-rule, "kept for the night shift")`
#[derive(Debug, Clone)]
pub struct Allow {
    pub code: Name,
    pub reason: Option<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Declaration {
    pub allows: Vec<Allow>,
    pub doc: Vec<Span>,
    pub span: Span,
    pub kind: DeclarationKind,
}

#[derive(Debug, Clone)]
pub enum DeclarationKind {
    /// `use cic_lync`, `use "states/site.presync"`
    Use(Name),
    /// `system cic "Customer Interaction Center" { ... }`
    System { name: Name, title: Option<Name>, items: Vec<SystemItem> },
    /// `extend system cic { ... }`
    Extend { system: Name, items: Vec<SystemItem> },
    /// `group cic.away = "At Lunch" | all dnd`
    Group { system: Name, name: Name, terms: Vec<GroupTerm> },
    /// `flag in_queue`
    Flag(Name),
    /// `choice user_type = im | enterprise_voice default im`
    Choice { name: Name, values: Vec<Name>, default: Option<Name> },
    /// `condition both_logged_in = cic_logged_in and lync_logged_in`
    Condition { name: Name, condition: Condition },
    /// `mapping standard { ... }`
    Mapping { name: Name, items: Vec<Item> },
    /// `profile "Enterprise Voice" when enterprise_voice { ... }`
    Profile { name: Name, condition: Option<Condition>, items: Vec<Item> },
    /// `role "Agents" uses "Enterprise Voice", "IM Only"`
    Role { name: Name, profiles: Vec<Name> },
    /// `test "lunch shows as away" { ... }`
    Test { name: Name, items: Vec<TestItem> },
    /// `scenario "a day" { ... }`
    Scenario { name: Name, steps: Vec<Step> },
}

#[derive(Debug, Clone)]
pub enum SystemItem {
    /// `attributes acd, dnd`
    Attributes(Vec<Name>),
    /// `state "Do Not Disturb" id "dnd" { dnd, read_only }`
    State(State),
    /// `online lync_logged_in`
    Online { fact: Name, span: Span },
    /// `text 64`
    Text { limit: u64, span: Span },
}

#[derive(Debug, Clone)]
pub struct State {
    pub allows: Vec<Allow>,
    pub doc: Vec<Span>,
    pub name: Name,
    pub id: Option<Name>,
    pub attributes: Vec<Name>,
    pub read_only: Option<Span>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum GroupTerm {
    /// `"At Lunch"`
    Name(Name),
    /// `any`
    Any(Span),
    /// `all dnd`
    All { attribute: Name, span: Span },
}

/// A condition with the span of its text.
#[derive(Debug, Clone)]
pub struct Condition {
    pub kind: ConditionKind,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum ConditionKind {
    /// `a and b and c`
    And(Vec<Condition>),
    /// `a or b or c`
    Or(Vec<Condition>),
    /// `not a`; `not not a` counts two
    Not { times: u32, inner: Box<Condition> },
    /// `in_queue`
    Name(Name),
    /// `user_type is im | remote`, `lync is not Busy`, `lync is any`
    Is { subject: Name, negated: bool, values: Vec<Value> },
}

#[derive(Debug, Clone)]
pub enum Value {
    /// `Busy`
    Name(Name),
    /// `any`
    Any(Span),
}

/// One item of a block with what stands before it.
#[derive(Debug, Clone)]
pub struct Item {
    pub allows: Vec<Allow>,
    pub doc: Vec<Span>,
    /// From its first `@allow` or `when` to its end.
    pub span: Span,
    pub kind: ItemKind,
}

#[derive(Debug, Clone)]
pub enum ItemKind {
    /// `when a: when b { ... }`: conditions from the outside in, one or more.
    When { heads: Vec<Head>, body: Vec<Item>, block: bool },
    /// `apply standard cic -> lync`
    Apply { mapping: Name, direction: Option<(Name, Name)> },
    /// `append "in queue" to lync`
    Append { text: Name, system: Name },
    /// `override cic Available <-> lync Available`
    Rule(Rule),
}

/// `when a`, with the allows between it and the head before it.
#[derive(Debug, Clone)]
pub struct Head {
    pub allows: Vec<Allow>,
    pub condition: Condition,
}

#[derive(Debug, Clone)]
pub struct Rule {
    pub overriding: Option<Span>,
    pub left: Side,
    pub two_way: bool,
    pub arrow: Span,
    pub right: Side,
}

/// `cic "At Lunch" | away`
#[derive(Debug, Clone)]
pub struct Side {
    pub system: Name,
    /// Most often one.
    pub terms: SmallVec<[Term; 1]>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Term {
    /// `Busy`
    Name(Name),
    /// `any`
    Any(Span),
    /// `otherwise`
    Otherwise(Span),
    /// `unchanged`
    Unchanged(Span),
}

impl Term {
    pub fn span(&self) -> Span {
        match self {
            Self::Name(name) => name.span,
            Self::Any(span) | Self::Otherwise(span) | Self::Unchanged(span) => *span,
        }
    }
}

#[derive(Debug, Clone)]
pub enum TestItem {
    /// `role "Agents"`
    Role(Name),
    /// `given enterprise_voice, not in_queue`
    Given(Vec<Condition>),
    /// `cic "At Lunch" => lync Away append "in queue"`
    Expect(Expect),
}

#[derive(Debug, Clone)]
pub struct Expect {
    pub system: Name,
    pub states: Vec<Value>,
    pub negated: bool,
    pub target: Name,
    pub outcomes: Vec<Outcome>,
    pub appendix: Option<Appendix>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum Outcome {
    /// `Away`
    Name(Name),
    /// `any`
    Any(Span),
    /// `unchanged`
    Unchanged(Span),
    /// `unmapped`
    Unmapped(Span),
}

/// `append "in queue", "late"`, `append nothing`
#[derive(Debug, Clone)]
pub struct Appendix {
    pub texts: Vec<Name>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    /// `None`: nothing is said about the commands; empty: `=> nothing`.
    pub commands: Option<Vec<Command>>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    /// `role "Agents"`
    Role(Name),
    /// `set enterprise_voice, not in_queue`
    Set(Vec<Condition>),
    /// `observe cic Available, lync nothing`
    Observe(Vec<(Name, Option<Name>)>),
    /// `resync cic`
    Resync(Name),
    /// `cic "At Lunch"`
    Change { system: Name, state: Name },
}

/// `=> lync Away append "in queue"`
#[derive(Debug, Clone)]
pub struct Command {
    pub system: Name,
    pub state: Name,
    pub appendix: Option<Appendix>,
    pub span: Span,
}
