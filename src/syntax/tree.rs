//! The tree of one file, as written, with names unresolved. The doc line of a variant is an example of its source.
//! Lists are boxed: a large program has many short ones, for which vectors would reserve unused capacity.

use arcstr::ArcStr;
use smallvec::SmallVec;

use crate::source::Span;

/// `Available`, `"At Lunch"`
#[derive(Debug, Clone)]
pub struct Name {
    /// Without quotes and with escapes decoded; equal names in one file share it.
    pub text: ArcStr,
    pub span: Span,
}

impl Name {
    /// Whether it is quoted, which makes the source longer than the text.
    pub fn quoted(&self) -> bool {
        self.text.len() < (self.span.end - self.span.start) as usize
    }
}

/// Everything in a file, in source order.
#[derive(Debug, Clone, Default)]
pub struct File {
    pub declarations: Vec<Declaration>,
    pub comments: Vec<Comment>,
    /// Names of declarations that did not parse; references to them are not reported as unknown.
    pub broken: Vec<ArcStr>,
}

/// `// why`, `/// doc`
#[derive(Debug, Clone, Copy)]
pub struct Comment {
    pub span: Span,
    /// `///` alone on its line: it documents the next item.
    pub doc: bool,
}

/// `@allow(dead-rule, gap, "kept for the night shift")`
#[derive(Debug, Clone)]
pub struct Allow {
    /// At least one.
    pub codes: Box<[Name]>,
    pub reason: Option<Name>,
    pub span: Span,
}

/// The allows and doc comments before a declaration or an item; usually empty.
#[derive(Debug, Clone, Default)]
pub struct Leading(Option<Box<Prefix>>);

#[derive(Debug, Clone)]
struct Prefix {
    allows: Box<[Allow]>,
    doc: Box<[Span]>,
}

impl Leading {
    pub fn new(allows: Vec<Allow>, doc: Box<[Span]>) -> Self {
        let any = !allows.is_empty() || !doc.is_empty();
        Self(any.then(|| {
            Box::new(Prefix {
                allows: allows.into(),
                doc,
            })
        }))
    }

    pub fn allows(&self) -> &[Allow] {
        self.0.as_ref().map_or(&[], |prefix| &prefix.allows)
    }

    pub(super) fn parts_mut(&mut self) -> (&mut [Allow], &mut [Span]) {
        match &mut self.0 {
            Some(prefix) => (&mut prefix.allows, &mut prefix.doc),
            None => (&mut [], &mut []),
        }
    }

    /// The doc comments, first line first.
    pub fn doc(&self) -> &[Span] {
        self.0.as_ref().map_or(&[], |prefix| &prefix.doc)
    }

    /// A span, with the doc comments before it.
    pub fn with_doc(&self, span: Span) -> Span {
        self.doc().iter().fold(span, |whole, doc| whole.to(*doc))
    }
}

#[derive(Debug, Clone)]
pub struct Declaration {
    pub before: Leading,
    pub span: Span,
    pub kind: DeclarationKind,
}

#[derive(Debug, Clone)]
pub enum DeclarationKind {
    /// `use cic_lync`, `use "states/site.presync"`
    Use(Name),
    /// `system cic "Customer Interaction Center" { ... }`
    System {
        name: Name,
        title: Option<Name>,
        items: Box<[SystemItem]>,
    },
    /// `extend system cic { ... }`
    Extend {
        system: Name,
        items: Box<[SystemItem]>,
    },
    /// `group cic.away = "At Lunch" | all dnd`
    Group {
        system: Name,
        name: Name,
        terms: Box<[GroupTerm]>,
    },
    /// `flag in_queue`
    Flag(Name),
    /// `choice user_type = im | enterprise_voice default im`
    Choice {
        name: Name,
        values: Box<[Name]>,
        default: Option<Name>,
    },
    /// `condition both_logged_in = cic_logged_in and lync_logged_in`
    Condition { name: Name, condition: Condition },
    /// `mapping standard { ... }`
    Mapping { name: Name, items: Box<[Item]> },
    /// `profile "Enterprise Voice" when enterprise_voice { ... }`
    Profile {
        name: Name,
        condition: Option<Box<Condition>>,
        items: Box<[Item]>,
    },
    /// `default role "Agents" uses "A", "B"`
    Role {
        name: Name,
        /// The word `default`.
        default: Option<Span>,
        profiles: Box<[Name]>,
    },
    /// `test "lunch shows as away" { ... }`
    Test { name: Name, items: Box<[TestItem]> },
    /// `scenario "a day" { ... }`
    Scenario { name: Name, steps: Box<[Step]> },
}

#[derive(Debug, Clone)]
pub enum SystemItem {
    /// `attributes acd, dnd`
    Attributes(Box<[Name]>),
    /// `state "Do Not Disturb" id "dnd" { dnd, read_only }`
    State(State),
    /// `online lync_logged_in`
    Online { fact: Name, span: Span },
    /// `text 64`
    Text { limit: u64, span: Span },
    /// `echo 5m`, in seconds
    Echo { seconds: u32, span: Span },
}

