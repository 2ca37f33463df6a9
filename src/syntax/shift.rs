//! Moves a declaration to another place of a file: every span in it, by the same number of bytes.

use crate::source::Span;
use crate::syntax::tree::{
    Allow, Append, Appendix, Apply, Command, Condition, ConditionKind, Declaration,
    DeclarationKind, Expect, GroupTerm, Item, ItemKind, Leading, Name, Outcome, Rule, Side, State,
    Step, StepKind, SystemItem, Term, TestItem, Value, When, WhenHead,
};

/// Something with spans.
pub trait Shift {
    /// Adds a number to every offset; modulo 2³², so that a large number moves backward.
    fn shift(&mut self, by: u32);
}

impl Shift for Span {
    fn shift(&mut self, by: u32) {
        self.start = self.start.wrapping_add(by);
        self.end = self.end.wrapping_add(by);
    }
}

impl Shift for u64 {
    fn shift(&mut self, _: u32) {}
}

impl Shift for u32 {
    fn shift(&mut self, _: u32) {}
}

impl Shift for bool {
    fn shift(&mut self, _: u32) {}
}

impl<T: Shift> Shift for Option<T> {
    fn shift(&mut self, by: u32) {
        self.iter_mut().for_each(|inner| inner.shift(by));
    }
}

impl<T: Shift + ?Sized> Shift for Box<T> {
    fn shift(&mut self, by: u32) {
        (**self).shift(by);
    }
}

impl<T: Shift> Shift for [T] {
    fn shift(&mut self, by: u32) {
        self.iter_mut().for_each(|one| one.shift(by));
    }
}

impl<A: Shift, B: Shift> Shift for (A, B) {
    fn shift(&mut self, by: u32) {
        self.0.shift(by);
        self.1.shift(by);
    }
}

/// Shifts every field. A new field does not compile until it is listed.
macro_rules! fields {
    ($($name:ident { $($field:ident),* })*) => {
        $(impl Shift for $name {
            fn shift(&mut self, by: u32) {
                let Self { $($field),* } = self;
                $($field.shift(by);)*
            }
        })*
    };
}

impl Shift for Name {
    fn shift(&mut self, by: u32) {
        self.span.shift(by);
    }
}

impl Shift for Leading {
    fn shift(&mut self, by: u32) {
        let (allows, doc) = self.parts_mut();
        allows.shift(by);
        doc.shift(by);
    }
}

fields! {
    Allow { codes, reason, span }
    Declaration { before, span, kind }
    State { allows, doc, name, id, reads, attributes, read_only, other, span }
    Condition { kind, span }
    Item { before, span, kind }
    WhenHead { allows, condition }
    When { heads, body, block }
    Apply { mapping, replacement, direction }
    Append { text, system }
    Rule { overriding, left, two_way, arrow, right }
    Expect { system, states, negated, target, outcomes, appendix, span }
    Appendix { texts, span }
    Step { kind, commands, span }
    Command { system, state, appendix, span }
}

impl Shift for Side {
    fn shift(&mut self, by: u32) {
        self.system.shift(by);
        self.terms.as_mut_slice().shift(by);
    }
}

/// Shifts the parts of every variant.
macro_rules! variants {
    ($($name:ident { $($variant:ident $(($($part:ident),*))? $({$($field:ident),*})?,)* })*) => {
        $(impl Shift for $name {
            fn shift(&mut self, by: u32) {
                match self {
                    $(Self::$variant $(($($part),*))? $({$($field),*})? => {
                        $($($part.shift(by);)*)?
                        $($($field.shift(by);)*)?
                    })*
                }
            }
        })*
    };
}

variants! {
    DeclarationKind {
        Use(name),
        System { name, title, items },
        Extend { system, items },
        Group { system, name, terms },
        Flag(name),
        Choice { name, values, default },
        Condition { name, condition },
        Mapping { name, items },
        Profile { name, condition, items },
        Role { name, default, profiles },
        Test { name, items },
        Scenario { name, steps },
    }
    SystemItem {
        Attributes(names),
        State(state),
        Online { fact, span },
        Text { limit, span },
        Echo { seconds, span },
    }
    GroupTerm {
        Name(name),
        Any(span),
        All { attribute, span },
    }
    ConditionKind {
        And(parts),
        Or(parts),
        Not { times, inner },
        Name(name),
        Is { subject, negated, values },
        ByHand(name),
    }
    Value {
        Name(name),
        Any(span),
    }
    ItemKind {
        When(when),
        Apply(apply),
        Append(append),
        Rule(rule),
    }
    Term {
        Name(name),
        Any(span),
        Otherwise(span),
        Unchanged(span),
        Previous(span),
    }
    TestItem {
        Role(name),
        AnyRole(span),
        Given(conditions),
        Expect(expect),
    }
    Outcome {
        Name(name),
        Any(span),
        Unchanged(span),
        Unmapped(span),
        Previous(span),
    }
    StepKind {
        Role(name),
        Set(conditions),
        Observe(observed),
        Resync(system),
        Wait(seconds),
        Change(change),
    }
}
