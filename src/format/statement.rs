//! In: the tokens of one statement and the comments between them. Out: its lines, within the width if possible.
//! A list breaks at every `|`, `,`, `and` or `or`, or at none.

use pretty::{Arena, DocAllocator, DocBuilder};

use crate::source::Span;

pub(super) struct Statement<'a> {
    pub text: &'a str,
    pub tokens: &'a [Span],
    pub comments: &'a [Span],
}

const NEST: isize = 4;

type Doc<'a> = DocBuilder<'a, Arena<'a>>;

impl<'a> Statement<'a> {
    /// The lines, and the column of the arrow in the first line, counted in characters.
    pub fn render(&self, width: usize) -> (Vec<String>, Option<usize>) {
        let arena = Arena::new();
        let document = self.document(&arena).pretty(width).to_string();
        let lines: Vec<String> = document.split('\n').map(str::to_owned).collect();
        let arrow = self
            .tokens
            .iter()
            .position(|token| matches!(self.word(*token), "->" | "<->" | "=>"));
        let column = arrow.map(|at| {
            let before: String =
                self.tokens[..at]
                    .iter()
                    .enumerate()
                    .fold(String::new(), |text, (at, token)| {
                        let space = at > 0 && self.spaced(at);
                        text + if space { " " } else { "" } + self.word(*token)
                    });
            before.chars().count() + 1
        });
        (lines, column)
    }

    fn word(&self, token: Span) -> &'a str {
        token.text(self.text)
    }

    /// If the statement does not fit, breaks after the head of a `when` and before the `=>` of an
    /// expectation; then breaks only the lists that still do not fit.
    fn document(&self, arena: &'a Arena<'a>) -> Doc<'a> {
        let mut comments = self.comments.iter().copied().peekable();
        let mut depth = 0_usize;
        let mut closed: Vec<Doc<'a>> = Vec::new();
        let mut open = ListParts::new(arena);
        let mut fresh = true;
        for (at, token) in self.tokens.iter().enumerate() {
            let word = self.word(*token);
            while let Some(comment) = comments.next_if(|comment| comment.start < token.start) {
                open.push(arena, if fresh { arena.nil() } else { arena.text(" ") });
                open.push(
                    arena,
                    arena
                        .text(comment.text(self.text).trim_end())
                        .append(arena.hardline()),
                );
                fresh = true;
            }
            let before = at
                .checked_sub(1)
                .map(|before| self.word(self.tokens[before]));
            // The head of a `when` and the left side of an expectation are separate groups.
            if depth == 0 && (before == Some(":") || (word == "=>" && self.is_expectation())) {
                closed.push(
                    std::mem::replace(&mut open, ListParts::new(arena))
                        .close(arena)
                        .nest(NEST)
                        .group(),
                );
                closed.push(if fresh { arena.nil() } else { arena.line() });
            } else if at > 0 && !fresh && self.spaced(at) {
                match before {
                    _ if depth > 0 => open.push(arena, arena.text(" ")),
                    Some(",") => open.element(arena),
                    _ if matches!(word, "and" | "or" | "default") => open.element(arena),
                    _ if word == "|" => open.push(arena, arena.line()),
                    _ => open.push(arena, arena.text(" ")),
                }
            }
            match word {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            open.push(arena, arena.text(word));
            fresh = false;
        }
        // Indent further below a head, or above the content of a block.
        let further = !closed.is_empty()
            || self
                .tokens
                .last()
                .is_some_and(|last| self.word(*last) == "{");
        let open = open.close(arena);
        closed.push(if further { open.nest(NEST) } else { open }.group());
        arena.concat(closed).nest(NEST).group()
    }

    /// Whether the statement is an expectation: exactly one `=>`, and not a scenario step such as
    /// `set`, whose commands stay on its line.
    fn is_expectation(&self) -> bool {
        let first = self.tokens.first().map(|token| self.word(*token));
        !matches!(first, Some("set" | "observe" | "resync" | "role"))
            && self
                .tokens
                .iter()
                .filter(|token| self.word(**token) == "=>")
                .count()
                == 1
    }

    /// Whether a space precedes the token.
    fn spaced(&self, at: usize) -> bool {
        let (before, word) = (self.word(self.tokens[at - 1]), self.word(self.tokens[at]));
        let closes = matches!(word, "," | ":" | ")" | ".") || (before, word) == ("{", "}");
        let opened = matches!(before, "(" | ".") || (before, word) == ("@allow", "(");
        !closes && !opened && !self.is_lint_code(at)
    }

    /// The parts of `dead-rule` in `@allow(dead-rule)` are written as one word.
    fn is_lint_code(&self, at: usize) -> bool {
        let (before, this) = (self.tokens[at - 1], self.tokens[at]);
        before.end == this.start && (self.word(before) == "-" || self.word(this) == "-")
    }
}

/// Elements in sequence; each is a group whose alternatives are indented further than the element.
struct ListParts<'a> {
    elements: Vec<Doc<'a>>,
    current: Doc<'a>,
}

impl<'a> ListParts<'a> {
    fn new(arena: &'a Arena<'a>) -> Self {
        Self {
            elements: Vec::new(),
            current: arena.nil(),
        }
    }

    fn push(&mut self, arena: &'a Arena<'a>, part: Doc<'a>) {
        let current = std::mem::replace(&mut self.current, arena.nil());
        self.current = current.append(part);
    }

    fn element(&mut self, arena: &'a Arena<'a>) {
        self.elements
            .push(std::mem::replace(&mut self.current, arena.nil()));
    }

    fn close(mut self, arena: &'a Arena<'a>) -> Doc<'a> {
        if self.elements.is_empty() {
            return self.current;
        }
        self.elements.push(self.current);
        let elements = self.elements.into_iter().enumerate();
        // The first begins on the line of its keyword.
        let groups = elements.map(|(at, element)| {
            let element = element.nest(NEST).group();
            if at == 0 {
                element
            } else {
                arena.line().append(element)
            }
        });
        arena.concat(groups)
    }
}
