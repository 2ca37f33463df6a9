//! In: a command-line argument in the language's own words. Out: its names.
//! An error is a sentence: there is no file to point into.

use pest::Parser;
use pest::error::ErrorVariant;

use crate::source::FileId;
use crate::syntax::lower::{Lower, Node};
use crate::syntax::{Grammar, Rule, expected, tree};

/// `in_queue`, `in_queue=false`, `cic="Available, Forward"`
#[derive(Debug, Clone)]
pub struct Assignment {
    pub name: tree::Name,
    pub value: Option<tree::Name>,
}

/// `cic "At Lunch"`: a system and a state.
pub fn parse_change(text: &str) -> Result<(tree::Name, tree::Name), String> {
    let names = parse(Rule::change_argument, text)?;
    let lower = Lower::new(FileId(0), text, &[]);
    let mut names = names.inner().map(|name| lower.name(&name));
    match (names.next(), names.next()) {
        (Some(system), Some(state)) => Ok((system, state)),
        _ => Err("expected a system and a state".to_owned()),
    }
}

/// `enterprise_voice,in_queue=false,lync=Busy`
pub fn parse_given(text: &str) -> Result<Vec<Assignment>, String> {
    let list = parse(Rule::given_argument, text)?;
    let lower = Lower::new(FileId(0), text, &[]);
    let assignments = list
        .inner()
        .filter(|node| node.is(Rule::assignment))
        .map(|node| {
            let mut names = node
                .inner()
                .filter(|child| !child.is(Rule::equals))
                .map(|name| lower.name(&name));
            let name = names.next().expect("an assignment begins with a name");
            Assignment {
                name,
                value: names.next(),
            }
        });
    Ok(assignments.collect())
}

fn parse(rule: Rule, text: &str) -> Result<Node<'_>, String> {
    let mut pairs = Grammar::parse(rule, text).map_err(|error| {
        let ErrorVariant::ParsingError { positives, .. } = &error.variant else {
            return "cannot be read".to_owned();
        };
        let column = match error.line_col {
            pest::error::LineColLocation::Pos((_, column))
            | pest::error::LineColLocation::Span((_, column), _) => column,
        };
        let words = expected::words(positives);
        let words = if words.is_empty() {
            "something else".to_owned()
        } else {
            words.replace("declaration", "argument")
        };
        format!("expected {words} at character {column} of `{text}`")
    })?;
    Ok(Node::new(0, pairs.next().expect("a parse yields its rule")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_takes_quoted_names_with_commas() {
        let given =
            parse_given(r#"a, b=false,cic="Available, Forward""#).expect("it is well formed");
        assert_eq!(given.len(), 3);
        assert_eq!(
            &*given[2].value.as_ref().expect("it has a value").text,
            "Available, Forward"
        );
        assert!(parse_given("a,,b").is_err());
        assert!(parse_change("cic").is_err());
    }
}
