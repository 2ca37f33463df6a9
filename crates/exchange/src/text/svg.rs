//! Parts of pictures.

use maud::{Markup, html};
use presync::visible;

/// Approximate width of a character of 14 pixels.
pub(crate) const CHARACTER: usize = 8;

/// The head of an arrow, in the color of its line.
pub(crate) fn arrow(id: &str) -> Markup {
    html! {
        defs {
            marker id=(id) viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"
                orient="auto-start-reverse" { path d="M 0 1 L 9 5 L 0 9" style="stroke: context-stroke; stroke-dasharray: none" {} }
        }
    }
}

/// A sentence in lines of at most `width` characters; words are not broken.
pub(crate) fn lines(sentence: &str, width: usize) -> Vec<String> {
    let options = textwrap::Options::new(width).break_words(false);
    let lines = textwrap::wrap(sentence, options).into_iter();
    lines.map(|line| line.into_owned()).collect()
}

/// A text of at most `most` characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let text = visible(text);
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