#[derive(Debug, Clone)]
pub struct State {
    pub allows: Box<[Allow]>,
    pub doc: Box<[Span]>,
    pub name: Name,
    pub id: Option<Name>,
    /// `reads Offline`
    pub reads: Option<Name>,
    pub attributes: Box<[Name]>,
    pub read_only: Option<Span>,
    /// The mark `other`.
    pub other: Option<Span>,
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
    And(Box<[Condition]>),
    /// `a or b or c`
    Or(Box<[Condition]>),
    /// `not a`; for `not not a`, `times` is 2
    Not { times: u32, inner: Box<Condition> },
    /// `in_queue`
    Name(Name),
    /// `user_type is im | remote`, `lync is not Busy`, `lync is any`
    Is {
        subject: Name,
        negated: bool,
        values: Box<[Value]>,
    },
    /// `lync by hand`
    ByHand(Name),
}

#[derive(Debug, Clone)]
pub enum Value {
    /// `Busy`
    Name(Name),
    /// `any`
    Any(Span),
}

/// One item of a block. Items outnumber all other nodes.
#[derive(Debug, Clone)]
pub struct Item {
    pub before: Leading,
    /// From its first `@allow` or `when` to its end.
    pub span: Span,
    pub kind: ItemKind,
}

#[derive(Debug, Clone)]
pub enum ItemKind {
    /// `when a: when b { ... }`
    When(Box<When>),
    /// `apply standard cic -> lync`
    Apply(Box<Apply>),
    /// `append "in queue" to lync`
    Append(Box<Append>),
    /// `override cic Available <-> lync Available`
    Rule(Box<Rule>),
}

/// `when a`, with the allows between it and the head before it.
#[derive(Debug, Clone)]
pub struct WhenHead {
    pub allows: Box<[Allow]>,
    pub condition: Condition,
}

#[derive(Debug, Clone)]
pub struct When {
    /// Outermost first, at least one.
    pub heads: Box<[WhenHead]>,
    pub body: Box<[Item]>,
    /// Whether the body is in braces; without them it is a single item.
    pub block: bool,
}

#[derive(Debug, Clone)]
pub struct Apply {
    pub mapping: Name,
    /// `with teams for lync`: the new system and the old one
    pub replacement: Option<Box<(Name, Name)>>,
    pub direction: Option<Box<(Name, Name)>>,
}

#[derive(Debug, Clone)]
pub struct Append {
    pub text: Name,
    pub system: Name,
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
    /// At least one, usually exactly one.
    pub terms: SmallVec<[Term; 1]>,
}

impl Side {
    pub fn span(&self) -> Span {
        self.terms
            .last()
            .map_or(self.system.span, |last| self.system.span.to(last.span()))
    }
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
    /// `previous`
    Previous(Span),
}

impl Term {
    pub fn span(&self) -> Span {
        match self {
            Self::Name(name) => name.span,
            Self::Any(span)
            | Self::Otherwise(span)
            | Self::Unchanged(span)
            | Self::Previous(span) => *span,
        }
    }
}

#[derive(Debug, Clone)]
pub enum TestItem {
    /// `role "Agents"`
    Role(Name),
    /// `role any`
    AnyRole(Span),
    /// `given enterprise_voice, not in_queue`
    Given(Box<[Condition]>),
    /// `cic "At Lunch" => lync Away append "in queue"`
    Expect(Expect),
}

#[derive(Debug, Clone)]
pub struct Expect {
    pub system: Name,
    pub states: Box<[Value]>,
    pub negated: bool,
    pub target: Name,
    pub outcomes: Box<[Outcome]>,
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
    /// `previous`
    Previous(Span),
}

/// `append "in queue", "late"`, `append nothing`
#[derive(Debug, Clone)]
pub struct Appendix {
    pub texts: Box<[Name]>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub kind: StepKind,
    /// `None`: no expectation about commands; empty: `=> nothing`.
    pub commands: Option<Box<[Command]>>,
    pub span: Span,
}

#[derive(Debug, Clone)]
pub enum StepKind {
    /// `role "Agents"`
    Role(Name),
    /// `set enterprise_voice, not in_queue`
    Set(Box<[Condition]>),
    /// `observe cic Available, lync nothing`
    Observe(Box<[(Name, Option<Name>)]>),
    /// `resync cic`; `resync any`
    Resync(Option<Name>),
    /// `wait 5m`, in seconds
    Wait(u32),
    /// `cic "At Lunch"`
    Change(Box<(Name, Name)>),
}

/// `=> lync Away append "in queue"`
#[derive(Debug, Clone)]
pub struct Command {
    pub system: Name,
    pub state: Name,
    pub appendix: Option<Appendix>,
    pub span: Span,
}
