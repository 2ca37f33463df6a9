//! In: a command-line argument in the syntax of the language. Out: its names.
//! Errors: a column instead of a location, because an argument has no file.

use pest::Parser;
use pest::error::ErrorVariant;

use crate::source::FileId;
use crate::syntax::lower::{Lower, PairNode};
use crate::syntax::{Grammar, Rule, expected, tree};

/// `in_queue`, `in_queue=false`, `cic="Available, Forward"`, `lync=Busy by hand`, `own lync=Away`
#[derive(Debug, Clone)]
pub struct Assignment {
    pub name: tree::Name,
    pub value: Option<tree::Name>,
    /// The word `own` before the name.
    pub own: bool,
    pub by_hand: bool,
}

/// A command-line argument that does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {} at character {column} of `{text}`", expected.as_deref().unwrap_or("a different character"))]
pub struct ArgumentError {
    /// A phrase for what is valid at this point, if known.
    pub expected: Option<String>,
    /// Counts from 1.
    pub column: usize,
    pub text: String,
}

/// `cic "At Lunch"`: a system and a state.
pub fn parse_change(text: &str) -> Result<(tree::Name, tree::Name), ArgumentError> {
    let names = parse(Rule::change_argument, text)?;
    let lower = Lower::new(FileId(0), text, &[]);
    let mut names = names.inner().map(|name| lower.name(&name));
    match (names.next(), names.next()) {
        (Some(system), Some(state)) => Ok((system, state)),
        _ => Err(ArgumentError {
            expected: Some("a system and a state".to_owned()),
            column: 1,
            text: text.to_owned(),
        }),
    }
}

/// `enterprise_voice,in_queue=false,lync=Busy`
pub fn parse_given(text: &str) -> Result<Vec<Assignment>, ArgumentError> {
    let list = parse(Rule::given_argument, text)?;
    let lower = Lower::new(FileId(0), text, &[]);
    let assignments = list
        .inner()
        .filter(|node| node.is(Rule::assignment))
        .map(|node| {
            let has = |rule| node.clone().inner().any(|child| child.is(rule));
            let (own, by_hand) = (has(Rule::kw_own), has(Rule::by_hand));
            let mut names = node
                .inner()
                .filter(|child| child.is(Rule::fact_ref) || child.is(Rule::value_ref))
                .map(|name| lower.name(&name));
            let name = names.next().expect("an assignment names something");
            Assignment {
                name,
                value: names.next(),
                own,
                by_hand,
            }
        });
    Ok(assignments.collect())
}

/// `lync=teams`, `lync "Off Work"=Offline`, `user_type im=chat`, `role "Agents"="Team"`: whether the word `role` comes
/// first, and the two or three names.
pub fn parse_renaming(text: &str) -> Result<(bool, Vec<tree::Name>), ArgumentError> {
    let argument = parse(Rule::rename_argument, text)?;
    let lower = Lower::new(FileId(0), text, &[]);
    let role = argument.clone().inner().any(|node| node.is(Rule::kw_role));
    let names = argument
        .inner()
        .filter(|node| node.is(Rule::fact_ref) || node.is(Rule::value_ref))
        .map(|name| lower.name(&name));
    Ok((role, names.collect()))
}

fn parse(rule: Rule, text: &str) -> Result<PairNode<'_>, ArgumentError> {
    let mut pairs = Grammar::parse(rule, text).map_err(|error| {
        let positives = match &error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives.as_slice(),
            ErrorVariant::CustomError { .. } => &[],
        };
        let column = match error.line_col {
            pest::error::LineColLocation::Pos((_, column))
            | pest::error::LineColLocation::Span((_, column), _) => column,
        };
        let words = expected::words(positives).replace("declaration", "argument");
        ArgumentError {
            expected: Some(words).filter(|words| !words.is_empty()),
            column,
            text: text.to_owned(),
        }
    })?;
    Ok(PairNode::new(
        0,
        pairs.next().expect("a parse yields its rule"),
    ))
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
        let given = parse_given("own lync=Away, lync=Busy by hand, own=x, own").expect("it is");
        let marks = given
            .iter()
            .map(|one| (&*one.name.text, one.own, one.by_hand));
        let wanted = [
            ("lync", true, false),
            ("lync", false, true),
            ("own", false, false),
            ("own", false, false),
        ];
        assert_eq!(marks.collect::<Vec<_>>(), wanted);
        assert!(parse_given("a,,b").is_err());
        assert!(parse_change("cic").is_err());
    }
}
