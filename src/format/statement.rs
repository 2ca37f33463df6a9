//! In: the tokens of one statement and the comments among them. Out: its lines, within a width where that can be.
//! Lists break at every `|`, `,`, `and` or `or` of theirs or at none.

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
    /// The lines, and the column of the arrow in the first, counted in characters.
    pub fn render(&self, width: usize) -> (Vec<String>, Option<usize>) {
        let arena = Arena::new();
        let document = self.document(&arena).pretty(width).to_string();
        let lines: Vec<String> = document.split('\n').map(str::to_owned).collect();
        let arrow = self.tokens.iter().position(|token| matches!(self.word(*token), "->" | "<->" | "=>"));
        let column = arrow.map(|at| {
            let before: String = self.tokens[..at].iter().enumerate().fold(String::new(), |text, (at, token)| {
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

    /// `when c:` on its own line if the rest does not fit; then each list by itself.
    fn document(&self, arena: &'a Arena<'a>) -> Doc<'a> {
        let mut comments = self.comments.iter().copied().peekable();
        let mut depth = 0_usize;
        let mut closed: Vec<Doc<'a>> = Vec::new();
        let mut open = arena.nil();
        for (at, token) in self.tokens.iter().enumerate() {
            let word = self.word(*token);
            let mut commented = false;
            while let Some(comment) = comments.next_if(|comment| comment.start < token.start) {
                let text = comment.text(self.text).trim_end();
                open = open.append(if at == 0 { "" } else { " " }).append(arena.text(text)).append(arena.hardline());
                commented = true;
            }
            let ended = at > 0 && depth == 0 && self.word(self.tokens[at - 1]) == ":";
            if ended {
                // The head of a `when` is a group of its own.
                closed.push(std::mem::replace(&mut open, arena.nil()).nest(NEST).group());
                closed.push(if commented { arena.nil() } else { arena.line() });
            } else if at > 0 && !commented && self.spaced(at) {
                open = open.append(if self.breaks_before(at, depth) { arena.line() } else { arena.text(" ") });
            }
            match word {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ => {}
            }
            open = open.append(arena.text(word));
        }
        // What goes on below a head, or above the content of a block, stands further in than that.
        let further = !closed.is_empty() || self.tokens.last().is_some_and(|last| self.word(*last) == "{");
        closed.push(if further { open.nest(NEST) } else { open }.group());
        arena.concat(closed).nest(NEST).group()
    }

    /// Whether a list may be broken here.
    fn breaks_before(&self, at: usize, depth: usize) -> bool {
        let (before, word) = (self.word(self.tokens[at - 1]), self.word(self.tokens[at]));
        depth == 0 && (matches!(word, "|" | "and" | "or" | "default") || before == ",")
    }

    /// Whether a space stands before a token.
    fn spaced(&self, at: usize) -> bool {
        let (before, word) = (self.word(self.tokens[at - 1]), self.word(self.tokens[at]));
        let closes = matches!(word, "," | ":" | ")" | ".") || (before, word) == ("{", "}");
        let opened = matches!(before, "(" | ".") || (before, word) == ("@allow", "(");
        !closes && !opened && !self.is_lint_code(at)
    }

    /// The parts of `dead-rule` in `@allow(dead-rule)` are one word to people.
    fn is_lint_code(&self, at: usize) -> bool {
        let (before, this) = (self.tokens[at - 1], self.tokens[at]);
        before.end == this.start && (self.word(before) == "-" || self.word(this) == "-")
    }
}
